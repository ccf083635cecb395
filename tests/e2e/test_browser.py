# SPDX-License-Identifier: Apache-2.0
"""The session of a browser: one cookie, a token beside it for each change, and nothing from other sites. The clock is shifted, nobody waits."""
import hashlib
import json

import pytest

from baifang import PASSWORD, Events, Server, base64url, uuid7
from test_isolation import Story
from test_secrets import kept, raw
from test_tokens import DAY_MS, MINUTE_MS, NEW_PASSWORD, code, good

COOKIE = "__Host-baifang"


@pytest.fixture
def clock(server):
    yield server.shift_clock
    server.shift_clock(0)


class Browser:
    """What a browser does: keeps the cookie, and the page in it keeps the token."""

    def __init__(self, company, login, password=PASSWORD, cookie=None, name="Chromium"):
        self.company, self.http = company, company.server.client()
        self.cookie = cookie
        self.answer = self.send("POST", "/v1/web/sign_in", token=None,
                                json={"tenant": company.code, "login": login, "password": password, "browser": name})
        self.told = self.answer.json()
        self.csrf = self.told.get("csrf_token")
        if self.answer.status_code == 200:
            self.cookie = self.answer.headers["set-cookie"].split(";")[0].split("=", 1)[1]

    def headers(self, extra=None):
        return {**({"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}), "origin": self.company.server.url(), **(extra or {})}

    def send(self, method, path, token=True, headers=None, **options):
        shown = {"x-csrf-token": self.csrf if token is True else token} if token else {}
        sent = {**self.headers(), **shown, **(headers or {})}
        return self.http.request(method, path, headers={k: v for k, v in sent.items() if v is not None}, **options)

    def get(self, path, **options):
        return self.send("GET", path, token=None, **options)

    def customer(self, **options):
        body = {"id": uuid7(), "type": "company", "name": "客户" + uuid7(), "industry": "retail", "grade": "B", "phone": "13800138000",
                "primary_contact": {"id": uuid7(), "name": "陈经理", "phone": "13900139000"}}
        return self.send("POST", "/v1/customers", json=body, **options)


@pytest.fixture
def browser(company):
    return Browser(company, "wang")


def test_a_sign_in_sets_one_cookie_that_no_script_and_no_other_site_can_use(company, browser):
    name, _, rest = browser.answer.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert browser.answer.status_code == 200 and len(browser.answer.headers.get_list("set-cookie")) == 1
    assert name == COOKIE and len(value) == 86 and sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]
    assert browser.answer.headers["cache-control"] == "no-store"
    assert value not in browser.answer.text and browser.told["csrf_token"] not in value
    assert set(browser.told) == {"user", "session", "must_change_password", "csrf_token", "tz"} and browser.told["tz"] == "Asia/Shanghai" and browser.told["user"]["login"] == "wang"
    assert browser.told["must_change_password"] is False


def test_the_cookie_opens_all_that_a_bearer_token_does(company, browser):
    created = browser.customer()
    assert created.status_code == 201
    id = created.json()["id"]
    assert browser.get(f"/v1/customers/{id}").json() == company.sign_in("wang").get(f"/v1/customers/{id}").json()
    assert id in [item["id"] for item in browser.get("/v1/customers?limit=200").json()["items"]]
    told = good(browser.get("/v1/web/session"))
    assert told == browser.told
    etag = browser.get("/v1/me").headers["etag"]
    assert browser.send("PATCH", "/v1/me", json={"lang": "en"}, headers={"if-match": etag}).status_code == 200
    assert good(browser.get("/v1/web/session"))["user"]["lang"] == "en"


def test_a_change_needs_the_token_of_this_session(company, browser):
    other = Browser(company, "wang")
    assert other.csrf != browser.csrf
    for token in (None, "", "x", other.csrf, browser.csrf[:-1], browser.csrf + "A", browser.csrf.swapcase(), browser.cookie):
        assert code(browser.customer(token=token), 403) == "csrf_token", token
        assert code(browser.send("POST", "/v1/web/sign_out", token=token), 403) == "csrf_token", token
        assert code(browser.send("DELETE", "/v1/sessions/" + uuid7(), token=token), 403) == "csrf_token"
        assert code(browser.send("PATCH", "/v1/me", token=token, json={}), 403) == "csrf_token"
        assert code(browser.send("POST", "/v1/uploads", token=token, headers={"tus-resumable": "1.0.0", "upload-length": "10",
                                 "upload-metadata": "type aW1hZ2UvanBlZw=="}), 403) == "csrf_token"
    assert browser.get("/v1/me").status_code == 200
    assert browser.customer().status_code == 201


@pytest.mark.parametrize("site, origin, wanted", [
    ("same-origin", True, 200), ("same-origin", None, 200), ("none", None, 200), (None, True, 200), (None, None, 200),
    ("same-origin", "https://proxy.example", 200),  # a proxy gives another Host; the browser knows better
    ("cross-site", None, 403), ("same-site", None, 403), ("cross-site", True, 403), ("", True, 403), ("Same-Origin", True, 403),
    (None, "https://evil.example", 403), (None, "null", 403), (None, "", 403), (None, "http", 403)])
def test_what_comes_from_another_site_is_refused_whatever_it_asks(company, browser, site, origin, wanted):
    given = {True: company.server.url(), "http": company.server.url().replace("https", "http")}
    headers = {"sec-fetch-site": site, "origin": given.get(origin, origin)}
    asked = [browser.get("/v1/me", headers=headers), browser.customer(headers=headers),
             browser.send("POST", "/v1/web/sign_in", token=None, headers={**headers, "cookie": None},
                          json={"tenant": company.code, "login": "wang", "password": PASSWORD})]
    for answer in asked:
        assert answer.status_code in ((200, 201) if wanted == 200 else (403,)), answer.text
        assert wanted == 200 or code(answer, 403) == "cross_origin"


def test_a_bearer_token_is_judged_alone_and_neither_is_good_as_the_other(company, browser):
    li = company.sign_in("li")
    both = {"authorization": li.headers()["authorization"]}
    assert browser.get("/v1/me", headers=both).json()["login"] == "li"
    assert browser.customer(token=None, headers={**both, "origin": "https://evil.example"}).status_code == 201  # shown on purpose
    assert code(browser.get("/v1/me", headers={"authorization": "Bearer " + "A" * 86})) == "unauthenticated"
    assert code(browser.get("/v1/me", headers={"authorization": "Bearer " + browser.cookie, "cookie": None})) == "unauthenticated"
    assert browser.get("/v1/me").json()["login"] == "wang"
    assert code(browser.get("/v1/me", headers={"authorization": "Bearer " + browser.cookie})) == "unauthenticated"
    assert code(browser.get("/v1/me", headers={"cookie": f"{COOKIE}={li.tokens['access_token']}"})) == "unauthenticated"
    assert li.get("/v1/me").status_code == 200
    # No refresh token can be made for a session that has none.
    id = good(browser.get("/v1/web/session"))["session"]
    forged = base64url(raw(browser.cookie)[:32] + bytes(48))
    with company.server.client() as http:
        assert code(http.post("/v1/refresh", json={"refresh_token": forged})) == "unauthenticated"
    assert browser.get("/v1/web/session").json()["session"] == id


@pytest.mark.parametrize("cookie", ["{0}=", "{0}=x", "{0}={1}A", "{0}={1}; {0}={1}", "{0}=x; {0}={1}", "{0} ={1}", "x{0}={1}", "baifang={1}", "__host-baifang={1}",
                                    "{0}=\"{1}\"", "; ;;{0}", "a={0}={1}"])
def test_a_cookie_that_is_not_ours_is_none(company, browser, cookie):
    assert code(browser.get("/v1/me", headers={"cookie": cookie.format(COOKIE, browser.cookie)})) == "unauthenticated"


def test_ours_is_found_among_others(company, browser):
    for header in (f"a=b; {COOKIE}={browser.cookie}; c=d", f"a=b;{COOKIE}={browser.cookie}", f"{COOKIE}={browser.cookie} ;"):
        assert browser.get("/v1/me", headers={"cookie": header}).status_code == 200, header


def test_a_sign_out_ends_the_session_and_takes_the_cookie_away(company, browser):
    answer = browser.send("POST", "/v1/web/sign_out")
    assert answer.status_code == 204
    assert answer.headers["set-cookie"] == f"{COOKIE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict"
    assert code(browser.get("/v1/me")) == code(browser.get("/v1/web/session")) == code(browser.customer()) == "unauthenticated"


def test_it_is_listed_and_can_be_ended_from_elsewhere(company, browser):
    phone = company.sign_in("wang")
    listed = {item["id"]: item for item in phone.get("/v1/sessions").json()["items"]}
    mine = listed[browser.told["session"]]
    assert mine["platform"] == "web" and mine["device_name"] == "Chromium" and not mine["current"] and "device" not in mine
    assert {item["id"] for item in browser.get("/v1/sessions").json()["items"] if item["current"]} == {browser.told["session"]}
    assert phone.request("DELETE", "/v1/sessions/" + browser.told["session"]).status_code == 204
    assert code(browser.get("/v1/me")) == "unauthenticated"


def test_a_freeze_and_a_new_role_act_on_the_next_request_and_on_an_open_stream(server):
    company = server.company()
    for act in (["freeze", company.code, "wang"], ["user", "assign", company.code, "li", "supervisor", company.team]):
        browser = Browser(company, "wang" if "wang" in act else "li")
        with stream(browser) as events:
            assert events.status == 200
            server.admin(*act)
            events.wait_end()
        assert code(browser.get("/v1/me")) == code(browser.customer()) == "unauthenticated"


class Page:
    """As Events wants a person: an EventSource sends the cookie and no Origin."""

    def __init__(self, browser):
        self.company, self.browser = browser.company, browser

    def headers(self, extra):
        return {"cookie": f"{COOKIE}={self.browser.cookie}", "sec-fetch-site": "same-origin", **extra}


def stream(browser):
    return Events(Page(browser))


def test_events_come_to_a_page(company, browser):
    with stream(browser) as events:
        id = browser.customer().json()["id"]
        assert events.wait(lambda event, data: data.get("id") == id)[0] == "change"


def test_media_come_to_a_page_and_stay_in_no_cache(company, browser):
    story = Story(company.sign_in("wang"))
    path = f"/v1/visits/{story.visit}/media/{story.media}/small"
    answer = browser.get(path, headers={"sec-fetch-site": "same-origin", "sec-fetch-dest": "image", "origin": None})
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp" and answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert code(browser.get(path, headers={"sec-fetch-site": "cross-site", "sec-fetch-dest": "image", "origin": None}), 403) == "cross_origin"


def test_other_companies_and_colleagues_stay_out_of_sight(server, company, browser):
    id = browser.customer().json()["id"]
    for stranger in (Browser(server.company(), "qian"), Browser(company, "li")):
        assert code(stranger.get(f"/v1/customers/{id}"), 404) == "not_found"
        assert code(stranger.send("DELETE", "/v1/sessions/" + browser.told["session"]), 404) == "not_found"
    assert browser.get(f"/v1/customers/{id}").status_code == 200


# ---- times (G-10) ----

@pytest.mark.parametrize("minutes", [None, 5, 120])
def test_G_10_a_browser_may_idle_as_long_as_the_company_says_counted_from_its_last_use(server, clock, minutes):
    company = server.company()
    if minutes:
        server.admin("policy", company.code, input=json.dumps({"idle_web_minutes_max": minutes, "reason": "试行"}))
    idle_ms = (minutes or 30) * MINUTE_MS
    browser, now_ms = Browser(company, "wang"), 0
    for _ in range(4):
        now_ms += idle_ms - max(MINUTE_MS, idle_ms // 10) - 1000
        clock(now_ms)
        assert browser.get("/v1/me").status_code == 200
    clock(now_ms + idle_ms)
    assert code(browser.get("/v1/me")) == code(browser.customer()) == "unauthenticated"


def test_G_10_uses_within_a_minute_count_as_one(server, company, clock):
    browser = Browser(company, "wang")
    used = [good(browser.get("/v1/sessions"))["items"] for _ in range(2)]
    assert used[0] == used[1]
    clock(MINUTE_MS + 1000)
    assert good(browser.get("/v1/sessions"))["items"] != used[0]


def test_G_10_a_page_that_lies_open_is_no_use(server, company, clock):
    """Its stream comes back by itself, and keeps nobody signed in."""
    browser = Browser(company, "wang")
    for minutes in (10, 20, 29):
        clock(minutes * MINUTE_MS)
        with stream(browser) as events:
            assert events.status == 200
    clock(30 * MINUTE_MS)
    with stream(browser) as events:
        assert events.status == 401
    assert code(browser.get("/v1/me")) == "unauthenticated"


def test_G_10_a_new_number_reaches_a_session_with_its_next_use(server, clock):
    company = server.company()
    browser = Browser(company, "wang")
    server.admin("policy", company.code, input='{"idle_web_minutes_max":10,"reason":"试行"}')
    clock(2 * MINUTE_MS)
    assert browser.get("/v1/me").status_code == 200
    clock(12 * MINUTE_MS + 1000)
    assert code(browser.get("/v1/me")) == "unauthenticated"


def test_a_session_ends_at_the_latest_after_its_life(tmp_path):
    with Server(tmp_path, {"access": {"session_life": 1}}) as server:
        company = server.company()
        server.admin("policy", company.code, input='{"idle_web_minutes_max":1440,"reason":"试行"}')
        browser = Browser(company, "wang")
        server.shift_clock(DAY_MS // 2)
        assert browser.get("/v1/me").status_code == 200
        server.shift_clock(DAY_MS + 1000)
        assert code(browser.get("/v1/me")) == "unauthenticated"


def test_the_session_outlives_a_restart(tmp_path):
    with Server(tmp_path) as server:
        browser = Browser(server.company(), "wang")
        server.kill()
        browser.http = server.client()
        assert browser.get("/v1/me").status_code == 200 and browser.customer().status_code == 201


# ---- sign-in ----

def test_the_secrets_are_kept_as_hashes_only(tmp_path):
    with Server(tmp_path) as server:
        browser = Browser(server.company(), "wang")
        assert browser.customer().status_code == 201
        token, csrf = raw(browser.cookie), raw(browser.csrf)
        secrets = [browser.cookie.encode(), token[-32:], token[-32:].hex().encode(), browser.csrf.encode(), csrf, csrf.hex().encode()]
        for where, content in kept(server).items():
            assert not [secret for secret in secrets if secret in content], where
        assert any(hashlib.sha256(token[-32:]).digest() in content for content in kept(server).values()), "the places were looked at"


def test_a_browser_is_one_of_the_three_and_what_rests_for_good_makes_room(server, clock):
    """Else a browser that signs in anew each morning would push the phone out."""
    company = server.company()
    phone = company.sign_in("wang")
    for day in range(5):
        clock(day * 31 * MINUTE_MS)
        assert Browser(company, "wang").answer.status_code == 200
    phone.refresh()
    assert phone.get("/v1/me").status_code == 200
    browsers = [Browser(company, "wang") for _ in range(3)]
    assert [b.get("/v1/me").status_code for b in browsers] == [200, 200, 200]
    assert code(phone.get("/v1/me")) == "unauthenticated"


def test_a_sign_in_over_another_ends_that_one(company, browser):
    again = Browser(company, "li", cookie=browser.cookie)
    assert again.get("/v1/me").json()["login"] == "li" and code(browser.get("/v1/me")) == "unauthenticated"
    wrong = Browser(company, "li", "falsch-falsch-1", cookie=again.cookie)
    assert code(wrong.answer) == "wrong_credentials" and again.get("/v1/me").status_code == 200


def test_sign_ins_are_throttled_with_those_of_phones(tmp_path):
    with Server(tmp_path, {"access": {"tries_account": 3, "tries_address": 1000}}) as server:
        company = server.company()
        for _ in range(3):
            assert code(Browser(company, "wang", "falsch").answer) == "wrong_credentials"
        answer = Browser(company, "wang").answer
        assert code(answer, 429) == "throttled" and 1 <= int(answer.headers["retry-after"]) <= 60 and "set-cookie" not in answer.headers
        with server.client() as http:
            assert http.post("/v1/sign_in", json={"tenant": company.code, "login": "wang", "password": PASSWORD}).status_code == 429


def test_G_24_the_first_password_is_changed_before_anything_else(server, company):
    login = "new" + uuid7()[-12:]
    server.admin("user", "add", company.code, login, "孙新", "rep", company.team, input=PASSWORD + "\n")
    browser = Browser(company, login)
    elsewhere = Browser(company, login)
    assert browser.told["must_change_password"] is True and good(browser.get("/v1/web/session"))["must_change_password"] is True
    for method, path in (("GET", "/v1/customers"), ("POST", "/v1/customers"), ("GET", "/v1/events"), ("GET", "/v1/sessions")):
        assert code(browser.send(method, path), 403) == "password_change_required"
    change = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert code(browser.send("POST", "/v1/password", token=None, json=change), 403) == "csrf_token"
    assert browser.send("POST", "/v1/password", json=change).status_code == 204
    assert good(browser.get("/v1/web/session"))["must_change_password"] is False and browser.get("/v1/customers").status_code == 200
    assert code(elsewhere.get("/v1/me")) == "unauthenticated"


def test_G_10_an_old_password_is_changed_also_where_one_stays_signed_in(server, clock):
    company = server.company()
    server.admin("policy", company.code, input='{"idle_web_minutes_max":10080,"reason":"试行"}')
    server.admin("user", "add", company.code, "sun", "孙新", "rep", company.team, input=PASSWORD + "\n")
    browser = Browser(company, "sun")
    assert browser.send("POST", "/v1/password", json={"old_password": PASSWORD, "new_password": NEW_PASSWORD}).status_code == 204
    for days in range(6, 90, 6):
        clock(days * DAY_MS)
        assert browser.get("/v1/customers").status_code == 200, days
    clock(90 * DAY_MS + MINUTE_MS)
    assert code(browser.get("/v1/customers"), 403) == "password_change_required"
    assert good(browser.get("/v1/web/session"))["must_change_password"] is True

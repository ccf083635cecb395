# SPDX-License-Identifier: Apache-2.0
"""Sign-in, the rotation of refresh tokens, sessions and what ends them. The server's clock is shifted, nobody waits."""
import time

import pytest

from baifang import PASSWORD, Server, at_once, rfc3339, uuid7

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
NEW_PASSWORD = "vier-Pflaumen-im-Korb-57"


@pytest.fixture
def clock(server):
    yield server.shift_clock
    server.shift_clock(0)


@pytest.fixture
def person(company, server):
    """A rep of one's own for each test: (login, id)."""
    login = "rep" + uuid7()[-12:]
    return login, company.add(login, "王伟", "rep", company.team)


def refresh(server, token):
    with server.client() as http:
        return http.post("/v1/refresh", json={"refresh_token": token})


def good(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def code(answer, status=401):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["code"]


def me(server, access_token):
    with server.client() as http:
        return http.get("/v1/me", headers={"authorization": "Bearer " + access_token})


def sign_in(server, company, login, password=PASSWORD, device=None, platform="android"):
    body = {"tenant": company.code, "login": login, "password": password}
    if device:
        body["device"] = {"id": device, "name": "手机", "platform": platform}
    with server.client() as http:
        return http.post("/v1/sign_in", json=body)


# ---- rotation ----

def test_each_refresh_gives_new_tokens_and_the_old_access_token_lives_out_its_time(server, company, person):
    first = good(sign_in(server, company, person[0], device=uuid7()))
    second = good(refresh(server, first["refresh_token"]))
    assert second["session"] == first["session"]
    assert len({first["access_token"], first["refresh_token"], second["access_token"], second["refresh_token"]}) == 4
    assert me(server, first["access_token"]).status_code == me(server, second["access_token"]).status_code == 200


@pytest.mark.parametrize("later_ms", [0, HOUR_MS, 7 * DAY_MS])
def test_a_dropped_answer_does_not_sign_the_phone_out_however_long_the_tunnel(server, company, person, clock, later_ms):
    first = good(sign_in(server, company, person[0], device=uuid7()))
    lost = good(refresh(server, first["refresh_token"]))  # the phone never saw this
    clock(later_ms)
    again = good(refresh(server, first["refresh_token"]))
    assert me(server, again["access_token"]).status_code == 200
    # Once the predecessor was shown again, what was lost is void, and using it is a theft.
    assert code(refresh(server, lost["refresh_token"])) == "unauthenticated"
    assert code(me(server, again["access_token"])) == "unauthenticated"


def test_many_dropped_answers_in_a_row_do_not_sign_the_phone_out(server, company, person):
    first = good(sign_in(server, company, person[0], device=uuid7()))
    last = [good(refresh(server, first["refresh_token"])) for _ in range(5)][-1]
    assert me(server, good(refresh(server, last["refresh_token"]))["access_token"]).status_code == 200


def test_a_stolen_old_token_ends_the_family(server, company, person):
    first = good(sign_in(server, company, person[0], device=uuid7()))
    second = good(refresh(server, first["refresh_token"]))
    third = good(refresh(server, second["refresh_token"]))  # the successor was used: the first token is spent
    assert code(refresh(server, first["refresh_token"])) == "unauthenticated"
    for tokens in (first, second, third):
        assert code(me(server, tokens["access_token"])) == "unauthenticated"
        assert code(refresh(server, tokens["refresh_token"])) == "unauthenticated"


def test_a_thief_who_refreshes_first_is_found_when_the_phone_comes_back(server, company, person):
    stolen = good(sign_in(server, company, person[0], device=uuid7()))["refresh_token"]
    thief = good(refresh(server, stolen))
    thief = good(refresh(server, thief["refresh_token"]))
    assert code(refresh(server, stolen)) == "unauthenticated"
    assert code(me(server, thief["access_token"])) == "unauthenticated"


def test_a_theft_ends_one_family_and_no_other(server, company, person):
    kept = good(sign_in(server, company, person[0], device=uuid7()))
    first = good(sign_in(server, company, person[0], device=uuid7()))
    second = good(refresh(server, first["refresh_token"]))
    good(refresh(server, second["refresh_token"]))
    assert code(refresh(server, first["refresh_token"])) == "unauthenticated"
    assert me(server, kept["access_token"]).status_code == 200 and refresh(server, kept["refresh_token"]).status_code == 200


def test_two_refreshes_at_once_leave_one_good_pair(server, company, person):
    """Both show the same token: each answer is one of a lost answer's two, and the last of them holds."""
    first = good(sign_in(server, company, person[0], device=uuid7()))
    answers = [good(a) for a in at_once([lambda: refresh(server, first["refresh_token"])] * 2)]
    assert answers[0]["refresh_token"] != answers[1]["refresh_token"]
    assert all(me(server, a["access_token"]).status_code == 200 for a in answers)
    assert good(refresh(server, first["refresh_token"]))["session"] == first["session"]


def test_a_token_that_was_altered_ends_nothing(server, company, person):
    first = good(sign_in(server, company, person[0], device=uuid7()))
    token = first["refresh_token"]
    family_off = token[:43] + ("A" if token[43] != "A" else "B") + token[44:]  # bytes 32 to 47 are the family's tag
    for bad in ("", "x", token[:-1], token + "A", family_off, token.replace(token[:10], "A" * 10), "é" * 20):
        answer = refresh(server, bad)
        assert answer.status_code in (400, 401), answer.text
    assert me(server, first["access_token"]).status_code == 200
    assert refresh(server, token).status_code == 200


def test_tokens_stay_good_over_a_restart(tmp_path):
    with Server(tmp_path) as server:
        company = server.company()
        wang = company.sign_in("wang")
        server.kill()
        wang.reconnect()
        assert wang.get("/v1/me").status_code == 200
        wang.refresh()
        assert wang.get("/v1/me").json()["login"] == "wang"


# ---- times ----

def test_an_access_token_expires_and_a_refresh_brings_the_phone_back(server, company, person, clock):
    tokens = good(sign_in(server, company, person[0], device=uuid7()))
    clock(9 * MINUTE_MS)
    assert me(server, tokens["access_token"]).status_code == 200
    clock(10 * MINUTE_MS + 1)
    assert code(me(server, tokens["access_token"])) == "token_expired"
    assert me(server, good(refresh(server, tokens["refresh_token"]))["access_token"]).status_code == 200


def test_access_expires_at_is_the_time_it_expires(server, company, person, clock):
    before = time.time() * 1000
    tokens = good(sign_in(server, company, person[0], device=uuid7()))
    after = time.time() * 1000
    assert rfc3339(int(before) + 10 * MINUTE_MS - 1) <= tokens["access_expires_at"] <= rfc3339(int(after) + 10 * MINUTE_MS + 1)


@pytest.mark.parametrize("platform, idle_ms", [("android", 15 * DAY_MS), ("ios", 15 * DAY_MS), ("web", 30 * MINUTE_MS), (None, 30 * MINUTE_MS)])
def test_a_session_that_is_idle_ends(server, company, person, clock, platform, idle_ms):
    """G-10: 15 days on phones, 30 minutes in the browser and where nobody says what it is, counted from the last refresh."""
    tokens = good(sign_in(server, company, person[0], device=uuid7() if platform else None, platform=platform))
    clock(idle_ms - MINUTE_MS)
    tokens = good(refresh(server, tokens["refresh_token"]))
    clock(2 * idle_ms - 2 * MINUTE_MS)
    tokens = good(refresh(server, tokens["refresh_token"]))
    clock(3 * idle_ms - MINUTE_MS)
    assert code(refresh(server, tokens["refresh_token"])) == "unauthenticated"
    assert code(refresh(server, tokens["refresh_token"])) == "unauthenticated"


def test_how_long_a_session_may_idle_is_the_companys_from_its_next_refresh(server, clock):
    company = server.company()
    phone, browser = (good(sign_in(server, company, "wang", device=uuid7(), platform=platform)) for platform in ("android", "web"))
    server.admin("policy", company.code, input='{"idle_days_max":2,"idle_web_minutes_max":60,"reason":"试行"}')
    phone, browser = (good(refresh(server, tokens["refresh_token"])) for tokens in (phone, browser))
    clock(59 * MINUTE_MS)
    good(refresh(server, browser["refresh_token"]))
    clock(2 * DAY_MS + MINUTE_MS)
    assert code(refresh(server, phone["refresh_token"])) == "unauthenticated"


def test_no_access_token_outlives_the_rest_that_its_session_may_have(server, clock):
    """G-10: a browser that was left serves nobody; one that refreshes when its token ends goes on."""
    company = server.company()
    server.admin("policy", company.code, input='{"idle_web_minutes_max":5,"reason":"试行"}')
    tokens = good(sign_in(server, company, "wang", device=uuid7(), platform="web"))
    clock(5 * MINUTE_MS)
    assert code(me(server, tokens["access_token"])) == "token_expired"
    assert code(refresh(server, tokens["refresh_token"])) == "unauthenticated"
    tokens, now_ms = good(sign_in(server, company, "wang", device=uuid7(), platform="web")), 5 * MINUTE_MS
    for _ in range(5):
        now_ms += 5 * MINUTE_MS // 2 + 2000
        clock(now_ms)
        assert code(me(server, tokens["access_token"])) == "token_expired"
        tokens = good(refresh(server, tokens["refresh_token"]))
        assert me(server, tokens["access_token"]).status_code == 200


def test_a_session_ends_at_the_latest_after_its_life(server, company, person, clock):
    tokens = good(sign_in(server, company, person[0], device=uuid7()))
    for days in range(14, 180, 14):
        clock(days * DAY_MS)
        tokens = good(refresh(server, tokens["refresh_token"]))
    clock(180 * DAY_MS + MINUTE_MS)
    assert code(refresh(server, tokens["refresh_token"])) == "unauthenticated"


# ---- sign-in ----

def test_wrong_credentials_are_answered_in_the_same_words_whatever_is_wrong(server, company, person):
    answers = [sign_in(server, company, person[0], "nicht-das-Passwort-1"), sign_in(server, company, "nobody" + uuid7()),
               sign_in(server, type("", (), {"code": "no-such-company"}), person[0])]
    server.admin("freeze", company.code, person[0])
    answers.append(sign_in(server, company, person[0]))
    bodies = [{key: value for key, value in a.json().items() if key != "trace_id"} for a in answers]
    assert all(a.status_code == 401 for a in answers) and all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "wrong_credentials"


def test_the_code_and_the_login_are_folded(server, company, person):
    assert sign_in(server, type("", (), {"code": company.code.upper()}), person[0].upper()).status_code == 200


def test_sign_ins_are_throttled_by_account(tmp_path):
    with Server(tmp_path, {"access": {"tries_account": 3, "tries_address": 1000}}) as server:
        company = server.company()
        for _ in range(3):
            assert code(sign_in(server, company, "wang", "falsch")) == "wrong_credentials"
        for password in ("falsch", PASSWORD):
            answer = sign_in(server, company, "wang", password)
            assert code(answer, 429) == "throttled" and 1 <= int(answer.headers["retry-after"]) <= 60
        assert sign_in(server, company, "nobody", "falsch").status_code == 401
        # Another account is not touched, and the right password gives the tries back.
        for password in ("falsch", "falsch", PASSWORD) * 3:
            assert sign_in(server, company, "li", password).status_code == (200 if password == PASSWORD else 401)
        # An account that does not exist is throttled like one that does.
        seen = [sign_in(server, company, "nobody", "falsch").status_code for _ in range(4)]
        assert seen[-1] == 429 and 401 in seen


def test_sign_ins_are_throttled_by_address(tmp_path):
    with Server(tmp_path, {"access": {"tries_account": 1000, "tries_address": 5}}) as server:
        company = server.company()
        statuses = [sign_in(server, company, f"nobody{i}", "falsch").status_code for i in range(7)]
        assert statuses == [401] * 5 + [429] * 2


# ---- passwords ----

@pytest.fixture
def newcomer(server, company):
    login = "new" + uuid7()[-12:]
    server.admin("user", "add", company.code, login, "孙新", "rep", company.team, input=PASSWORD + "\n")
    return login


def change(server, tokens, old, new):
    with server.client() as http:
        return http.post("/v1/password", json={"old_password": old, "new_password": new}, headers={"authorization": "Bearer " + tokens["access_token"]})


def test_the_first_password_must_be_changed_before_anything_else(server, company, newcomer):
    """G-24."""
    tokens = good(sign_in(server, company, newcomer, device=uuid7()))
    assert tokens["must_change_password"] is True
    headers = {"authorization": "Bearer " + tokens["access_token"]}
    with server.client() as http:
        for method, path in [("GET", "/v1/customers"), ("POST", "/v1/visits"), ("GET", "/v1/changes"), ("GET", "/v1/events"), ("GET", "/v1/policy"),
                             ("GET", "/v1/sessions"), ("DELETE", "/v1/sessions/" + uuid7()), ("GET", "/v1/devices"), ("GET", "/v1/notifications")]:
            assert code(http.request(method, path, headers=headers), 403) == "password_change_required", path
        assert http.get("/v1/me", headers=headers).status_code == 200
    assert good(refresh(server, tokens["refresh_token"]))["must_change_password"] is True
    assert change(server, tokens, PASSWORD, NEW_PASSWORD).status_code == 204
    with server.client() as http:
        assert http.get("/v1/customers", headers=headers).status_code == 200
    assert sign_in(server, company, newcomer).status_code == 401
    assert good(sign_in(server, company, newcomer, NEW_PASSWORD))["must_change_password"] is False


def must_change(server, tokens):
    """What the server says and what it does about it."""
    with server.client() as http:
        answer = http.get("/v1/customers", headers={"authorization": "Bearer " + tokens["access_token"]})
    assert answer.status_code == (403 if tokens["must_change_password"] else 200), answer.text
    return tokens["must_change_password"]


def test_a_password_must_be_changed_every_90_days(server, company, newcomer, clock):
    """G-10. A phone that stays signed in learns it at a refresh."""
    phone = good(sign_in(server, company, newcomer, device=uuid7()))
    assert change(server, phone, PASSWORD, NEW_PASSWORD).status_code == 204
    for days in range(13, 90, 13):
        clock(days * DAY_MS)
        phone = good(refresh(server, phone["refresh_token"]))
        assert not must_change(server, phone), days
    clock(90 * DAY_MS - MINUTE_MS)
    assert not must_change(server, good(sign_in(server, company, newcomer, NEW_PASSWORD, device=uuid7())))
    clock(90 * DAY_MS + MINUTE_MS)
    assert must_change(server, good(sign_in(server, company, newcomer, NEW_PASSWORD, device=uuid7())))
    phone = good(refresh(server, phone["refresh_token"]))
    assert must_change(server, phone)
    assert change(server, phone, NEW_PASSWORD, NEW_PASSWORD + "-2").status_code == 204
    assert not must_change(server, {**phone, "must_change_password": False})
    assert not must_change(server, good(refresh(server, phone["refresh_token"])))
    assert not must_change(server, good(sign_in(server, company, newcomer, NEW_PASSWORD + "-2", device=uuid7())))


def test_a_demos_account_is_exempt_until_an_administrator_gives_it_a_password(server, company, person, clock):
    """G-24."""
    for days in (0, 91):
        clock(days * DAY_MS)
        assert not must_change(server, good(sign_in(server, company, person[0], device=uuid7())))
    server.admin("password", company.code, person[0], input="Sommerregen-im-Tal-88\n")
    tokens = good(sign_in(server, company, person[0], "Sommerregen-im-Tal-88", device=uuid7()))
    assert must_change(server, tokens) and change(server, tokens, "Sommerregen-im-Tal-88", NEW_PASSWORD).status_code == 204
    assert not must_change(server, good(sign_in(server, company, person[0], NEW_PASSWORD, device=uuid7())))
    clock((91 + 91) * DAY_MS)
    assert must_change(server, good(sign_in(server, company, person[0], NEW_PASSWORD, device=uuid7())))


def test_a_company_may_let_passwords_live(server, clock):
    company = server.company()
    server.admin("policy", company.code, input='{"password_days_max":0,"reason":"不再要求"}')
    server.admin("user", "add", company.code, "sun", "孙新", "rep", company.team, input=PASSWORD + "\n")
    assert change(server, good(sign_in(server, company, "sun", device=uuid7())), PASSWORD, NEW_PASSWORD).status_code == 204
    clock(1000 * DAY_MS)
    assert not must_change(server, good(sign_in(server, company, "sun", NEW_PASSWORD, device=uuid7())))


@pytest.mark.parametrize("old, new, pointer, why", [
    ("falsch-falsch-falsch", NEW_PASSWORD, "/old_password", "wrong"),
    (PASSWORD, PASSWORD, "/new_password", "no_change"),
    (PASSWORD, "Kurz-123456", "/new_password", "too_short"),  # 11 characters (G-10)
    (PASSWORD, "password123456", "/new_password", "common_password"),
    (PASSWORD, "abababababab", "/new_password", "too_simple"),
])
def test_a_bad_new_password_is_refused_with_its_reason(server, company, newcomer, old, new, pointer, why):
    tokens = good(sign_in(server, company, newcomer, device=uuid7()))
    answer = change(server, tokens, old, new)
    assert answer.status_code == 422 and [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, why)]
    assert PASSWORD not in answer.text and new not in answer.text
    assert good(sign_in(server, company, newcomer))["must_change_password"] is True


def test_a_new_password_ends_the_persons_other_sessions_and_an_admins_all_of_them(server, company, person):
    here, there = (good(sign_in(server, company, person[0], device=uuid7())) for _ in range(2))
    assert change(server, here, PASSWORD, NEW_PASSWORD).status_code == 204
    assert me(server, here["access_token"]).status_code == 200
    assert code(me(server, there["access_token"])) == "unauthenticated" and refresh(server, there["refresh_token"]).status_code == 401
    server.admin("password", company.code, person[0], input="Sommerregen-im-Tal-88\n")
    assert code(me(server, here["access_token"])) == "unauthenticated"
    assert good(sign_in(server, company, person[0], "Sommerregen-im-Tal-88"))["must_change_password"] is True


def test_a_password_that_changes_while_the_phone_refreshes_is_changed_whole(server, company, newcomer):
    done = 0
    for i in range(24):
        server.admin("password", company.code, newcomer, input=f"{PASSWORD}-{i}\n")  # to be changed again
        phone, thief = (good(sign_in(server, company, newcomer, f"{PASSWORD}-{i}", device=uuid7())) for _ in range(2))

        def refreshing(token=phone["refresh_token"]):
            for _ in range(6):
                token = good(refresh(server, token))["refresh_token"]
            return token

        last, changed = at_once([refreshing, lambda: change(server, phone, f"{PASSWORD}-{i}", f"{NEW_PASSWORD}-{i}")])
        if changed.status_code == 401:
            continue  # the refreshes were so fast that the access token is none of the last two
        done += 1
        assert changed.status_code == 204, changed.text
        assert code(me(server, thief["access_token"])) == "unauthenticated"
        assert good(refresh(server, last))["must_change_password"] is False
    assert done > 0


def test_a_sign_in_that_waits_behind_a_change_of_the_password_is_judged_by_the_new_one(server):
    company = server.company()
    server.admin("policy", company.code, input='{"devices_max":50,"reason":"试行"}')
    passwords = [PASSWORD] + [f"{NEW_PASSWORD}-{i}" for i in range(12)]
    for old, new in zip(passwords, passwords[1:]):
        tokens = good(sign_in(server, company, "wang", old, device=uuid7()))
        answers = at_once([lambda: change(server, tokens, old, new)] + [lambda: sign_in(server, company, "wang", old)] * 12)
        assert answers[0].status_code == 204 and {a.status_code for a in answers[1:]} <= {200, 401}
        assert [s["id"] for s in sessions(server, tokens)] == [tokens["session"]], "who signed in before is signed out, and nobody came in after"


# ---- sessions ----

def sessions(server, tokens):
    with server.client() as http:
        return good(http.get("/v1/sessions", headers={"authorization": "Bearer " + tokens["access_token"]}))["items"]


def test_a_lost_phone_is_ended_from_another_device(server, company, person):
    lost, here = (good(sign_in(server, company, person[0], device=uuid7())) for _ in range(2))
    listed = sessions(server, here)
    assert {s["id"]: s["current"] for s in listed} == {lost["session"]: False, here["session"]: True}
    assert all(s["user"] == person[1] and s["device_name"] == "手机" and s["peer"] == "127.0.0.1" for s in listed)
    assert not [key for s in listed for key in s if "refresh" in key or "access" in key or "family" in key]
    with server.client() as http:
        headers = {"authorization": "Bearer " + here["access_token"]}
        assert http.delete("/v1/sessions/" + lost["session"], headers=headers).status_code == 204
        assert code(http.delete("/v1/sessions/" + lost["session"], headers=headers), 404) == "not_found"
    assert code(me(server, lost["access_token"])) == "unauthenticated" and refresh(server, lost["refresh_token"]).status_code == 401
    assert [s["id"] for s in sessions(server, here)] == [here["session"]]


def test_nobody_ends_another_persons_session(server, company, person):
    mine = good(sign_in(server, company, person[0], device=uuid7()))
    li = company.sign_in("li")
    assert code(li.request("DELETE", "/v1/sessions/" + mine["session"]), 404) == "not_found"
    assert code(li.request("DELETE", "/v1/sessions/" + uuid7()), 404) == "not_found"
    assert me(server, mine["access_token"]).status_code == 200


def test_an_administrator_ends_the_session_of_anybody_in_the_company(server, company, person):
    """ACC-08."""
    company.add("admin" + person[0], "郭管", "admin", company.team)
    other = server.company()
    other.add("admin", "郭管", "admin", other.team)
    lost = good(sign_in(server, company, person[0], device=uuid7()))
    path = "/v1/sessions/" + lost["session"]
    assert code(other.sign_in("admin").request("DELETE", path), 404) == "not_found"
    assert company.sign_in("admin" + person[0]).request("DELETE", path).status_code == 204
    assert code(me(server, lost["access_token"])) == "unauthenticated"


def test_signing_out_ends_this_session_only(server, company, person):
    here, there = (good(sign_in(server, company, person[0], device=uuid7())) for _ in range(2))
    with server.client() as http:
        assert http.post("/v1/sign_out", headers={"authorization": "Bearer " + here["access_token"]}).status_code == 204
    assert code(me(server, here["access_token"])) == "unauthenticated" and refresh(server, here["refresh_token"]).status_code == 401
    assert me(server, there["access_token"]).status_code == 200


def test_a_device_has_one_session_and_a_person_three_devices(server, company, person, clock):
    """G-10: over the limit, the session that was unused the longest gives way."""
    devices = [uuid7() for _ in range(4)]
    tokens = []
    for i, device in enumerate(devices[:3]):
        clock(i * MINUTE_MS)
        tokens.append(good(sign_in(server, company, person[0], device=device)))
    again = good(sign_in(server, company, person[0], device=devices[2]))
    assert code(me(server, tokens[2]["access_token"])) == "unauthenticated"
    clock(3 * MINUTE_MS)
    tokens[0] = good(refresh(server, tokens[0]["refresh_token"]))  # now the second was unused the longest
    clock(4 * MINUTE_MS)
    fourth = good(sign_in(server, company, person[0], device=devices[3]))
    assert {s["id"] for s in sessions(server, fourth)} == {tokens[0]["session"], again["session"], fourth["session"]}
    assert code(me(server, tokens[1]["access_token"])) == "unauthenticated"


def test_an_administrator_ends_one_session_or_all(server, company, person):
    one, two, three = (good(sign_in(server, company, person[0], device=uuid7())) for _ in range(3))
    assert one["session"] in server.admin("session", "list", company.code, person[0])
    server.admin("session", "end", company.code, person[0], one["session"])
    assert code(me(server, one["access_token"])) == "unauthenticated" and me(server, two["access_token"]).status_code == 200
    server.admin("session", "end", company.code, person[0])
    assert code(me(server, two["access_token"])) == code(me(server, three["access_token"])) == "unauthenticated"
    assert sign_in(server, company, person[0]).status_code == 200


def test_a_session_without_a_device_is_one_of_the_three(server, company, person):
    """G-10: who leaves the device out gains nothing."""
    tokens = [good(sign_in(server, company, person[0], device=uuid7() if i % 2 else None)) for i in range(7)]
    assert [me(server, t["access_token"]).status_code for t in tokens] == [401] * 4 + [200] * 3
    assert change(server, tokens[-1], PASSWORD, NEW_PASSWORD).status_code == 204
    assert [me(server, t["access_token"]).status_code for t in tokens[-3:]] == [401, 401, 200]


def test_the_number_of_devices_is_the_companys(server):
    company = server.company()
    tokens = [good(sign_in(server, company, "wang", device=uuid7())) for _ in range(3)]
    server.admin("policy", company.code, input='{"devices_max":1,"reason":"试行"}')
    assert me(server, tokens[0]["access_token"]).status_code == 200, "nobody is signed out by a number"
    tokens.append(good(sign_in(server, company, "wang", device=uuid7())))
    assert [me(server, t["access_token"]).status_code for t in tokens] == [401, 401, 401, 200]


# ---- a freeze ----

def test_a_freeze_acts_on_the_next_request_and_on_an_open_stream_at_once(server, company):
    login = "rep" + uuid7()[-12:]
    company.add(login, "吴冻", "rep", company.team)
    frozen, wang = company.sign_in(login), company.sign_in("wang")
    with frozen.events() as stream, wang.events() as other:
        assert stream.status == other.status == 200
        server.admin("freeze", company.code, login)
        stream.wait(lambda event, data: event == "resync", "the end of the frozen person's stream")
        stream.wait_end()
        assert code(frozen.get("/v1/me")) == "unauthenticated"
        assert code(frozen.get("/v1/events")) == "unauthenticated"
        assert refresh(server, frozen.tokens["refresh_token"]).status_code == 401
        assert sign_in(server, company, login).status_code == 401
        made = wang.customer()
        other.wait(lambda event, data: data.get("id") == made["id"], "the other's stream goes on")
    server.admin("unfreeze", company.code, login)
    assert code(frozen.get("/v1/me")) == "unauthenticated", "what was issued before the freeze stays void"
    assert company.sign_in(login).get("/v1/me").status_code == 200


@pytest.mark.parametrize("end", ["sign_out", "delete", "admin", "password", "replaced", "theft", "role"])
def test_whatever_ends_a_session_ends_its_open_stream(server, company, end):
    login = "rep" + uuid7()[-12:]
    company.add(login, "郑流", "rep", company.team)
    watcher, other = company.sign_in(login), company.sign_in(login)
    with watcher.events() as stream:
        if end == "sign_out":
            watcher.post("/v1/sign_out")
        elif end == "delete":
            assert other.request("DELETE", "/v1/sessions/" + watcher.tokens["session"]).status_code == 204
        elif end == "admin":
            server.admin("session", "end", company.code, login, watcher.tokens["session"])
        elif end == "password":
            assert change(server, other.tokens, PASSWORD, NEW_PASSWORD).status_code == 204
        elif end == "replaced":
            company.sign_in(login, device=watcher.device)
        elif end == "role":
            server.admin("user", "assign", company.code, login, "manager")
        else:
            first = watcher.tokens["refresh_token"]
            watcher.refresh()
            watcher.refresh()
            assert refresh(server, first).status_code == 401
        stream.wait_end()
    assert code(watcher.get("/v1/me")) == "unauthenticated"


def test_a_change_of_role_ends_sessions_and_cursors_but_not_the_account(server, company):
    login = "rep" + uuid7()[-12:]
    company.add(login, "冯升", "rep", company.team)
    before = company.sign_in(login)
    cursor = before.get("/v1/changes").json()["next"]
    server.admin("user", "assign", company.code, login, "manager")
    assert code(before.get("/v1/me")) == "unauthenticated"
    after = company.sign_in(login, device=before.device)
    assert after.get("/v1/me").json()["role"] == "manager"
    assert code(after.get("/v1/changes", params={"after": cursor}), 409) == "resync"
    assert code(after.get("/v1/events", headers={"last-event-id": cursor}), 409) == "resync"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic d2FuZzp3YW5n", "Bearer é", "Bearer " + "A" * 86, "Bearer " + "A" * 500])
def test_no_token_and_bad_tokens_are_told_to_sign_in(server, header):
    with server.client() as http:
        headers = {} if header is None else {"authorization": header.encode()}
        assert code(http.get("/v1/customers", headers=headers)) == "unauthenticated"

# SPDX-License-Identifier: Apache-2.0
"""The company's rules from end to end. What is expected is reckoned here from the rules' own words, with Python's calendar, never taken from the server.
Zones are written as the fixed offsets that they have on the days used."""
import datetime
import hashlib
import itertools
import re
import secrets
import threading
import time

import pytest

from baifang import NEVER, PASSWORD, Person, at_once, rfc3339, until, uuid7

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
NEW_YORK_WINTER = datetime.timezone(datetime.timedelta(hours=-5))
GOOD = "客户确认下季度采购两台设备，预算已批"


def ms(year, month, day, hour=0, minute=0, second=0, milli=0, zone=SHANGHAI):
    return int(datetime.datetime(year, month, day, hour, minute, second, tzinfo=zone).timestamp()) * 1000 + milli


def iso_week(at_ms, zone=SHANGHAI):
    year, week, _ = datetime.datetime.fromtimestamp(at_ms / 1000, zone).isocalendar()
    return f"{year}-W{week:02d}"


def units(text):
    """G-19: a Han character, or a word or number of another script; a run of the same character counts two at most."""
    counted = re.findall(r"[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002a6df]|[^\W_\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002a6df]+", text)
    return sum(min(2, len(list(run))) for _, run in itertools.groupby(counted, key=lambda unit: unit if len(unit) == 1 else object()))


@pytest.fixture
def rep(server):
    """A company of its own, in Shanghai, with the server's clock as it is."""
    return server.company().sign_in("wang")


@pytest.fixture
def at(server):
    """at(ms) sets the server's clock; it is put right again afterwards."""
    def shift(to_ms):
        server.shift_clock(to_ms - int(time.time() * 1000))
        return to_ms

    yield shift
    server.shift_clock(0)


def contact_of(person, customer):
    return person.get("/v1/contacts", params={"customer": customer["id"]}).json()["items"][0]["id"]


def log(person, customer, content=GOOD, status=201, dry=False, skew_ms=None, **fields):
    """Logs a visit with the customer's contact and gives the receipt. `skew_ms`: what the phone's clock is ahead; None: it does not say."""
    body = person.visit_body(customer["id"], content=content, **{"contacts": [contact_of(person, customer)], **fields})
    headers = {}
    if skew_ms is not None:
        headers["x-client-time"] = rfc3339(server_now(person) + skew_ms)
    answer = person.post("/v1/visits" + ("?dry_run=1" if dry else ""), json={k: v for k, v in body.items() if v is not None}, headers=headers)
    assert answer.status_code == (200 if dry else status), answer.text
    return answer.json()


def server_now(person):
    """The server's clock, to the second, from the shift that the test gave it."""
    with open(person.company.server.clock_path, "rb") as file:
        shift = int.from_bytes(file.read(8), "little", signed=True)
    return int(time.time() * 1000) + shift


def reasons(receipt):
    return receipt["verdict"]["validity"], receipt["verdict"]["reasons"]


# ---- FUP-09 to FUP-12, G-19, G-20 ----

TEXTS = ["客户要求下周报", "客户要求下周报价", "客户，要求……下周！报价 😀😀😀", "OK", "call me tomorrow about the new price", "签约3台iPhone15，打8折，明天付款",
         "哈哈哈哈哈哈哈哈哈哈哈哈", "好好好好价格价格价格", "123 456 789 12 3 4 5 6", "ＡＢＣ　报价　单　确认　付　款", "客户要求报价" * 100, "々〇人人人人人人", "预 算 已 批 复",
         "。。。。。。。。。。", "客户answered我们the问题", "a a a a a a a a a"]


def test_FUP_09_a_record_needs_eight_units_counted_as_G_19_says(rep):
    for text in TEXTS:
        receipt = log(rep, rep.customer(), text)
        assert receipt["verdict"]["units"] == units(text), text
        assert ("too_short" in receipt["verdict"]["reasons"]) == (units(text) < 8), text
        assert receipt["verdict"]["validity"] == ("invalid" if units(text) < 8 else "valid"), (text, receipt["verdict"])


def test_FUP_10_a_record_needs_a_contact_and_content(rep):
    assert reasons(log(rep, rep.customer(), contacts=None)) == ("invalid", ["no_contact"])
    assert reasons(log(rep, rep.customer(), contacts=[])) == ("invalid", ["no_contact"])
    for content in (None, "", "  。 "):
        receipt = log(rep, rep.customer(), content, result="客户同意下周付款签合同")
        assert reasons(receipt) == ("invalid", ["no_content"]), content
    assert reasons(log(rep, rep.customer(), None, contacts=None)) == ("invalid", ["too_short", "no_contact", "no_content"])


def test_G_03_a_confirmed_text_that_is_a_banned_phrase_is_doubtful(server, rep):
    server.admin("policy", rep.company.code, input='{"banned_phrases":["今天照例拜访了客户"],"reason":"套话"}')
    voice = {"id": uuid7(), "kind": "voice", "sha256": secrets.token_hex(32), "type": "audio/ogg", "consent_at": rfc3339(server_now(rep))}
    visit = log(rep, rep.customer(), None, media=[voice])["visit"]["id"]
    transcript = rep.get(f"/v1/visits/{visit}").json()["transcripts"][0]["id"]
    confirmed = rep.post(f"/v1/transcripts/{transcript}/confirm", json={"text": "今天照例拜访了客户"}, headers={"idempotency-key": uuid7()}).json()
    assert (confirmed["verdict"]["validity"], confirmed["verdict"]["reasons"]) == ("doubtful", ["banned_phrase"])
    assert confirmed["hints"][0]["reason"] == "banned_phrase"


@pytest.mark.parametrize("phrase", ["没找到人", "外出", "沟通"])
def test_FUP_11_nothing_but_a_banned_phrase_is_doubtful_and_too_short_besides(rep, phrase):
    for written in (phrase, f" {phrase}\u3000"):
        assert reasons(log(rep, rep.customer(), written)) == ("invalid", ["too_short", "banned_phrase"])
        assert reasons(log(rep, rep.customer(), written, result="客户同意下周付款签合同")) == ("doubtful", ["banned_phrase"])
    # Within other words it is no phrase of its own.
    assert reasons(log(rep, rep.customer(), f"今天{phrase}，客户同意下周付款签合同")) == ("valid", [])


def test_FUP_12_a_repeated_record_is_doubtful_and_a_changed_one_is_not(rep):
    customer, other = rep.customer(), rep.customer()
    assert reasons(log(rep, customer)) == ("valid", [])
    assert reasons(log(rep, customer)) == ("doubtful", ["repeated"])
    assert reasons(log(rep, other)) == ("valid", []), "on another customer it is the first"
    assert reasons(log(rep, customer, GOOD + "，合同在走流程")) == ("valid", [])
    assert reasons(log(rep, customer)) == ("valid", []), "only the last record counts"
    assert reasons(log(rep, customer, f" {GOOD}\n")) == ("doubtful", ["repeated"]), "spaces around it make it no other"


def test_FUP_12_off_topic_is_asked_only_where_the_customer_has_topics(rep):
    plain, listed = rep.customer(), rep.customer(topics=["冷链"])
    weather = "今天天气很好我们一起散步聊了很多往事"
    assert units(weather) >= 8
    assert reasons(log(rep, plain, weather)) == ("valid", [])
    assert reasons(log(rep, listed, weather)) == ("doubtful", ["off_topic"])
    assert reasons(log(rep, listed, "散步时聊到冷链仓库的温度问题")) == ("valid", [])
    assert reasons(log(rep, listed, "散步时客户问了我们的报价和付款")) == ("valid", [])


def test_hints_say_in_both_languages_what_would_make_it_valid(rep):
    receipt = log(rep, rep.customer(), "外出", contacts=None)
    assert [hint["reason"] for hint in receipt["hints"]] == receipt["verdict"]["reasons"] == ["too_short", "no_contact", "banned_phrase"]
    for hint in receipt["hints"]:
        assert re.search(r"[\u4e00-\u9fff]", hint["zh-CN"]) and re.search(r"[A-Za-z]{3}", hint["en"]) and not re.search(r"[\u4e00-\u9fff]", hint["en"])
    short = receipt["hints"][0]
    assert "8" in short["zh-CN"] and "2" in short["zh-CN"] and "8" in short["en"] and "2" in short["en"]
    assert log(rep, rep.customer())["hints"] == []


def test_the_verdict_is_stored_as_the_receipt_said_and_a_supplement_does_not_change_it(rep):
    """G-21."""
    receipt = log(rep, rep.customer(), "客户要求")
    visit = receipt["visit"]["id"]
    stored = rep.get(f"/v1/visits/{visit}").json()["verdicts"]
    assert stored == [receipt["verdict"]] and stored[0]["validity"] == "invalid" and stored[0]["policy_version"] == 1
    answer = rep.post("/v1/supplements", json={"id": uuid7(), "visit": visit, "content": GOOD, "captured_at": receipt["visit"]["captured_at"]})
    assert answer.status_code == 201
    assert rep.get(f"/v1/visits/{visit}").json()["verdicts"] == stored


def test_a_dry_run_judges_and_leaves_no_trace(rep):
    customer = rep.customer()
    dry = log(rep, customer, dry=True)
    assert reasons(dry) == ("valid", []) and dry["week"]["valid"] == 1
    assert rep.get("/v1/visits").json()["items"] == []
    again = log(rep, customer, dry=True)
    assert reasons(again) == ("valid", []) and again["week"]["valid"] == 1, "it neither counted nor is it remembered"
    assert log(rep, customer)["week"]["valid"] == 1


# ---- G-01: three clocks; ENT-03, G-02 ----

NOW = ms(2027, 3, 10, 13)  # a Wednesday


@pytest.mark.parametrize("skew_ms, captured_ago_ms, by, corrected", [
    (None, HOUR_MS, "received_at", False),
    (0, HOUR_MS, "captured_at", False),
    (4 * MINUTE_MS, HOUR_MS, "captured_at", False),
    (-4 * MINUTE_MS, HOUR_MS, "captured_at", False),
    (6 * MINUTE_MS, HOUR_MS, "captured_at_corrected", True),
    (-6 * MINUTE_MS, HOUR_MS, "captured_at_corrected", True),
    (DAY_MS, HOUR_MS - DAY_MS, "captured_at_corrected", True),
    (0, 71 * HOUR_MS, "captured_at", False),
    (0, 73 * HOUR_MS, "received_at", False),
    (2 * HOUR_MS, 71 * HOUR_MS, "received_at", True),  # 73 hours on the right clock
    (-2 * HOUR_MS, 73 * HOUR_MS, "captured_at_corrected", True),  # 71 hours on the right clock
    (0, -10 * MINUTE_MS, "received_at", False),  # captured in the future, says a clock that is right
])
def test_G_01_the_clock_that_timeliness_is_judged_by(server, at, skew_ms, captured_ago_ms, by, corrected):
    at(NOW)
    rep = server.company().sign_in("wang")
    captured = server_now(rep) - captured_ago_ms
    receipt = log(rep, rep.customer(), at_ms=captured, skew_ms=skew_ms, happened_at=rfc3339(captured - 2 * HOUR_MS))
    assert receipt["verdict"]["timely_by"] == by
    now = server_now(rep)
    assert rfc3339(now - 30_000) <= receipt["visit"]["received_at"] <= rfc3339(now)
    assert receipt["visit"]["captured_at"] == rfc3339(captured), "what the phone said stays as it was"
    if skew_ms is None:
        assert "clock_skew_ms" not in receipt["visit"]
    else:
        assert abs(receipt["visit"]["clock_skew_ms"] - skew_ms) < 30_000
    entered = {"received_at": now, "captured_at": captured, "captured_at_corrected": captured - (skew_ms or 0)}[by]
    assert receipt["verdict"]["week"] == iso_week(entered)


@pytest.mark.parametrize("captured, skew_ms, timely", [
    (ms(2027, 3, 9, 23, 59), 0, True),
    (ms(2027, 3, 10, 11, 59), 0, True),
    (ms(2027, 3, 10, 12, 0), 0, True),  # by 12:00
    (ms(2027, 3, 10, 12, 0, 1), 0, False),
    (ms(2027, 3, 10, 13, 30), 2 * HOUR_MS, True),  # 11:30 on the right clock
    (ms(2027, 3, 10, 11, 30), -HOUR_MS, False),  # 12:30 on the right clock
    (ms(2027, 3, 10, 11, 30), None, False),  # no clock to trust: received after 12:00
])
def test_ENT_03_a_record_is_timely_until_noon_of_the_next_day(server, at, captured, skew_ms, timely):
    at(ms(2027, 3, 10, 14))
    rep = server.company().sign_in("wang")
    receipt = log(rep, rep.customer(), happened_at=rfc3339(ms(2027, 3, 9, 10)), captured_at=rfc3339(captured), skew_ms=skew_ms)
    assert receipt["verdict"]["timely"] is timely, receipt["verdict"]


@pytest.mark.parametrize("days_off", [-1, 1])
def test_ENT_03_a_phone_that_is_a_day_off_is_as_timely_as_one_that_is_right(server, at, days_off):
    """The visit's own time comes from the same clock."""
    at(ms(2027, 3, 10, 14, 10))
    rep = server.company().sign_in("wang")
    skew = days_off * DAY_MS
    for happened, captured, timely in [(ms(2027, 3, 10, 13), ms(2027, 3, 10, 14, 5), True), (ms(2027, 3, 9, 10), ms(2027, 3, 10, 11, 59), True),
                                       (ms(2027, 3, 9, 10), ms(2027, 3, 10, 12, 1), False), (ms(2027, 3, 8, 10), ms(2027, 3, 10, 11), False)]:
        receipt = log(rep, rep.customer(), happened_at=rfc3339(happened + skew), captured_at=rfc3339(captured + skew), skew_ms=skew)
        assert receipt["verdict"]["timely"] is timely and receipt["verdict"]["timely_by"] == "captured_at_corrected"
        assert receipt["visit"]["happened_at"] == rfc3339(happened + skew), "what the phone said stays as it was"


@pytest.mark.parametrize("skew_ms, by", [(0, "received_at"), (4 * MINUTE_MS, "received_at"), (None, "received_at"), (-DAY_MS, "received_at"),
                                         (DAY_MS, "captured_at_corrected")])
def test_G_01_a_visit_logged_while_the_phones_clock_ran_ahead_is_taken_and_judged(server, at, skew_ms, by):
    """The clock may be right again when the phone has a network. Refused, it could not be sent before tomorrow, nor what comes behind its number."""
    at(ms(2027, 3, 10, 14))
    rep = server.company().sign_in("wang")
    tomorrow = rfc3339(ms(2027, 3, 11, 14))
    receipt = log(rep, rep.customer(), skew_ms=skew_ms, happened_at=tomorrow, captured_at=tomorrow)
    assert receipt["verdict"]["timely_by"] == by and receipt["verdict"]["timely"] is True
    assert receipt["visit"]["happened_at"] == tomorrow, "what the phone said stays as it was"


def test_ENT_02_a_visit_is_not_logged_before_it_happened(server, at):
    at(ms(2027, 3, 10, 14))
    rep = server.company().sign_in("wang")
    receipt = log(rep, rep.customer(), status=422, skew_ms=0, happened_at=rfc3339(ms(2027, 3, 11, 14)), captured_at=rfc3339(ms(2027, 3, 10, 14)))
    assert [(e["pointer"], e["code"]) for e in receipt["errors"]] == [("/happened_at", "after_capture")]


@pytest.mark.parametrize("hour, timely", [(11, True), (13, False)])
def test_ENT_03_without_the_phones_clock_the_servers_counts(server, at, hour, timely):
    at(ms(2027, 3, 10, hour))
    rep = server.company().sign_in("wang")
    receipt = log(rep, rep.customer(), at_ms=ms(2027, 3, 9, 10))
    assert receipt["verdict"]["timely"] is timely and receipt["verdict"]["timely_by"] == "received_at"


def test_G_02_noon_is_noon_in_the_companys_zone(server, at):
    at(ms(2027, 1, 20, 13, zone=NEW_YORK_WINTER))
    code = "ny" + secrets.token_hex(4)
    server.admin("tenant", "add", code, "New York Office", "America/New_York")
    team = server.admin("team", "add", code, "one")
    company = type("", (), {"server": server, "code": code})
    server.admin("user", "add", code, "wang", "Wang", "rep", team, "--exempt", input=PASSWORD + "\n")
    rep = Person(company, "wang")
    happened = rfc3339(ms(2027, 1, 19, 23, zone=NEW_YORK_WINTER))  # in Shanghai it is the 20th by then
    for captured, timely in [(ms(2027, 1, 20, 11, 59, zone=NEW_YORK_WINTER), True), (ms(2027, 1, 20, 12, 1, zone=NEW_YORK_WINTER), False)]:
        receipt = log(rep, rep.customer(), happened_at=happened, captured_at=rfc3339(captured), skew_ms=0)
        assert receipt["verdict"]["timely"] is timely
        assert receipt["verdict"]["week"] == iso_week(captured, NEW_YORK_WINTER)


# ---- FUP-15 ----

def test_FUP_15_the_week_counts_valid_records_against_five(rep):
    seen = []
    for i in range(7):
        receipt = log(rep, rep.customer())
        seen.append((receipt["week"]["valid"], receipt["verdict"]["week_count"], receipt["week"]["quota"], receipt["week"]["missing"]))
        if i == 2:  # an invalid one shows the count and does not add to it
            assert log(rep, rep.customer(), "外出")["week"]["valid"] == 3
    assert seen == [(n, n, 5, max(0, 5 - n)) for n in range(1, 8)]
    other = rep.company.sign_in("li")
    assert log(other, other.customer())["week"]["valid"] == 1, "each rep's own"


def test_FUP_15_eight_at_once_are_counted_one_by_one(rep):
    customers = [rep.customer() for _ in range(8)]
    contacts = [contact_of(rep, c) for c in customers]
    bodies = [rep.visit_body(c["id"], contacts=[k]) for c, k in zip(customers, contacts)]
    answers = at_once([lambda body=body: rep.post("/v1/visits", json=body) for body in bodies])
    assert sorted(a.json()["week"]["valid"] for a in answers) == list(range(1, 9))


@pytest.mark.parametrize("sunday", [(2027, 3, 14), (2027, 1, 3), (2028, 12, 31)])
def test_FUP_15_a_week_ends_with_sunday_in_the_companys_zone(server, at, sunday):
    """Monday 00:00 in Shanghai is Sunday afternoon in UTC, and a year's first days may be the last week of the year before."""
    monday = ms(*sunday) + DAY_MS
    at(monday + HOUR_MS)
    rep = server.company().sign_in("wang")
    weeks = {}
    for captured in (monday - 2, monday - 1, monday, monday + 1, monday - 3):
        receipt = log(rep, rep.customer(), at_ms=captured, skew_ms=0)
        assert receipt["verdict"]["timely_by"] == "captured_at" and receipt["week"]["week"] == receipt["verdict"]["week"] == iso_week(captured)
        weeks.setdefault(receipt["week"]["week"], []).append(receipt["week"]["valid"])
    assert weeks == {iso_week(monday - 1): [1, 2, 3], iso_week(monday): [1, 2]} and len(weeks) == 2


def test_FUP_15_the_week_is_that_of_the_corrected_clock(server, at):
    monday = ms(2027, 3, 15)
    at(monday + HOUR_MS)
    rep = server.company().sign_in("wang")
    # By the phone's own clock it is Monday 00:30; the phone is an hour ahead.
    receipt = log(rep, rep.customer(), at_ms=monday + 30 * MINUTE_MS, skew_ms=HOUR_MS)
    assert receipt["week"]["week"] == iso_week(monday - 1) != iso_week(monday)


def test_FUP_15_numbers_that_change_while_visits_come_in_put_each_in_the_week_of_its_own_verdict(server, at):
    """Captured on Sunday and received 26 hours later: within 72 hours it counts by the phone's clock, within 24 by the server's. What was prepared
    under the one and is decided under the other asks again."""
    monday = ms(2027, 3, 15)
    at(monday + 10 * HOUR_MS)
    rep = server.company().sign_in("wang")
    customer, captured, changes = rep.customer()["id"], rfc3339(monday - 16 * HOUR_MS), 24
    now = rfc3339(server_now(rep))
    over, weeks = threading.Event(), set()

    def change():
        for i in range(changes):
            server.admin("policy", rep.company.code, input=f'{{"late_hours_max":{[24, 72][i % 2]},"reason":"试行"}}')
        over.set()

    def keep_logging():
        seen = []
        while not over.is_set():
            body = {"id": uuid7(), "customer": customer, "mode": "visit", "content": GOOD + secrets.token_hex(8), "happened_at": captured, "captured_at": captured}
            seen.append(rep.post("/v1/visits", json=body, headers={"x-client-time": now}))
            if seen[-1].status_code != 201:
                assert seen[-1].status_code == 503 and seen[-1].headers["retry-after"] == "1", seen[-1].text
                assert rep.post("/v1/visits", json=body, headers={"x-client-time": now}).status_code in (201, 503)
        return seen

    answers = sum((seen for seen in at_once([change] + [keep_logging] * 6) if seen), [])
    for receipt in (answer.json() for answer in answers if answer.status_code == 201):
        verdict = receipt["verdict"]
        assert verdict["week"] == iso_week(monday - 1 if verdict["policy_version"] % 2 else monday), verdict
        weeks.add(verdict["week"])
    assert weeks == {iso_week(monday - 1), iso_week(monday)}


# ---- G-03 ----

def test_G_03_a_voice_only_record_counts_from_its_confirmation(rep):
    customer = rep.customer()
    voice = {"id": uuid7(), "kind": "voice", "sha256": secrets.token_hex(32), "type": "audio/ogg", "consent_at": rfc3339(server_now(rep))}
    receipt = log(rep, customer, None, media=[voice])
    assert receipt["verdict"]["validity"] == "waiting" and receipt["week"]["valid"] == 0 and receipt["awaited"] == [voice["id"]]
    assert "voice_unconfirmed" in receipt["verdict"]["reasons"]
    assert log(rep, rep.customer())["week"]["valid"] == 1
    path = f"/v1/visits/{receipt['visit']['id']}"
    transcript = rep.get(path).json()["transcripts"][0]
    assert transcript["state"] == "waiting"
    answer = rep.post(f"/v1/transcripts/{transcript['id']}/confirm", json={}, headers={"idempotency-key": uuid7()})
    assert answer.status_code == 409, "there is nothing to confirm yet"
    text = "客户要求下周演示两台样品，预算五万元"
    confirmed = rep.post(f"/v1/transcripts/{transcript['id']}/confirm", json={"text": text}, headers={"idempotency-key": uuid7()}).json()
    assert confirmed["transcript"]["state"] == "edited" and confirmed["transcript"]["confirmed_text"] == text
    assert confirmed["verdict"]["validity"] == "valid" and confirmed["verdict"]["from_transcript"] is True and confirmed["verdict"]["units"] == units(text)
    assert confirmed["week"]["valid"] == 2
    verdicts = rep.get(path).json()["verdicts"]
    assert sorted(v["validity"] for v in verdicts) == ["valid", "waiting"]


def test_G_03_a_confirmed_text_is_judged_like_a_written_one(rep):
    voice = {"id": uuid7(), "kind": "voice", "sha256": secrets.token_hex(32), "type": "audio/ogg", "consent_at": rfc3339(server_now(rep))}
    receipt = log(rep, rep.customer(), None, media=[voice])
    transcript = rep.get(f"/v1/visits/{receipt['visit']['id']}").json()["transcripts"][0]["id"]
    confirmed = rep.post(f"/v1/transcripts/{transcript}/confirm", json={"text": "客户外出"}, headers={"idempotency-key": uuid7()}).json()
    assert confirmed["verdict"]["validity"] == "invalid" and confirmed["verdict"]["reasons"] == ["too_short"] and confirmed["week"]["valid"] == 0


def test_G_03_only_the_author_settles_a_transcript(rep):
    """Also when the customer, and the record with it, is another's by now."""
    boss, li, qian = (rep.company.sign_in(login) for login in ("zhao", "li", "qian"))
    customer = rep.customer()
    voice = {"id": uuid7(), "kind": "voice", "sha256": secrets.token_hex(32), "type": "audio/ogg", "consent_at": rfc3339(server_now(rep))}
    visit = log(rep, customer, None, media=[voice])["visit"]["id"]
    transcript = "/v1/transcripts/" + rep.get(f"/v1/visits/{visit}").json()["transcripts"][0]["id"]

    def confirm(person):
        return person.post(transcript + "/confirm", json={"text": GOOD}, headers={"idempotency-key": uuid7()})

    assert {confirm(person).status_code for person in (boss, qian)} == {403}
    answer = qian.post(f"/v1/customers/{customer['id']}/transfer", json={"owner": li.id, "reason": "调整"}, headers={"idempotency-key": uuid7()})
    assert answer.status_code == 200 and confirm(li).status_code == 403
    assert li.get(transcript).json()["state"] == "waiting"


def test_G_04_a_recording_needs_a_consent_time_unless_the_company_says_otherwise(server, rep):
    customer = rep.customer()
    voice = {"id": uuid7(), "kind": "voice", "sha256": secrets.token_hex(32), "type": "audio/ogg"}
    refused = log(rep, customer, media=[voice], status=422)
    assert [(e["pointer"], e["code"]) for e in refused["errors"]] == [("/media/0/consent_at", "consent_required")]
    server.admin("policy", rep.company.code, input='{"consent_required":false,"reason":"内部培训"}')
    assert log(rep, customer, media=[voice])["verdict"]["policy_version"] == 2


# ---- G-22 ----

def test_G_22_numbers_are_gapless_under_eight_creators_with_refusals_mixed_in(server, at):
    at(ms(2027, 3, 10, 12))
    company = server.company()
    people = [company.sign_in(login) for login in ("wang", "li")]
    taken = people[0].customer()["name"]

    def work(person, n):
        numbers = []
        for i in range(24):
            body = {"id": uuid7(), "type": "company", "name": f"{n}-{i}-{secrets.token_hex(4)}", "industry": "retail", "grade": "C", "phone": "13800138000",
                    "primary_contact": {"id": uuid7(), "name": "陈", "phone": "13800138000"}}
            wrong = [{}, {"name": taken}, {}, {"owner": NEVER}, {}, {"phone": "1"}][i % 6]
            answer = person.post("/v1/customers", json={**body, **wrong})
            assert answer.status_code == (201 if not wrong else {"name": 409, "owner": 403, "phone": 422}[next(iter(wrong))]), answer.text
            if not wrong:
                numbers.append(answer.json()["number"])
                assert person.post("/v1/customers", json=body).json()["number"] == numbers[-1], "a replay takes none"
        return numbers

    numbers = sum(at_once([lambda n=n: work(people[n % 2], n) for n in range(8)]), [])
    assert sorted(numbers) == [f"KH202703{serial:03d}" for serial in range(2, 2 + 8 * 12)]


def test_G_22_the_month_is_that_of_the_companys_zone_and_begins_at_001(server, at):
    company = server.company()
    expected = []
    for now, month in [(ms(2027, 3, 31, 23, 59), "202703"), (ms(2027, 4, 1, 0, 1), "202704"), (ms(2027, 12, 31, 23, 59), "202712"),
                       (ms(2028, 1, 1, 0, 1), "202801")]:
        at(now)
        rep = company.sign_in("wang")
        for serial in ("001", "002"):
            expected.append("KH" + month + serial)
            assert rep.customer()["number"] == expected[-1]


# ---- D-13, CUS-25, CUS-12 ----

def create(rep, **changes):
    body = {"id": uuid7(), "type": "company", "name": "客户" + secrets.token_hex(6), "industry": "retail", "grade": "B", "phone": "13800138000",
            "primary_contact": {"id": uuid7(), "name": "陈经理", "phone": "13900139000"}}
    body.update(changes)
    return rep.post("/v1/customers", json={key: value for key, value in body.items() if value is not None})


@pytest.mark.parametrize("changes, status, pointer", [
    ({"name": None}, 400, "/name"), ({"type": None}, 400, "/type"), ({"industry": None}, 400, "/industry"), ({"grade": None}, 400, "/grade"),
    ({"phone": None}, 422, "/phone"), ({"primary_contact": None}, 422, "/primary_contact"),
    ({"primary_contact": {"id": NEVER, "name": "陈经理"}}, 422, "/primary_contact/phone"),
    ({"primary_contact": {"id": NEVER, "phone": "13900139000"}}, 400, "/primary_contact/name"),
    ({"contact_refused": "前台拒绝", "name": None}, 400, "/name"), ({"contact_refused": "前台拒绝", "phone": None, "primary_contact": None}, 422, "/phone"),
])
def test_D_13_what_is_missing_is_required(rep, changes, status, pointer):
    answer = create(rep, **changes)
    assert answer.status_code == status and (pointer, "required") in [(e["pointer"], e["code"]) for e in answer.json()["errors"]], answer.text


@pytest.mark.parametrize("changes", [
    {"phone": None, "email": "a@example.cn"}, {"primary_contact": {"id": NEVER, "name": "陈", "email": "b@example.cn"}},
    {"contact_refused": "前台拒绝", "industry": None, "grade": None, "primary_contact": None},
    {"contact_refused": "前台拒绝", "industry": None, "grade": None, "phone": None, "primary_contact": {"id": NEVER, "name": "陈", "phone": "13900139000"}},
])
def test_D_13_and_CUS_25_what_is_enough_is_enough(rep, changes):
    assert create(rep, **changes).status_code == 201


def test_CUS_25_the_reason_of_a_refusal_is_a_reason(rep):
    for blank in ("。", "  "):
        answer = create(rep, contact_refused=blank, industry=None, grade=None)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/contact_refused"


def patch(person, path, body):
    return person.patch(path, json={"reason": "更正", **body}, headers={"if-match": person.etag(path)})


def faults(answer):
    assert answer.status_code == 422, answer.text
    return [(e["pointer"], e["code"]) for e in answer.json()["errors"]]


def test_CUS_25_and_D_13_a_change_leaves_what_a_create_needs(rep):
    refused = create(rep, contact_refused="前台拒绝", primary_contact=None).json()["id"]
    path = f"/v1/customers/{refused}"
    assert faults(patch(rep, path, {"phone": None})) == [("/phone", "required")]
    assert faults(patch(rep, path, {"contact_refused": None})) == [("/primary_contact", "required")]
    assert patch(rep, path, {"remark": "再访"}).status_code == 200
    contact = {"id": uuid7(), "customer": refused, "name": "陈经理"}
    assert rep.post("/v1/contacts", json=contact).status_code == 201
    contact_path = f"/v1/contacts/{contact['id']}"
    assert patch(rep, contact_path, {"primary": True}).status_code == 200
    assert faults(patch(rep, path, {"contact_refused": None})) == [("/primary_contact/phone", "required")]
    assert patch(rep, contact_path, {"phone": "13900139000"}).status_code == 200
    # Either of the two may be the one that is left, but one is.
    assert patch(rep, path, {"phone": None}).status_code == 200
    assert faults(patch(rep, contact_path, {"phone": None})) == [("/phone", "required")]
    assert patch(rep, path, {"phone": "13800138000"}).status_code == 200
    assert patch(rep, path, {"contact_refused": None}).status_code == 200
    assert faults(patch(rep, contact_path, {"phone": None})) == [("/phone", "required")]


def test_CUS_12_a_name_is_taken_whatever_its_width_case_and_spaces_and_is_free_again_after_a_change(rep):
    first = create(rep, name="Acme 上海 123").json()
    for name in ("ACME 上海 123", "ＡＣＭＥ　上海　１２３", " acme上海123 "):
        answer = create(rep, name=name)
        assert answer.status_code == 409 and answer.json()["code"] == "duplicate" and answer.json()["errors"][0]["pointer"] == "/name", name
    etag = rep.etag(f"/v1/customers/{first['id']}")
    answer = rep.patch(f"/v1/customers/{first['id']}", json={"name": "新名字", "reason": "更名"}, headers={"if-match": etag})
    assert answer.status_code == 200
    assert create(rep, name="acme 上海 123").status_code == 201 and create(rep, name="新名字").status_code == 409


def test_eight_creates_of_one_name_at_once_let_one_through(rep):
    answers = at_once([lambda: create(rep, name="同一家公司")] * 8)
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


# ---- G-12, G-23 ----

def sent_at(due, zone=SHANGHAI, quiet_in=SHANGHAI):
    """What is due from 21:00 to 08:00 on the person's clock waits until 08:00."""
    there = due.replace(tzinfo=zone).astimezone(quiet_in)
    if there.hour >= 21:
        there = (there + datetime.timedelta(days=1)).replace(hour=8, minute=0)
    elif there.hour < 8:
        there = there.replace(hour=8, minute=0)
    return rfc3339(int(there.timestamp()) * 1000)


@pytest.mark.parametrize("hour, minute", [(9, 0), (20, 59), (21, 0), (23, 59), (0, 0), (7, 59), (8, 0)])
@pytest.mark.parametrize("zone, name", [(SHANGHAI, None), (SHANGHAI, "Asia/Shanghai"), (NEW_YORK_WINTER, "America/New_York")])
def test_G_12_and_G_23_the_sending_time_is_told_at_creation(rep, hour, minute, zone, name):
    due = datetime.datetime(2027, 1, 20, hour, minute)
    at_ms = rfc3339(int(due.replace(tzinfo=zone).timestamp()) * 1000)
    fields = {"text": "回访", "due": due.strftime("%Y-%m-%dT%H:%M"), **({"tz": name} if name else {})}
    made = rep.post("/v1/reminders", json={"id": uuid7(), **fields}).json()
    assert (made["due_at"], made["send_at"]) == (at_ms, sent_at(due, zone)) and made["tz"] == (name or "Asia/Shanghai")
    woken = rep.post("/v1/reminders", json={"id": uuid7(), "wake": True, **fields}).json()
    assert woken["due_at"] == woken["send_at"] == at_ms
    receipt = log(rep, rep.customer(), next_step=fields)["reminder"]
    assert receipt["due_at"] == at_ms and receipt["send_at"] == sent_at(due, zone)
    assert receipt["delayed_by_quiet_hours"] == (receipt["send_at"] != at_ms)
    snoozed = rep.post(f"/v1/reminders/{receipt['id']}/snooze", json={"due": "2027-01-21T22:00", "tz": "Asia/Shanghai"},
                       headers={"idempotency-key": uuid7()}).json()
    assert snoozed["send_at"] == rfc3339(ms(2027, 1, 22, 8))


def test_a_reminder_that_is_done_or_cancelled_is_settled_for_good(rep):
    for verb, state in (("done", "done"), ("cancel", "cancelled")):
        made = rep.post("/v1/reminders", json={"id": uuid7(), "text": "回访", "due": "2090-01-20T09:00"}).json()
        path = f"/v1/reminders/{made['id']}"
        assert rep.post(f"{path}/{verb}", headers={"idempotency-key": uuid7()}).json()["state"] == state
        for again, body in (("done", None), ("cancel", None), ("snooze", {"due": "2090-01-21T09:00"})):
            assert rep.post(f"{path}/{again}", json=body, headers={"idempotency-key": uuid7()}).status_code == 409
        assert rep.patch(path, json={"text": "改"}, headers={"if-match": rep.etag(path)}).status_code == 409


# ---- ACC-20, G-18 ----

def change_profile(person, **fields):
    return person.patch("/v1/me", json=fields, headers={"if-match": person.etag("/v1/me")})


def test_ACC_20_a_persons_zone_is_that_of_the_persons_reminders_and_quiet_hours(rep):
    changed = change_profile(rep, tz="America/New_York", phone="13800138000")
    assert changed.status_code == 200 and changed.json()["tz"] == "America/New_York" and rep.get("/v1/me").json() == changed.json()
    due = datetime.datetime(2027, 1, 20, 22, 0)
    made = rep.post("/v1/reminders", json={"id": uuid7(), "text": "回访", "due": "2027-01-20T22:00"}).json()
    assert made["due_at"] == rfc3339(int(due.replace(tzinfo=NEW_YORK_WINTER).timestamp()) * 1000)
    assert made["send_at"] == sent_at(due, NEW_YORK_WINTER, NEW_YORK_WINTER)
    assert log(rep, rep.customer(), next_step={"text": "回访", "due": "2027-01-20T22:00"})["reminder"]["send_at"] == made["send_at"]
    assert change_profile(rep, tz=None).status_code == 200
    assert rep.post("/v1/reminders", json={"id": uuid7(), "text": "回访", "due": "2027-01-20T22:00"}).json()["send_at"] == sent_at(due)


def test_ACC_20_a_persons_language_is_that_of_the_persons_pushes(server, at):
    now = at(ms(2027, 3, 10, 9))
    people = [server.company().sign_in(login) for login in ("wang", "li")]
    assert change_profile(people[1], lang="en").status_code == 200
    for person in people:
        person.post("/v1/reminders", json={"id": uuid7(), "text": "回访", "due": "2027-03-10T10:00"})
    at(now + 2 * HOUR_MS)
    titles = []
    for person in people:
        person.refresh()
        titles.append(until(lambda person=person: person.get("/v1/notifications").json()["items"], "the notification")[0]["title"])
    assert titles == ["跟进提醒", "Follow-up reminder"]


def test_PER_21_nobody_changes_the_own_rights(server, rep):
    me = rep.get("/v1/me").json()
    for field, value in [("role", "manager"), ("team", NEVER), ("name", "别人")]:
        answer = change_profile(rep, **{field: value, "lang": "en"})
        assert answer.status_code == 403 and [e["pointer"] for e in answer.json()["errors"]] == ["/" + field]
    assert rep.get("/v1/me").json() == me
    rep.company.add("xu", "徐审", "auditor", rep.company.team)
    assert change_profile(rep.company.sign_in("xu"), lang="en").status_code == 403, "an auditor changes nothing (G-11)"


# ---- what is safe ----

def safe(rep):
    answer = rep.get(f"/v1/devices/{rep.device}/safe")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_G_01_safe_means_committed_without_a_gap_and_the_media_stored(rep):
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"}).status_code == 201
    assert safe(rep) == {"safe_through": 0, "missing": [], "media_awaited": [], "media_awaited_more": False}
    customer = rep.customer()
    got = set()

    def expect():
        through = 0
        while through + 1 in got:
            through += 1
        gaps, run = [], []
        for seq in range(through + 1, max(got) + 1):
            if seq not in got:
                run.append(seq)
            elif run:
                gaps.append({"from": run[0], "to": run[-1]})
                run = []
        answer = safe(rep)
        assert (answer["safe_through"], answer["missing"]) == (through, gaps)

    for seq in (1, 2, 5, 9, 4, 2, 8, 3):
        log(rep, customer, GOOD + uuid7(), capture_seq=seq)
        got.add(seq)
        expect()
    visit = rep.get("/v1/visits").json()["items"][0]["id"]
    answer = rep.post("/v1/supplements", json={"id": uuid7(), "visit": visit, "content": "补充", "captured_at": rfc3339(0), "device": rep.device, "capture_seq": 6})
    assert answer.status_code == 201
    got.add(6)
    expect()
    # A refused capture is none.
    log(rep, customer, capture_seq=7, contacts=[NEVER], status=422)
    expect()


def test_G_01_what_waits_for_its_media_is_not_safe(rep):
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"}).status_code == 201
    customer = rep.customer()
    content = b"no picture, but bytes " + secrets.token_bytes(16)
    sha256 = hashlib.sha256(content).hexdigest()
    log(rep, customer)
    receipt = log(rep, customer, GOOD + "二", media=[{"id": uuid7(), "kind": "photo", "sha256": sha256, "type": "image/jpeg"}])
    log(rep, customer, GOOD + "三")
    media = receipt["awaited"][0]
    assert safe(rep) == {"safe_through": 1, "missing": [],
                         "media_awaited": [{"visit": receipt["visit"]["id"], "media": media, "sha256": sha256, "capture_seq": 2}], "media_awaited_more": False}
    answer = rep.post("/v1/uploads", content=content, headers={"tus-resumable": "1.0.0", "upload-length": str(len(content)),
                      "content-type": "application/offset+octet-stream", "upload-metadata": "type aW1hZ2UvanBlZw=="})
    assert answer.status_code == 201, answer.text
    until(lambda: safe(rep)["media_awaited"] == [], "the medium is stored")
    assert safe(rep) == {"safe_through": 3, "missing": [], "media_awaited": [], "media_awaited_more": False}


def awaiting(n, sha256=None):
    return [{"id": uuid7(), "kind": "photo", "sha256": sha256 or secrets.token_hex(32), "type": "image/jpeg"} for _ in range(n)]


def test_G_01_more_awaited_media_than_are_listed_are_reckoned_with(rep):
    """The medium of the first capture has the last id, as on a phone whose clock was set back."""
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"}).status_code == 201
    customer, late = rep.customer(), uuid7(4_000_000_000_000)
    log(rep, customer, media=[{**awaiting(1)[0], "id": late}])
    log(rep, customer, GOOD + "二")
    for i in range(10):
        log(rep, customer, GOOD + uuid7(), media=awaiting(20))
    answer = safe(rep)
    assert answer["safe_through"] == 0 and len(answer["media_awaited"]) == 200 and answer["media_awaited_more"] is True
    assert late not in {m["media"] for m in answer["media_awaited"]}


def test_an_installation_is_whose_captures_came_from_it(rep):
    """Its id stands in visits that another may come to read: that opens neither what its person still has to upload, nor takes the id away."""
    company = rep.company
    li, manager = company.sign_in("li"), company.sign_in("qian")
    customer = rep.customer()
    log(rep, customer, media=awaiting(1))
    answer = manager.post(f"/v1/customers/{customer['id']}/transfer", json={"owner": li.id, "reason": "调整"}, headers={"idempotency-key": uuid7()})
    assert answer.status_code == 200
    visit = until(lambda: li.get("/v1/visits").json()["items"], "the visit at the new owner's")[0]
    assert visit["device"] == rep.device
    taken = li.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"})
    assert taken.status_code == 409 and taken.json()["code"] == "id_reused"
    assert li.get(f"/v1/devices/{rep.device}/safe").status_code == 404
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"}).status_code == 201
    assert safe(rep)["safe_through"] == 0 and len(safe(rep)["media_awaited"]) == 1


def test_two_phones_of_one_person_number_on_their_own(rep):
    other = rep.company.sign_in("wang")
    customer = rep.customer()
    for person in (rep, other):
        assert person.post("/v1/devices", json={"id": person.device, "name": "手机", "platform": "android"}).status_code == 201
        log(person, customer, GOOD + uuid7())
    log(other, customer, GOOD + uuid7())
    assert (safe(rep)["safe_through"], safe(other)["safe_through"]) == (1, 2)

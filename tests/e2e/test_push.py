# SPDX-License-Identifier: Apache-2.0
"""Reminders from the API to the phone: the server pushes to a push service of the tests (Node, http_ece), which decrypts as a browser does. The
server's clock is moved; nothing is waited for but what the server does."""
import datetime
import json
import pathlib
import re
import sys
import zoneinfo

import pytest

from baifang import Person, Server, rfc3339, until, uuid7

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "push"))
from service import Service  # noqa: E402

ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def phones(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("push"))
    yield service
    service.stop()


@pytest.fixture
def server(tmp_path, phones):
    names = ("push.test", "other.test")
    config = {"log": {"level": "debug"},
              "http_client": {"named_hosts": ", ".join(f"{name}:{phones.port}" for name in names),
                              "resolve": ", ".join(f"{name}:{phones.port}:127.0.0.1" for name in (*names, "inside.test")), "ca_file": phones.ca}}
    with Server(tmp_path, config) as running:
        yield running


class Clock:
    """The wall clock of the server and of the push service: a working day at the given hour, whatever day it really is."""

    def __init__(self, server, phones, hour):
        self.server, self.phones, self.people = server, phones, []
        self.move(datetime.datetime(2026, 3, 10, hour, tzinfo=ZONE))

    def move(self, at):
        self.shift = at - datetime.datetime.now(ZONE)
        ms = int(self.shift.total_seconds() * 1000)
        self.phones.shift_clock(ms)
        self.server.shift_clock(ms)
        for person in self.people:
            person.refresh()

    def now(self):
        return datetime.datetime.now(ZONE) + self.shift

    def forward(self, **by):
        self.move(self.now() + datetime.timedelta(**by))


def wall(at):
    return at.strftime("%Y-%m-%dT%H:%M")


def sign_in(company, clock):
    rep = company.sign_in("wang")
    clock.people.append(rep)
    return rep


def phone(rep, phones):
    """Registers the rep's installation with a subscription; returns the push service's end of it."""
    subscription = phones.subscribe()
    keys = {key: subscription[key] for key in ("endpoint", "p256dh", "auth")}
    answer = rep.post("/v1/devices", json={"id": rep.device, "name": "测试手机", "platform": "android", "subscription": keys})
    assert answer.status_code == 201, answer.text
    assert "subscription" not in answer.json() and answer.json()["push"] == "active"
    return subscription


def remind(rep, due, text="给陈经理回电话", **fields):
    answer = rep.post("/v1/reminders", json={"id": uuid7(), "text": text, "due": due, **{"tz": "Asia/Shanghai", **fields}})
    assert answer.status_code == 201, answer.text
    return answer.json()


def state(rep, reminder):
    return rep.get(f"/v1/reminders/{reminder['id']}").json()["state"]


def metric(server, name):
    text = server.client().get("/metrics").text
    return sum(float(line.split()[1]) for line in text.splitlines() if line.split(" ")[0] in (name, name + "_total"))


TRY = re.compile(r"  \S+ +(\d+|\?) ?(.*)")
ATTEMPT = re.compile(r"\S+ (\w+) +notification (\S+) device (\S+) tries (\d+) ?(.*)")


def attempts(server, rep):
    """What the administrator is shown of the person's push messages, newest first; the answers of each, oldest first, as words."""
    found = []
    for line in server.admin("push", "attempts", rep.company.code, rep.login).splitlines():
        if one := TRY.fullmatch(line):
            found[-1]["answers"].append(one[1])
        else:
            state_, notification, device, tries, cause = ATTEMPT.fullmatch(line).groups()
            found.append({"state": state_, "notification": notification, "device": device, "tries": int(tries), "cause": cause, "answers": []})
    return found


def outcome(server, rep, *states, device=None):
    """The attempts, once they are in these states."""
    def look():
        found = [one for one in attempts(server, rep) if device in (None, one["device"])]
        return found if [one["state"] for one in found] == list(states) else None
    return until(look, f"attempts {states}")


def settle(server, rep, clock):
    """Waits until everything that is due by the moved clock was told: a reminder of one's own that is due last marks it."""
    mark = remind(rep, wall(clock.now() + datetime.timedelta(minutes=1)), text="末", wake=True)
    clock.forward(minutes=2)
    until(lambda: state(rep, mark) == "sent", "the marking reminder")


def test_the_phone_decrypts_the_next_step_of_a_visit_and_an_event_stream_shows_it(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    assert rep.get("/v1/push_key").json()["public_key"]
    customer = rep.customer()
    at_ms = int(clock.now().timestamp() * 1000)
    due = clock.now() + datetime.timedelta(minutes=30)
    visit = rep.visit_body(customer["id"], at_ms, next_step={"text": "发送合同草案", "due": wall(due)})
    receipt = rep.post("/v1/visits", json=visit, headers={"x-client-time": rfc3339(at_ms)}).json()
    expected = due.replace(second=0, microsecond=0)
    assert receipt["reminder"]["send_at"] == rfc3339(int(expected.timestamp() * 1000))
    with rep.events() as stream:
        clock.forward(minutes=31)
        message, = until(lambda: phones.messages(subscription), "the push")
        told = stream.wait(lambda event, data: event == "change" and data["type"] == "notification")
    payload = json.loads(message["text"])
    assert payload["body"] == "发送合同草案" and payload["kind"] == "reminder" and payload["customer"] == customer["id"]
    assert payload["reminders"] == [receipt["reminder"]["id"]] and told[1]["id"] == payload["id"]
    assert [item["id"] for item in rep.get("/v1/notifications").json()["items"]] == [payload["id"]]
    assert state(rep, {"id": receipt["reminder"]["id"]}) == "sent"


def test_done_cancels_what_was_to_be_sent_and_snooze_puts_it_off(server, phones):
    clock = Clock(server, phones, 10)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    due = wall(clock.now() + datetime.timedelta(minutes=5))
    done, put_off = remind(rep, due, text="做完的"), remind(rep, due, text="推迟的")
    assert rep.post(f"/v1/reminders/{done['id']}/done", headers={"idempotency-key": uuid7()}).status_code == 200
    later = wall(clock.now() + datetime.timedelta(minutes=50))
    snoozed = rep.post(f"/v1/reminders/{put_off['id']}/snooze", json={"due": later}, headers={"idempotency-key": uuid7()})
    assert snoozed.status_code == 200 and snoozed.json()["snoozes"] == 1
    clock.forward(minutes=10)
    settle(server, rep, clock)
    bodies = lambda: [json.loads(message["text"])["body"] for message in phones.messages(subscription)]  # noqa: E731
    until(lambda: "末" in bodies(), "the mark")
    assert bodies() == ["末"] and state(rep, put_off) == "planned" and state(rep, done) == "done"
    clock.forward(minutes=60)
    until(lambda: "推迟的" in bodies(), "the snoozed reminder")
    assert bodies().count("推迟的") == 1


def test_G_12_G_23_what_is_due_in_quiet_hours_waits_and_merges_and_who_wants_is_woken(server, phones):
    clock = Clock(server, phones, 20)
    tonight = clock.now().replace(hour=22, minute=0, second=0, microsecond=0)
    morning = (tonight + datetime.timedelta(days=1)).replace(hour=8)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    waiting = [remind(rep, wall(tonight + datetime.timedelta(minutes=i)), text=f"第{i}条") for i in range(3)]
    woken = remind(rep, wall(tonight), text="叫醒我", wake=True)
    assert {reminder["send_at"] for reminder in waiting} == {rfc3339(int(morning.timestamp() * 1000))}
    assert woken["send_at"] == rfc3339(int(tonight.timestamp() * 1000))
    clock.move(tonight + datetime.timedelta(minutes=30))
    first, = until(lambda: phones.messages(subscription), "the push at night")
    assert json.loads(first["text"])["body"] == "叫醒我"
    assert {state(rep, reminder) for reminder in waiting} == {"planned"}
    clock.move(morning + datetime.timedelta(seconds=1))
    _, second = until(lambda: (found := phones.messages(subscription)) and len(found) > 1 and found, "the push in the morning")
    payload = json.loads(second["text"])
    assert sorted(payload["body"].split("\n")) == ["第0条", "第1条", "第2条"]
    assert sorted(payload["reminders"]) == sorted(reminder["id"] for reminder in waiting)
    assert first["topic"] != second["topic"]


def test_more_than_one_notification_holds_are_all_told(server, phones):
    clock = Clock(server, phones, 20)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    tonight = clock.now().replace(hour=22, minute=0, second=0, microsecond=0)
    reminders = [remind(rep, wall(tonight), text=f"第{i}条") for i in range(115)]
    clock.move((tonight + datetime.timedelta(days=1)).replace(hour=8, second=1))
    until(lambda: all(state(rep, reminder) == "sent" for reminder in reminders), "all reminders")
    until(lambda: len(phones.messages(subscription)) == 3, "three pushes")
    told = rep.get("/v1/notifications").json()["items"]
    assert sorted(id for item in told for id in item["reminders"]) == sorted(reminder["id"] for reminder in reminders)
    assert sorted(len(item["reminders"]) for item in told) == [15, 50, 50]


@pytest.fixture
def two_phones(server, phones):
    """(clock, the person on phone A, the same on phone B, what is pushed to A, to B)"""
    clock = Clock(server, phones, 9)
    company = server.company()
    a, b = sign_in(company, clock), sign_in(company, clock)
    return clock, a, b, phone(a, phones), phone(b, phones)


def fall_due(rep, clock, text="给陈经理回电话"):
    reminder = remind(rep, wall(clock.now() + datetime.timedelta(minutes=5)), text=text)
    clock.forward(minutes=6)
    return reminder


@pytest.mark.parametrize("way", ["by the other phone", "by an administrator", "signed out"])
def test_a_phone_whose_session_was_ended_is_told_nothing_until_somebody_signs_in_there(server, phones, two_phones, way):
    clock, kept, lost, at_kept, at_lost = two_phones
    clock.people.remove(lost)
    if way == "by the other phone":
        assert kept.request("DELETE", "/v1/sessions/" + lost.tokens["session"]).status_code == 204
    elif way == "by an administrator":
        server.admin("session", "end", kept.company.code, "wang", lost.tokens["session"])
    else:
        assert lost.post("/v1/sign_out").status_code == 204
    fall_due(kept, clock, "一")
    outcome(server, kept, "accepted", device=kept.device)
    attempt, = outcome(server, kept, "skipped", device=lost.device)
    assert attempt["answers"] == [] and "signed in" in attempt["cause"]
    assert len(phones.messages(at_kept)) == 1 and phones.pushed(at_lost) == 0
    clock.people.append(kept.company.sign_in("wang", device=lost.device))
    fall_due(kept, clock, "二")
    outcome(server, kept, "accepted", "skipped", device=lost.device)
    assert [json.loads(message["text"])["body"] for message in phones.messages(at_lost)] == ["二"]


def test_ACC_15_a_frozen_account_is_told_nothing(server, phones, two_phones):
    clock, a, b, at_a, at_b = two_phones
    remind(a, wall(clock.now() + datetime.timedelta(minutes=5)))
    server.admin("freeze", a.company.code, "wang")
    clock.people.clear()
    clock.forward(minutes=6)
    outcome(server, a, "skipped", "skipped")
    assert phones.pushed(at_a) == phones.pushed(at_b) == 0


def test_who_was_given_another_role_is_told_before_signing_in_again(server, phones, two_phones):
    clock, rep, other, subscription, _ = two_phones
    remind(rep, wall(clock.now() + datetime.timedelta(minutes=5)), text="三")
    server.admin("user", "assign", rep.company.code, "wang", "manager")
    for person in (rep, other):
        assert person.http.post("/v1/refresh", json={"refresh_token": person.tokens["refresh_token"]}).status_code == 401
    clock.people.clear()
    clock.forward(minutes=6)
    outcome(server, rep, "accepted", "accepted")
    message, = phones.messages(subscription)
    assert json.loads(message["text"])["body"] == "三"


@pytest.mark.parametrize("platform, idle", [("android", {"days": 20}), ("web", {"hours": 2})])
def test_a_phone_that_was_not_used_for_long_is_told_all_the_same(server, phones, platform, idle):
    clock = Clock(server, phones, 9)
    company = server.company()
    rep = Person(company, "wang", platform=platform)
    subscription = phone(rep, phones)
    remind(rep, wall(clock.now() + datetime.timedelta(**idle)))
    clock.forward(**idle, minutes=1)
    until(lambda: len(phones.messages(subscription)) == 1, "the push")
    answer = rep.http.post("/v1/refresh", json={"refresh_token": rep.tokens["refresh_token"]})
    assert answer.status_code == 401
    other = company.sign_in("wang")
    fall_due(other, clock)
    until(lambda: len(phones.messages(subscription)) == 2, "the push after the refused refresh")


def test_a_phone_that_was_not_heard_of_for_half_a_year_is_told_nothing(server, phones):
    clock = Clock(server, phones, 9)
    rep = server.company().sign_in("wang")
    subscription = phone(rep, phones)
    remind(rep, wall(clock.now() + datetime.timedelta(days=181)))
    clock.forward(days=181, minutes=1)
    outcome(server, rep, "skipped")
    assert phones.pushed(subscription) == 0


def asleep(server, clock, at, rep):
    """The server is down until then."""
    server.stop()
    clock.people.clear()
    clock.move(at)
    server.start()
    rep.reconnect().refresh()
    clock.people.append(rep)


def test_G_12_what_a_server_that_was_down_is_late_with_waits_for_the_morning_and_merges(server, phones):
    clock = Clock(server, phones, 20)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    waiting = [remind(rep, wall(clock.now().replace(minute=40 + i)), text=f"第{i}条") for i in range(3)]
    remind(rep, wall(clock.now().replace(minute=50)), text="叫醒我", wake=True)
    night = (clock.now() + datetime.timedelta(days=1)).replace(hour=2)
    morning = rfc3339(int(night.replace(hour=8, minute=0, second=0, microsecond=0).timestamp() * 1000))
    asleep(server, clock, night, rep)
    until(lambda: bodies(phones, subscription) == ["叫醒我"], "the push at night")
    until(lambda: all(rep.get(f"/v1/reminders/{one['id']}").json()["send_at"] == morning for one in waiting), "the others to be put off")
    assert {state(rep, one) for one in waiting} == {"planned"}
    clock.move(night.replace(hour=8, second=1))
    until(lambda: len(phones.messages(subscription)) == 2, "the push in the morning")
    assert sorted(bodies(phones, subscription)[1].split("\n")) == ["第0条", "第1条", "第2条"]


def test_what_is_later_than_the_grace_is_in_the_list_and_rings_nowhere(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    reminder = remind(rep, wall(clock.now() + datetime.timedelta(minutes=5)))
    clock.forward(days=3)
    failed, = outcome(server, rep, "failed")
    assert "in time" in failed["cause"] and phones.pushed(subscription) == 0
    assert state(rep, reminder) == "sent" and [item["reminders"] for item in rep.get("/v1/notifications").json()["items"]] == [[reminder["id"]]]


def test_G_12_a_later_try_does_not_ring_in_the_night(server, phones):
    clock = Clock(server, phones, 20)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, 503, 1, after_s=1800)
    remind(rep, wall(clock.now().replace(minute=40)))
    clock.move(clock.now().replace(minute=41))
    tried(server, rep, 1)
    clock.move(clock.now().replace(hour=23))
    server.wait_event("job.put_off")
    assert server.count("job.failed") == 1, "the try"
    attempt, = outcome(server, rep, "sending")
    assert attempt["tries"] == 1 and phones.pushed(subscription) == 1
    clock.move((clock.now() + datetime.timedelta(days=1)).replace(hour=8, minute=0, second=1))
    outcome(server, rep, "accepted")


def test_a_push_service_that_says_gone_retires_the_device_until_it_subscribes_anew(server, phones):
    clock = Clock(server, phones, 11)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    dead = {**{key: subscription[key] for key in ("p256dh", "auth")}, "endpoint": f"https://push.test:{phones.port}/push/{subscription['id']}/410"}
    path = f"/v1/devices/{rep.device}"
    assert rep.patch(path, json={"subscription": dead}, headers={"if-match": rep.etag(path)}).status_code == 200
    remind(rep, wall(clock.now() + datetime.timedelta(minutes=5)))
    clock.forward(minutes=6)
    until(lambda: rep.get(path).json()["push"] == "retired", "the device to be retired")
    assert metric(server, "bf_push_retired") == 1
    alive = {key: subscription[key] for key in ("endpoint", "p256dh", "auth")}
    again = rep.patch(path, json={"subscription": alive}, headers={"if-match": rep.etag(path)})
    assert again.status_code == 200 and again.json()["push"] == "active"
    remind(rep, wall(clock.now() + datetime.timedelta(minutes=5)), text="新订阅")
    clock.forward(minutes=6)
    message, = until(lambda: phones.messages(subscription), "the push")
    assert json.loads(message["text"])["body"] == "新订阅"


def test_a_device_that_subscribes_anew_while_it_is_found_gone_is_told_by_the_new_way(server, phones):
    clock = Clock(server, phones, 11)
    rep = sign_in(server.company(), clock)
    old, path = phone(rep, phones), f"/v1/devices/{rep.device}"
    phones.hold(old)
    fall_due(rep, clock, "一")
    until(lambda: phones.pushed(old) == 1, "the message on its way")
    new = phones.subscribe()
    keys = {key: new[key] for key in ("endpoint", "p256dh", "auth")}
    assert rep.patch(path, json={"subscription": keys}, headers={"if-match": rep.etag(path)}).status_code == 200
    phones.release(old, 410)
    assert tried(server, rep, 1)["answers"][0] == "410"
    clock.forward(minutes=2)
    attempt, = outcome(server, rep, "accepted")
    assert attempt["answers"] == ["410", "201"] and bodies(phones, new) == ["一"]
    assert rep.get(path).json()["push"] == "active" and metric(server, "bf_push_retired") == 0


def test_a_message_that_the_push_service_cannot_take_is_given_up_at_once_and_on_record(server, phones):
    clock = Clock(server, phones, 14)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, 400, 1)
    remind(rep, wall(clock.now() + datetime.timedelta(minutes=5)))
    clock.forward(minutes=6)
    attempt, = outcome(server, rep, "failed")
    assert attempt["answers"] == ["400"] and attempt["device"] == rep.device and "400" in attempt["cause"]
    assert attempt["notification"] == rep.get("/v1/notifications").json()["items"][0]["id"]
    assert phones.pushed(subscription) == 1 and phones.messages(subscription) == []


def tried(server, rep, times, device=None):
    """The attempt, once it was made so often at least and its last outcome is known."""
    def look():
        one, = [one for one in attempts(server, rep) if device in (None, one["device"])] or [None]
        return one if one and one["tries"] >= times and one["answers"][-1] != "?" else None
    return until(look, f"try {times}")


def bodies(phones, subscription):
    return [json.loads(message["text"])["body"] for message in phones.messages(subscription)]


def test_what_a_push_service_could_not_take_at_once_arrives_and_each_try_is_on_record(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, 503, 2)
    fall_due(rep, clock, "一")
    for i in (1, 2):
        assert tried(server, rep, i)["state"] in ("sending", "accepted")
        clock.forward(minutes=2)
    attempt, = outcome(server, rep, "accepted")
    assert attempt["answers"] == ["503", "503", "201"] and attempt["tries"] == 3 and attempt["cause"] == ""
    assert bodies(phones, subscription) == ["一"] and phones.pushed(subscription) == 3


def shown(phones, subscription):
    """What the person sees: of one topic the last. A clock that leaps ends leases under way, so a message may go out twice then."""
    return list({message["topic"]: json.loads(message["text"])["body"] for message in phones.messages(subscription)}.values())


def test_an_outage_of_hours_loses_nothing_and_the_grace_ends_it(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, 503, 1000)
    fall_due(rep, clock, "一")
    for i in range(1, 19):
        tried(server, rep, i)
        clock.forward(minutes=7)
    phones.fail(subscription, 503, 0)
    clock.forward(minutes=7)
    attempt, = outcome(server, rep, "accepted")
    assert attempt["tries"] >= 19 and shown(phones, subscription) == ["一"]
    phones.fail(subscription, 503, 1000)
    fall_due(rep, clock, "二")
    outcome(server, rep, "sending", "accepted")
    clock.forward(hours=25)
    failed, _ = outcome(server, rep, "failed", "accepted")
    assert "in time" in failed["cause"] and shown(phones, subscription) == ["一"] and server.count("job.dead") == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_signature_is_told_to_the_operator_and_tried_again(server, phones, status):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, status, 1)
    fall_due(rep, clock)
    event = server.wait_event("push.refused")
    assert (event["level"], event["host"], event["status"]) == ("warn", f"https://push.test:{phones.port}", status)
    clock.forward(minutes=2)
    attempt, = outcome(server, rep, "accepted")
    assert attempt["answers"] == [str(status), "201"] and len(phones.messages(subscription)) == 1
    assert not any(subscription["id"] in line for line in server.lines)


def test_what_was_done_before_a_later_try_is_not_told(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, 503, 1, after_s=3000)
    reminder = fall_due(rep, clock)
    tried(server, rep, 1)
    assert rep.post(f"/v1/reminders/{reminder['id']}/done", headers={"idempotency-key": uuid7()}).status_code == 200
    clock.forward(minutes=55)
    attempt, = outcome(server, rep, "skipped")
    assert attempt["answers"] == ["503"] and phones.pushed(subscription) == 1


def test_what_was_put_off_before_a_later_try_is_told_once(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.fail(subscription, 503, 1, after_s=3000)
    reminder = fall_due(rep, clock)
    tried(server, rep, 1)
    later = wall(clock.now() + datetime.timedelta(minutes=10))
    assert rep.post(f"/v1/reminders/{reminder['id']}/snooze", json={"due": later}, headers={"idempotency-key": uuid7()}).status_code == 200
    clock.forward(minutes=12)
    outcome(server, rep, "accepted", "sending")
    clock.forward(minutes=45)
    outcome(server, rep, "skipped", "accepted")
    assert len(phones.messages(subscription)) == 1


def test_who_had_many_browsers_is_told_on_the_phone_of_today(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    for _ in range(55):
        rep.device = uuid7()
        phone(rep, phones)
    today = sign_in(rep.company, clock)
    subscription = phone(today, phones)
    fall_due(today, clock)
    outcome(server, today, "accepted", device=today.device)
    assert len(phones.messages(subscription)) == 1


def test_each_device_is_told_once_and_at_its_own_time(server, phones, two_phones):
    clock, a, b, at_a, at_b = two_phones
    phones.fail(at_a, 503, 1, after_s=3000)
    phones.fail(at_b, 503, 1)
    third = sign_in(a.company, clock)
    at_third = phone(third, phones)
    fall_due(a, clock)
    tried(server, a, 1, device=a.device)
    clock.forward(minutes=5)
    outcome(server, a, "accepted", device=b.device)
    waiting, = outcome(server, a, "sending", device=a.device)
    assert waiting["answers"] == ["503"]
    clock.forward(minutes=50)
    outcome(server, a, "accepted", device=a.device)
    assert [len(phones.messages(at)) for at in (at_a, at_b, at_third)] == [1, 1, 1] and phones.pushed(at_third) == 1


def test_a_person_whose_push_service_does_not_answer_holds_up_nobody_else(server, phones):
    clock = Clock(server, phones, 9)
    company = server.company()
    slow, other = sign_in(company, clock), Person(company, "li")
    clock.people.append(other)
    at_slow, at_other = phone(slow, phones), phone(other, phones)
    phones.hold(at_slow)
    for i in range(40):
        remind(slow, wall(clock.now() + datetime.timedelta(minutes=i)), text=f"{i}")
    remind(other, wall(clock.now() + datetime.timedelta(minutes=50)), text="等不起")
    clock.forward(minutes=51)
    until(lambda: bodies(phones, at_other) == ["等不起"], "the other person's push")
    assert phones.pushed(at_slow) <= 16


def test_a_message_without_an_answer_keeps_no_other_from_being_sent_and_settled(server, phones):
    clock = Clock(server, phones, 9)
    company = server.company()
    slow, others = sign_in(company, clock), [Person(company, "li"), Person(company, "zhao")]
    clock.people += others
    at_slow, at_others = phone(slow, phones), [phone(other, phones) for other in others]
    phones.hold(at_slow)
    remind(slow, wall(clock.now() + datetime.timedelta(minutes=1)))
    for i in range(50):
        for other in others:
            remind(other, wall(clock.now() + datetime.timedelta(minutes=2 + i)), text=f"{i}")
    clock.forward(minutes=2)
    until(lambda: phones.pushed(at_slow) == 1, "the message that gets no answer")
    clock.forward(minutes=51)
    for other in others:
        outcome(server, other, *["accepted"] * 50)
    assert [sorted(bodies(phones, at), key=int) for at in at_others] == [[f"{i}" for i in range(50)]] * 2
    attempt, = attempts(server, slow)
    assert attempt["state"] == "sending" and attempt["answers"][-1] == "?"


def test_a_message_that_another_run_takes_over_on_its_way_is_settled_by_that_one(server, phones):
    clock = Clock(server, phones, 9)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    phones.hold(subscription)
    done = metric(server, "bf_jobs_done")
    fall_due(rep, clock)
    until(lambda: phones.pushed(subscription) == 1, "the message on its way")

    def taken_over():  # the lease is over by the moved clock, unless it was renewed at that moment
        clock.forward(minutes=1)
        return phones.pushed(subscription) > 1
    until(taken_over, "another run")
    phones.release(subscription, 201)
    attempt, = outcome(server, rep, "accepted")
    assert attempt["answers"] == ["?"] * (attempt["tries"] - 1) + ["201"] and attempt["tries"] > 1

    def done_once():  # a third run that came as the second had its answer gives way, and looks again after a pause
        clock.forward(minutes=1)
        return metric(server, "bf_jobs_done") == done + 2
    until(done_once, "the jobs of the reminder and of its message, once")


def test_what_was_recorded_is_forgotten_after_ninety_days(server, phones):
    clock = Clock(server, phones, 9)
    company = server.company()
    rep = sign_in(company, clock)
    phone(rep, phones)
    fall_due(rep, clock)
    outcome(server, rep, "accepted")
    clock.people.clear()
    for days, kept in ((89, 2), (2, 2)):
        clock.forward(days=days)
        rep = Person(company, "wang", device=rep.device)
        fall_due(rep, clock)
        until(lambda: attempts(server, rep)[0]["notification"] == rep.get("/v1/notifications").json()["items"][0]["id"], "the last push")
        outcome(server, rep, *["accepted"] * kept)


def test_a_name_that_leads_into_a_private_network_is_never_reached(server, phones):
    clock = Clock(server, phones, 12)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    inside = {**{key: subscription[key] for key in ("p256dh", "auth")}, "endpoint": f"https://inside.test:{phones.port}/push/{subscription['id']}"}
    path = f"/v1/devices/{rep.device}"
    assert rep.patch(path, json={"subscription": inside}, headers={"if-match": rep.etag(path)}).status_code == 200
    fall_due(rep, clock)
    attempt, = outcome(server, rep, "failed")
    assert attempt["answers"] == ["0"] and "address" in attempt["cause"]
    assert phones.pushed(subscription) == 0


def test_a_restart_between_due_and_sent_tells_once(server, phones):
    clock = Clock(server, phones, 13)
    rep = sign_in(server.company(), clock)
    subscription = phone(rep, phones)
    reminders = [remind(rep, wall(clock.now() + datetime.timedelta(minutes=5 + i)), text=f"{i}") for i in range(12)]
    clock.forward(minutes=30)
    server.kill()
    rep.reconnect()
    until(lambda: all(state(rep, reminder) == "sent" for reminder in reminders), "all reminders")
    until(lambda: len({message["topic"] for message in phones.messages(subscription)}) == 12, "twelve pushes")
    by_topic = {}
    for message in phones.messages(subscription):
        by_topic.setdefault(message["topic"], set()).add(message["text"])
    assert len(by_topic) == 12 and all(len(texts) == 1 for texts in by_topic.values())
    told = [item["body"] for item in rep.get("/v1/notifications").json()["items"]]
    assert sorted(told, key=int) == [f"{i}" for i in range(12)]

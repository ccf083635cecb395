# SPDX-License-Identifier: Apache-2.0
"""Mail, webhooks and WeCom's robots, from the API to peers that are not ours: aiosmtpd takes the mail and Python's `email` reads it, Python's `hmac` checks
the signature. The server's clock is moved; nothing is waited for but what the server does."""
import datetime
import email
import email.policy
import hashlib
import hmac
import json
import re

import pytest

from baifang import NEVER, Server, until, uuid7
from receivers import NAMES, Certificate, Hooks, Mail
from test_push import Clock, phone, remind, wall
from test_push import phones  # noqa: F401  pylint: disable=unused-import

PASSWORD = "neun-Kirschen-im-Korb"
PUBLIC = "https://crm.example.com:8443"
BY_MAIL = {"reminder": {"mail": True}}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("peers"))


@pytest.fixture
def hooks(certificate):
    running = Hooks(certificate)
    yield running
    running.stop()


@pytest.fixture
def mail(certificate):
    running = Mail(certificate, login=("baifang", PASSWORD))
    yield running
    running.stop()


def config(tmp_path, certificate, mail, hooks, phones, **of_mail):
    """With the authorities of the push service and of the peers."""
    ca = tmp_path / "all.pem"
    ca.write_bytes(certificate.ca.read_bytes() + phones.ca.read_bytes())
    secret = tmp_path / "mail.password"
    secret.write_text(of_mail.pop("password", PASSWORD) + "\n")
    peers = [f"mail.test:{mail.port}", f"hook.test:{hooks.port}", f"wecom.test:{hooks.port}", f"push.test:{phones.port}"]
    of_mail = {"server": f"smtp://mail.test:{mail.port}", "from": "crm@firma.example", "name": "拜访 CRM", "user": "baifang", "password_file": secret, **of_mail}
    return {"log": {"level": "debug"}, "mail": of_mail, "push": {"public_url": PUBLIC, "wecom_url": f"https://wecom.test:{hooks.port}/cgi-bin/webhook/send"},
            "http_client": {"named_hosts": ", ".join([f"hook.test:{hooks.port}", f"push.test:{phones.port}"]),
                            "resolve": ", ".join(peer + ":127.0.0.1" for peer in peers), "ca_file": ca}}


@pytest.fixture
def server(tmp_path, certificate, mail, hooks, phones):  # noqa: F811
    with Server(tmp_path, config(tmp_path, certificate, mail, hooks, phones)) as running:
        yield running


@pytest.fixture
def clock(server, phones):  # noqa: F811
    return Clock(server, phones, 9)


def reader(server, clock, login="wang", address=None, **kinds):
    """A person with an address who wants these kinds by mail."""
    person = server.company().sign_in(login)
    clock.people.append(person)
    assert person.patch("/v1/me", json={"email": address or f"{login}@firma.example"}, headers={"if-match": person.etag("/v1/me")}).status_code == 200
    prefer(person, kinds or BY_MAIL)
    return person


def prefer(person, changes):
    answer = person.patch("/v1/preferences", json=changes, headers={"if-match": person.etag("/v1/preferences")})
    assert answer.status_code == 200, answer.text
    return answer.json()


def fall_due(person, clock, text="给陈经理回电话"):
    """Returns the notification."""
    reminder = remind(person, wall(clock.now() + datetime.timedelta(minutes=5)), text=text)
    clock.forward(minutes=6)
    return until(lambda: next((n for n in person.get("/v1/notifications").json()["items"] if reminder["id"] in n["reminders"]), None), "the notification")


def delivery(person, notification, channel):
    items = person.get(f"/v1/notifications/{notification['id']}/delivery").json()["items"]
    return [item for item in items if item["channel"] == channel]


def becomes(person, notification, channel, state, tries=None):
    def look():
        found = delivery(person, notification, channel)
        return found and found[0]["state"] == state and tries in (None, found[0]["tries"]) and found[0]
    return until(look, f"{channel} {state} {tries}")


def again(person, clock, notification, channel, tries):
    """The try after `tries`, for which nothing but time is needed."""
    until(lambda: (found := delivery(person, notification, channel)) and found[0]["tries"] == tries and found[0]["next_at"], f"try {tries}")
    clock.forward(minutes=6)


def parsed(message):
    return email.message_from_bytes(message["raw"], policy=email.policy.default)


# ---- mail ----

def test_what_is_due_comes_by_mail_as_text_and_html_side_by_side(server, clock, mail):
    rep = reader(server, clock)
    words = '给<b>陈</b>经理回电话 & "报价"，' + "下午三点在人民路一号与采购部一起过一遍合同草案"
    told = fall_due(rep, clock, words)
    becomes(rep, told, "smtp", "accepted", 1)
    taken, = mail.taken
    raw, message = taken["raw"], parsed(taken)
    assert taken["tls"] and taken["from"] == "crm@firma.example" and taken["to"] == ["wang@firma.example"]
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"") and max(map(len, raw.split(b"\r\n"))) <= 998
    raw.decode("ascii")
    head = raw.split(b"\r\n\r\n")[0]
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if line.lstrip().startswith((b"Subject", b"=?")))
    assert message["subject"] == told["title"] and not message["subject"].isascii() and message.defects == []
    assert message["to"] == "<wang@firma.example>" or message["to"].addresses[0].addr_spec == "wang@firma.example"
    assert message["from"].addresses[0].display_name == "拜访 CRM" and message["from"].addresses[0].addr_spec == "crm@firma.example"
    assert re.fullmatch(r"<[0-9a-f-]{36}@firma\.example>", message["message-id"]) and message["date"].datetime is not None
    assert message.get_content_type() == "multipart/alternative" and [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in message.iter_parts())
    assert words in text and told["title"] in text
    assert "<b>" not in html and "给&lt;b&gt;陈&lt;/b&gt;经理回电话 &amp; &quot;报价&quot;" in html


def test_a_long_chinese_subject_is_folded_between_characters(server, clock, mail):
    """By a task's notification, whose title is what somebody wrote."""
    rep = reader(server, clock, task={"mail": True})
    boss = rep.company.sign_in("zhao")
    title = "与采购部一起核对合同草案里的交货日期和付款条件" * 4 + "\U0001F4BC" * 5
    answer = boss.post("/v1/tasks", json={"id": uuid7(), "assignee": rep.id, "title": title[:100], "due": "2090-03-06T09:00"})
    assert answer.status_code == 201, answer.text
    until(lambda: mail.well(), "the mail")
    told, = rep.get("/v1/notifications").json()["items"]
    assert parsed(mail.well()[0])["subject"] == told["title"]


def test_a_repetition_carries_the_same_message_id_and_what_may_pass_is_tried_again(server, clock, mail):
    mail.answers["DATA"] = ["451 4.3.0 try later"]
    mail.answers["wang@firma.example"] = ["450 4.2.0 <wang@firma.example> greylisted"]
    rep = reader(server, clock)
    told = fall_due(rep, clock)
    again(rep, clock, told, "smtp", 1)
    again(rep, clock, told, "smtp", 2)
    becomes(rep, told, "smtp", "accepted", 3)
    refused, taken = mail.taken
    assert refused["raw"] == taken["raw"] and refused["answer"].startswith("451")
    assert not [line for line in server.lines if "wang@firma.example" in line]


def unsubscribe_path(message):
    link = re.fullmatch(r"<(https://.*)>", parsed(message)["list-unsubscribe"])[1]
    assert link.startswith(PUBLIC + "/v1/unsubscribe?token=") and parsed(message)["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    return link.removeprefix(PUBLIC)


def test_one_click_ends_mail_of_that_kind_and_following_the_link_does_not(server, clock, mail, hooks):
    rep = reader(server, clock, reminder={"mail": True}, task={"mail": True})
    add_channel(rep, "webhook", hook_url(hooks, "/told"))
    fall_due(rep, clock)
    until(lambda: mail.well(), "the mail")
    path = unsubscribe_path(mail.well()[0])
    with server.client() as anybody:
        page = anybody.get(path)
        assert page.status_code == 200 and '<form method="post">' in page.text and "wang" not in page.text
        assert "script-src" not in page.headers["content-security-policy"] and page.headers["referrer-policy"] == "no-referrer"
        assert rep.get("/v1/preferences").json()["reminder"] == {"push": True, "mail": True}
        for _ in range(2):
            form = {"content-type": "application/x-www-form-urlencoded"}
            assert anybody.post(path, content="List-Unsubscribe=One-Click", headers=form).status_code == 200
    assert rep.get("/v1/preferences").json()["reminder"] == {"push": True, "mail": False}
    assert rep.get("/v1/preferences").json()["task"] == {"push": True, "mail": True}
    told = fall_due(rep, clock, "第二条")
    becomes(rep, told, "webhook", "accepted")
    assert delivery(rep, told, "smtp") == [] and len(mail.well()) == 1
    prefer(rep, BY_MAIL)
    becomes(rep, fall_due(rep, clock, "第三条"), "smtp", "accepted")
    assert len(mail.well()) == 2


def test_a_token_that_was_changed_ends_nothing(server, clock, mail):
    rep = reader(server, clock)
    fall_due(rep, clock)
    until(lambda: mail.well(), "the mail")
    path, _, token = unsubscribe_path(mail.well()[0]).partition("=")
    wrong = ["", "x", token[:-1], token + "A", "A" * len(token), token[:30] + ("B" if token[30] != "B" else "C") + token[31:],
             token[:-5] + ("B" if token[-5] != "B" else "C") + token[-4:]]
    with server.client() as anybody:
        for one in wrong:
            for answer in (anybody.post(f"{path}={one}"), anybody.get(f"{path}={one}")):
                assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == "token", one
    assert rep.get("/v1/preferences").json()["reminder"]["mail"]


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "550 gone", "553 5.1.3 bad address", "551 moved"])
def test_an_unknown_mailbox_gets_no_more_mail_until_the_address_is_another(server, clock, mail, hooks, answer):
    mail.answers["wang@firma.example"] = [answer]
    rep = reader(server, clock)
    add_channel(rep, "webhook", hook_url(hooks, "/told"))
    told = fall_due(rep, clock)
    assert becomes(rep, told, "smtp", "retired", 1)
    assert rep.get("/v1/preferences").json()["mail_retired"] == "wang@firma.example" and rep.get("/v1/me").json()["email"] == "wang@firma.example"
    second = fall_due(rep, clock, "第二条")
    becomes(rep, second, "webhook", "accepted")
    assert rep.patch("/v1/me", json={"email": "w2@firma.example"}, headers={"if-match": rep.etag("/v1/me")}).status_code == 200
    becomes(rep, fall_due(rep, clock, "第三条"), "smtp", "accepted")
    assert delivery(rep, second, "smtp") == [] and [one["to"] for one in mail.taken] == [["w2@firma.example"]]


def test_who_asks_for_mail_anew_gives_the_same_address_another_chance(server, clock, mail):
    mail.answers["wang@firma.example"] = ["550 5.1.1 no such user"]
    rep = reader(server, clock)
    becomes(rep, fall_due(rep, clock), "smtp", "retired")
    assert "mail_retired" not in prefer(rep, BY_MAIL)
    becomes(rep, fall_due(rep, clock, "第二条"), "smtp", "accepted")


@pytest.mark.parametrize("answer", ["550 5.7.1 policy", "552 5.2.2 mailbox full", "554 no"])
def test_a_message_that_is_refused_is_given_up_and_the_mailbox_stays(server, clock, mail, answer):
    mail.answers["wang@firma.example"] = [answer]
    rep = reader(server, clock)
    becomes(rep, fall_due(rep, clock), "smtp", "failed", 1)
    becomes(rep, fall_due(rep, clock, "第二条"), "smtp", "accepted", 1)


def test_a_wrong_password_is_said_in_the_log_and_nowhere_is_the_password(tmp_path, certificate, mail, hooks, phones):  # noqa: F811
    wrong = "zehn-Pflaumen-im-Glas"
    with Server(tmp_path, config(tmp_path, certificate, mail, hooks, phones, password=wrong)) as server:
        clock = Clock(server, phones, 9)
        rep = reader(server, clock)
        told = fall_due(rep, clock)
        event = server.wait_event("push.refused")
        assert event["channel"] == "smtp" and event["status"] == 535
        until(lambda: becomes(rep, told, "smtp", "sending", 1)["next_at"], "the try to be on record")
        assert mail.taken == [] and not [line for line in server.lines if wrong in line or "wang@firma.example" in line]
        assert wrong not in server.admin("explain", rep.company.code, told["id"])


def test_nothing_goes_to_a_mail_server_without_tls_unless_the_configuration_says_so(tmp_path, certificate, hooks, phones):  # noqa: F811
    bare = Mail(certificate, tls=False)
    with Server(tmp_path / "a", config(tmp_path, certificate, bare, hooks, phones)) as server:
        clock = Clock(server, phones, 9)
        rep = reader(server, clock)
        told = fall_due(rep, clock)
        until(lambda: (found := delivery(rep, told, "smtp")) and found[0]["next_at"], "the try")
        assert bare.commands == [] and bare.taken == []
    with Server(tmp_path / "b", config(tmp_path, certificate, bare, hooks, phones, tls="no", user="")) as server:
        clock = Clock(server, phones, 9)
        rep = reader(server, clock)
        becomes(rep, fall_due(rep, clock), "smtp", "accepted")
        assert len(bare.taken) == 1 and not bare.taken[0]["tls"]
    bare.stop()


def test_a_certificate_of_another_name_is_not_taken(tmp_path, certificate, mail, hooks, phones):  # noqa: F811
    options = config(tmp_path, certificate, mail, hooks, phones, server=f"smtp://other.test:{mail.port}")
    options["http_client"]["resolve"] += f", other.test:{mail.port}:127.0.0.1"
    assert "other.test" not in NAMES
    with Server(tmp_path, options) as server:
        clock = Clock(server, phones, 9)
        rep = reader(server, clock)
        told = fall_due(rep, clock)
        until(lambda: (found := delivery(rep, told, "smtp")) and found[0]["next_at"], "the try")
        assert mail.commands == []


# ---- webhooks ----

def add_channel(person, kind, address, kinds="reminder", name="总部"):
    """(id, secret)"""
    words = person.company.server.admin("channel", "add", person.company.code, person.login, kind, name, kinds, input=address + "\n").split()
    return words[0], bytes.fromhex(words[2]) if kind == "webhook" else None


@pytest.fixture
def rep(server, clock):
    person = server.company().sign_in("wang")
    clock.people.append(person)
    return person


def hook_url(hooks, path):
    return f"https://hook.test:{hooks.port}{path}"


def signed(headers, body, secret):
    expected = hmac.new(secret, headers["baifang-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["baifang-signature"], "v1=" + expected)


def test_a_webhook_is_signed_and_a_repetition_is_known_by_its_delivery(rep, clock, hooks):
    channel, secret = add_channel(rep, "webhook", hook_url(hooks, "/in?k=geheim"))
    hooks.answers["/in?k=geheim"] = [(503, ""), (429, "")]
    told = fall_due(rep, clock)
    again(rep, clock, told, "webhook", 1)
    again(rep, clock, told, "webhook", 2)
    assert becomes(rep, told, "webhook", "accepted", 3)["place"] == channel
    taken = hooks.at("/in?k=geheim")
    assert len(taken) == 3 and len({headers["baifang-delivery"] for headers, _ in taken}) == 1 and len({body for _, body in taken}) == 1
    assert all(signed(headers, body, secret) for headers, body in taken) and len({headers["baifang-timestamp"] for headers, _ in taken}) > 1
    headers, body = taken[0]
    assert not signed(headers, body + b" ", secret) and not signed({**headers, "baifang-timestamp": "1"}, body, secret)
    message = json.loads(body)
    assert headers["content-type"] == "application/json" and abs(int(headers["baifang-timestamp"]) - clock.now().timestamp()) < 3600
    assert (message["id"], message["user"], message["title"], message["body"]) == (told["id"], rep.id, told["title"], "给陈经理回电话")


def test_a_webhook_that_says_gone_is_over_and_404_is_not(rep, clock, hooks):
    add_channel(rep, "webhook", hook_url(hooks, "/a"))
    add_channel(rep, "webhook", hook_url(hooks, "/b"))
    hooks.answers = {"/a": [(410, "")], "/b": [(404, "")]}
    first, = [fall_due(rep, clock)]
    until(lambda: sorted(item["state"] for item in delivery(rep, first, "webhook")) == ["failed", "retired"], "both answers")
    becomes(rep, fall_due(rep, clock, "第二条"), "webhook", "accepted")
    assert (len(hooks.at("/a")), len(hooks.at("/b"))) == (1, 2)
    assert sorted(line.split()[2] for line in rep.company.server.admin("channel", "list", rep.company.code).splitlines()) == ["active", "retired"]


def test_only_the_kinds_and_the_person_that_a_channel_is_for_go_there(server, rep, clock, hooks):
    add_channel(rep, "webhook", hook_url(hooks, "/tasks"), kinds="task,retake")
    li = rep.company.sign_in("li")
    clock.people.append(li)
    told = fall_due(rep, clock)
    boss = rep.company.sign_in("zhao")
    for assignee in (li, rep):
        assert boss.post("/v1/tasks", json={"id": uuid7(), "assignee": assignee.id, "title": "发方案", "due": "2090-03-06T09:00"}).status_code == 201
    until(lambda: hooks.at("/tasks"), "the task")
    message, = [json.loads(body) for _, body in hooks.at("/tasks")]
    assert message["kind"] == "task" and message["user"] == rep.id and delivery(rep, told, "webhook") == []
    id = server.admin("channel", "list", rep.company.code).split()[0]
    server.admin("channel", "retire", rep.company.code, id)
    assert " retired " in server.admin("channel", "list", rep.company.code)


@pytest.mark.parametrize("words, address, says", [
    (("webhook", "x", "reminder"), "http://hook.example/in", "https"), (("webhook", "x", "reminder"), "https://127.0.0.1/in", "public"),
    (("webhook", "x", "reminder"), "https://[::1]/", "public"), (("webhook", "x", "reminder"), "smtp://mail.test/", "neither https"),
    (("webhook", "x", "reminder"), "https://u:p@hook.example/", "user name"), (("webhook", "x", "reminder"), "", "URL"),
    (("webhook", "x", "no_such"), "https://hook.example/", "no kind"), (("webhook", "x", ","), "https://hook.example/", "at least one"),
    (("pigeon", "x", "reminder"), "https://hook.example/", "webhook or wecom"), (("wecom", "x", "reminder"), "a&key=b12345", "key alone"),
    (("wecom", "x", "reminder"), "kurz", "key alone")])
def test_what_cannot_be_a_channel_is_refused_when_it_is_added(server, words, address, says):
    company = server.company()
    status, _, error = server.run("admin", "channel", "add", company.code, "wang", words[0], words[1], words[2], input=address + "\n", check=False)
    assert status != 0 and says in error, error
    assert server.admin("channel", "list", company.code) == ""


# ---- WeCom ----

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
ROBOT = "/cgi-bin/webhook/send?key=" + KEY


def errcode(code, words="x"):
    return 200, json.dumps({"errcode": code, "errmsg": words})


def test_a_robot_says_it_in_markdown_in_which_words_are_only_words(rep, clock, hooks):
    add_channel(rep, "wecom", KEY)
    told = fall_due(rep, clock, "[点这里](https://evil.example) <@all> `x` 好")
    becomes(rep, told, "wecom", "accepted", 1)
    (headers, body), = hooks.at(ROBOT)
    message = json.loads(body)
    assert message["msgtype"] == "markdown" and headers["content-type"] == "application/json"
    content = message["markdown"]["content"]
    assert told["title"] in content and "[" not in content and "<" not in content and "`" not in content and "好" in content


def test_no_more_than_4096_bytes_go_to_a_robot_and_no_character_is_cut(rep, clock, hooks):
    add_channel(rep, "wecom", KEY)
    due = wall(clock.now() + datetime.timedelta(minutes=5))
    for i in range(8):
        remind(rep, due, text=f"{i}" + "<" * 280)
    clock.forward(minutes=6)
    (_, body), = until(lambda: hooks.at(ROBOT), "the message")
    content = json.loads(body)["markdown"]["content"]
    assert 4090 < len(content.encode()) <= 4096 and "\ufffd" not in content


@pytest.mark.parametrize("code, state", [(45009, "sending"), (45033, "sending"), (-1, "sending"), (93000, "sending"), (40058, "failed"), (45002, "failed")])
def test_what_a_robot_answers_is_in_its_errcode(server, rep, clock, hooks, code, state):
    add_channel(rep, "wecom", KEY)
    hooks.answers[ROBOT] = [errcode(code, f"invalid webhook url {KEY}" if code == 93000 else "x")]
    told = fall_due(rep, clock)
    if state == "failed":
        becomes(rep, told, "wecom", "failed", 1)
    else:
        again(rep, clock, told, "wecom", 1)
        becomes(rep, told, "wecom", "accepted", 2)
    refused = [event for event in server.events if event.get("event") == "push.refused"]
    assert len(refused) == (code in (93000, 40058, 45002)) and not [line for line in server.lines if KEY in line]
    assert str(code) in server.admin("explain", rep.company.code, told["id"], "--lang", "en")


@pytest.mark.parametrize("answer", [(200, "not json"), (200, "{}"), (502, "")])
def test_an_answer_that_says_nothing_is_asked_again(rep, clock, hooks, answer):
    add_channel(rep, "wecom", KEY)
    hooks.answers[ROBOT] = [answer]
    told = fall_due(rep, clock)
    again(rep, clock, told, "wecom", 1)
    becomes(rep, told, "wecom", "accepted", 2)


def test_a_robot_is_sent_20_messages_a_minute_and_the_rest_wait(rep, hooks):
    add_channel(rep, "wecom", KEY, kinds="task")
    boss = rep.company.sign_in("zhao")
    for i in range(22):
        assert boss.post("/v1/tasks", json={"id": uuid7(), "assignee": rep.id, "title": f"第{i}件", "due": "2090-03-06T09:00"}).status_code == 201
    notes = until(lambda: (items := rep.get("/v1/notifications").json()["items"]) and len(items) == 22 and items, "all notifications")

    def states():
        found = [item for note in notes for item in delivery(rep, note, "wecom")]
        return len(found) == 22 and sorted(item["state"] for item in found)
    assert until(lambda: (s := states()) and s.count("accepted") == 20 and s, "20 messages") == ["accepted"] * 20 + ["sending"] * 2
    assert len(hooks.at(ROBOT)) == 20


# ---- preferences and the ledger ----

def test_preferences_follow_the_role_until_they_are_set_and_null_takes_that_back(server):
    company = server.company()
    for login in ("wang", "qian"):
        person = company.sign_in(login)
        before = person.get("/v1/preferences").json()
        assert before["id"] == person.id and before["rev"] == 0
        assert all(ways["push"] for ways in before.values() if isinstance(ways, dict))
        for kind, ways in before.items():
            assert not isinstance(ways, dict) or ways["mail"] == (kind.startswith("digest_") and login == "qian"), kind
    assert prefer(person, {"task": {"push": False}})["task"] == {"push": False, "mail": False}
    assert prefer(person, {"task": {"mail": True}})["task"] == {"push": False, "mail": True}
    assert prefer(person, {"task": None})["task"] == {"push": True, "mail": False}
    stale = person.patch("/v1/preferences", json={"task": {"push": False}}, headers={"if-match": person.etag("/v1/me")})
    assert stale.status_code == 412 and stale.json()["current"]["task"] == {"push": True, "mail": False}


def test_what_is_not_wanted_by_push_rings_on_no_phone_and_is_on_record(server, rep, clock, phones):  # noqa: F811
    subscription = phone(rep, phones)
    prefer(rep, {"reminder": {"push": False}})
    told = fall_due(rep, clock)
    assert becomes(rep, told, "webpush", "skipped")["tries"] == 0 and phones.pushed(subscription) == 0
    assert "本人不要这类推送" in server.admin("explain", rep.company.code, told["id"])
    prefer(rep, {"reminder": {"push": True}})
    becomes(rep, fall_due(rep, clock, "第二条"), "webpush", "accepted")
    assert phones.pushed(subscription) == 1


def test_one_persons_preferences_touch_nobody_else(server, rep, clock, phones):  # noqa: F811
    li = rep.company.sign_in("li")
    clock.people.append(li)
    before = li.get("/v1/preferences").json()
    prefer(rep, {"reminder": {"push": False, "mail": True}})
    assert li.get("/v1/preferences").json() == before and rep.get("/v1/preferences").json()["id"] == rep.id
    told = fall_due(rep, clock)
    for path in ("delivery", "opened", "acted"):
        answers = [li.request("GET" if path == "delivery" else "POST", f"/v1/notifications/{id}/{path}", headers={"idempotency-key": uuid7()})
                   for id in (told["id"], NEVER)]
        assert [answer.status_code for answer in answers] == [404, 404]
    assert "opened_at" not in rep.get("/v1/notifications").json()["items"][0]


def test_the_ledger_says_when_it_was_opened_and_acted_upon(server, rep, clock):
    told = fall_due(rep, clock)
    mark = lambda verb: rep.post(f"/v1/notifications/{told['id']}/{verb}", headers={"idempotency-key": uuid7()}).json()  # noqa: E731
    opened = mark("opened")["opened_at"]
    clock.forward(minutes=2)
    acted = mark("acted")
    assert acted["opened_at"] == opened < acted["acted_at"] and mark("opened")["opened_at"] == opened
    assert rep.get("/v1/notifications").json()["items"][0]["acted_at"] == acted["acted_at"]
    words = server.admin("explain", rep.company.code, told["id"])
    assert "已打开：" + opened in words and "已处理：" in words


@pytest.mark.parametrize("lang, says", [("zh-CN", ["发给 wang", "没有可推送的设备", "本人不要这类邮件", "已提醒"]),
                                        ("en", ["for wang", "no device is subscribed", "does not want this kind by mail", "Sent"])])
def test_explain_says_why_nothing_was_told(server, rep, clock, lang, says):
    told = fall_due(rep, clock)
    words = server.admin("explain", rep.company.code, told["id"], "--lang", lang)
    assert all(one in words for one in says), words


def test_explain_names_the_attempts_and_a_frozen_account(server, clock, mail):
    mail.answers["wang@firma.example"] = ["450 4.2.0 greylisted"]
    rep = reader(server, clock)
    told = fall_due(rep, clock)
    becomes(rep, told, "smtp", "sending", 1)
    until(lambda: "greylisted" in server.admin("explain", rep.company.code, told["id"]), "the try")
    assert "下次不早于" in server.admin("explain", rep.company.code, told["id"])
    server.admin("freeze", rep.company.code, "wang")
    assert "frozen" in server.admin("explain", rep.company.code, told["id"], "--lang", "en")
    assert server.run("admin", "explain", rep.company.code, NEVER, check=False)[0] != 0


def test_no_channels_secret_is_in_the_log_or_in_an_answer(server, rep, clock, hooks, mail):
    _, secret = add_channel(rep, "webhook", hook_url(hooks, "/pfad-geheim"))
    add_channel(rep, "wecom", KEY)
    hooks.answers = {"/pfad-geheim": [(403, "no")], ROBOT: [errcode(93000)]}
    told = fall_due(rep, clock)
    until(lambda: server.count("push.refused") == 2, "both refusals")
    shown = [server.admin("channel", "list", rep.company.code), server.admin("push", "attempts", rep.company.code, "wang"),
             server.admin("explain", rep.company.code, told["id"]), rep.get("/v1/changes").text, rep.get(f"/v1/notifications/{told['id']}/delivery").text,
             *server.lines]
    for hidden in (secret.hex(), "pfad-geheim", KEY, PASSWORD):
        assert not [text for text in shown if hidden in text], hidden

# SPDX-License-Identifier: Apache-2.0
"""Who sees what: a visit with all that hangs on it, looked at by everybody who may not, on every route; what moves with a customer that is given to
another; and what the change feed and event streams make of it. What somebody may not see answers like an id that never was."""
import base64
import hashlib
import re
import secrets
import struct
import threading
import time
import zlib

import pytest

from baifang import NEVER, Feed, Server, at_once, rfc3339, until, uuid7

NOW = rfc3339(1795320000000)


def png(width=8, height=8):
    """A picture that nobody else has."""
    rows = b"".join(b"\0" + secrets.token_bytes(3 * width) for _ in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def wav(seconds=1):
    """Noise that nobody else has recorded."""
    sound = secrets.token_bytes(2 * 16000 * seconds)
    return b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16) + b"data" + struct.pack(
        "<I", len(sound)) + sound


def upload(person, content, type="image/png"):
    """tus creation with upload: the SHA-256 that a visit names it by."""
    answer = person.post("/v1/uploads", content=content, headers={"tus-resumable": "1.0.0", "upload-length": str(len(content)),
                         "content-type": "application/offset+octet-stream", "upload-metadata": "type " + base64.b64encode(type.encode()).decode()})
    assert answer.status_code == 201 and answer.headers["upload-offset"] == str(len(content)), answer.text
    return hashlib.sha256(content).hexdigest()


def made(person, kind, body):
    answer = person.post("/v1/" + kind, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def log_visit(person, customer, sha256=None, **fields):
    contact = person.get("/v1/contacts", params={"customer": customer}).json()["items"][0]["id"]
    media = [{"id": uuid7(), "kind": "photo", "sha256": sha256, "type": "image/png"}] if sha256 else []
    return made(person, "visits", person.visit_body(customer, contacts=[contact], media=media, **fields))


class Story:
    """A customer with a contact, a visit, its verdict, a photo, a voice note with its transcript, and a supplement. The note's bytes come only when `heard`."""

    def __init__(self, owner, visits=1, heard=False):
        self.owner, self.photo, self.heard = owner, png(), heard
        self.customer = owner.customer()["id"]
        self.contact = owner.get("/v1/contacts", params={"customer": self.customer}).json()["items"][0]["id"]
        self.sha256 = upload(owner, self.photo)
        self.voice_sha256 = upload(owner, wav(), "audio/wav") if heard else "ef" * 32
        for _ in range(visits):
            self.add_visit()

    def add_visit(self):
        media = [{"id": uuid7(), "kind": "photo", "sha256": self.sha256, "type": "image/png"},
                 {"id": uuid7(), "kind": "voice", "sha256": self.voice_sha256, "type": "audio/wav", "consent_at": NOW}]
        receipt = made(self.owner, "visits", self.owner.visit_body(self.customer, contacts=[self.contact], media=media,
                                                                   content="客户要求报价，" + secrets.token_hex(8)))
        self.visit, self.media, self.voice, self.verdict = receipt["visit"]["id"], media[0]["id"], media[1]["id"], receipt["verdict"]["id"]
        until(lambda: self.state() == "ready", "the picture's sizes")
        if self.heard:
            until(lambda: self.read()["transcripts"][0]["state"] in ("ready", "failed"), "what was heard")
        self.transcript = self.read()["transcripts"][0]["id"]
        self.supplement = made(self.owner, "supplements", {"id": uuid7(), "visit": self.visit, "content": "补充说明一条", "captured_at": NOW})["id"]

    def read(self):
        return self.owner.get(f"/v1/visits/{self.visit}").json()

    def state(self):
        return next(m["state"] for m in self.read()["media_states"] if m["id"] == self.media)

    def paths(self):
        """Everything that can be read of it, by kind."""
        return {"customer": [f"/v1/customers/{self.customer}"], "contact": [f"/v1/contacts/{self.contact}"], "visit": [f"/v1/visits/{self.visit}"],
                "transcript": [f"/v1/transcripts/{self.transcript}"], "supplement": [f"/v1/supplements/{self.supplement}"],
                "media": [f"/v1/visits/{self.visit}/media/{self.media}/{variant}" for variant in ("original", "large", "small")] +
                         [f"/v1/visits/{self.visit}/media/{self.voice}/{variant}" for variant in ("original", "voice", "peaks") if self.heard]}

    def ids(self):
        return {self.customer, self.contact, self.visit, self.media, self.voice, self.verdict, self.transcript, self.supplement}

    def lists(self):
        return ["/v1/customers", "/v1/contacts", "/v1/visits", "/v1/supplements", f"/v1/contacts?customer={self.customer}",
                f"/v1/visits?customer={self.customer}", f"/v1/visits?rep={self.owner.id}", f"/v1/customers?owner={self.owner.id}",
                f"/v1/supplements?visit={self.visit}"]


class ContractStory:
    """A contract of the customer's with one page, which awaits nothing."""

    def __init__(self, story):
        owner, self.media = story.owner, uuid7()
        page = {"id": uuid7(), "media": self.media, "sha256": upload(owner, png()), "type": "image/png"}
        body = {"id": uuid7(), "customer": story.customer, "number": "HT-" + secrets.token_hex(4), "amount": {"minor": 7, "currency": "CNY"},
                "signed_on": "2026-11-20", "parties": ["甲", "乙"], "pages": [page]}
        self.contract, self.customer = made(owner, "contracts", body)["contract"]["id"], story.customer
        until(lambda: owner.get(f"/v1/contracts/{self.contract}").json()["state"] == "uploaded", "the page")

    def paths(self):
        return [f"/v1/contracts/{self.contract}"] + [f"/v1/contracts/{self.contract}/media/{self.media}/{variant}" for variant in ("original", "large", "small")]

    def lists(self):
        return ["/v1/contracts", f"/v1/contracts?customer={self.customer}", "/v1/contracts?state=uploaded"]


class World:
    def __init__(self, server):
        self.server = server
        self.company, other = server.company(), server.company()
        add, code = self.company.add, self.company.code
        below = server.admin("team", "add", code, "一组甲", self.company.team)
        second = server.admin("team", "add", code, "二组")
        for login, role, team in [("wu", "rep", below), ("sun", "rep", second), ("zhou", "supervisor", second), ("rui", "reviewer", second),
                                  ("fu", "service", second), ("gu", "admin", second), ("xu", "auditor", second), ("shu", "supervisor", below)]:
            add(login, login, role, team)
        for login in ("wang", "li", "zhao", "qian", "wu", "sun", "zhou", "rui", "fu", "gu", "xu", "shu"):
            setattr(self, login, self.company.sign_in(login))
        self.stranger, self.stranger_manager = other.sign_in("wang"), other.sign_in("qian")
        self.story = Story(self.wang, heard=True)
        self.contract = ContractStory(self.story)
        self.personal = self.make_personal()
        self.blind = {"li": self.li, "sun": self.sun, "wu": self.wu, "zhou": self.zhou, "shu": self.shu, "rui": self.rui, "gu": self.gu,
                      "stranger": self.stranger, "stranger_manager": self.stranger_manager}
        self.seeing = {"wang": self.wang, "zhao": self.zhao, "qian": self.qian, "xu": self.xu}

    def make_personal(self):
        """What is wang's alone, by the list that names it."""
        device = made(self.wang, "devices", {"id": uuid7(), "name": "手机", "platform": "ios"})["id"]
        due = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 90))
        reminder = made(self.wang, "reminders", {"id": uuid7(), "customer": self.story.customer, "text": "回访", "due": due, "tz": "UTC", "wake": True})["id"]
        self.server.shift_clock(150_000)
        notification = until(lambda: self.wang.get("/v1/notifications").json()["items"], "the notification")[0]["id"]
        task = made(self.wang, "tasks", {"id": uuid7(), "title": "回访", "due": "2090-03-06T09:00", "customer": self.story.customer})["id"]
        return {"/v1/tasks": task, "/v1/devices": device, "/v1/reminders": reminder, "/v1/notifications": notification, "/v1/sessions": self.wang.tokens["session"]}


@pytest.fixture(scope="module")
def w(server):
    return World(server)


def told(answer):
    body = answer.json()
    return answer.status_code, {key: value for key, value in body.items() if key != "trace_id"}, sorted(answer.headers)


def read_all(person, path):
    """Every item of a list, page by page."""
    items, after = [], None
    while True:
        answer = person.get(path, params={**({"after": after} if after else {})}) if "?" not in path else person.get(
            path + (f"&after={after}" if after else ""))
        if answer.status_code != 200:
            return answer
        items += answer.json()["items"]
        after = answer.json()["next"]
        if not after:
            return items


BLIND = ["li", "sun", "wu", "zhou", "shu", "rui", "gu", "stranger", "stranger_manager"]
SEEING = ["wang", "zhao", "qian", "xu"]


# ---- nothing of it, on any route ----

@pytest.mark.parametrize("who", BLIND)
def test_who_may_not_see_it_reads_what_a_record_that_never_was_would_answer(w, who):
    person = w.blind[who]
    for kind, paths in w.story.paths().items():
        for path in paths:
            never = path.replace(getattr(w.story, kind), NEVER)
            if kind == "media":
                never = path.replace(w.story.visit, NEVER).replace(w.story.media, NEVER).replace(w.story.voice, NEVER)
            answers = [person.get(p) for p in (path, never)]
            assert answers[0].status_code == 404 and told(answers[0]) == told(answers[1]), path
            head = person.request("HEAD", path)
            assert head.status_code == 404 and head.content == b""


@pytest.mark.parametrize("who", SEEING)
def test_who_may_see_it_reads_all_of_it(w, who):
    for paths in w.story.paths().values():
        for path in paths:
            assert w.seeing[who].get(path).status_code == 200, path
    assert w.seeing[who].get(w.story.paths()["media"][0]).content == w.story.photo


@pytest.mark.parametrize("who", BLIND)
def test_no_list_names_it(w, who):
    person = w.blind[who]
    for path in w.story.lists():
        items = read_all(person, path)
        if not isinstance(items, list):
            assert items.status_code == 403 and who in ("rui", "gu"), (path, items.text)
            continue
        assert not {i["id"] for i in items} & w.story.ids(), path


@pytest.mark.parametrize("who", SEEING)
def test_the_lists_of_those_who_see_it_name_it(w, who):
    wanted = [w.story.customer, w.story.contact, w.story.visit, w.story.supplement, w.story.contact, w.story.visit, w.story.visit, w.story.customer,
              w.story.supplement]
    for path, id in zip(w.story.lists(), wanted):
        assert id in {i["id"] for i in read_all(w.seeing[who], path)}, path


BLIND_TO_CONTRACTS = [who for who in BLIND if who != "rui"] + ["fu"]


@pytest.mark.parametrize("who", BLIND_TO_CONTRACTS)
def test_CON_04_who_may_not_see_a_contract_finds_nothing_of_it(w, who):
    person = getattr(w, who)
    for path in w.contract.paths():
        answers = [person.get(p) for p in (path, path.replace(w.contract.contract, NEVER).replace(w.contract.media, NEVER))]
        assert answers[0].status_code == 404 and told(answers[0]) == told(answers[1]), path
    for path in w.contract.lists():
        items = read_all(person, path)
        assert items.status_code == 403 and who in ("gu", "fu") if not isinstance(items, list) else w.contract.contract not in {i["id"] for i in items}, path
    if who != "stranger_manager":
        assert person.get("/v1/review_queue").status_code == 403
    assert w.contract.contract not in str(person.get("/v1/changes").json())


@pytest.mark.parametrize("who", [*SEEING, "rui"])
def test_CON_04_who_may_see_a_contract_sees_all_of_it(w, who):
    person = getattr(w, who)
    assert all(person.get(path).status_code == 200 for path in w.contract.paths())
    assert all(w.contract.contract in {i["id"] for i in read_all(person, path)} for path in w.contract.lists())
    queue = person.get("/v1/review_queue")
    assert queue.status_code == (200 if who in ("qian", "rui") else 403)


# An auditor reads everything (G-11), an administrator looks after installations.
OTHERS_WHO_SEE = {"/v1/tasks": {"zhao", "qian", "xu"}, "/v1/devices": {"gu", "xu"}, "/v1/reminders": {"xu"}, "/v1/notifications": {"xu"}, "/v1/sessions": set()}


@pytest.mark.parametrize("who", [*BLIND, *SEEING, "fu"])
def test_the_lists_of_ones_own_name_what_is_ones_own(w, who):
    for path, id in w.personal.items():
        items = read_all(getattr(w, who), path)
        if not isinstance(items, list):
            assert items.status_code == 403, (path, items.text)
            continue
        sees = {"wang"} | OTHERS_WHO_SEE[path]
        assert (id in {i["id"] for i in items}) == (who in sees), path
        assert who in sees or not [i for i in items if w.wang.id in str(i) or w.story.customer in str(i)], path


@pytest.mark.parametrize("who", [*BLIND, *SEEING, "fu"])
def test_REM_18_the_records_behind_an_exception_are_for_who_is_told_of_the_person(w, who):
    """What a rep entered last, as one who looks into an idle rep sees it; elsewhere the person is as one who never was."""
    person = getattr(w, who)
    answers = [person.get(f"/v1/exceptions/idle_rep/{id}") for id in (w.wang.id, NEVER)]
    if who in ("zhao", "qian", "xu"):
        assert answers[0].status_code == 200 and w.story.visit in [item["doc"]["id"] for item in answers[0].json()["items"]]
        assert answers[0].json()["names"][w.story.customer] and answers[1].status_code == 404
    else:
        assert answers[0].status_code == (404 if who in ("zhou", "shu", "stranger_manager") else 403) and told(answers[0]) == told(answers[1])


OF_ONES_OWN = [f"/v1/tasks/{NEVER}", "/v1/task_report", "/v1/today", "/v1/digest/preview", "/v1/exceptions", f"/v1/exceptions/idle_rep/{NEVER}", "/v1/deputies"]
OF_NOBODY = ["/v1/me", "/v1/preferences", "/v1/policy", "/v1/calendars/2027", "/v1/push_key", "/v1/web/session", "/console", "/openapi.json", "/healthz", "/readyz", "/metrics", "/"]


def test_every_route_that_reads_is_among_those_looked_at(w):
    """Else a new one would be outside of all this."""
    reads = {pattern for pattern, methods in w.wang.get("/openapi.json").json()["paths"].items() if "get" in methods}
    looked_at = [path.split("?")[0] for path in sum(w.story.paths().values(), []) + w.story.lists() + list(w.personal) + OF_NOBODY + OF_ONES_OWN + w.contract.paths()
                 + w.contract.lists() + ["/v1/review_queue"]]
    looked_at += ["/v1/changes", "/v1/events", f"/v1/reminders/{NEVER}", f"/v1/devices/{NEVER}", f"/v1/notifications/{NEVER}/delivery", "/v1/unsubscribe", f"/v1/devices/{NEVER}/safe", "/assets/x"]
    found = {path: [pattern for pattern in reads if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern)), path)] for path in looked_at}
    assert all(len(patterns) == 1 for patterns in found.values()), found
    assert {patterns[0] for patterns in found.values()} == reads
    made_of_it = {f"/v1/visits/{w.story.visit}/media/{m['id']}/{v['name']}" for m in w.story.read()["media_states"] for v in m["variants"]}
    assert made_of_it <= set(w.story.paths()["media"])


@pytest.mark.parametrize("who", BLIND)
def test_what_is_of_nobody_says_nothing_of_it(w, who):
    hidden = w.story.ids() | set(w.personal.values()) | {w.wang.id, w.story.sha256, w.story.voice_sha256}
    for path in OF_NOBODY:
        answer = w.blind[who].get(path)
        assert answer.status_code == 200 and not [h for h in hidden if h in answer.text], path


@pytest.mark.parametrize("who", [*BLIND, "fu"])
def test_no_change_feed_carries_it(w, who):
    feed = Feed(getattr(w, who)).pull()
    expected = {w.story.customer} if who == "fu" else set()  # service staff see every customer's head (D-04)
    assert feed.ids() & w.story.ids() == expected
    assert w.story.sha256 not in str(feed.docs)


@pytest.mark.parametrize("who", SEEING)
def test_the_change_feeds_of_those_who_see_it_carry_all_of_it(w, who):
    feed = Feed(w.seeing[who]).pull()
    assert w.story.ids() <= feed.ids()
    for kind, id in [("customer", w.story.customer), ("contact", w.story.contact), ("transcript", w.story.transcript),
                     ("supplement", w.story.supplement)]:
        read = w.seeing[who].get(f"/v1/{kind}s/{id}").json()
        read.pop("names", None)
        assert feed.docs[kind, id] == read


WRITES = [
    ("PATCH", "/v1/customers/{customer}", {"remark": "x", "reason": "试"}), ("PATCH", "/v1/contacts/{contact}", {"position": "x", "reason": "试"}),
    ("POST", "/v1/customers/{customer}/transfer", {"owner": "{me}", "reason": "抢"}), ("POST", "/v1/transcripts/{transcript}/confirm", {"text": "我的话"}),
    ("POST", "/v1/transcripts/{transcript}/retry", None),
    ("POST", "/v1/contacts", {"id": "{new}", "customer": "{customer}", "name": "刘工", "phone": "13700137000"}),
    ("POST", "/v1/visits", {"id": "{new}", "customer": "{customer}", "mode": "phone", "content": "客户要求报价", "happened_at": NOW, "captured_at": NOW}),
    ("POST", "/v1/supplements", {"id": "{new}", "visit": "{visit}", "content": "补充", "captured_at": NOW}),
    ("POST", "/v1/reminders", {"id": "{new}", "customer": "{customer}", "text": "回访", "due": "2090-03-06T09:00"}),
]


def attempt(person, story, method, path, body, never=False):
    names = {name: NEVER if never else getattr(story, name) for name in ("customer", "contact", "visit", "transcript")}
    names.update(me=person.id, new=uuid7())
    body = None if body is None else {key: value.format(**names) for key, value in body.items()}
    headers = {"idempotency-key": uuid7()} if path.count("}/") else {"if-match": person.etag("/v1/me")} if method == "PATCH" else {}
    return person.request(method, path.format(**names), json=body, headers=headers)


@pytest.mark.parametrize("who", BLIND)
def test_who_may_not_see_it_writes_nothing_on_it_and_learns_nothing(w, who):
    person = w.blind[who]
    for method, path, body in WRITES:
        answers = [attempt(person, w.story, method, path, body, never) for never in (False, True)]
        assert answers[0].status_code in (403, 404, 422), answers[0].text
        assert told(answers[0]) == told(answers[1]), (method, path)


def test_a_supervisor_and_an_auditor_read_but_do_not_write(w):
    """PER-29, G-11; and nobody writes another's records (FUP-14)."""
    before = Feed(w.wang).pull().docs
    for who in ("zhao", "xu"):
        for method, path, body in WRITES[:-1]:
            answer = attempt(w.seeing[who], w.story, method, path, body)
            assert answer.status_code == 403 and answer.json()["code"] == "forbidden", (who, method, path, answer.text)
    for method, path, body in WRITES[3:5]:
        assert attempt(w.qian, w.story, method, path, body).status_code in (403, 404)
    assert Feed(w.wang).pull().docs == before


def test_service_staff_see_customers_heads_only(w):
    """D-04, PER-05: no contact, no visit, and nothing personal of the head."""
    head = w.fu.get(f"/v1/customers/{w.story.customer}").json()
    full = w.wang.get(f"/v1/customers/{w.story.customer}").json()
    assert head["name"] == full["name"] and "phone" in full and not {"phone", "email", "address"} & set(head)
    for kind, paths in w.story.paths().items():
        if kind != "customer":
            assert {w.fu.get(path).status_code for path in paths} == {404}
    for path in ("/v1/contacts", "/v1/visits", "/v1/supplements"):
        assert w.fu.get(path).status_code == 403


def test_a_supervisor_sees_the_own_team_and_those_below_it(w):
    """PER-03."""
    owners = {login: getattr(w, login) for login in ("wang", "li", "wu", "sun")}
    records = {login: (person.customer()["id"], person) for login, person in owners.items()}
    visits = {login: log_visit(person, customer)["visit"]["id"] for login, (customer, person) in records.items()}
    for supervisor, seen in [(w.zhao, {"wang", "li", "wu"}), (w.shu, {"wu"}), (w.zhou, {"sun"})]:
        listed = {i["id"] for i in read_all(supervisor, "/v1/customers")}
        logged = {i["id"] for i in read_all(supervisor, "/v1/visits")}
        fed = Feed(supervisor).pull().ids()
        for login, (customer, _) in records.items():
            expected = login in seen
            assert (supervisor.get(f"/v1/customers/{customer}").status_code == 200) == (customer in listed) == (customer in fed) == expected
            assert (supervisor.get(f"/v1/visits/{visits[login]}").status_code == 200) == (visits[login] in logged) == (visits[login] in fed) == expected


def test_personal_records_are_the_persons_own_whatever_the_role(w):
    reminder = made(w.wang, "reminders", {"id": uuid7(), "text": "回访", "due": "2090-03-06T09:00"})["id"]
    device = made(w.wang, "devices", {"id": uuid7(), "name": "手机", "platform": "ios"})["id"]
    for who in [*BLIND, "fu", "zhao", "qian"]:
        person = getattr(w, who)
        never = told(person.get(f"/v1/reminders/{NEVER}"))
        assert told(person.get(f"/v1/reminders/{reminder}")) == never, who
        if who != "gu":  # an administrator looks after devices
            assert told(person.get(f"/v1/devices/{device}")) == told(person.get(f"/v1/devices/{NEVER}")) and told(
                person.get(f"/v1/devices/{device}/safe")) == told(person.get(f"/v1/devices/{NEVER}/safe")), who
        assert not {reminder, device} & Feed(person).pull().ids()
        for verb in ("delivery", "opened", "acted"):
            answers = [person.request("GET" if verb == "delivery" else "POST", f"/v1/notifications/{id}/{verb}", headers={"idempotency-key": uuid7()})
                       for id in (w.personal["/v1/notifications"], NEVER)]
            assert answers[0].status_code == 404 and told(answers[0]) == told(answers[1]), who
        for verb in ("done", "cancel", "snooze"):
            body = {"json": {"due": "2090-03-07T09:00"}} if verb == "snooze" else {}
            answers = [person.post(f"/v1/reminders/{id}/{verb}", headers={"idempotency-key": uuid7()}, **body) for id in (reminder, NEVER)]
            assert answers[0].status_code == 404 and told(answers[0]) == told(answers[1])
    assert {reminder, device} <= Feed(w.wang).pull().ids()


def test_open_event_streams_of_the_others_stay_silent(w):
    people = [w.blind[who] for who in ("li", "sun", "zhou", "rui", "stranger_manager")]
    streams = [person.events() for person in people]
    mine = w.wang.events()
    supplement = made(w.wang, "supplements", {"id": uuid7(), "visit": w.story.visit, "content": "再补充一条", "captured_at": NOW})["id"]
    mine.wait(lambda event, data: data.get("id") == supplement, "the own supplement")
    for person, stream in zip(people, streams):
        fence = made(person, "reminders", {"id": uuid7(), "text": "回访", "due": "2090-03-06T09:00"})["id"]
        stream.wait(lambda event, data, fence=fence: data.get("id") == fence, "the own reminder")
        assert [data["id"] for _, data, _ in stream.seen] == [fence]
        stream.__exit__()
    mine.__exit__()


def test_errors_do_not_name_what_they_may_not(w):
    """The texts of what the others are told hold neither names nor ids."""
    secrets_ = [w.wang.get(f"/v1/customers/{w.story.customer}").json()["name"], w.wang.id, w.story.sha256, w.wang.tokens["user"]["name"]]
    for who in BLIND:
        for method, path, body in WRITES:
            text = attempt(w.blind[who], w.story, method, path, body).text
            assert not [s for s in secrets_ if s in text]


# ---- knowing a hash opens nothing ----

@pytest.mark.parametrize("who", ["li", "sun", "stranger"])
def test_knowing_a_sha256_opens_nothing(w, who):
    person = w.blind[who]
    customer = person.customer()["id"]
    receipt = log_visit(person, customer, w.story.sha256)
    media = receipt["media"][0]
    assert media["state"] == "awaited" and receipt["awaited"] == [media["id"]]
    visit = receipt["visit"]["id"]
    for variant in ("original", "large", "small"):
        assert person.get(f"/v1/visits/{visit}/media/{media['id']}/{variant}").status_code == 404
    # Nor with the visit of one and the medium of the other.
    for path in (f"/v1/visits/{visit}/media/{w.story.media}/original", f"/v1/visits/{w.story.visit}/media/{media['id']}/original"):
        assert person.get(path).status_code == 404
    # The uploader alone is told that the bytes are here.
    again = log_visit(w.wang, w.story.customer, w.story.sha256, content="客户看了样品，" + uuid7())
    assert again["media"][0]["state"] in ("stored", "ready")
    # Whoever brings the same bytes has them by the own upload.
    assert upload(person, w.story.photo) == w.story.sha256
    until(lambda: person.get(f"/v1/visits/{visit}/media/{media['id']}/original").status_code == 200, "the own upload")
    assert person.get(f"/v1/visits/{visit}/media/{media['id']}/original").content == w.story.photo


def test_an_upload_is_its_persons_own(w):
    headers = {"tus-resumable": "1.0.0"}
    started = w.wang.post("/v1/uploads", headers={**headers, "upload-length": "10", "upload-metadata": "type aW1hZ2UvcG5n"})
    path = "/v1/uploads/" + started.headers["location"].rsplit("/", 1)[1]
    for who in ("li", "qian", "stranger"):
        person = getattr(w, who)
        for method, more in [("HEAD", {}), ("DELETE", {}), ("PATCH", {"upload-offset": "0", "content-type": "application/offset+octet-stream"})]:
            answers = [person.request(method, p, headers={**headers, **more}) for p in (path, "/v1/uploads/" + NEVER)]
            assert answers[0].status_code == answers[1].status_code == 404, (who, method)
            if method != "HEAD":
                assert told(answers[0]) == told(answers[1])
    assert w.wang.request("HEAD", path, headers=headers).headers["upload-offset"] == "0"


# ---- a customer changes hands ----

def transfer(w, customer, to, key=None):
    answer = w.qian.post(f"/v1/customers/{customer}/transfer", json={"owner": to.id, "reason": "调整区域"}, headers={"idempotency-key": key or uuid7()})
    assert answer.status_code == 200, answer.text


def without_rev(docs, ids):
    """The records as they are but for who keeps them."""
    return {key: {k: v for k, v in doc.items() if k not in ("rev", "owner", "team", "updated_at", "reason")} for key, doc in docs.items() if key[1] in ids}


def test_a_customer_leaves_the_old_reps_phone_and_arrives_whole_at_the_new_ones(w):
    story = Story(w.wang, visits=2)
    old, new, old_boss, new_boss = (Feed(p).pull() for p in (w.wang, w.sun, w.zhao, w.zhou))
    mine = {key for key, doc in old.docs.items() if story.customer in (key[1], doc.get("customer"))} - {
        key for key in old.docs if key[0] == "reminder"}
    ids = {id for _, id in mine}
    assert {kind for kind, _ in mine} == {"customer", "contact", "visit", "verdict", "supplement", "media", "transcript"} and story.ids() <= ids
    kept, whole = {key: doc for key, doc in old.docs.items() if key not in mine}, without_rev(old.docs, ids)
    transfer(w, story.customer, w.sun)
    until(lambda: ids <= new.pull().ids(), "all of it at the new owner's")
    assert without_rev(new.docs, ids) == whole
    until(lambda: not ids & old.pull().ids(), "all of it gone from the old owner's")
    assert old.docs == kept, "nothing else goes or changes"
    assert {(kind, id) for kind, id, gone in old.log if gone} == mine
    until(lambda: ids <= new_boss.pull().ids() and not ids & old_boss.pull().ids(), "the supervisors' feeds follow")
    # A phone that starts anew sees the same.
    assert Feed(w.sun).pull().docs == new.docs and Feed(w.wang).pull().docs == old.docs
    for paths in story.paths().values():
        for path in paths:
            assert w.sun.get(path).status_code == 200 and w.wang.get(path).status_code == 404, path


def test_reads_lists_and_media_follow_at_once_while_the_children_are_still_on_their_way(w):
    story = Story(w.wang)
    at_once([lambda: [log_visit(w.wang, story.customer, content="客户谈进展，" + uuid7()) for _ in range(10)]] * 6)
    assert len(read_all(w.wang, f"/v1/visits?customer={story.customer}")) == 61
    transfer(w, story.customer, w.sun)
    # No waiting here: whatever the job has reached, the old owner has nothing and the new one can read everything by id.
    seen = [read_all(w.wang, path) for path in story.lists()]
    assert not {i["id"] for items in seen for i in items} & story.ids()
    assert not [i for items in seen for i in items if i.get("customer") == story.customer]
    for paths in story.paths().values():
        for path in paths:
            assert w.wang.get(path).status_code == 404 and w.zhao.get(path).status_code == 404, path
            assert w.sun.get(path).status_code == 200 and w.zhou.get(path).status_code == 200, path
    assert not [key for key in Feed(w.wang).pull().docs if key[1] in story.ids()]
    until(lambda: len(read_all(w.sun, f"/v1/visits?customer={story.customer}")) == 61, "the visits in the new owner's list")
    assert len(read_all(w.zhou, f"/v1/visits?customer={story.customer}")) == 61
    # The old owner logs nothing more on it, the new one does.
    assert attempt(w.wang, story, *WRITES[6]).status_code == 422
    log_visit(w.sun, story.customer)


def test_who_was_not_fast_enough_is_shown_only_what_is_still_the_own(w):
    """The customer goes to and fro between the judgement and the answer of a stale change."""
    customer, over = w.wang.customer()["id"], threading.Event()
    path = f"/v1/customers/{customer}"
    stale = '"' + w.wang.etag(path).strip('"').split("-")[0] + '-999999"'

    def to_and_fro():
        for i in range(60):
            transfer(w, customer, [w.sun, w.wang][i % 2])
        over.set()

    def change():
        seen = []
        while not over.is_set():
            seen.append(w.wang.patch(path, json={"remark": uuid7(), "reason": "试"}, headers={"if-match": stale}))
        return seen

    answers = sum((seen for seen in at_once([to_and_fro] + [change] * 4) if seen), [])
    assert {a.status_code for a in answers} == {404, 412}
    assert {a.json()["current"]["owner"] for a in answers if a.status_code == 412} == {w.wang.id}


def test_there_and_back_again(w):
    story = Story(w.wang)
    old, new = Feed(w.wang).pull(), Feed(w.sun).pull()
    before = without_rev(old.docs, story.ids())
    transfer(w, story.customer, w.sun)
    transfer(w, story.customer, w.wang)
    until(lambda: len(read_all(w.wang, f"/v1/visits?customer={story.customer}")) == 1, "the children back home")
    until(lambda: story.ids() <= old.pull().ids() and not story.ids() & new.pull().ids(), "the feeds agree with the end")
    assert without_rev(old.docs, story.ids()) == before
    assert Feed(w.wang).pull().docs == old.docs and Feed(w.sun).pull().docs == new.docs


def test_more_than_an_entry_holds_arrives_whole_too(w):
    """One visit with as many and as long transcripts as may be is more than the 1 MB of an entry, in fewer documents than a step may change."""
    customer, text = w.wang.customer()["id"], "谈" * 19_999
    media = [{"id": uuid7(), "kind": "voice", "sha256": secrets.token_hex(32), "type": "audio/ogg", "consent_at": NOW} for _ in range(20)]
    visit = made(w.wang, "visits", w.wang.visit_body(customer, content="", media=media))["visit"]["id"]
    transcripts = {t["id"] for t in w.wang.get(f"/v1/visits/{visit}").json()["transcripts"]}
    for i, transcript in enumerate(sorted(transcripts)):
        answer = w.wang.post(f"/v1/transcripts/{transcript}/confirm", json={"text": text + "一二三四五六七八九十"[i % 10]}, headers={"idempotency-key": uuid7()})
        assert answer.status_code == 200, answer.text
    old, new = Feed(w.wang).pull(), Feed(w.sun).pull()
    assert transcripts <= old.ids("transcript") and len(transcripts) == 20
    transfer(w, customer, w.sun)
    until(lambda: transcripts <= new.pull().ids("transcript"), "all of them at the new owner's")
    until(lambda: not transcripts & old.pull().ids("transcript"), "none at the old owner's")
    assert {m["id"] for m in media} <= new.ids("media") and {visit} <= new.ids("visit")


def test_a_person_with_long_customer_files_takes_them_all_along(w):
    login = "mover" + uuid7()[-6:]
    w.company.add(login, "马长", "rep", w.company.team)
    mover = w.company.sign_in(login)
    files = {"background": "史" * 2000, "remark": "注" * 2000, "address": "路" * 200}  # 12 KB each: 90 of them are over 1 MB
    mine = set(sum(at_once([lambda: [mover.customer(**files)["id"] for _ in range(15)]] * 6), []))
    assert len(mine) == 90
    w.server.admin("user", "assign", w.company.code, login, "rep", w.zhou.tokens["user"]["team"])
    until(lambda: mine <= {c["id"] for c in read_all(w.zhou, "/v1/customers")}, "all of them in the new team")


def test_an_open_stream_of_the_old_rep_gets_gone_and_the_new_ones_the_records(w):
    story = Story(w.wang)
    with w.wang.events() as old, w.sun.events() as new, w.li.events() as bystander:
        transfer(w, story.customer, w.sun)
        for id in sorted(story.ids()):
            assert old.wait_all(id)[1].get("gone") is True, id
            assert new.wait_all(id)[1]["doc"]["id"] == id
        fence = made(w.li, "reminders", {"id": uuid7(), "text": "回访", "due": "2090-03-06T09:00"})["id"]
        bystander.wait(lambda event, data: data.get("id") == fence, "the bystander's own")
        assert [data["id"] for _, data, _ in bystander.seen] == [fence]


def test_a_person_who_changes_teams_takes_the_customers_along(w):
    """PER-03: the new team's supervisor sees them, the old one's no longer, also on the phones."""
    login = "mover" + uuid7()[-6:]
    w.company.add(login, "马移", "rep", w.company.team)
    mover = w.company.sign_in(login)
    story = Story(mover)
    mover.customer()
    old_boss, new_boss = Feed(w.zhao).pull(), Feed(w.zhou).pull()
    assert story.ids() <= old_boss.ids() and not story.ids() & new_boss.ids()
    w.server.admin("user", "assign", w.company.code, login, "rep", w.zhou.tokens["user"]["team"])
    until(lambda: story.ids() <= new_boss.pull().ids() and not story.ids() & old_boss.pull().ids(), "the supervisors' feeds follow")
    for paths in story.paths().values():
        for path in paths:
            assert w.zhou.get(path).status_code == 200 and w.zhao.get(path).status_code == 404, path
    moved = w.company.sign_in(login)
    assert Feed(moved).pull().ids("customer") >= {story.customer} and len(read_all(moved, "/v1/customers")) == 2
    assert {c["team"] for c in read_all(moved, "/v1/customers")} == {w.zhou.tokens["user"]["team"]}


def test_nobody_is_put_into_a_team_that_is_not_there_and_a_supervisor_needs_one(w):
    code = w.company.code
    for words, says in [(("user", "assign", code, "li", "rep", NEVER), "no such team"), (("user", "add", code, "neu", "新", "rep", NEVER), "no such team"),
                        (("user", "add", code, "neu", "新", "supervisor"), "a supervisor needs a team"), (("team", "add", code, "丙", NEVER), "parent team")]:
        status, _, error = w.server.run("admin", *words, input="drei-Birnen-am-Hang-42\n", check=False)
        assert status == 1 and says in error, (words, error)
    assert w.li.get("/v1/me").json()["team"] == w.company.team
    w.server.admin("user", "add", code, "ohne", "无", "rep", "--exempt", input="drei-Birnen-am-Hang-42\n")
    status, _, error = w.server.run("admin", "user", "assign", code, "ohne", "supervisor", check=False)
    assert status == 1 and "a supervisor needs a team" in error


def test_a_supervisor_sees_more_teams_than_a_page_holds(server):
    company = server.company()
    teams = [server.admin("team", "add", company.code, f"第{i}组", company.team) for i in range(205)]
    company.add("last", "末", "rep", teams[-1])
    customer = company.sign_in("last").customer()["id"]
    boss = company.sign_in("zhao")
    assert boss.get(f"/v1/customers/{customer}").status_code == 200 and [c["id"] for c in read_all(boss, "/v1/customers")] == [customer]
    assert len(server.admin("team", "list", company.code).splitlines()) == 206


def test_transfers_go_to_people_who_keep_customers(w):
    customer = w.wang.customer()["id"]
    for owner in (w.rui.id, w.gu.id, w.xu.id, w.fu.id, w.stranger.id, NEVER, customer):
        answer = w.qian.post(f"/v1/customers/{customer}/transfer", json={"owner": owner, "reason": "试"}, headers={"idempotency-key": uuid7()})
        assert answer.status_code == 422 and [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/owner", "unknown")], answer.text
    assert w.wang.get(f"/v1/customers/{customer}").json()["rev"] == 1


# ---- the feed itself ----

def test_a_feed_read_item_by_item_while_others_write_ends_with_the_same_records(w):
    feed = Feed(w.li)
    customers = [w.li.customer()["id"] for _ in range(5)]
    for i in range(6):
        feed.page(limit=1)
        customers.append(w.li.customer()["id"])
        etag = w.li.etag(f"/v1/customers/{customers[i]}")
        assert w.li.patch(f"/v1/customers/{customers[i]}", json={"remark": "改", "reason": "更正"}, headers={"if-match": etag}).status_code == 200
    feed.pull(limit=1)
    assert feed.docs == Feed(w.li).pull().docs and set(customers) <= feed.ids("customer")
    assert feed.pull().page()["items"] == []


def test_a_stream_is_resumed_after_a_restart_with_todays_rights(tmp_path):
    with Server(tmp_path) as server:
        company = server.company()
        second = server.admin("team", "add", company.code, "二组")
        company.add("sun", "孙新", "rep", second)
        wang, sun, qian = (company.sign_in(login) for login in ("wang", "sun", "qian"))
        with wang.events() as stream:
            given, kept = wang.customer()["id"], wang.customer()["id"]
            stream.wait_all(kept)
            place = stream.last_id()
        log_visit(wang, given)
        answer = qian.post(f"/v1/customers/{given}/transfer", json={"owner": sun.id, "reason": "调整"}, headers={"idempotency-key": "x"})
        assert answer.status_code == 200
        late = wang.customer()["id"]
        etag = wang.etag(f"/v1/customers/{kept}")
        assert wang.patch(f"/v1/customers/{kept}", json={"remark": "改过", "reason": "更正"}, headers={"if-match": etag}).status_code == 200
        until(lambda: sun.get("/v1/visits").json()["items"], "the visit at the new owner's")
        for restart in (lambda: (server.stop(), server.start()), server.kill):
            restart()
            for person in (wang, sun, qian):
                person.reconnect()
            with wang.events(last=place) as stream:
                stream.wait_all(late)
                stream.wait(lambda event, data: data["id"] == kept and data["doc"]["remark"] == "改过", "the change")
                fence = made(wang, "reminders", {"id": uuid7(), "text": "回访", "due": "2090-03-06T09:00"})["id"]
                stream.wait(lambda event, data, fence=fence: data["id"] == fence, "what is new")
                told_ = {data["id"]: data.get("gone", False) for _, data, _ in stream.seen}
                assert told_[given] is True and told_[late] is False
                assert all(gone or data["doc"].get("customer") != given for _, data, _ in stream.seen for gone in [data.get("gone")])
                assert {event for event, _, _ in stream.seen} == {"change"}
            # The place is the person's own.
            assert sun.get("/v1/events", headers={"last-event-id": place}).status_code == 400

# SPDX-License-Identifier: Apache-2.0
"""AUD-01, AUD-02: who was shown what, as the store's own rows say it: of every way in which a record is read, and of media before the first byte."""
import os
import signal
import time

import pytest

from baifang import Feed, until, uuid7
from rig import stored, stored_views
from test_isolation import Story


def text(id):
    return f"{id.hex()[:8]}-{id.hex()[8:12]}-{id.hex()[12:16]}-{id.hex()[16:20]}-{id.hex()[20:]}"


class Views:
    """The views of one person, in no order: (kind, how, ids, trace, ms)."""

    def __init__(self, server, person):
        self.server, self.person = server, person

    def rows(self):
        views = [view for view in stored_views(self.server) if text(view["user"]) == self.person.id]
        return [(v["entity"], v["action"], {text(id) for id in v["records"]}, v["trace"], v["at"]) for v in views]

    def of(self, kind, how, *ids):
        return [row for row in self.rows() if row[:2] == (kind, how) and set(ids) <= row[2]]

    def wait(self, kind, how, *ids):
        return until(lambda: self.of(kind, how, *ids), f"a row that {ids} were shown ({kind}, {how})")[0]


@pytest.fixture(scope="module")
def story(company):
    return Story(company.sign_in("wang"))


@pytest.fixture
def boss(server, company):
    """A reader who is not the owner, with the rows about what the reader was shown."""
    login = "boss" + uuid7()[-10:]
    company.add(login, "主管", "supervisor", company.team)
    person = company.sign_in(login)
    person.views = Views(server, person)
    return person


def test_a_record_that_is_read_is_noted_with_its_request(story, boss):
    kinds = {"customer": story.customer, "contact": story.contact, "transcript": story.transcript, "supplement": story.supplement}
    for kind, id in kinds.items():
        before = time.time() * 1000
        answer = boss.get(f"/v1/{kind}s/{id}")
        _, _, ids, trace, at = boss.views.wait(kind, "read", id)
        assert ids == {id} and trace == answer.headers["traceparent"].split("-")[1]
        assert before - 1000 <= at <= time.time() * 1000 + 1000


def test_a_visit_is_noted_with_all_that_is_shown_in_it(story, boss):
    body = boss.get(f"/v1/visits/{story.visit}").json()
    shown = [[doc["id"] for doc in body[key]] for key in ("verdicts", "media_states", "transcripts")]
    assert all(shown) and boss.views.wait("visit", "read", story.visit)[2] == {story.visit}.union(*shown)


def test_every_record_of_a_list_is_noted(story, boss):
    other = Story(story.owner)
    for kind in ("customer", "contact", "visit", "supplement"):
        ids = [item["id"] for item in boss.get(f"/v1/{kind}s").json()["items"]]
        assert {getattr(s, kind) for s in (story, other)} <= set(ids) and boss.views.wait(kind, "list", *ids)[2] == set(ids)


def test_what_the_feed_and_a_stream_carry_is_noted(story, boss):
    seen = Feed(boss).pull().ids()
    assert story.ids() <= seen
    until(lambda: seen <= set().union(*[row[2] for row in boss.views.of("feed", "changes")]), "all that the feed carried")
    with boss.events() as stream:
        stream.last_id()
        customer = story.owner.customer()["id"]
        stream.wait_all(customer)
        boss.views.wait("feed", "events", customer)
        assert not boss.views.of("feed", "changes", customer)


def test_the_record_in_a_412_is_noted(story, server):
    customer, views = story.owner.customer()["id"], Views(server, story.owner)
    etag = story.owner.etag(f"/v1/customers/{customer}")
    views.wait("customer", "read", customer)
    for remark, status in [("一", 200), ("二", 412)]:
        answer = story.owner.patch(f"/v1/customers/{customer}", json={"remark": remark, "reason": "更正"}, headers={"if-match": etag})
        assert answer.status_code == status
    assert answer.json()["current"]["remark"] == "一"
    until(lambda: len(views.of("customer", "read", customer)) == 2, "the row of the 412")


def test_what_was_not_shown_is_not_noted(story, boss, company, server):
    li = company.sign_in("li")
    views, own = Views(server, li), li.customer()["id"]
    for paths in story.paths().values():
        for path in paths:
            assert li.get(path).status_code == 404
    assert li.get("/v1/visits", params={"customer": story.customer}).json()["items"] == []
    assert li.get(f"/v1/customers/{own}").status_code == 200
    views.wait("customer", "read", own)
    assert not set().union(*[row[2] for row in views.rows()]) & story.ids()


def test_each_of_many_views_at_once_is_noted(story, boss, server):
    """With its own time, request and records, although they share documents; those of two people never do."""
    views, kinds = {boss: boss.views, story.owner: Views(server, story.owner)}, ("customer", "contact", "visit")
    asked = {person: {} for person in views}
    for i in range(30):
        for person, traces in asked.items():
            kind = kinds[i % len(kinds)]
            before, answer = time.time() * 1000, person.get(f"/v1/{kind}s/{getattr(story, kind)}")
            traces[answer.headers["traceparent"].split("-")[1]] = (kind, getattr(story, kind), before, time.time() * 1000)
    for person, traces in asked.items():
        noted = until(lambda of=views[person], want=traces: (rows := {row[3]: row for row in of.rows()}).keys() >= want.keys() and rows, "every view")
        for trace, (kind, id, before, after) in traces.items():
            assert noted[trace][:2] == (kind, "read") and id in noted[trace][2] and before - 1 <= noted[trace][4] <= after + 1
    documents = [doc["f"] for doc in stored(server, "views").values() if text(doc["f"]["user"]) == boss.id]
    assert len(documents) < len(boss.views.rows()), "each view has a document of its own"
    for doc in documents:
        assert all(0 <= later["at"] - doc["at"] <= 1000 for later in doc.get("more", []))


@pytest.mark.parametrize("variant", ["original", "large", "small"])
def test_a_medium_is_noted_before_its_first_byte(story, boss, server, variant):
    """The server is killed as the first byte comes: what it had only in memory is gone with it."""
    path, ready = f"/v1/visits/{story.visit}/media/{story.media}/{variant}", server.count("ready")
    with server.client() as http, http.stream("GET", path, headers=boss.headers()) as answer:
        assert answer.status_code == 200
        first = next(answer.iter_raw())
        os.kill(server.server_pid(), signal.SIGKILL)
    assert first
    assert boss.views.of("media", variant, story.media)
    server.wait_event("ready", ready + 1)

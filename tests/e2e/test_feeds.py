# SPDX-License-Identifier: Apache-2.0
"""The change feed and event streams where records are many or large, and where rights move while a stream is open."""
import http.client
import json
import secrets
import socket
import ssl

from baifang import Feed, at_once, until, uuid7

WORDS = "客户确认下季度采购两台设备预算已批合同草案周五前发出"
PAGE_BYTES = 256 * 1024


def long_visits(person, n, letters=4000):
    """n visits of so many Han characters each: their ids."""
    customer = person.customer()
    contact = person.get("/v1/contacts", params={"customer": customer["id"]}).json()["items"][0]["id"]
    bodies = [person.visit_body(customer["id"], contacts=[contact], content=(secrets.token_hex(8) + WORDS * letters)[:letters]) for _ in range(n)]
    for body in bodies:
        answer = person.post("/v1/visits", json=body)
        assert answer.status_code == 201, answer.text
    return [body["id"] for body in bodies]


def test_a_stream_is_resumed_over_more_than_it_may_hold_unsent(company):
    rep = company.sign_in("wang")
    with rep.events() as stream:
        place = stream.last_id()
    visits = long_visits(rep, 40)
    with rep.events(last=place) as stream:
        for id in visits:
            assert len(stream.wait_all(id)[1]["doc"]["content"]) == 4000


def test_a_long_replay_to_a_client_that_reads_slowly_comes_in_one_connection(company):
    rep = company.sign_in("wang")
    with rep.events() as stream:
        place = stream.last_id()
    visits = long_visits(rep, 250)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # little goes out before it reads
    raw.settimeout(60)
    raw.connect(("127.0.0.1", company.server.port))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(raw) as client:
        fields = {"host": "a", **rep.headers({"last-event-id": place})}
        client.sendall(("GET /v1/events HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n").encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 200
        for _ in range(30):  # the same workers have had all the time to read on and on
            rep.get("/v1/changes", params={"limit": 50})
        left = set(visits)
        while left:
            line = answer.readline()
            assert line, "the stream ended before all was told"
            if line.startswith(b"data: "):
                left.discard(json.loads(line[6:])["id"])


def test_one_entry_larger_than_a_stream_may_hold_unsent_comes_through(company):
    """A transfer's entries hold many records at once; they are never split."""
    rep, other, manager = company.sign_in("wang"), company.sign_in("li"), company.sign_in("qian")
    visits = long_visits(rep, 40)
    customer = rep.get(f"/v1/visits/{visits[0]}").json()["customer"]
    with other.events() as stream:
        place = stream.last_id()
    answer = manager.post(f"/v1/customers/{customer}/transfer", json={"owner": other.id, "reason": "调整区域"}, headers={"idempotency-key": uuid7()})
    assert answer.status_code == 200, answer.text
    until(lambda: len(other.get("/v1/visits", params={"customer": customer, "limit": 200}).json()["items"]) == 40, "the visits at the new owner's")
    feed = Feed(other).pull()
    until(lambda: set(visits) <= feed.pull().ids("visit"), "the visits in the new owner's feed")
    with other.events(last=place) as stream:
        for id in visits:
            assert len(stream.wait_all(id)[1]["doc"]["content"]) == 4000


def test_pages_of_the_feed_end_by_size(company):
    rep = company.sign_in("wang")
    visits = long_visits(rep, 40)
    after, seen, whole = None, [], 0
    while True:
        answer = rep.get("/v1/changes", params={"limit": 200, **({"after": after} if after else {})})
        page = answer.json()
        assert answer.status_code == 200 and (len(answer.content) <= PAGE_BYTES + 2048 or len(page["items"]) == 1)
        seen += [item["id"] for item in page["items"] if item["type"] == "visit"]
        whole, after = whole + len(answer.content), page["next"]
        if not page["more"]:
            break
    assert set(visits) <= set(seen) and whole > 2 * PAGE_BYTES


def test_a_stream_that_breaks_before_its_first_event_is_resumed_from_where_it_was_opened(company):
    rep = company.sign_in("wang")
    with rep.events() as stream:
        place = stream.last_id()
        assert stream.seen == []
    customer = rep.customer()["id"]
    with rep.events(last=place) as stream:
        assert stream.wait_all(customer)[1]["doc"]["id"] == customer


def test_a_cursor_of_one_phone_is_none_of_the_persons_other_phone(company):
    """It would leave that one without all that the first already has."""
    first, second = company.sign_in("wang"), company.sign_in("wang")
    first.customer()
    for cursor in (first.get("/v1/changes").json()["next"], Feed(first).pull().after):
        assert first.get("/v1/changes", params={"after": cursor}).status_code == 200
        for answer, pointer in [(second.get("/v1/changes", params={"after": cursor}), "after"),
                                (second.get("/v1/events", headers={"last-event-id": cursor}), "Last-Event-ID")]:
            assert answer.status_code == 400 and [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, "bad_cursor")]


def test_an_open_stream_follows_the_teams_of_its_supervisor(server):
    """PER-03: a team that is made below the supervisor's while the stream is open is seen in it, and nothing that moves there is told as gone."""
    company = server.company()
    rep, boss = company.sign_in("wang"), company.sign_in("zhao")
    customer = rep.customer()["id"]
    with boss.events() as stream:
        stream.last_id()
        below = server.admin("team", "add", company.code, "一组甲", company.team)
        server.admin("user", "assign", company.code, "wang", "rep", below)
        moved = company.sign_in("wang")
        late = moved.customer()["id"]
        assert stream.wait_all(late)[1]["doc"]["team"] == below
        until(lambda: boss.get(f"/v1/customers/{customer}").json()["team"] == below, "the customer follows")
        stream.wait(lambda event, data: data["id"] == customer and data.get("doc", {}).get("team") == below, "the customer in its new team")
        assert not [data for _, data, _ in stream.seen if data.get("gone")]


def test_more_streams_than_workers_all_have_what_many_writers_commit(company):
    rep = company.sign_in("wang")
    streams = [rep.events() for _ in range(12)]
    for stream in streams:
        stream.last_id()
    made = []
    at_once([lambda: made.extend(rep.customer()["id"] for _ in range(10))] * 8)
    for stream in streams:
        for id in made:
            stream.wait_all(id)
        stream.__exit__()
    assert len(set(made)) == 80

# SPDX-License-Identifier: Apache-2.0
"""Several processes of each daemon on one database: what one of them does the others know, and each does its own work without any other."""
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import types

import pytest

import tus
from baifang import Events, Server, until, uuid7

LAYOUTS = ("daemons",)
UPLOADS = "https://up.example:8444"
TOLD_S = 10  # ten times the second within which an ended session is known everywhere


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("daemons"), {"ingest": {"public_url": UPLOADS}}) as running:
        yield running


class At:
    """A person at one process, whichever it is that others of hers ask."""

    def __init__(self, person, member):
        self.person, self.company = person, types.SimpleNamespace(server=member)
        self.http = member.client()

    def headers(self, extra=None):
        return self.person.headers(extra)

    def get(self, path, **options):
        return self.http.get(path, headers=self.headers(), **options)

    def post(self, path, headers=None, **options):
        return self.http.post(path, headers=self.headers(headers), **options)


def everywhere(server, person):
    """At each gateway, known there."""
    there = [At(person, member) for member in server.of("gateway")]
    assert [one.get("/v1/me").status_code for one in there] == [200, 200]
    return there


def metric(member, name):
    with member.client() as http:
        lines = http.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.split(" ")[0] in (name, name + "_total"))


# ---- what one process does ----


def test_who_is_frozen_is_out_at_every_gateway_and_every_stream_of_hers_ends(server):
    company = server.company()
    wang = company.sign_in("wang")
    there = everywhere(server, wang)
    others = everywhere(server, company.sign_in("li"))
    with Events(there[0]) as first, Events(there[1]) as second, Events(others[1]) as stays:
        server.admin("freeze", company.code, "wang")
        for one in there:
            until(lambda one=one: one.get("/v1/me").status_code == 401, "the freeze")
        first.wait_end()
        second.wait_end()
        customer = others[0].person.customer()
        assert stays.wait_all(customer["id"]), "another's stream goes on"
    assert [one.get("/v1/me").status_code for one in others] == [200, 200]


def test_a_session_that_was_ended_at_one_gateway_is_over_at_the_other(server):
    company = server.company()
    phone, lost = company.sign_in("wang"), company.sign_in("wang")
    here, there = everywhere(server, lost)
    with Events(there) as stream:
        assert At(phone, server.of("gateway")[0]).http.delete("/v1/sessions/" + lost.tokens["session"], headers=phone.headers()).status_code == 204
        assert here.get("/v1/me").status_code == 401, "at once where it was ended"
        until(lambda: there.get("/v1/me").status_code == 401, "the end of the session", TOLD_S)
        stream.wait_end()
    assert [one.get("/v1/me").status_code for one in everywhere(server, phone)] == [200, 200]


def test_a_first_password_that_was_changed_at_one_gateway_opens_the_other(server):
    company = server.company()
    server.admin("user", "add", company.code, "neu", "新人", "rep", company.team, input="drei-Birnen-am-Hang-42\n")
    neu = company.sign_in("neu")
    here, there = (At(neu, member) for member in server.of("gateway"))
    assert [one.get("/v1/customers").json()["code"] for one in (here, there)] == ["password_change_required"] * 2
    assert here.post("/v1/password", json={"old_password": "drei-Birnen-am-Hang-42", "new_password": "vier-Pflaumen-im-Tal-43"}).status_code == 204
    assert [one.get("/v1/customers").status_code for one in (here, there)] == [200, 200]


def test_what_is_entered_at_one_gateway_is_seen_live_at_the_other(server):
    wang = server.company().sign_in("wang")
    here, there = everywhere(server, wang)
    with Events(there) as stream:
        customer = wang.customer()
        body = wang.visit_body(customer["id"])
        assert here.post("/v1/visits", json=body).status_code == 201
        assert stream.wait_all(body["id"])[1]["type"] == "visit"


def test_new_numbers_of_a_company_hold_at_every_gateway(server):
    company = server.company()
    wang = company.sign_in("wang")
    customer = wang.customer()["id"]
    contact = wang.get("/v1/contacts", params={"customer": customer}).json()["items"][0]["id"]

    def validity(one):
        body = wang.visit_body(customer, content="客户要三台机器", contacts=[contact])
        return one.post("/v1/visits?dry_run=1", json=body).json()["verdict"]["validity"]

    there = everywhere(server, wang)
    before = [validity(one) for one in there]
    server.admin("policy", company.code, input=json.dumps({"min_units": 3, "reason": "短记录也算"}))
    assert before == ["invalid"] * 2 and [validity(one) for one in there] == ["valid"] * 2


def test_the_chunks_of_one_upload_go_to_several_ingests(server):
    wang = server.company().sign_in("wang")
    data = os.urandom(600_000)
    path = tus.create(wang, len(data)).headers["location"]
    before = [metric(member, "bf_stage_bytes") for member in server.of("ingest")]
    for at in range(0, len(data), 100_000):
        answer = tus.patch(wang, path, at, data[at:at + 100_000])
        assert answer.status_code == 204, answer.text
    assert answer.headers["upload-sha256"] == hashlib.sha256(data).hexdigest()
    took = [metric(member, "bf_stage_bytes") - was for member, was in zip(server.of("ingest"), before)]
    assert took == [300_000, 300_000]


# ---- each by itself ----


def test_each_serves_its_own_and_says_how_it_is(server):
    routes = {"gateway": "/v1/customers", "ingest": "/v1/uploads", "push": "/v1/push_key"}
    for member in server.members:
        with member.client() as http:
            assert [http.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
            found = {daemon for daemon, path in routes.items() if http.post(path).status_code != 404 or http.get(path).status_code != 404}
        assert found == ({"gateway", "push"} if member.verb == "gateway" else {member.verb}), "the gateway answers for push: that takes the store only"


def test_clients_are_told_where_to_upload(server):
    wang = server.company().sign_in("wang")
    me = wang.get("/v1/me").json()
    assert me["upload_url"] == UPLOADS and me["login"] == "wang"
    paths = wang.get("/openapi.json").json()["paths"]
    assert {path: item["servers"] for path, item in paths.items() if "servers" in item} == {
        "/v1/uploads": [{"url": UPLOADS}], "/v1/uploads/{id}": [{"url": UPLOADS}]}


def test_all_sign_push_messages_with_one_key(server):
    wang = server.company().sign_in("wang")
    keys = {At(wang, member).get("/v1/push_key").json()["public_key"] for member in server.of("gateway", "push")}
    assert len(keys) == 1


def test_a_daemon_that_is_away_is_missed_by_nobody_while_another_is_there(server, tmp_path):
    """One gateway, one ingest and one push die and stay dead; what was theirs to do the others do."""
    photo = tmp_path / "photo.jpg"
    subprocess.run(["convert", "-size", "640x480", "plasma:red-blue", photo], check=True, capture_output=True)
    dead = [server.of(verb)[0] for verb in ("gateway", "ingest", "push")]
    wang = server.company().sign_in("wang")
    for member in dead:
        member.process.kill()  # the supervisor: its server ends with it
        member.process.wait(60)
    there, ingest = At(wang, server.of("gateway")[1]), At(wang, server.of("ingest")[1])
    data = photo.read_bytes()
    made = ingest.post("/v1/uploads", headers={**tus.VERSION, **tus.BYTES, "upload-length": str(len(data)), "upload-metadata": tus.metadata(type="image/jpeg")}, content=data)
    assert made.status_code == 201, made.text
    customer = there.post("/v1/customers", json={"id": uuid7(), "type": "company", "name": "独存" + uuid7(), "industry": "retail", "grade": "B", "phone": "13800138000",
                                                 "primary_contact": {"id": uuid7(), "name": "陈", "phone": "13900139000"}}).json()["id"]
    media = [{"id": uuid7(), "kind": "photo", "sha256": tus.sha256(data), "type": "image/jpeg"}]
    visit = there.post("/v1/visits", json=wang.visit_body(customer, media=media)).json()["visit"]["id"]
    until(lambda: there.get("/v1/visits/" + visit).json()["media_states"][0]["state"] == "ready", "the picture")
    reminder = {"id": uuid7(), "text": "回访", "due": "2020-01-01T09:00", "tz": "UTC", "wake": True}
    answer = there.post("/v1/reminders", json=reminder)
    assert answer.status_code == 201, answer.text
    until(lambda: there.get("/v1/reminders/" + reminder["id"]).json()["state"] == "sent", "the reminder")
    for member in dead:
        member.start()


def collections(uri):
    """The names of those that the database has, by a command of the wire protocol (OP_MSG) made by hand; what it holds is little."""
    host, port, database = re.match(r"mongodb://([\d.]+):(\d+)/(\w+)", uri).groups()
    body = (b"\x10listCollections\0" + struct.pack("<i", 1) + b"\x03cursor\0" + struct.pack("<i", 20) + b"\x10batchSize\0" + struct.pack("<i", 1000) + b"\0"
            + b"\x02$db\0" + struct.pack("<i", len(database) + 1) + database.encode() + b"\0")
    message = struct.pack("<i", 0) + b"\0" + struct.pack("<i", len(body) + 5) + body + b"\0"
    with socket.create_connection((host, int(port)), timeout=60) as s:
        s.sendall(struct.pack("<iiii", 16 + len(message), 1, 0, 2013) + message)
        answer = b""
        while len(answer) < 4 or len(answer) < struct.unpack_from("<i", answer)[0]:
            got = s.recv(1 << 16)
            assert got, answer
            answer += got
    return {name.decode() for name in re.findall(rb"\x02name\x00....([^\x00]+)\x00", answer, re.S)} - {"_id_"}


def test_the_shard_plan_has_every_collection_of_the_database(server):
    if "@" in server.uri or not server.uri.startswith("mongodb://127."):
        pytest.skip("the database wants to be asked by a real client")
    planned = dict(re.findall(r'^sh\.shardCollection\("bf_test_\w+\.([\w.]+)", \{(\w): 1\}\)$', server.admin("shard-plan"), re.M))
    there = collections(server.uri)
    assert {"log", "meta", "jobs", "users", "media.chunks"} <= there and there <= set(planned)
    assert {name for name, key in planned.items() if key == "b"} >= {"jobs", "heads", "meta"} and planned["log"] == planned["visits"] == planned["media.files"] == "t"
    zones = server.admin("shard-plan", "rs0", "rs1").splitlines()
    assert sum("sh.updateZoneKeyRange" in line for line in zones) == 2 * len(planned)


def test_administration_needs_no_server_and_checks_clean(server, tmp_path):
    company = server.company()
    assert server.stop() == 0
    try:
        assert "王伟" in server.admin("user", "list", company.code)
        server.admin("key", "export", str(tmp_path / "exported.key"))
        with open(os.path.join(server.directory, "master.key"), encoding="ascii") as file:
            assert (tmp_path / "exported.key").read_text(encoding="ascii") == file.read()
        assert " 0 faults" in server.run("check")[1]
        status, _, error = server.run("backup", str(tmp_path / "backup"), check=False)
        assert status == 1 and "mongodump" in error
        status, _, error = server.run("admin", "user", "list", "niemand", check=False)
        assert status == 1 and "no such company" in error
    finally:
        server.start()

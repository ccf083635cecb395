# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under load: what was acknowledged is there, once, with the receipt it was acknowledged with.

40 kills; 1,000 with BF_SOAK=1. BF_SEED repeats the choices of a run (not its timing)."""
import itertools
import os
import random
import re
import signal
import threading

from baifang import Feed, Server, children, is_gone, until
from rig import SEED, SOAK, Ledger, Phone, Photos, Upload, assert_clean, assert_gapless, digest, listed, pause, replay

KILLS = 1000 if SOAK else 40
REPS = 3
SAMPLE = 10  # of what was replayed after an earlier kill, once more


class Load:
    """Client threads that write until they are told to stop. Each rep has two phones: one logs visits and changes customers, the other uploads too."""

    def __init__(self, company, folder, reps=REPS):
        self.stop, self.errors, self.threads = threading.Event(), [], []
        self.ledger = Ledger(folder / "ledger")
        self.open_uploads, self.phones = [], []
        for i in range(reps):
            login = f"rep{i}"
            company.add(login, "王伟", "rep", company.team)
            for work, what in enumerate((self.record, self.upload)):
                phone = Phone(company, login, work)
                self.phones.append(phone)
                self.threads.append(threading.Thread(target=self.run, args=(what, phone), daemon=True))
        for thread in self.threads:
            thread.start()

    def run(self, work, phone):
        try:
            for turn in itertools.count():
                if self.stop.is_set():
                    return
                work(phone, turn)
                pause(phone.random.uniform(0, 0.1))
        except BaseException as error:  # pylint: disable=broad-except
            self.errors.append((phone.login, error))
            raise

    def customer(self, phone):
        body = phone.customer_body()
        made = phone.create(self.ledger, "/v1/customers", body)
        phone.mine = {"id": made["id"], "contact": body["primary_contact"]["id"], "path": "/v1/customers/" + made["id"], "etag": None}

    def record(self, phone, turn):
        if turn % 6 == 0:
            self.customer(phone)
        elif turn % 6 == 3:
            mine = phone.mine
            mine["etag"] = mine["etag"] or phone.sure("GET", mine["path"]).headers["etag"]
            for _ in range(2):
                changed = phone.change(self.ledger, mine["path"], mine["etag"], {"remark": phone.words(), "reason": "补充"})
                mine["etag"] = changed.headers["etag"]
        else:
            phone.create(self.ledger, "/v1/visits", phone.visit(phone.mine["id"], phone.mine["contact"]))

    def upload(self, phone, turn):
        if turn == 0:
            phone.photos = Photos(phone.login)
            self.customer(phone)
        upload = Upload(phone, self.ledger, phone.photos.make(phone.random.randrange(20_000, 600_000)), "image/jpeg")
        self.open_uploads.append(upload)
        while not upload.is_whole() and not self.stop.is_set():
            pause(phone.random.uniform(0, 0.05))
            upload.step(phone.random.randrange(10_000, 250_000))
        if upload.is_whole():
            self.open_uploads.remove(upload)
            medium = {"id": phone.visit_body("")["id"], "kind": "photo", "sha256": upload.sha256, "type": upload.kind}
            phone.seq -= 1  # that body was for its id only
            phone.create(self.ledger, "/v1/visits", phone.visit(phone.mine["id"], phone.mine["contact"], media=[medium]))

    def assert_well(self):
        assert not self.errors, self.errors

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(300)
            assert not thread.is_alive(), "a client hangs"
        self.assert_well()


class Killer:
    """Kills the server process, and now and then the supervisor; sometimes a decoder before that, which counts for nothing, since no acknowledged write
    hangs on it. After three servers in a row the supervisor must go, because it waits longer before each next one that dies young."""

    def __init__(self, server, name="", decodes=True):
        self.server, self.random, self.in_a_row, self.decodes = server, random.Random(f"{SEED} {name}"), 0, decodes
        self.kills = {"server": 0, "supervisor": 0, "decoder": 0}

    def kill(self):
        pause(self.random.choice((0.003, 0.05, 0.3, 0.6)) * self.random.random())
        if self.decodes and self.random.random() < 0.125:
            self.kill_decoder()
        if self.in_a_row == 3 or self.random.random() < 0.14:
            self.kill_supervisor()
        else:
            self.kill_server()

    def kill_server(self):
        self.kills["server"] += 1
        self.in_a_row += 1
        self.server.kill()

    def kill_supervisor(self):
        self.kills["supervisor"] += 1
        self.in_a_row = 0
        family = children(self.server.process.pid)
        self.server.process.kill()
        self.server.process.wait(60)
        for pid in family:
            until(lambda: is_gone(pid), "the end of the family")
        self.server.start()

    def kill_decoder(self):
        self.kills["decoder"] += 1
        kind = self.random.choice(("--zygote", "--zygote-stt"))
        old = until(lambda: self.server.zygote_pid(kind), "the decoder")
        os.kill(old, signal.SIGKILL)


def check_records(load, boss):
    """Exactly what was acknowledged, nothing twice: by the lists, by the feed, by the numbers that decisions hand out."""
    made = {path: [item["id"] for item in load.ledger.of("create") if item["path"] == path] for path in ("/v1/customers", "/v1/visits")}
    customers, visits = listed(boss, "/v1/customers"), listed(boss, "/v1/visits")
    assert sorted(doc["id"] for doc in customers) == sorted(made["/v1/customers"])
    assert sorted(doc["id"] for doc in visits) == sorted(made["/v1/visits"])
    months = {}
    for doc in customers:
        month, serial = re.fullmatch(r"KH(\d{6})(\d{3,})", doc["number"]).groups()
        months.setdefault(month, []).append(int(serial))
    for month, serials in months.items():
        assert_gapless(serials, "customer numbers of " + month)
    changes = {}
    for item in load.ledger.of("change"):
        changes.setdefault(item["path"].rsplit("/", 1)[1], []).append(item)
    for doc in customers:
        mine = changes.get(doc["id"], [])
        assert doc["rev"] == 1 + len(mine)
        assert not mine or doc["remark"] == mine[-1]["body"]["remark"]
    feed = Feed(boss).pull(200)
    for kind, docs in (("customer", customers), ("visit", visits)):
        assert {doc["id"]: doc["rev"] for doc in docs} == {id: doc["rev"] for (type, id), doc in feed.docs.items() if type == kind}
    weeks = {}
    for (kind, _), doc in feed.docs.items():
        if kind == "verdict":
            assert doc["validity"] == "valid" and doc["rev"] == 1, doc
            visit = feed.docs["visit", doc["visit"]]
            weeks.setdefault((visit["rep"], doc["week"]), []).append(doc["week_count"])
    assert sum(map(len, weeks.values())) == len(visits)
    for who, counts in weeks.items():
        assert_gapless(counts, f"valid records of {who}")


def check_bytes(load, boss):
    """Every acknowledged byte: unfinished uploads stand where they were acknowledged, finished ones are read back by their hash."""
    for upload in load.open_uploads:
        upload.ask()
    whole = [item for item in load.ledger.of("create") if item["body"].get("media")]
    for item in whole:
        medium, path = item["body"]["media"][0], "/v1/visits/" + item["id"]
        states = until(lambda: all_ready(boss.sure("GET", path).json()["media_states"]), "the media of a visit")
        assert [state["state"] for state in states] == ["ready"], states
        answer = boss.sure("GET", f"{path}/media/{medium['id']}/original")
        assert answer.status_code == 200 and digest(answer.content) == medium["sha256"]
    return len(whole)


def all_ready(states):
    return states if all(state["state"] not in ("awaited", "stored") for state in states) else None


def check_safe(load):
    """What each installation may forget: all it sent."""
    for phone in load.phones:
        safe = phone.sure("GET", f"/v1/devices/{phone.device}/safe").json()
        assert (safe["safe_through"], safe["missing"], safe["media_awaited"]) == (phone.seq, [], []), safe


def test_what_was_acknowledged_outlives_random_kills_exactly_once(tmp_path):
    with Server(tmp_path / "s", {"ingest": {"lease": 1000}}) as server:
        company = server.company()
        load = Load(company, tmp_path)
        auditors = {f"rep{i}": Phone(company, f"rep{i}", "auditor") for i in range(REPS)}
        killer, seen = Killer(server), 0
        for _ in range(KILLS):
            killer.kill()
            load.assert_well()
            claims = [item for item in load.ledger.items[:] if item["kind"] != "offset"]
            for item in claims[seen:] + killer.random.sample(claims[:seen], min(seen, SAMPLE)):
                replay(auditors[item["login"]], item)
            seen = len(claims)
        load.end()
        claims = [item for item in load.ledger.items if item["kind"] != "offset"]
        for item in claims:
            replay(auditors[item["login"]], item)
        boss = Phone(company, "qian")
        check_records(load, boss)
        n_media = check_bytes(load, boss)
        check_safe(load)
        assert_clean(server)
        lost = sum(phone.faults for phone in load.phones)
        print(f"seed {SEED}: kills {killer.kills}, {len(claims)} receipts, {len(load.ledger.of('offset'))} offsets, {n_media} media; {lost} answers lost")
        assert lost > KILLS / 4, "the load was not there when the server died"
    assert_clean(server)

# SPDX-License-Identifier: Apache-2.0
"""20 reviewers over 500 contracts (G-05) while the server is killed at random and reviewers walk away: none is reviewed twice, none is lost, the queue keeps
its order by age, and what was sent back comes to the reviewer who knows it.

5 kills; 100 with BF_SOAK=1. BF_SEED repeats the choices of a run (not its timing)."""
import base64
import hashlib
import os
import random
import secrets
import signal
import struct
import threading
import time
import zlib

from baifang import Server, rfc3339, until, uuid7
from rig import SEED, SOAK, Ledger, Phone, assert_clean, pause

REVIEWERS, CONTRACTS, KILLS = 20, 500, 100 if SOAK else 5
MINUTE = 60_000
WALK_AWAY, SEND_BACK = 0.03, 0.2  # of claims


def picture():
    row = b"\0" + secrets.token_bytes(24)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(row * 8)) + chunk(b"IEND", b"")


class Office:
    """A rep with contracts, and the reviewers' desks."""

    def __init__(self, server, folder, reviewers=REVIEWERS, contracts=CONTRACTS):
        self.server, self.company, self.ledger, self.reviewers = server, server.company(), Ledger(folder / "ledger"), reviewers
        self.stop, self.errors, self.shift_ms, self.kept = threading.Event(), [], 0, 0
        for i in range(reviewers):
            self.company.add(f"shen{i}", f"复核{i}", "reviewer", self.company.team)
        self.rep, self.boss = Phone(self.company, "wang"), Phone(self.company, "qian")
        self.sha256 = self.upload()
        self.customer = self.rep.create(self.ledger, "/v1/customers", self.rep.customer_body())["id"]
        self.contracts = [self.enter(i) for i in range(contracts)]

    def upload(self):
        data = picture()
        answer = self.rep.post("/v1/uploads", content=data, headers={
            "tus-resumable": "1.0.0", "upload-length": str(len(data)), "content-type": "application/offset+octet-stream",
            "upload-metadata": "type " + base64.b64encode(b"image/png").decode()})
        assert answer.status_code == 201, answer.text
        return hashlib.sha256(data).hexdigest()

    def page(self, page=None):
        return {"id": page or uuid7(), "media": uuid7(), "sha256": self.sha256, "type": "image/png"}

    def enter(self, number):
        body = {"id": uuid7(), "customer": self.customer, "number": f"HT-{number}", "amount": {"minor": number, "currency": "CNY"}, "signed_on": "2026-11-20",
                "parties": ["甲", "乙"], "pages": [self.page()]}
        self.rep.create(self.ledger, "/v1/contracts", body)
        return body["id"]

    def start(self):
        self.threads = [threading.Thread(target=self.run, args=(self.review, f"shen{i}"), daemon=True) for i in range(self.reviewers)]
        self.threads.append(threading.Thread(target=self.run, args=(self.take_again, "wang"), daemon=True))
        for thread in self.threads:
            thread.start()

    def run(self, work, login):
        try:
            work(Phone(self.company, login, "desk"), random.Random(f"{SEED} {login}"))
        except BaseException as error:  # pylint: disable=broad-except
            self.errors.append((login, error))
            raise

    # ---- a reviewer ----

    def review(self, desk, dice):
        while not self.stop.is_set():
            items = desk.sure("GET", "/v1/review_queue?limit=50").json()["items"]
            ages = [item["contract"]["complete_at"] for item in items]
            assert ages == sorted(ages), "the queue is oldest first"
            self.try_what_is_kept(desk, dice, items)
            free = [item["contract"] for item in items if item["claimable"] and item["held_until"] is None]
            if not any(self.work_on(desk, dice, contract) for contract in free[:3]):
                pause(dice.uniform(0, 0.05))

    def try_what_is_kept(self, desk, dice, items):
        """What is reserved for somebody else, for a good while yet, is not to be had."""
        shift_ms = self.shift_ms
        soon = rfc3339(int(time.time() * 1000) + shift_ms + 60 * MINUTE)
        kept = [i for i in items if i["contract"].get("reserved_until", "") > soon]
        for item in kept:
            assert item["claimable"] == (item["contract"]["reserved_for"] == desk.id), item
        others = [i["contract"]["id"] for i in kept if not i["claimable"]]
        if others and dice.random() < 0.2:
            answer = self.verb(desk, others[0], "claim")
            if self.shift_ms - shift_ms < 60 * MINUTE:  # else the while is over: leases were let end meanwhile, twice
                assert answer.status_code == 409
                self.kept += 1

    def work_on(self, desk, dice, contract):
        """True when it was decided, or left lying."""
        if self.verb(desk, contract["id"], "claim").status_code != 200:
            return False
        if dice.random() < WALK_AWAY:
            return True
        back = dice.random() < SEND_BACK and contract["rejections"] == 0
        body = {"code": "other", "note": "少盖章"} if back else None
        answer = self.verb(desk, contract["id"], "reject" if back else "approve", body)
        if answer.status_code == 200:
            self.ledger.note(kind="verdict", contract=contract["id"], outcome="rejected" if back else "approved", by=desk.id)
        else:
            assert answer.status_code == 409, answer.text  # the lease was over meanwhile
        return True

    @staticmethod
    def verb(person, contract, name, body=None):
        """Repeated under one key until it is answered."""
        return person.sure("POST", f"/v1/contracts/{contract}/{name}", body, {"idempotency-key": uuid7()})

    # ---- the rep ----

    def take_again(self, phone, dice):
        while not self.stop.is_set():
            for contract in phone.sure("GET", "/v1/contracts?state=rejected&limit=200").json()["items"]:
                path = f"/v1/contracts/{contract['id']}"
                etag = phone.sure("GET", path).headers["etag"]
                answer = phone.sure("PATCH", path, {"pages": [self.page(contract["pages"][0]["id"])]}, {"if-match": etag})
                assert answer.status_code == 200, answer.text
            pause(dice.uniform(0, 0.1))

    # ---- meanwhile ----

    def left(self):
        assert not self.errors, self.errors
        return self.boss.sure("GET", "/v1/review_queue?limit=200").json()

    def let_leases_end(self):
        """When all that is left lies with reviewers who walked away, or is kept for one."""
        self.shift_ms += 31 * MINUTE
        self.server.shift_clock(self.shift_ms)

    def is_done(self):
        queue = self.left()
        states = [self.boss.sure("GET", f"/v1/contracts?state={state}&limit=1").json()["items"] for state in ("awaiting_pages", "rejected")]
        if queue["items"] and not [i for i in queue["items"] if i["held_until"] is None]:
            self.let_leases_end()
        return not queue["items"] and not any(states)


def kill_at_random(office, server):
    dice = random.Random(f"{SEED} kills")
    for _ in range(KILLS):
        pause(dice.uniform(0.2, 1.5))
        if office.is_done():
            return
        ready = server.count("ready")
        os.kill(until(server.server_pid, "the server process"), signal.SIGKILL)
        server.wait_event("ready", ready + 1)


def check(office):
    verdicts = {}
    for item in office.ledger.of("verdict"):
        verdicts.setdefault(item["contract"], []).append((item["outcome"], item["by"]))
    for id in office.contracts:
        contract = office.boss.sure("GET", "/v1/contracts/" + id).json()
        reviews = [(r["outcome"], r["reviewer"]) for r in reversed(contract["reviews"])]
        assert contract["state"] == "approved" and [o for o, _ in reviews] in (["approved"], ["rejected", "approved"]), (id, contract["state"], reviews)
        assert sorted(verdicts.get(id, [])) == sorted(reviews), "what was acknowledged, and nothing else"
    return verdicts


def test_G_05_20_reviewers_none_twice_none_lost(tmp_path):
    with Server(tmp_path / "s", {"ingest": {"lease": 1000}}) as server:
        office = Office(server, tmp_path)
        until(lambda: office.left()["waiting"] == CONTRACTS, "all pages decoded", 600)
        office.start()
        kill_at_random(office, server)
        until(office.is_done, "the queue to be worked off", 600)
        office.stop.set()
        for thread in office.threads:
            thread.join(60)
        assert not office.errors, office.errors
        verdicts = check(office)
        assert_clean(server)
        print(f"seed {SEED}: {len(office.ledger.of('verdict'))} verdicts on {len(verdicts)} contracts, {office.shift_ms // MINUTE} minutes of leases, {office.kept} times kept for another")

# SPDX-License-Identifier: Apache-2.0
"""Two gateways, two ingests and two pushes on one database, and 16 clients that create, change, upload and review, while the database is killed (its front,
the PostgreSQL behind it), stopped, and each daemon is killed 10 times at random. Afterwards: every acknowledged write once, with its first receipt; numbers
without gap or double; each medium ready once; each reminder one notification, told under one id; `check` finds nothing. While the database is away nothing
hangs, and who asks is told when to come again.

BF_SOAK=1: 200 kills of each, the database away 10 times as often."""
import random
import threading
import time

from baifang import GUARD_S, Fleet, until
from database import Database
from rig import SEED, SOAK, Phone, assert_clean, pause, replay
from test_kill import Killer, Load, check_bytes, check_records, check_safe
from test_pipeline_kill import MINUTE_MS, World, is_quiet
from test_reviews import Office, check as check_reviews
from wire import Client

DAEMONS = ["gateway", "gateway", "ingest", "ingest", "push", "push"]
OPTIONS = "&connectTimeoutMS=1000&socketTimeoutMS=3000&serverSelectionTimeoutMS=1000"
LATE_S = 60  # ten times what those add up to
REPS, REVIEWERS, CONTRACTS, VISITS = 5, 4, 10, 12  # 16 clients: two phones a rep, a desk a reviewer, who enters contracts, who takes pages again
LATER_MS = 4 * 60 * MINUTE_MS  # no more: a push service takes no signature that is good for more than a day
KILLS = 200 if SOAK else 10
AWAY = [("kill", "front", 2), ("kill", "postgres", 2), ("stop", "front", 10), ("stop", "postgres", 4)] * (10 if SOAK else 1)


class Desk(Office):
    """Contracts keep coming while they are reviewed. Its clock is the one that all use."""

    def __init__(self, world, folder):
        self.world = world
        super().__init__(world.server, folder, REVIEWERS, CONTRACTS)
        self.full = threading.Event()

    def start(self):
        super().start()
        self.threads.append(threading.Thread(target=self.run, args=(self.enter_more, "li"), daemon=True))
        self.threads[-1].start()

    def enter_more(self, _, dice):
        while not self.full.is_set():
            self.contracts.append(self.enter(len(self.contracts)))
            pause(dice.uniform(0, 0.3))

    def let_leases_end(self):
        self.world.shift(self.world.shift_ms + 31 * MINUTE_MS)
        self.shift_ms = self.world.shift_ms

    def end(self):
        self.full.set()
        until(self.is_done, "the queue of reviews", 10 * GUARD_S)
        self.stop.set()
        for thread in self.threads:
            thread.join(5 * GUARD_S)
            assert not thread.is_alive(), "a reviewer hangs"
        self.assert_well()

    def assert_well(self):
        assert not self.errors, self.errors


class Town:
    """The fleet, and all who use it."""

    def __init__(self, folder, database):
        self.folder, self.database = folder, database
        self.world = World(folder, self.make, self.look, shift_ms=0)
        self.fleet = self.world.server
        self.company = self.fleet.company()
        self.auditors, self.visits, self.errors = {}, [], []

    @staticmethod
    def make(folder, config, environment):
        return Fleet(folder, {**config, "uploads": {"sweep": 1}}, environment=environment, verbs=DAEMONS)

    def look(self, fleet, collection):
        """{id: document}, read from the database itself."""
        with Client(self.database.server, fleet.uri.split("?")[0].rsplit("/", 1)[1]) as client:
            return {doc["_id"]["i"] if isinstance(doc["_id"], dict) else doc["_id"]: doc for doc in client.find(collection, batchSize=1000)}

    def start(self):
        self.office = Desk(self.world, self.folder)
        self.office.start()
        self.load = Load(self.company, self.folder, REPS)
        self.reporter = threading.Thread(target=self.report, daemon=True)
        self.reporter.start()

    def report(self):
        """Visits with pictures and voice, each with a next step that becomes due once all is over."""
        try:
            for i in range(VISITS):
                due = self.world.now_ms() + LATER_MS + i * MINUTE_MS
                if i % 2:
                    self.visits.append(self.world.log_visit(self.world.media(i), due))
                else:
                    self.visits.append(self.world.log_and_put(self.world.content(i), due))
                pause(1)
        except BaseException as error:  # pylint: disable=broad-except
            self.errors.append(error)
            raise

    def assert_well(self):
        self.load.assert_well()
        self.office.assert_well()
        assert not self.errors, self.errors

    def count(self):
        return len(self.load.ledger.items)

    def go_on(self, more=20):
        enough = self.count() + more

        def is_enough():
            self.assert_well()
            return self.count() >= enough
        until(is_enough, f"{more} acknowledgements", 2 * GUARD_S)

    # ---- faults ----

    def outage(self, how, part, seconds):
        """Says how long it then took to the first acknowledgement."""
        self.go_on()
        (self.database.kill if how == "kill" else self.database.stop)(part)
        end = time.monotonic() + seconds
        self.assert_away()
        pause(max(0, end - time.monotonic()))
        (self.database.start if how == "kill" else self.database.go_on)(part)
        back = time.monotonic()
        self.go_on(1)
        return f"{how} {part}: {1000 * (time.monotonic() - back):.0f} ms"

    def assert_away(self):
        """Each gateway says that the store does not answer, and when to ask again."""
        for member in self.fleet.of("gateway"):
            with member.client() as client:
                begun = time.monotonic()
                answer = client.get("/v1/customers?limit=1", headers=self.world.phone.headers())
                took_s = time.monotonic() - begun
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0, f"{answer.status_code} {answer.text}"
            assert took_s < LATE_S, took_s

    def kill_daemons(self):
        """Each at random; at any time one of two of a kind is there."""
        pairs = [threading.Thread(target=self.kill_in_turn, args=(self.fleet.of(verb),), daemon=True) for verb in ("gateway", "ingest", "push")]
        for pair in pairs:
            pair.start()
        for pair in pairs:
            pair.join(KILLS * GUARD_S)
            assert not pair.is_alive(), "a daemon does not come back"
        self.assert_well()

    def kill_in_turn(self, members):
        killers = [Killer(member, member.directory, decodes=member.verb == "ingest") for member in members]
        turns = killers * KILLS
        random.Random(f"{SEED} {members[0].directory}").shuffle(turns)
        try:
            for killer in turns:
                killer.kill()
        except BaseException as error:  # pylint: disable=broad-except
            self.errors.append(error)
            raise

    # ---- the end ----

    def end(self):
        self.load.end()
        while self.load.open_uploads:
            self.load.open_uploads.pop().ask()  # now: what nothing was sent of is given up after some hours
        self.reporter.join(5 * GUARD_S)
        assert len(self.visits) == VISITS, "who is to be reminded hangs"
        self.office.end()
        for visit in self.visits:
            self.world.until(visit.is_done, "the media of a visit")

    def remind(self):
        """All next steps become due."""
        self.world.shift(self.world.shift_ms + LATER_MS + VISITS * MINUTE_MS)
        for visit in self.visits:
            self.world.until(visit.is_told, "the notification of a reminder")
        self.world.until(lambda: len(set(self.world.topics())) >= VISITS, "the pushes")

    def auditor(self, login):
        if login not in self.auditors:
            self.auditors[login] = Phone(self.company, login, "auditor")
        return self.auditors[login]

    def check(self):
        for item in self.load.ledger.items:
            if item["kind"] != "offset":
                replay(self.auditor(item["login"]), item)
        assert not any(phone.hung for phone in [*self.load.phones, *self.auditors.values(), self.world.phone]), "a request hung"
        boss = Phone(self.company, "qian")
        check_records(self.load, boss)
        check_bytes(self.load, boss)
        check_safe(self.load)
        check_reviews(self.office)
        for visit in self.visits:
            visit.check_media()
            visit.check_told()
        self.world.shift(self.world.shift_ms + 3 * MINUTE_MS)
        until(lambda: is_quiet(self.world), "the last outcome to be written")
        until(lambda: self.fleet.run("check", check=False)[0] == 0, "what killed processes were making to be swept up")
        assert_clean(self.fleet)


def test_16_clients_lose_nothing(tmp_path, monkeypatch):
    with Database(breaks=True) as database:
        monkeypatch.setenv("MONGODB_TEST_URI", database.server + OPTIONS)
        town = Town(tmp_path, database)
        try:
            town.start()
            told = [town.outage(*away) for away in AWAY]
            town.go_on()
            town.kill_daemons()
            town.go_on()
            town.end()
            town.remind()
            town.check()
            town.fleet.stop()
            assert town.world.check_pushes() == VISITS
        finally:
            town.world.close()
        print(f"seed {SEED}: {town.count()} acknowledgements, {len(town.office.contracts)} contracts; until the first one after {', '.join(told)}")

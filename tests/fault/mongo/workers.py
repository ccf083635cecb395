# SPDX-License-Identifier: Apache-2.0
"""Processes that write through the store (worker.c), and what must be true of the database when they have ended."""
import hashlib
import os
import struct
import subprocess
from collections import Counter, defaultdict

from baifang import GUARD_S, until
from history import NEVER, Op, faults, read_lines, records_of
from rig import assert_gapless

WORKER = os.environ["BF_MONGO_WORKER"]
OPTIONS = {"connectTimeoutMS": 500, "socketTimeoutMS": 1000, "serverSelectionTimeoutMS": 500, "heartbeatFrequencyMS": 500}
NEAR_TENANTS = 1000  # those that a test may meet


def named(what, a, b=0):
    """bf_uuid_from_name."""
    raw = bytearray(hashlib.sha256(f"{what} {a} {b}".encode()).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


class Workers:
    """`n` processes of `writers` each, on `server`, an address of the database: its own, or a proxy's."""

    def __init__(self, folder, database, server, n=2, writers=8, tenants=1, driver="plain"):
        self.folder, self.database = folder, database
        self.key_file = folder / "master.key"
        self.paths = [folder / f"worker{i}" for i in range(1, n + 1)]
        self.processes = []
        for number, path in enumerate(self.paths, 1):
            self.processes.append(self._start(path, database.address(server, **OPTIONS), number, writers, tenants, driver))
            self._wait_for_start(number)  # the first one makes the key

    def _start(self, path, uri, number, writers, tenants, driver):
        with open(path, "wb") as out, open(str(path) + ".log", "wb") as log:
            return subprocess.Popen([WORKER, "run", uri, self.key_file, str(number), str(writers), str(tenants), driver], stdin=subprocess.PIPE, stdout=out,
                                    stderr=log)

    def _wait_for_start(self, number):
        process, path = self.processes[number - 1], self.paths[number - 1]
        until(lambda: path.stat().st_size > 0 or process.poll() is not None, "a worker to begin")
        self.assert_well()

    def log(self):
        return "\n".join((self.folder / (path.name + ".log")).read_text()[-3000:] for path in self.paths)

    def assert_well(self):
        assert all(process.poll() is None for process in self.processes), "a worker ended: " + self.log()

    def count(self, what):
        """How many operations have an answer ("status") so far; how many tries had none ("failed")."""
        return sum(path.read_bytes().count(f'"{what}"'.encode()) for path in self.paths)

    def go_on(self, more=50, what="status"):
        """Waits until there are so many more."""
        enough = self.count(what) + more

        def is_enough():
            self.assert_well()
            return self.count(what) >= enough
        until(is_enough, f"{more} times {what!r}")

    def kill(self):
        for process in self.processes:
            process.kill()
        self._collect()

    def end(self):
        """They finish what they are at."""
        for process in self.processes:
            process.stdin.close()
        self._collect()
        assert all(process.returncode == 0 for process in self.processes), self.log()

    def _collect(self):
        for process in self.processes:
            process.wait(4 * GUARD_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait(GUARD_S)
            process.stdin.close()


class Outcome:
    """What the workers were told, and what the database has, read without them."""

    def __init__(self, workers):
        self.workers = workers
        self.begun, self.ended, self.failed = read_lines(workers.paths)
        self.tenants = {named("tenant", i): i for i in range(NEAR_TENANTS)}
        with workers.database.client() as client:
            self.log, self.stored, self.counters = (client.find(name, batchSize=1000) for name in ("log", "fault_records", "fault_counters"))

    def requests(self):
        """Of all entries: operation -> how often."""
        return Counter(struct.unpack_from("<Q", request)[0] for entry in self.log for request in entry["requests"])

    def assert_log(self):
        """Without a hole, each acknowledged write in it once, and nothing of what was refused or never asked for."""
        of_tenant = defaultdict(list)
        for entry in self.log:
            of_tenant[entry["t"]].append(entry["n"])
        for tenant, numbers in of_tenant.items():
            assert_gapless(numbers, f"log of tenant {self.tenants[tenant]}")
        requests = self.requests()
        assert set(requests) <= set(self.begun) and max(requests.values()) == 1
        for id, end in self.ended.items():
            if self.begun[id]["kind"] != "read":
                assert (id in requests) == (end["status"] == "ok"), f"{self.begun[id]} {end}: {'in' if id in requests else 'not in'} the log"

    def assert_numbers(self):
        """Each record has a number of its own, from 1 on, without a gap; all who saw it saw the same."""
        numbers = defaultdict(list)
        told = {(named("tenant", self.begun[id]["tenant"]), named("record", self.begun[id]["tenant"], self.begun[id]["record"])): end["got"]["number"]
                for id, end in self.ended.items() if isinstance(end["got"], dict) and end["got"]}
        for doc in self.stored:
            numbers[doc["t"]].append(doc["f"]["number"])
            assert told.get((doc["t"], doc["_id"]["i"]), doc["f"]["number"]) == doc["f"]["number"]
        for tenant, given in numbers.items():
            assert_gapless(given, f"numbers of tenant {self.tenants[tenant]}")
        assert {doc["t"]: doc["f"]["number"] for doc in self.counters} == {tenant: len(given) for tenant, given in numbers.items()}

    def history(self):
        """Each record's operations, and at the end a look at what is stored."""
        records = records_of(self.begun, self.ended)
        stored = {(doc["t"], doc["_id"]["i"]): (doc["rev"], doc["f"]["value"], doc["f"]["claimant"]) for doc in self.stored}
        for (tenant, record), ops in records.items():
            got = stored.get((named("tenant", tenant), named("record", tenant, record)))
            ops.append(Op(0, "read", NEVER, NEVER, status="ok", got=got))
        return records

    def assert_order(self):
        found = faults(self.history())
        assert not found, "\n".join(found[:3])

    def check(self):
        """What the store's own check says."""
        done = subprocess.run([WORKER, "check", self.workers.database.uri, self.workers.key_file], capture_output=True, text=True, check=False,
                              timeout=4 * GUARD_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def assert_clean(self):
        said = self.check()
        assert said.startswith("0 faults, "), said

    def assert_in_time(self, most_ms):
        """Nothing hung: of each single try."""
        slowest = max([*self.ended.values(), *self.failed], key=lambda line: line["ms"])
        assert slowest["ms"] <= most_ms, f"{self.begun[slowest['op']]}: {slowest}"

    def assert_right(self):
        self.assert_log()
        self.assert_numbers()
        self.assert_order()
        self.assert_clean()

    def told(self):
        told = Counter(line["status"] for line in self.ended.values()) + Counter(line["failed"] for line in self.failed)
        return (f"{len(self.begun)} operations, {len(self.begun) - len(self.ended)} without an answer, {len(self.log)} entries; {dict(told)}; slowest "
                f"{max(line['ms'] for line in [*self.ended.values(), *self.failed])} ms")

# SPDX-License-Identifier: Apache-2.0
"""The digests of a Monday morning for a whole company: what they cost (tests/bench/push/digest_bench), and what they do to others, who read and log
visits at a steady rate while the same server makes them.

The company takes a minute or two to make, so it is kept in build/bench-data, as long as what makes it is the same."""
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time

from figures import cpu_s
from service import Service

PEOPLE, VISITS, DAYS = 10_000, 1_000_000, 365
MONDAY_MS = 1773621000_000  # 2026-03-16 08:30 in Shanghai, as in tests/bench/push/company.c
DAY_MS, BEFORE_MS = 86400_000, 1800_000  # sign-ins hold for an hour
MORNINGS = 3  # Monday's and the next; of their ratios the median counts
RATE, READS_OF, EVERY = 250, 3, 5  # requests a second; of five three are reads, two durable creates
CONNECTIONS, QUIET_S, MAX_S, STILL_S = 16, 15, 180, 2


def company(service):
    """A server's data directory that holds the company."""
    program = service.program("tests", "bench", "push", "digest_bench")
    with open(program, "rb") as file:
        stamp = hashlib.sha256(file.read() + f"{PEOPLE} {VISITS} {DAYS}".encode()).hexdigest()[:16]
    root = os.path.join(os.path.dirname(service.release), "bench-data")
    kept = os.path.join(root, stamp)
    if not os.path.isdir(kept):
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)
        subprocess.run([program, "fill", kept + ".new", str(PEOPLE), str(VISITS), str(DAYS)], check=True)
        os.rename(kept + ".new", kept)
    return kept


def cost(service, figures, kept):
    directory = os.path.join(service.directory, "digests")
    shutil.copytree(kept, directory)
    done = subprocess.run([service.program("tests", "bench", "push", "digest_bench"), "run", directory, str(PEOPLE)], capture_output=True, text=True, check=True)
    shutil.rmtree(directory)
    found = json.loads(done.stdout)
    assert found["over"] and found["told"] >= PEOPLE, found
    figures.row(f"digests for {PEOPLE} people from {VISITS} visits, CPU", f"{found['cpu_s']:.2f} s")
    figures.note(f"{found['told']} notifications in {found['real_s']:.1f} s; {found['memory_mb']:.0f} MB beside the {found['store_mb']:.0f} MB of the store")
    figures.judge("digest_cpu_s", found["cpu_s"], 60)
    figures.judge("digest_memory_mb", found["memory_mb"], 200)


# ---- meanwhile ----


def rest(service):
    """Until the server has nothing to do any more."""
    idle = 0
    while idle < 3:
        before = cpu_s(service.pid())
        time.sleep(0.5)
        idle = idle + 1 if cpu_s(service.pid()) - before < 0.03 else 0


class Told:
    """How many notifications there are."""

    def __init__(self, service):
        self.db = sqlite3.connect(f"file:{glob.glob(os.path.join(service.data(), '**', 'store.db'), recursive=True)[0]}?mode=ro", uri=True)

    def count(self):
        return self.db.execute("SELECT count(*) FROM d_notifications").fetchone()[0]


def load(service):
    """Reads of customers and creates of visits, in turn, for as long as it may take."""
    creates = iter(service.visits(RATE * (QUIET_S + MAX_S) // EVERY * (EVERY - READS_OF) // len(service.reps) + 1))
    lines = []
    for i, create in enumerate(creates):
        lines.append(create)
        if i % (EVERY - READS_OF) == 0:
            for k in range(READS_OF):
                rep = service.reps[(i + k) % len(service.reps)]
                lines.append(f"GET /v1/customers/{rep.customers[(i * 7 + k) % len(rep.customers)]['id']} {rep.token} -")
    return lines


class Load:
    """The load, from when it is entered."""

    def __init__(self, service):
        self.command = [service.program("tests", "bench", "client", "bench_paced"), str(service.server.port), str(CONNECTIONS), str(RATE), service.write(load(service))]

    def __enter__(self):
        self.player = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.player.stdout.readline() == "open\n"
        return self

    def __exit__(self, *_):
        self.player.kill()
        self.player.wait()

    def end(self):
        """[(method, when it was due, ms)]"""
        out, _ = self.player.communicate("")
        assert self.player.returncode == 0
        return [(method, float(at), float(ms)) for method, at, ms in (line.split() for line in out.splitlines())]


def p99(asked, method, begin, end):
    times = sorted(ms for kind, at, ms in asked if kind == method and begin <= at < end)
    assert len(times) >= 200, f"only {len(times)} of {method}"
    return times[int(len(times) * 0.99)], times[len(times) // 2], len(times)


def morning(service, at_ms):
    """The load over a quiet while and over the digests: (what was asked, when they began, when the last was told, how many)."""
    service.set_clock(at_ms - BEFORE_MS)
    service.sign_in()
    rest(service)
    told = Told(service)
    before = told.count()
    with Load(service) as running:
        time.sleep(QUIET_S)
        began = last = time.monotonic()
        service.set_clock(at_ms)
        n = before
        while n - before < PEOPLE or time.monotonic() < last + STILL_S:
            assert time.monotonic() < began + MAX_S, f"{n - before} digests in {MAX_S} s"
            time.sleep(0.1)
            now = told.count()
            if now > n:
                n, last = now, time.monotonic()
        return running.end(), began, last, n - before


def ratio(method, asked, began, last):
    (busy, busy_median, n), (quiet, quiet_median, _) = p99(asked, method, began, last), p99(asked, method, began - QUIET_S, began)
    return busy / quiet, busy, quiet, busy_median, quiet_median, n


def meanwhile(service, figures, kept):
    directory = os.path.join(service.directory, "morning")
    os.makedirs(os.path.join(directory, "server"))
    shutil.copytree(kept, os.path.join(directory, "server", "data"))
    found = {"GET": [], "POST": []}
    with Service(directory, service.release, "digests", MONDAY_MS - BEFORE_MS) as office:
        office.play(office.visits(2), CONNECTIONS)  # what every customer has after its first visit
        for day in range(MORNINGS):
            asked, began, last, n = morning(office, MONDAY_MS + day * DAY_MS)
            figures.note(f"{n} digests in {last - began:.1f} s, at {RATE} requests/s")
            for method, ratios in found.items():
                ratios.append(ratio(method, asked, began, last))
    shutil.rmtree(directory)
    for method, name, words in [("GET", "digest_read_p99", "read"), ("POST", "digest_create_p99", "durable create")]:
        of, busy, quiet, busy_median, quiet_median, n = sorted(found[method])[MORNINGS // 2]
        figures.row(f"p99 of a {words} while digests are made", f"{busy:.1f} ms", f"{quiet:.1f} ms", of)
        figures.note(f"{n} asked, median {busy_median:.1f} ms beside {quiet_median:.1f} ms; ratios {' '.join(f'{one[0]:.2f}' for one in found[method])}")
        figures.judge(name, of, 2)


def measure(service, figures):
    kept = company(service)
    cost(service, figures, kept)
    meanwhile(service, figures, kept)

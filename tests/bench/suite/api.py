# SPDX-License-Identifier: Apache-2.0
"""Reading a customer beside bare libh2o; logging a visit durably beside a bare SQLite loop that writes the same rows."""
import glob
import os
import re
import sqlite3
import subprocess
import tempfile

from figures import cpu_s, median

READS, READ_ROUNDS, STREAMS = 30000, 5, 10
VISIT_ROUNDS, CREATE_ROUNDS, WARM_ROUNDS = 250, 5, 60

# ---- read ----


def h2load(url, headers=()):
    words = [word for header in headers for word in ("-H", header)]
    done = subprocess.run(["h2load", "-n", str(READS), "-c", "1", "-m", str(STREAMS), *words, url], capture_output=True, text=True, check=True)
    ok = re.search(r"status codes: (\d+) 2xx", done.stdout)
    assert ok and int(ok[1]) == READS, done.stdout
    return float(re.search(r"finished in [^,]+, ([0-9.]+) req/s", done.stdout)[1])


def timed(pid, url, headers=()):
    before = cpu_s(pid)
    rate = h2load(url, headers)
    return (cpu_s(pid) - before) / READS * 1e6, rate


class BareH2o:
    """libh2o alone, with the server's certificate and as many loops and workers."""

    def __init__(self, service):
        folder = os.path.dirname(glob.glob(os.path.join(service.data(), "tls", "*.crt"))[0])
        self.process = subprocess.Popen([service.program("tests", "bench", "bare_h2o"), folder, str(os.cpu_count()), "8"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = f"https://127.0.0.1:{self.process.stdout.readline().split()[1]}/"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def read(service, figures):
    rep = service.reps[0]
    url, headers = service.server.url(f"/v1/customers/{rep.customers[0]['id']}"), [f"authorization: Bearer {rep.token}"]
    with service.server.client() as client:
        size = len(client.get(url, headers={"authorization": f"Bearer {rep.token}"}).content)
    bare_server, ours, bare = BareH2o(service), [], []
    try:
        for _ in range(READ_ROUNDS):
            bare.append(timed(bare_server.process.pid, bare_server.url))
            ours.append(timed(service.pid(), url, headers))
    finally:
        bare_server.stop()
    a, b = median(x for x, _ in ours), median(x for x, _ in bare)
    figures.row(f"read of a customer ({size} bytes), CPU", f"{a:.1f} us", f"{b:.1f} us", a / b)
    figures.note(f"{median(x for _, x in ours):.0f}/s, bare libh2o {median(x for _, x in bare):.0f}/s, one connection of {STREAMS} streams")
    figures.judge("read_cpu", a / b, 2)


# ---- create ----

# Documents that each visit replaces: (collection, how many a visit). Of `counters` the week's and the customer's last record.
REPLACED = {"counters": 2, "captures": 1}
NOT_OF_CREATES = {"views", "sessions", "credentials", "notifications"}


class Tables:
    """What stands in the store's database: rows of each table, bytes of the log."""

    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        names = [name for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self.names = [name for name in names if name[:2] in ("d_", "x_") and name[2:].split("__")[0] not in NOT_OF_CREATES]
        self.count()

    def one(self, text):
        return self.db.execute(text).fetchone()

    def count(self):
        self.rows = {name: self.one(f"SELECT count(*) FROM {name}")[0] for name in self.names}
        self.log = self.one("SELECT coalesce(sum(length(h)), 0), coalesce(sum(length(p)), 0) FROM log")
        self.db.rollback()

    def bytes_of(self, name):
        column = "d" if name.startswith("d_") else "k"
        order = "ORDER BY r DESC LIMIT 2000" if column == "d" else "LIMIT 2000"
        return round(self.one(f"SELECT avg(length({column})) FROM (SELECT {column} FROM {name} {order})")[0])


def shape_of(before, after, creates):
    """The rows of one create, as bare_create reads them."""
    lines = []
    for name in after.names:
        new = (after.rows[name] - before.rows[name]) / creates
        if new > 0.01:
            lines.append(f"{'doc' if name.startswith('d_') else 'key'} {after.bytes_of(name)} {'0 ' if name.startswith('d_') else ''}{new:.3f}")
        if name.startswith("d_") and name[2:] in REPLACED:
            lines += [f"doc {after.bytes_of(name)} {after.rows[name]} 1"] * REPLACED[name[2:]]
    header, payload = ((b - a) / creates for a, b in zip(before.log, after.log))
    lines.append(f"log {header:.0f} {payload:.0f}")
    return "\n".join(lines) + "\n"


def bare_create(service, shape, before, creates, group):
    """Beside a store that holds `before` visits: an insert into a tree costs more the more leaves it has."""
    with tempfile.TemporaryDirectory(dir=service.directory) as folder:
        done = subprocess.run([service.program("tests", "bench", "store", "bare_create"), folder, str(before), str(creates), f"{group:.2f}"],
                              input=shape, capture_output=True, text=True, check=True)
    return [float(x) for x in done.stdout.split()]


def create(service, figures):
    database = glob.glob(os.path.join(service.data(), "**", "store.db"), recursive=True)[0]
    service.play(service.visits(WARM_ROUNDS), len(service.reps))  # every customer has its counters now
    ours, bare, groups = [], [], []
    for _ in range(CREATE_ROUNDS):
        lines = service.visits(VISIT_ROUNDS)
        tables, m = Tables(database), service.metrics()
        wall, cpu = service.play(lines, len(service.reps))
        after, n = Tables(database), service.metrics()
        groups.append((n["bf_commit_requests_total"] - m["bf_commit_requests_total"]) / (n["bf_commits_total"] - m["bf_commits_total"]))
        ours.append((cpu / len(lines) * 1e6, len(lines) / wall))
        bare.append(bare_create(service, shape_of(tables, after, len(lines)), tables.rows["d_visits"], len(lines), groups[-1]))
    a, b = median(x for x, _ in ours), median(x for x, _ in bare)
    rate, bare_rate = median(x for _, x in ours), median(x for _, x in bare)
    figures.row(f"durable create of a visit, {len(service.reps)} clients, CPU", f"{a:.0f} us", f"{b:.0f} us", a / b)
    figures.row("  its rate", f"{rate:.0f}/s", f"{bare_rate:.0f}/s", rate / bare_rate)
    figures.note(f"{median(groups):.1f} requests an entry")
    figures.judge("create_cpu", a / b, 1.8)
    figures.judge("create_rate", rate / bare_rate, 0.8, at_least=True)

# SPDX-License-Identifier: Apache-2.0
"""The MongoDB-compatible server of a test (tests/mongo/mongo-server), and what may become of it: its front (FerretDB) and the PostgreSQL behind it killed,
stopped, started again on the same data."""
import copy
import os
import secrets
import subprocess
from urllib.parse import urlsplit, urlunsplit

from needs import demand
from wire import Client

SCRIPT = os.path.join(os.environ["BF_SOURCE_DIR"], "tests", "mongo", "mongo-server")
GUARD_S = 60


def ask_script(verb):
    return subprocess.run([SCRIPT, verb], capture_output=True, text=True, check=False).stdout.strip()


def demand_installed():
    ask_script("wait")
    folder = ask_script("dir")
    demand(os.path.exists(os.path.join(folder, ".ready")),
           f"no MongoDB-compatible server is installed in {folder} (tests/mongo/mongo-server install)")
    demand(os.geteuid() == 0 or subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0,
           "the MongoDB-compatible server needs root")


def new_name():
    return "bf_test_" + secrets.token_hex(6)


class Database:
    """A fresh server; or, unless the test breaks it, the one that MONGODB_TEST_URI names, if that is one alone (directConnection=true): of several, clients
    go past a proxy. A database of it is the test's own."""

    def __init__(self, breaks=False):
        self.name = new_name()
        self.names = [self.name]  # of those on the same server
        self.process = None
        given = os.environ.get("MONGODB_TEST_URI", "")
        self.server = given if "directConnection=true" in given and not breaks else None
        if self.server is None:
            demand_installed()
            self._start()

    def _start(self):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self.process = subprocess.Popen([*sudo, "env", "FSYNC=" + os.environ.get("FSYNC", "off"), SCRIPT, "run", ask_script("dir")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.server = self.process.stdout.readline().strip()
        demand(self.server, "the MongoDB-compatible server does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is None:
            with self.client() as client:
                for name in self.names:
                    client.do(dropDatabase=1, **{"$db": name})
            return
        self.process.stdin.close()
        self.process.wait(GUARD_S)
        self.process.stdout.close()

    def another(self):
        """An empty one on the same server."""
        other = copy.copy(self)
        other.name = new_name()
        self.names.append(other.name)
        return other

    @property
    def uri(self):
        return self.address(self.server)

    def address(self, server, **options):
        """The test's database by way of `server`, an address without a path; `options` in the manner of a connection string."""
        parts = urlsplit(server)
        more = "&".join([parts.query] * bool(parts.query) + [f"{key}={value}" for key, value in options.items()])
        return urlunsplit(parts._replace(path="/" + self.name, query=more))

    def client(self):
        return Client(self.server, self.name)

    # ---- what may become of it ----

    def _do(self, verb, part):
        self.process.stdin.write(f"{verb} {part}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == f"{verb} {part}", f"mongo-server: {answer!r} to {verb} {part}"

    def kill(self, part):
        self._do("kill", part)

    def start(self, part):
        """After `kill`; answers when it takes connections."""
        self._do("start", part)

    def stop(self, part):
        """SIGSTOP: connections stay and nobody answers."""
        self._do("stop", part)

    def go_on(self, part):
        self._do("cont", part)

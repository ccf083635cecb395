# SPDX-License-Identifier: Apache-2.0
"""A disk whose syncs take longer than everything else: strace holds the fdatasync of the stage threads back."""
import os
import re
import signal
import subprocess

import pytest

import tus
from baifang import GUARD_S, Server, until

pytestmark = pytest.mark.usefixtures("strace")
SYNC_US = 3_000_000


def threads(pid, name):
    """Of the process: those of this name."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
            if re.fullmatch(name, file.read().strip()):
                found.append(thread)
    return found


class SlowSyncs:
    """Traces the stage threads and the HTTP loops; each fdatasync of theirs takes SYNC_US."""

    def __init__(self, pid, path):
        self.path = os.fspath(path)
        self.loops, stages = threads(pid, r"http-\d+"), threads(pid, r"stage-[ab].*")
        assert self.loops and len(stages) == 2
        traced = [word for thread in self.loops + stages for word in ("-p", thread)]
        self.process = subprocess.Popen(["strace", *traced, "-e", "trace=fdatasync", "-e", f"inject=fdatasync:delay_enter={SYNC_US}", "-o", self.path],
                                        stderr=subprocess.PIPE, text=True)
        for _ in self.loops + stages:
            line = self.process.stderr.readline()
            assert "attached" in line, line

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self):
        """The lines, once the process has ended."""
        self.process.communicate(timeout=GUARD_S)
        return self.text().splitlines()


def place(lines, pattern):
    found = [at for at, line in enumerate(lines) if re.search(pattern, line)]
    assert found, (pattern, lines)
    return found


def test_a_stop_waits_for_the_bytes_of_senders_who_left(tmp_path):
    with Server(tmp_path / "s") as server:
        rep = server.company().sign_in("wang")
        path = tus.create(rep, 700_000).headers["location"]
        slow = SlowSyncs(until(server.server_pid, "the server"), tmp_path / "trace")
        wire = tus.Wire(rep, path, 0, 700_000)
        wire.send(os.urandom(100_000))
        wire.cut()
        until(lambda: "fdatasync(" in slow.text(), "the sync of what arrived")
        rep.http.close()
        server.process.send_signal(signal.SIGTERM)
        lines = slow.end()
        assert server.stop() == 0
        # The stage thread tells the request's loop what became of its bytes: the loops end behind that.
        told = place(lines, r"fdatasync.* = 0")
        ends = [at for loop in slow.loops for at in place(lines, rf"^{loop} +\+\+\+ exited with 0")]
        assert max(told) < min(ends), lines
    with Server(tmp_path / "s") as server:
        rep.company.server = server
        assert tus.offset(rep, path) > 0

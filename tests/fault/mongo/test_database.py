# SPDX-License-Identifier: Apache-2.0
"""The database goes away while 16 writers of two processes are at it, and comes back on the same data: its front, the PostgreSQL behind it, each killed and
each stopped. Meanwhile nothing hangs and nothing is promised; afterwards the writers go on at once, and all that was acknowledged is there once.

BF_SOAK=1: 10 times as often, for 10 s each."""
import random
import time

import pytest

from baifang import GUARD_S
from database import Database
from history import read_lines
from rig import SEED, SOAK, pause
from workers import Outcome, Workers

AWAY = [("kill", "front"), ("kill", "postgres"), ("stop", "front"), ("stop", "postgres")]
AWAY_S = 10 if SOAK else 1.5  # longer than a socket waits


@pytest.fixture(scope="module", name="breakable")
def one_breakable():
    with Database(breaks=True) as database:
        yield database


def take_away(database, how, part):
    (database.kill if how == "kill" else database.stop)(part)
    pause(AWAY_S)
    (database.start if how == "kill" else database.go_on)(part)
    return time.monotonic_ns()


def recovery_ms(workers, back_ns):
    """From the database's return to the first answer after it."""
    _, ended, _ = read_lines(workers.paths)
    return min(line["at"] - back_ns for line in ended.values() if line["at"] > back_ns and line["status"] == "ok") // 1_000_000


def test_the_database_goes_away_and_comes_back(tmp_path, breakable):
    rounds = AWAY * (10 if SOAK else 1)
    random.Random(SEED).shuffle(rounds)
    told = []
    with Workers(tmp_path, breakable, breakable.server) as workers:
        for how, part in rounds:
            workers.go_on(100)
            back_ns = take_away(breakable, how, part)
            workers.go_on(100)
            told.append(f"{how} {part}: {recovery_ms(workers, back_ns)} ms")
        workers.end()
        outcome = Outcome(workers)
        print(f"seed {SEED}: {outcome.told()}; until the first answer: {', '.join(told)}")
        outcome.assert_right()
        outcome.assert_in_time(GUARD_S * 1000)
        assert outcome.failed and {line["failed"] for line in outcome.failed} <= {"unavailable", "unknown_outcome"}

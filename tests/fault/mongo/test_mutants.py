# SPDX-License-Identifier: Apache-2.0
"""Would the checker of histories see it? Drivers with one fault each (drivers.c) write as the sound one does in test_commands.py; of each, answers must be
found that cannot be."""
import time

import pytest

from history import faults, read_lines, records_of
from proxy import Proxy
from workers import Workers

MUTANTS = {
    "whatever": None,          # a number that is taken is taken for ours
    "forgetful": None,         # documents are left behind the log
    "hopeful": "cut_before",   # a lost answer is taken for a yes
    "anew": "cut_after",       # requests are not found again
}
ROUNDS, ANSWERS = 30, 100  # at most so many rounds of so many answers each
BEHIND_NS = 1_000_000_000


def run(folder, database, driver, fault):
    """What cannot be, as soon as there is such."""
    with Proxy(database.server) as proxy, Workers(folder, database.another(), proxy.uri, driver=driver) as workers:
        for _ in range(ROUNDS):
            if fault:
                proxy.on("insert", "log", fault, skip=1).wait()
            workers.go_on(ANSWERS)
            found = faults(records_of(*read_lines(workers.paths, time.monotonic_ns() - BEHIND_NS)))
            if found:
                return found
    return []


@pytest.mark.parametrize("driver", MUTANTS)
def test_a_fault_in_the_driver_shows_in_the_answers(tmp_path, database, driver):
    found = run(tmp_path, database, driver, MUTANTS[driver])
    assert found, f"{driver}: nothing was found"
    print(f"{driver}: {len(found)} records whose answers cannot be, such as {found[0]}")

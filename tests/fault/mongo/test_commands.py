# SPDX-License-Identifier: Apache-2.0
"""Each command of a commit, broken in each way, while 16 writers of two processes go on: what was acknowledged is there once, the log has no hole, numbers
have no gap, and each record's answers can be put in one order.

One round breaks each command once in the same way. Of two ways that differ only in which way a message goes, one by lot; with BF_SOAK=1 all, 3 rounds of
each."""
import random

from baifang import GUARD_S
from proxy import Proxy
from rig import SEED, SOAK
from workers import Outcome, Workers

RECORDS, COUNTERS, KEYS = "fault_records", "fault_counters", "subject_keys"
COMMANDS = [("find", "log"), ("insert", "log"), ("find", RECORDS), ("insert", RECORDS), ("update", RECORDS), ("find", COUNTERS), ("insert", COUNTERS),
            ("update", COUNTERS), ("find", KEYS), ("insert", KEYS), ("find", "heads"), ("insert", "heads"), ("update", "heads"), ("hello", "")]
FAULTS = [["cut_before"], ["cut_after"], ["late"], ["drop", "drop_answer"], ["delay", "delay_answer"], ["twice"], ["again_later"]]


def test_commands_that_break(tmp_path, database):
    dice = random.Random(SEED)
    rounds = 3 * sum(FAULTS, []) if SOAK else [dice.choice(ways) for ways in FAULTS]
    dice.shuffle(rounds)
    with Proxy(database.server) as proxy, Workers(tmp_path, database, proxy.uri) as workers:
        opening = set(proxy.seen)
        for fault in rounds:
            rules = [proxy.on(command, collection, fault, skip=dice.randrange(2)) for command, collection in COMMANDS]
            for rule in rules:
                rule.wait()
            workers.go_on()
        workers.end()
        outcome = Outcome(workers)
        print(f"seed {SEED}: {outcome.told()}")
        outcome.assert_right()
        outcome.assert_in_time(GUARD_S * 1000)
        assert set(COMMANDS) <= set(proxy.seen) <= set(COMMANDS) | opening | {("endSessions", "")}, f"commands that no rule breaks: {proxy.seen}"

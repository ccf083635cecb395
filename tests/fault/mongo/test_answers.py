# SPDX-License-Identifier: Apache-2.0
"""What a server may say that this one does not say by itself: that it is no primary any more, that it is stepping down or shutting down, that a write is not
confirmed. The proxy says it in the server's place, before the command was done or after; 16 writers of two processes go on. And a replica set, as far as
greetings make one, that has no primary for a while.

Each answer is given to a commit, to another write, and to a read; where it may be that the command was done, it was by lot. With BF_SOAK=1 to each of those
commands, both done and not. Codes are those of MongoDB's error_codes.yml."""
import random

from baifang import GUARD_S
from proxy import Proxy
from rig import SEED, SOAK
from test_commands import COUNTERS, KEYS, RECORDS
from workers import Outcome, Workers

NOT_DONE = {10107: "NotWritablePrimary", 13435: "NotPrimaryNoSecondaryOk", 13436: "NotPrimaryOrSecondary", 112: "WriteConflict"}
PERHAPS = {11600: "InterruptedAtShutdown", 11602: "InterruptedDueToReplStateChange", 91: "ShutdownInProgress", 189: "PrimarySteppedDown",
           50: "MaxTimeMSExpired", 6: "HostUnreachable", 89: "NetworkTimeout"}
UNCONFIRMED = {64: "WriteConcernFailed", 100: "UnsatisfiableWriteConcern", 91: "ShutdownInProgress"}
READS = [("find", "log"), ("find", RECORDS), ("find", COUNTERS), ("find", "heads")]
COMMIT = ("insert", "log")
WRITES = [("insert", RECORDS), ("update", RECORDS), ("update", COUNTERS), ("insert", KEYS), ("update", "heads")]
MANY = 4 if SOAK else 1


def refused(code, name):
    return {"ok": 0.0, "code": code, "codeName": name, "errmsg": "said by the test"}


def unconfirmed(code, name):
    return {"ok": 1.0, "n": 1, "nModified": 1, "writeConcernError": {"code": code, "codeName": name, "errmsg": "said by the test"}}


def ways(dice):
    """Not done, or done."""
    both = ["answer", "answer_after"]
    return both if SOAK else [dice.choice(both)]


def rounds(dice):
    """(what is done to a command, whether to reads, too, the answer)"""
    for code, name in NOT_DONE.items():
        yield "answer", True, refused(code, name)
    for code, name in PERHAPS.items():
        yield from ((way, True, refused(code, name)) for way in ways(dice))
    for code, name in UNCONFIRMED.items():
        yield from ((way, False, unconfirmed(code, name)) for way in ways(dice))  # also one that was done and rolled back with the primary that had it


def test_scripted_errors(tmp_path, database):
    dice = random.Random(SEED)
    script = list(rounds(dice))
    dice.shuffle(script)
    with Proxy(database.server) as proxy, Workers(tmp_path, database.another(), proxy.uri) as workers:
        for fault, reads, body in script:
            commands = [COMMIT, *dice.sample(WRITES, MANY), *dice.sample(READS, MANY if reads else 0)]
            rules = [proxy.on(command, collection, fault, body=body, skip=dice.randrange(2)) for command, collection in commands]
            for rule in rules:
                rule.wait()
            workers.go_on(20)
        workers.end()
        outcome = Outcome(workers)
        print(f"seed {SEED}: {outcome.told()}")
        outcome.assert_right()
        outcome.assert_in_time(GUARD_S * 1000)
        assert {line["failed"] for line in outcome.failed} <= {"unavailable", "unknown_outcome"}
        assert {line["status"] for line in outcome.ended.values()} <= {"ok", "exists", "stale", "conflict", "not_found"}


class ReplicaSet:
    """The one server, by way of the proxy, as the only member of a replica set."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.uri = f"mongodb://127.0.0.1:{proxy.port}/?replicaSet=rs0&retryWrites=false"
        self.step_up()

    def _greet(self, is_primary):
        here = f"127.0.0.1:{self.proxy.port}"
        body = {"setName": "rs0", "setVersion": 1, "hosts": [here], "me": here, "ismaster": is_primary, "isWritablePrimary": is_primary,
                "secondary": not is_primary, **({"primary": here} if is_primary else {})}
        self.proxy.on("hello", None, "amend", body=body, times=1 << 30)

    def step_up(self):
        self.proxy.forget()
        self._greet(True)

    def step_down(self):
        """The commands under way are cut off, later ones refused, and greetings say why."""
        self.proxy.forget()
        self._greet(False)
        for command, collection in [COMMIT, *WRITES, *READS]:
            self.proxy.on(command, collection, "answer_after", body=refused(189, "PrimarySteppedDown"))
            self.proxy.on(command, collection, "answer", body=refused(10107, "NotWritablePrimary"), times=1 << 30)


def test_a_replica_set_without_a_primary_for_a_while(tmp_path, database):
    with Proxy(database.server) as proxy:
        replica_set = ReplicaSet(proxy)
        with Workers(tmp_path, database.another(), replica_set.uri) as workers:
            for _ in range(20 if SOAK else 2):
                workers.go_on(50)
                replica_set.step_down()
                workers.go_on(16, "failed")
                replica_set.step_up()
                workers.go_on(50)
            workers.end()
            outcome = Outcome(workers)
            print(outcome.told())
            outcome.assert_right()
            assert {line["failed"] for line in outcome.failed} <= {"unavailable", "unknown_outcome"}

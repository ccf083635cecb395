# SPDX-License-Identifier: Apache-2.0
"""Says whether what a store answered can be: whether for each record there is one order of the operations, each at one moment between its call and its
answer, in which a record that knows no concurrency would have answered the same (linearizability; Wing and Gong's search with Lowe's memory of what was
tried). Records are independent of each other, so each is looked at by itself.

An operation that nobody got the answer of may have taken effect at any time after its call, or never."""
import dataclasses
import json
from collections import defaultdict

NEVER = float("inf")
WRITES = {"create", "update", "claim"}


@dataclasses.dataclass(frozen=True)
class Op:
    """`status` None: not answered. `got`: the record as the answer shows it, None where there is none."""
    id: int
    kind: str
    call: int
    answer: float
    rev: int = 0
    value: int = 0
    status: str | None = None
    got: tuple | None = None

    def __str__(self):
        return f"{self.kind} {self.id} (rev {self.rev}, value {self.value}): {self.status} {self.got}"


def act(state, op):
    """(status, state afterwards) of a record that is alone with it. A state is None or (rev, value, claimant)."""
    if op.kind == "read":
        return "ok", state
    if op.kind == "create":
        return ("ok", (1, op.value, 0)) if state is None else ("exists", state)
    if state is None:
        return "not_found", None
    rev, value, claimant = state
    if op.kind == "update":
        return ("ok", (rev + 1, op.value, 0)) if rev == op.rev else ("stale", state)
    return ("ok", (rev + 1, value, op.value)) if claimant == 0 else ("conflict", state)


def fits(state, op):
    """The state after `op` at this moment, in a list; an empty one when it cannot have been then."""
    status, after = act(state, op)
    if op.status is None:
        return [after] if status == "ok" else []  # had it been refused, it would not matter
    return [after] if (status, after) == (op.status, op.got) else []


def is_idle(op):
    return op.status is not None and not (op.status == "ok" and op.kind in WRITES)


class Search:
    """Of one record's operations, in the order of their calls."""

    def __init__(self, ops):
        self.ops = sorted(ops, key=lambda op: op.call)
        self.needed = sum(1 << i for i, op in enumerate(self.ops) if op.status is not None)
        self.tried = set()
        self.best = (-1, 0, None)  # how far it came: operations, which, the state

    def open(self, done):
        """Those that may be next: not done, and called before the first answer that is not done yet."""
        first = min((op.answer for i, op in enumerate(self.ops) if not done >> i & 1), default=NEVER)
        for i, op in enumerate(self.ops):
            if op.call > first:
                return
            if not done >> i & 1:
                yield i, op

    def settle(self, done, state):
        """What changes nothing and fits now may as well be now: nothing is lost by it."""
        while True:
            idle = next((i for i, op in self.open(done) if is_idle(op) and fits(state, op) == [state]), None)
            if idle is None:
                return done
            done |= 1 << idle

    def run(self, state=None):
        """True when there is such an order."""
        stack = [(0, state)]
        while stack:
            done, state = stack.pop()
            done = self.settle(done, state)
            if done & self.needed == self.needed:
                return True
            if (done, state) in self.tried:
                continue
            self.tried.add((done, state))
            self.best = max(self.best, (done.bit_count(), done, state), key=lambda best: best[0])
            stack += [(done | 1 << i, after) for i, op in self.open(done) for after in fits(state, op)]
        return False

    def told(self):
        _, done, state = self.best
        rest = [f"  {op}" for _, op in self.open(done)]
        return f"after {done.bit_count()} of {len(self.ops)} operations the record is {state}, and none of these can be next:\n" + "\n".join(rest)


def faults(records):
    """{record: operations} -> a text for each record whose answers cannot be."""
    found = []
    for name, ops in records.items():
        search = Search(ops)
        if not search.run():
            found.append(f"record {name}: {search.told()}")
    return found


# ---- the lines of the workers ----

def read_lines(paths, until_ns=NEVER):
    """(begun, ended, failed): {operation: line}, the same, and the tries that were no answer. Of workers that still write: as it was at a moment that lies well behind, so that what an answer shows is there
    whichever file it is in."""
    begun, ended, failed = {}, {}, []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for text in file:
                if not text.endswith("\n"):
                    break  # cut off by a kill
                line = json.loads(text)
                if "op" in line and line["at"] <= until_ns:
                    if "failed" in line:
                        failed.append(line)
                    else:
                        (begun if "kind" in line else ended)[line["op"]] = line
    return begun, ended, failed


def state_of(got):
    return (got["rev"], got["value"], got["claimant"]) if got else None


def records_of(begun, ended, _=None):
    """{(tenant, record): operations}. A read that was not answered says nothing."""
    records = defaultdict(list)
    for id, line in begun.items():
        end = ended.get(id)
        if line["kind"] == "read" and end is None:
            continue
        op = Op(id, line["kind"], line["at"], NEVER, line["rev"], line["value"])
        if end is not None:
            op = dataclasses.replace(op, answer=end["at"], status=end["status"], got=state_of(end["got"]))
        records[line["tenant"], line["record"]].append(op)
    return records

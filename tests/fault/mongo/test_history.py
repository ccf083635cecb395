# SPDX-License-Identifier: Apache-2.0
"""The checker against histories whose answer is known: small ones by hand, and those of a record that is really alone, in any order of overlap."""
import dataclasses
import random

import pytest

from history import NEVER, Op, act, faults

OPEN = object()


def op(kind, call, answer, status=None, got=None, rev=0, value=0):
    op.id += 1
    return Op(op.id, kind, call, NEVER if answer is OPEN else answer, rev, value, status, got)


op.id = 0


def create(call, answer, value, status="ok", got=None):
    return op("create", call, answer, status, got or ((1, value, 0) if status == "ok" else None), value=value)


def update(call, answer, rev, value, status="ok", got=None):
    return op("update", call, answer, status, got or ((rev + 1, value, 0) if status == "ok" else None), rev=rev, value=value)


def is_good(*ops):
    return not faults({"x": ops})


def test_one_after_the_other():
    assert is_good()
    assert is_good(create(0, 1, 7), update(2, 3, 1, 8), op("read", 4, 5, "ok", (2, 8, 0)))
    assert is_good(op("read", 0, 1, "ok", None), update(2, 3, 1, 8, "not_found"), create(4, 5, 7))
    assert is_good(create(0, 1, 7), op("claim", 2, 3, "ok", (2, 7, 55), value=55), op("claim", 4, 5, "conflict", (2, 7, 55), value=66))


def test_a_lost_update():
    assert not is_good(create(0, 1, 7), update(2, 3, 1, 8), update(4, 5, 1, 9))
    assert not is_good(create(0, 1, 7), update(2, 5, 1, 8), update(3, 4, 1, 9))
    assert not is_good(create(0, 1, 7), update(2, 3, 1, 8), op("read", 4, 5, "ok", (1, 7, 0)))


def test_two_claims():
    first, second = (op("claim", 2, 9, "ok", (2, 7, who), value=who) for who in (55, 66))
    assert is_good(create(0, 1, 7), first) and is_good(create(0, 1, 7), second)
    assert not is_good(create(0, 1, 7), first, second)


def test_two_creates():
    assert not is_good(create(0, 1, 7), create(0, 1, 8))
    assert is_good(create(0, 9, 7), create(0, 9, 8, "exists", (1, 7, 0)))
    assert not is_good(create(0, 9, 7), create(10, 11, 8, "exists", (1, 8, 0)))


def test_a_write_that_was_acknowledged_and_is_gone():
    assert not is_good(create(0, 1, 7), op("read", 2, 3, "ok", None))


def test_overlap_allows_either_order_but_one_for_all():
    both = [create(0, 1, 7), update(2, 9, 1, 8)]
    old, new = (1, 7, 0), (2, 8, 0)
    assert is_good(*both, op("read", 3, 4, "ok", old), op("read", 5, 6, "ok", new))
    assert not is_good(*both, op("read", 3, 4, "ok", new), op("read", 5, 6, "ok", old))
    assert is_good(*both, op("read", 3, 6, "ok", new), op("read", 4, 5, "ok", old))


def test_a_refusal_must_be_true():
    assert not is_good(create(0, 1, 7), update(2, 3, 1, 8, "stale", (1, 7, 0)))
    assert not is_good(create(0, 1, 7), update(2, 3, 5, 8, "stale", (4, 1, 0)))
    assert is_good(create(0, 1, 7), update(2, 3, 5, 8, "stale", (1, 7, 0)))


def test_what_was_not_answered_happened_at_any_later_time_or_never():
    lost = update(2, OPEN, 1, 8, None)
    seen = op("read", 50, 51, "ok", (2, 8, 0))
    assert is_good(create(0, 1, 7), lost)
    assert is_good(create(0, 1, 7), lost, update(4, 5, 1, 9), op("read", 6, 7, "ok", (2, 9, 0)))
    assert is_good(create(0, 1, 7), lost, op("read", 6, 7, "ok", (1, 7, 0)), seen)
    assert not is_good(create(0, 1, 7), lost, seen, op("read", 60, 61, "ok", (1, 7, 0)))
    assert not is_good(create(0, 1, 7), dataclasses.replace(lost, call=55), seen)
    assert not is_good(create(0, 1, 7), lost, seen, update(60, 61, 1, 9))


def test_what_was_refused_did_not_happen():
    """The entry was made, and its maker told otherwise."""
    assert not is_good(create(0, 9, 7, "exists", (1, 7, 0)))


def alone(dice, n):
    """What a record without concurrency answers, with calls and answers moved apart so that they overlap."""
    state, ops = None, []
    for i in range(n):
        kind = dice.choice(("create", "update", "claim", "read"))
        made = Op(i, kind, 10 * i - dice.randrange(60), 10 * i + dice.randrange(60) + 1, dice.choice((state or (0,))[:1] + (1, 2)), 1000 + i)
        status, state = act(state, made)
        ops.append(dataclasses.replace(made, status=status, got=state))
    return ops


@pytest.mark.parametrize("seed", range(20))
def test_a_record_that_is_alone_is_always_right(seed):
    dice = random.Random(seed)
    ops = alone(dice, 120)
    lost = {made.id for made in ops if dice.random() < 0.05 and made.kind != "read"}
    ops = [dataclasses.replace(made, status=None, got=None, answer=NEVER) if made.id in lost else made for made in ops]
    dice.shuffle(ops)
    assert is_good(*ops)


@pytest.mark.parametrize("seed", range(20))
def test_and_wrong_when_an_answer_is_changed(seed):
    dice = random.Random(seed)
    ops = [dataclasses.replace(made, call=10 * made.id, answer=10 * made.id + 9) for made in alone(dice, 120)]
    at = dice.choice([i for i, made in enumerate(ops) if made.got])
    rev, value, claimant = ops[at].got
    ops[at] = dataclasses.replace(ops[at], got=dice.choice(((rev + 1, value, claimant), (rev, value + 1, claimant), (rev, value, claimant + 1), None)))
    assert not is_good(*ops)

"""One payment for several refunds: which open refunds make its amount, believed only while luck is unlikely.

The search goes from few hypotheses to many: all refunds of the days before, then one unbroken run in time, then a run
with one or two refunds left out, then any small selection. It stops at the first step with exactly one answer, and
gives up at the first with two, or as soon as so many hypotheses stand against so narrow a spread of sums that one of
them would fit by accident (matching §2 step 4, "group sum").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

RUN_MAX = 24
SELECTION_MAX = 5
LUCK_MAX_PERMILLE = (5, 2, 1)  # for runs with none, one and two left out
LUCK_MAX_SELECTION_PERMILLE = 1


@dataclass(frozen=True, slots=True)
class Open:
    """An open refund of the pool: its number, its place in time (ties broken by id by the caller) and its amount."""

    key: int
    day: int
    amount: int


@dataclass(frozen=True, slots=True)
class Found:
    """The refunds that make the amount; `certain` when they are a whole pool or an unbroken run."""

    keys: tuple[int, ...]
    certain: bool


def pick(pool: Sequence[Open], total: int, pay_day: int, days_before: int) -> Found | None:
    """The refunds one payment of `total` on `pay_day` covers, or None when that cannot be told.

    `pool` is in order of time. Windows grow from the day of payment backwards, so that the nearest answer with the
    fewest rivals comes first.
    """
    wide = [item for item in pool if pay_day - days_before <= item.day <= pay_day and 0 < item.amount <= total]
    windows = [[item for item in wide if item.day >= pay_day - days] for days in range(days_before + 1)]
    for near in windows:
        if len(near) >= 2 and sum(item.amount for item in near) == total and not _lucky(near, total, 0):
            return Found(tuple(item.key for item in near), certain=True)
    for left_out in (0, 1, 2):
        for near in windows:
            if _lucky(near, total, left_out):
                break
            answers = _first_two(_runs(near, total, left_out))
            if len(answers) == 1:
                return Found(answers[0], certain=left_out == 0)
            if answers:
                return None
    return _selection(wide, total)


def _first_two(answers: Iterator[tuple[int, ...]]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for answer in answers:
        found.append(answer)
        if len(found) == 2:
            break
    return found


def _mean(pool: Sequence[Open]) -> int:
    return max(1, _sum(pool) // len(pool))


def _lucky(pool: Sequence[Open], total: int, left_out: int) -> bool:
    """Whether some run would hit `total` by accident.

    From each start at most one run ends near the total, and it ends exactly there once in as many times as the mean
    amount has minor units; leaving one or two of its records out multiplies the tries.
    """
    if not pool:
        return False
    mean = _mean(pool)
    length = min(len(pool), RUN_MAX, total // mean + 2)
    tries = len(pool) * (1, length, length * length // 2)[left_out]
    return tries * 1000 > LUCK_MAX_PERMILLE[left_out] * mean


def _runs(pool: Sequence[Open], total: int, left_out: int) -> Iterator[tuple[int, ...]]:
    """Runs of two or more that sum to the total, with so many of their inner records left out."""
    for start in range(len(pool)):
        run = pool[start].amount
        for end in range(start + 1, min(len(pool), start + RUN_MAX)):
            run += pool[end].amount
            if run < total:
                continue
            inside = pool[start + 1 : end]
            for out in _making(inside, run - total, left_out):
                yield tuple(item.key for item in pool[start : end + 1] if item.key not in out)
            if not left_out:
                break


def _making(inside: Sequence[Open], amount: int, how_many: int) -> Iterator[frozenset[int]]:
    """Choices of no, one or two refunds that sum to the amount."""
    if how_many == 0:
        if amount == 0:
            yield frozenset()
        return
    if how_many == 1:
        yield from (frozenset({item.key}) for item in inside if item.amount == amount)
        return
    for at, first in enumerate(inside):
        for second in inside[at + 1 :]:
            if first.amount + second.amount == amount:
                yield frozenset({first.key, second.key})


def _selection(pool: Sequence[Open], total: int) -> Found | None:
    """The only selection of a few refunds that makes the total, while the number of selections stays unlucky.

    The sums of selections spread over about three mean amounts, so that one of them hits a given total once in as many
    tries as that has minor units.
    """
    tried = 0
    found: list[tuple[int, ...]] = []
    for size in range(2, min(SELECTION_MAX, len(pool)) + 1):
        tried += comb(len(pool), size)
        if tried * 1000 > LUCK_MAX_SELECTION_PERMILLE * 3 * _mean(pool):
            break
        found += [tuple(i.key for i in chosen) for chosen in combinations(pool, size) if _sum(chosen) == total]
        if len(found) > 1:
            return None
    return Found(found[0], certain=False) if found else None


def _sum(chosen: Sequence[Open]) -> int:
    return sum(item.amount for item in chosen)

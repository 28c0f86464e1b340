"""What moved between two runs, by leg and unit, so that it adds up to the minor unit; pure.

Exposure is what an open record stands for, never negative: the difference of a pair, or the amount of a record that is
alone. Opening + new − matched − adjusted − withdrawn = closing, in records and in minor units. Causes are signed (right
minus left) and add up to the difference between the two sides, which the engine summed on its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from counterfoil.core.money import MoneyError, to_minor
from counterfoil.core.reconcile.legs import BY_NAME

OPENING, NEW, MATCHED, BY_HAND = "opening", "new", "matched", "by_hand"
ADJUSTED, WITHDRAWN, CLOSING = "adjusted", "withdrawn", "closing"
LEFT, RIGHT, TIED = "left", "right", "tied"
CAUSE = "cause:"
UNITS = "units"

ALONE = frozenset({"missing_right", "in_transit"})
CALM = frozenset({"timing"})  # matched, only late: nothing is open


class Figure(NamedTuple):
    """One line of a leg and unit."""

    leg: str
    unit: str
    line: str
    records: int
    minor: int


class Open(NamedTuple):
    """An open record: its leg, id, unit of account and exposure."""

    leg: str
    record: str
    unit: str
    exposure: int


def difference(kind: str, variance: int, amount: int) -> int:
    """Right minus left, signed: what one record makes the two sides differ by."""
    if kind in ALONE:
        return -amount
    return amount if kind == "missing_left" else variance


def account(leg: str, unit: str) -> str:
    """The unit figures are kept in: the currency, or units for goods of all SKUs."""
    return unit if BY_NAME[leg].money else UNITS


def opened(item: Mapping[str, Any]) -> Open:
    """An item as an open record."""
    leg = item["leg"]
    record = f"L:{item['left_id']}" if item["left_id"] else f"R:{item['right_id']}"
    exposure = 0 if item["class"] in CALM else abs(item["difference_minor"])
    return Open(leg, record, account(leg, item["unit"]), exposure)


def roll(
    before: Iterable[Open],
    now: Iterable[Open],
    written_off: Mapping[tuple[str, str], int],
    by_hand: set[tuple[str, str]],
    there: Mapping[str, set[str]],
) -> list[Figure]:
    """The movement from one run to the next. `there` are the ids each side of each leg still has, as `leg:L` and `leg:R`."""
    old = {(item.leg, item.record): item for item in before if item.exposure}
    new = {(item.leg, item.record): item for item in now if item.exposure}
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])

    def count(item: Open, line: str, records: int, minor: int) -> None:
        entry = sums[item.leg, item.unit, line]
        entry[0] += records
        entry[1] += minor

    for item in old.values():
        count(item, OPENING, 1, item.exposure)
    for item in new.values():
        count(item, CLOSING, 1, item.exposure)
    for key in old.keys() | new.keys():
        was, is_ = old.get(key), new.get(key)
        if is_ is not None and (was is None or was.unit != is_.unit):
            count(is_, NEW, 1, is_.exposure)
        elif is_ is not None and was is not None and is_.exposure > was.exposure:
            count(is_, NEW, 0, is_.exposure - was.exposure)
        if was is not None:
            _gone(count, was, is_, written_off, by_hand, there)
    return [Figure(leg, unit, line, n, minor) for (leg, unit, line), (n, minor) in sorted(sums.items())]


def _gone(
    count: Any,
    was: Open,
    is_: Open | None,
    written_off: Mapping[tuple[str, str], int],
    by_hand: set[tuple[str, str]],
    there: Mapping[str, set[str]],
) -> None:
    """Where exposure went that was open before."""
    stays = is_ is not None and is_.unit == was.unit
    gone = was.exposure - min(was.exposure, is_.exposure if is_ is not None and stays else 0)
    if not gone and stays:
        return
    side, _, record = was.record.partition(":")
    key, records = (was.leg, record), 0 if stays else 1
    adjusted = min(gone, written_off.get(key, 0))
    if adjusted:
        count(was, ADJUSTED, records if adjusted == gone else 0, adjusted)
        records, gone = (0, 0) if adjusted == gone else (records, gone - adjusted)
    if not gone and not records:
        return
    if record not in there.get(f"{was.leg}:{side}", set()):
        count(was, WITHDRAWN, records, gone)
        return
    count(was, MATCHED, records, gone)
    if key in by_hand:
        count(was, BY_HAND, records, gone)


def causes(items: Iterable[Mapping[str, Any]]) -> list[Figure]:
    """Differences by cause: the reason of a variance, else the class."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for item in items:
        if item["class"] in CALM:
            continue
        cause = item["reason"] or item["class"] if item["class"] == "variance" else item["class"]
        entry = sums[item["leg"], account(item["leg"], item["unit"]), CAUSE + cause]
        entry[0] += 1
        entry[1] += item["difference_minor"]
    return [Figure(leg, unit, line, n, minor) for (leg, unit, line), (n, minor) in sorted(sums.items())]


def sides(summary: Mapping[str, Any]) -> list[Figure]:
    """What the engine read on each side and found plainly matched, of its own sums."""
    found = []
    for leg, told in summary["legs"].items():
        for row in told.get("by_currency", ()):
            unit = row["currency"] or UNITS
            found += [
                Figure(leg, unit, line, row[name]["records"], _minor(row[name]["amount"], unit))
                for line, name in ((LEFT, "left"), (RIGHT, "right"), (TIED, "matched"))
            ]
    return found


def _minor(amount: str | int, unit: str) -> int:
    if unit == UNITS:
        return int(amount)
    try:
        return to_minor(amount, unit)
    except MoneyError:
        return int(amount)  # a code ISO does not know is written in minor units


def faults(figures: Iterable[Figure]) -> list[str]:
    """A sentence for every leg and unit whose figures do not add up."""
    table: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for figure in figures:
        table[figure.leg, figure.unit][figure.line] = (figure.records, figure.minor)
    found = []
    for (leg, unit), lines in sorted(table.items()):
        for place, word in ((0, "records"), (1, "minor units")):
            got = {line: figure[place] for line, figure in lines.items()}
            moved = got.get(OPENING, 0) + got.get(NEW, 0)
            moved -= got.get(MATCHED, 0) + got.get(ADJUSTED, 0) + got.get(WITHDRAWN, 0)
            if moved != got.get(CLOSING, 0):
                found.append(f"{leg} {unit}: what moved leads to {moved} {word}, {got.get(CLOSING, 0)} are open")
        apart = sum(minor for line, (_, minor) in lines.items() if line.startswith(CAUSE))
        between = lines.get(RIGHT, (0, 0))[1] - lines.get(LEFT, (0, 0))[1]
        if apart != between:
            found.append(f"{leg} {unit}: the causes add up to {apart} minor units, the sides differ by {between}")
    return found

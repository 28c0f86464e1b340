"""The weekly scorecard (R148–R157): seven KPIs by category with their targets, the cost of returns, the backlog.

It reads returns that are under way or were touched in its weeks, never the whole history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from counterfoil.closing.closepack_costs import Costs
from counterfoil.closing.kpis import KPIS, Kpi, ProofDay, WeekFacts
from counterfoil.closing.scorecard_facts import Measured, measure
from counterfoil.closing.scorecard_settings import ELSE, ScorecardSettings, Targets
from counterfoil.closing.scorecard_tables import Table, Tie, aged, costs, credit_lines, merchandising
from counterfoil.core.case import ReturnCase
from counterfoil.core.money import to_minor, to_text
from counterfoil.store import measures
from counterfoil.store.database import Transaction

WEEKS_MAX = 53
_case = msgspec.json.Decoder(ReturnCase)


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """A week from Monday to Sunday; `so_far` when it has not ended."""

    first: str
    last: str
    label: str
    so_far: bool


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI in one week. `met` is None where there is nothing to judge."""

    value: Decimal | None
    of: int
    detail: str
    met: bool | None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI for one category (None: all returns) over the weeks."""

    key: str
    title: str
    unit: str
    definition: str
    lower_is_better: bool
    category: str | None
    target: Decimal
    points: tuple[Point, ...]


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """The whole scorecard."""

    as_of: str
    zone: str
    weeks: tuple[Week, ...]
    cards: tuple[Card, ...]
    tables: tuple[Table, ...]
    ties: tuple[Tie, ...]
    credits: Table


def scorecard(
    tx: Transaction, now: str, weeks: int, settings: ScorecardSettings, *, zone: str = "UTC", known: Costs | None = None
) -> Scorecard:
    """The scorecard of so many weeks, the last one being the week of `now` (RFC 3339)."""
    assert 1 <= weeks <= WEEKS_MAX, "the caller checked the number of weeks"
    spans = _weeks(now, weeks, zone)
    since = spans[0][1]
    returns = _measured(tx, since, settings)
    proofs = _proofs(tx, spans)
    facts = [
        WeekFacts(
            start_ms=start, end_ms=end, returns=returns, aged_days=settings.aged_days, proof=proofs.get(week.first)
        )
        for week, start, end in spans
    ]
    whole = msgspec.structs.replace(facts[-1], start_ms=since)
    money, ties = costs(whole, known or {})
    return Scorecard(
        as_of=now,
        zone=zone,
        weeks=tuple(week for week, _, _ in spans),
        cards=tuple(_cards(facts, settings)),
        tables=(*money, *merchandising(whole), aged(whole)),
        ties=tuple(ties),
        credits=credit_lines(whole),
    )


def _weeks(now: str, weeks: int, zone: str) -> list[tuple[Week, int, int]]:
    """(week, start, end) in order; the last one ends now."""
    place = ZoneInfo(zone)
    at = datetime.fromisoformat(now).astimezone(place)
    monday = at.date() - timedelta(days=at.weekday())
    spans = []
    for back in range(weeks - 1, -1, -1):
        first = monday - timedelta(weeks=back)
        start, end = _midnight(first, place), _midnight(first + timedelta(weeks=1), place)
        week = Week(
            first=first.isoformat(),
            last=(first + timedelta(days=6)).isoformat(),
            label=f"{first.day} {first:%b}",
            so_far=back == 0,
        )
        spans.append((week, start, min(end, int(at.timestamp() * 1000) + 1)))
    return spans


def _midnight(day: date, place: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC).timestamp()) * 1000


def _measured(tx: Transaction, since_ms: int, settings: ScorecardSettings) -> list[Measured]:
    queued = measures.queued_since(tx, since_ms)
    return [
        measure(
            _case.decode(row["state"]),
            opened_ms=row["opened_ms"],
            ended_ms=row["updated_ms"] if row["progress"] in ("finished", "cancelled") else None,
            exception=row["case_id"] in queued,
            settings=settings,
        )
        for row in measures.returns_since(tx, since_ms)
    ]


def _proofs(tx: Transaction, spans: list[tuple[Week, int, int]]) -> dict[str, ProofDay]:
    """The newest proof of each week, by the week's first day."""
    found = {}
    for row in measures.proofs_between(tx, spans[0][0].first, spans[-1][0].last):
        week = next(week for week, _, _ in reversed(spans) if week.first <= row["as_of"])
        found[week.first] = ProofDay(
            as_of=row["as_of"],
            open_records=row["open_records"],
            amounts=_open_money(msgspec.json.decode(row["summary"])),
        )
    return found


def _open_money(summary: Any) -> tuple[tuple[str, str], ...]:
    """Money on the open records of the money legs, by currency: the difference where both sides are there."""
    sums: dict[str, int] = {}
    for name, leg in summary["legs"].items():
        for row in leg.get("by_currency", ()) if name.startswith("refund_") else ():
            for kind, found in row["classes"].items():
                text = found["difference"] if kind == "variance" else found["amount"]
                sums[row["currency"]] = sums.get(row["currency"], 0) + abs(to_minor(text, row["currency"]))
    return tuple((currency, to_text(amount, currency)) for currency, amount in sorted(sums.items()) if amount)


def _cards(facts: Sequence[WeekFacts], settings: ScorecardSettings) -> list[Card]:
    categories: list[str | None] = [None]
    if settings.category:
        categories += [*(category.name for category in settings.category), ELSE]
    return [
        _card(kpi, category, facts, settings.aims(category))
        for kpi in KPIS
        for category in (categories if kpi.by_category else [None])
    ]


def _card(kpi: Kpi, category: str | None, facts: Sequence[WeekFacts], aims: Targets) -> Card:
    target: Decimal = getattr(aims, kpi.key)
    points = []
    for week in facts:
        kept = week
        if category is not None:
            kept = msgspec.structs.replace(week, returns=[r for r in week.returns if r.category == category])
        read = kpi.work(kept)
        met = kpi.meets(read.value, target)
        points.append(Point(value=read.value, of=read.of, detail=read.detail, met=met))
    return Card(
        key=kpi.key,
        title=kpi.title,
        unit=kpi.unit,
        definition=kpi.definition,
        lower_is_better=kpi.lower,
        category=category,
        target=target,
        points=tuple(points),
    )

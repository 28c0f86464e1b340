"""The seven KPIs (R148–R154). Each function is the KPI; its docstring is the definition people are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from counterfoil.closing.scorecard_facts import Measured
from counterfoil.core.returns import Disposition

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_TENTH = Decimal("0.1")
_SCRAPPED = (Disposition.DISPOSE, Disposition.DONATE)


class ProofDay(msgspec.Struct, frozen=True, kw_only=True):
    """The newest proof of a week: open records over all legs, and the money of the open ones by currency."""

    as_of: str
    open_records: int
    amounts: tuple[tuple[str, str], ...] = ()


class WeekFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One week: [start, end) in milliseconds, the returns that concern it, and its newest proof."""

    start_ms: int
    end_ms: int
    returns: Sequence[Measured]
    aged_days: int = 14
    proof: ProofDay | None = None

    def has(self, moment: int | None) -> bool:
        """Whether a moment lies in the week."""
        return moment is not None and self.start_ms <= moment < self.end_ms


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI's value, None when there was nothing to measure; of how many; and what else the figure consists of."""

    value: Decimal | None
    of: int
    detail: str = ""


def cycle_time(week: WeekFacts) -> Reading:
    """Median days from the customer's request to the disposition of the last unit.

    Over the returns whose last disposition was found in the week; half were quicker.
    """
    spans = [max(0, r.disposed_ms - r.initiated_ms) for r in week.returns if r.disposed_ms and week.has(r.disposed_ms)]
    return _span(spans, DAY_MS, "days")


def refund_sla(week: WeekFacts) -> Reading:
    """Median hours from the first receipt to the first confirmed refund.

    Over the returns refunded in the week. Refunds that left before any receipt are counted beside it, not in it.
    """
    paid = [r for r in week.returns if week.has(r.refunded_ms)]
    spans = [r.refunded_ms - r.received_ms for r in paid if r.refunded_ms and r.received_ms]
    early = len(paid) - len([s for s in spans if s >= 0])
    found = _span([span for span in spans if span >= 0], HOUR_MS, "hours")
    beside = f"{early} before any receipt" if early else ""
    return msgspec.structs.replace(found, detail="; ".join(part for part in (found.detail, beside) if part))


def exception_rate(week: WeekFacts) -> Reading:
    """Share of the returns requested in the week that have been in the exception queue so far.

    Once is enough, whether a person or a later fact ended it.
    """
    asked = [r for r in week.returns if week.has(r.initiated_ms)]
    return _share(sum(r.exception for r in asked), len(asked), "in the queue")


def auto_approval_rate(week: WeekFacts) -> Reading:
    """Share of the returns refunded in the week for which no person had to decide.

    No approval given by a person, no difference accepted, no step tried again by hand, none settled by hand.
    """
    paid = [r for r in week.returns if week.has(r.refunded_ms)]
    return _share(sum(not r.by_hand for r in paid), len(paid), "without a person")


def restock_accuracy(week: WeekFacts) -> Reading:
    """Share of the units inspected in the week and kept that the ERP has booked as they were found.

    What waits to be booked, and what was found differently after it was booked, counts against it.
    """
    kept = [(r, u) for r in week.returns for u in r.units if week.has(u.inspected_ms) and u.bookable]
    right = [u for r, u in kept if u.booked and not r.changed_after_booking]
    sold = sum(u.found is Disposition.SELLABLE for u in right)
    scrap = sum(u.found in _SCRAPPED for u in right)
    found = _share(len(right), len(kept), "booked as found")
    split = f"{sold} restocked, {len(right) - sold - scrap} held, {scrap} scrapped" if right else ""
    return msgspec.structs.replace(found, detail="; ".join(part for part in (found.detail, split) if part))


def reconciliation_delta(week: WeekFacts) -> Reading:
    """Records that did not tie in the week's newest proof, with the money on them.

    The proof of portal, gateway, warehouse and ERP. It is measured over everything, not by category.
    """
    if week.proof is None:
        return Reading(value=None, of=0, detail="no proof was run")
    money = ", ".join(f"{amount} {currency}" for currency, amount in week.proof.amounts)
    told = f"as of {week.proof.as_of}" + (f": {money}" if money else "")
    return Reading(value=Decimal(week.proof.open_records), of=week.proof.open_records, detail=told)


def aged_backlog(week: WeekFacts) -> Reading:
    """Returns still under way at the end of the week, longer after the request than the days set for it.

    A return that was touched again after it had ended counts as under way until then.
    """
    before = week.end_ms - week.aged_days * DAY_MS
    waiting = [
        r for r in week.returns if r.initiated_ms < week.end_ms and (r.ended_ms is None or r.ended_ms >= week.end_ms)
    ]
    aged = [r for r in waiting if r.initiated_ms < before]
    return Reading(value=Decimal(len(aged)), of=len(waiting), detail=f"of {len(waiting)} under way")


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI as people see it. `lower` says in which direction it is better."""

    key: str
    title: str
    unit: str
    lower: bool
    work: Callable[[WeekFacts], Reading]
    by_category: bool = True

    @property
    def definition(self) -> str:
        """The function's own docstring, as one paragraph."""
        return " ".join((self.work.__doc__ or "").split())

    def meets(self, value: Decimal | None, target: Decimal) -> bool | None:
        """Whether a value reaches its target; None when there is no value."""
        if value is None:
            return None
        return value <= target if self.lower else value >= target


KPIS: tuple[Kpi, ...] = (
    Kpi(key="cycle_time", title="Return cycle time", unit="days", lower=True, work=cycle_time),
    Kpi(key="refund_sla", title="Refund SLA", unit="hours", lower=True, work=refund_sla),
    Kpi(key="exception_rate", title="Exception rate", unit="%", lower=True, work=exception_rate),
    Kpi(key="auto_approval_rate", title="Auto-approval rate", unit="%", lower=False, work=auto_approval_rate),
    Kpi(key="restock_accuracy", title="Restock accuracy", unit="%", lower=False, work=restock_accuracy),
    Kpi(
        key="reconciliation_delta",
        title="Reconciliation delta",
        unit="records",
        lower=True,
        work=reconciliation_delta,
        by_category=False,
    ),
    Kpi(key="aged_backlog", title="Aged backlog", unit="returns", lower=True, work=aged_backlog),
)


def _tenths(number: int, by: int) -> Decimal:
    """A fraction to one decimal, half up: the only rounding of the scorecard."""
    return (Decimal(number) / Decimal(by)).quantize(_TENTH, ROUND_HALF_UP)


def _span(spans: list[int], by: int, unit: str) -> Reading:
    if not spans:
        return Reading(value=None, of=0)
    ordered = sorted(spans)
    slow = ordered[(9 * len(ordered) + 9) // 10 - 1]
    return Reading(
        value=_tenths(ordered[(len(ordered) - 1) // 2], by),
        of=len(ordered),
        detail=f"nine of ten within {_tenths(slow, by)} {unit}",
    )


def _share(part: int, whole: int, word: str) -> Reading:
    if not whole:
        return Reading(value=None, of=0)
    return Reading(value=_tenths(100 * part, whole), of=whole, detail=f"{part} of {whole} {word}")

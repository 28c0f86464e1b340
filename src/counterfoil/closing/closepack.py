"""The close pack of a month: what was open at the cut-off, what it is worth, and who signed it.

Computed by replaying the log up to the cut-off. Once preparer and reviewer have signed, the pack is the one they
signed, kept whole; what is told about the month later shows as "after the lock" and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from counterfoil.closing import closepack_lists as lists
from counterfoil.closing import closepack_replay as replay
from counterfoil.closing.closepack_costs import Costs, read_costs
from counterfoil.closing.closepack_entries import Entry, entries
from counterfoil.closing.closepack_lists import Goods, Line
from counterfoil.closing.closepack_period import Period, period
from counterfoil.closing.closepack_settings import CloseSettings
from counterfoil.core.choose import in_force
from counterfoil.core.money import to_text
from counterfoil.flow.world import World
from counterfoil.store import signoffs
from counterfoil.store.database import Row, Transaction

PREPARER, REVIEWER = "preparer", "reviewer"
ROLES = (PREPARER, REVIEWER)

CLOSED_PERIOD_RULE = (
    (
        "A document belongs to the day of its cause. When the ERP refuses it because that period is closed, it is parked "
        "as an exception of finance with its amount; nothing is posted elsewhere by itself."
    ),
    (
        "Once a person of finance accepts it, with a reason that is logged, it is posted on the first day the ERP allows "
        "and keeps the day of its cause in its text."
    ),
    (
        "The entries proposed here are made in the period that closes and reversed on the first day of the next, so that a "
        "document posted late does not count twice."
    ),
    (
        "Once preparer and reviewer have signed, the figures are locked: facts of the period that come later are listed as "
        "after the lock and belong to the next period's work."
    ),
)

TITLES: dict[str, tuple[str, str]] = {
    "refunds_without_receipt": (
        "Refunds without receipt",
        "Confirmed refunds of goods the warehouse had not counted in: money out less the value of what did come.",
    ),
    "receipts_without_credit": (
        "Receipts without credit",
        "Goods here and not refused, whose credit note was not posted, at the value the original order attributes.",
    ),
    "credits_without_payout": (
        "Credits without payout",
        "Posted credit notes less confirmed refunds, store credit and value carried into an exchange order.",
    ),
    "refunds_without_credit": (
        "Refunds without credit",
        "Money out, confirmed by shop or gateway, that no posted credit note explains.",
    ),
    "goods_in_transit": (
        "Goods in transit",
        "Authorised units that were not received, at the value the original order attributes.",
    ),
    "refund_liability": (
        "Refund liability",
        (
            "What is still to be refunded for announced returns: not paid, whether credited or not. Returns nobody has "
            "announced yet are finance's own estimate and not in this figure (IFRS 15)."
        ),
    ),
    "return_asset": (
        "Return asset",
        (
            "The right to recover goods, at cost: units on the way or here and not booked into stock. Units found "
            "worthless are left out. Without a known cost the value is unknown, not zero."
        ),
    ),
    "stopped_by_closed_period": (
        "Stopped by a closed period",
        "Documents the ERP refused because their period was closed, and returns allowed to post later.",
    ),
}


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A figure in one currency. `unknown` counts rows whose amount nobody knows; they are not in `amount`."""

    currency: str
    amount: str | None
    records: int
    units: int
    unknown: int = 0


class PackRow(msgspec.Struct, frozen=True, kw_only=True, rename={"return_": "return"}):
    """One row of a figure, ready to be shown."""

    return_: str
    order: str
    document: str
    currency: str
    amount: str | None
    units: int
    since: str
    days: int | None
    why: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with the rows it opens to."""

    key: str
    title: str
    meaning: str
    totals: tuple[Total, ...]
    rows: tuple[PackRow, ...]


class SignOff(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed, when, and the figures they saw."""

    role: str
    signed_by: str
    signed_at: str
    figures_hash: str


class LateFact(msgspec.Struct, frozen=True, kw_only=True, rename={"return_": "return"}):
    """A fact of the period that came after the lock."""

    entry: int
    return_: str
    fact: str
    told_at: str
    by: str


class PolicyInForce(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force on the last day, and the mapping as configured when the figures were made."""

    brand: str
    portal: str
    policy: str
    version: str
    mapping_version: str


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed entry with its amounts as text; `bookings` are (account, debit, credit)."""

    name: str
    why: str
    currency: str
    bookings: tuple[tuple[str, str, str], ...]


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """The whole pack. `figures_hash` covers figures and entries: what signers agree to."""

    period: str
    cut_off: str
    zone: str
    last_day: str
    reverses_on: str
    state: str  # provisional, open, prepared, locked
    figures: tuple[Figure, ...]
    entries: tuple[Proposed, ...]
    figures_hash: str
    log_head: str | None
    last_entry: int
    policies: tuple[PolicyInForce, ...]
    closed_period_rule: tuple[str, ...] = CLOSED_PERIOD_RULE
    signoffs: tuple[SignOff, ...] = ()
    after_lock: tuple[LateFact, ...] = ()


def pack_of(world: World, settings: CloseSettings, name: str) -> Pack:
    """The pack of a period as it stands; a locked one as it was signed. CloseError when it cannot be made."""
    month = period(name, settings.zone)
    costs = costs_of(settings)
    with world.database.read() as tx:
        signed = signoffs.of_period(tx, name)
        if REVIEWER in signed:
            return _signed(tx, signed)
        made = compute(tx, world, month, settings, costs)
    ended = world.now() >= month.cut_off
    state = "provisional" if not ended else "prepared" if PREPARER in signed else "open"
    return msgspec.structs.replace(made, state=state, signoffs=_told(signed))


def costs_of(settings: CloseSettings) -> Costs | None:
    """The cost file of the settings; None when there is none."""
    return None if settings.costs is None else read_costs(Path(settings.costs))


def compute(tx: Transaction, world: World, month: Period, settings: CloseSettings, costs: Costs | None) -> Pack:
    """Figures and entries from the log as it is in this transaction."""
    boundary = signoffs.newest_entry(tx)
    found: list[Line] = []
    held: list[Goods] = []
    owed = []
    for case in replay.standing(tx, month.cut_ms, boundary):
        found += lists.lines(case)
        held += lists.goods(case)
        liability = lists.liability_line(case)
        found += [liability] if liability is not None else []
        one = lists.owed(case)
        owed += [one] if one is not None else []
    loose = [line for brand, fact in replay.loose(tx, month.cut_ms) for line in lists.loose_lines(brand, fact)]
    unclaimed = [line for line in loose if line.figure == "refunds_without_credit"]
    assets, worth = _assets(held, costs or {})
    figures = tuple(_figure(key, month, [*found, *loose, *assets]) for key in TITLES)
    proposed = tuple(_proposed(entry) for entry in entries(owed, unclaimed, worth, settings.accounts))
    seal = tx.one("seal_last")
    return Pack(
        period=month.name,
        cut_off=month.cut_off,
        zone=month.zone,
        last_day=month.last_day,
        reverses_on=month.reverses_on,
        state="open",
        figures=figures,
        entries=proposed,
        figures_hash=hashlib.sha256(msgspec.json.encode((month.name, month.cut_off, figures, proposed))).hexdigest(),
        log_head=seal["hash"] if seal is not None else None,
        last_entry=boundary,
        policies=_policies(world, month.last_day),
    )


def _policies(world: World, day: str) -> tuple[PolicyInForce, ...]:
    """For returns authorised on the period's last day; earlier ones keep the version of their own day."""
    found = []
    for brand, portal in sorted(world.setups):
        agreement = world.setup(brand, portal).agreement
        edition = in_force(agreement, day)
        policy = edition.policy if edition is not None else agreement.policy
        found.append(
            PolicyInForce(
                brand=brand,
                portal=portal,
                policy=policy.name,
                version=policy.version,
                mapping_version=agreement.mapping_version,
            )
        )
    return tuple(found)


def _assets(held: Iterable[Goods], costs: Costs) -> tuple[list[Line], dict[str, int]]:
    """Rows of the return asset, and its value by currency of the cost."""
    rows, worth = [], Counter[str]()
    for one in held:
        cost = costs.get(one.sku)
        amount = cost.minor * one.units if cost is not None else None
        why = f"{one.units} at a cost of {to_text(cost.minor, cost.currency)} each." if cost else "No cost is known."
        if cost is not None and amount is not None:
            worth[cost.currency] += amount
        rows.append(
            Line(
                figure="return_asset",
                case_id=one.case_id,
                order=one.order,
                currency=cost.currency if cost is not None else "",
                amount=amount,
                units=one.units,
                since="",
                why=why,
                document=one.sku,
            )
        )
    return rows, {currency: amount for currency, amount in worth.items() if amount}


def _figure(key: str, month: Period, found: list[Line]) -> Figure:
    title, meaning = TITLES[key]
    rows = sorted(
        (line for line in found if line.figure == key),
        key=lambda line: (
            _unknown_last(line.currency),
            -(line.amount or 0),
            line.case_id,
            line.document,
            line.since,
            line.why,
        ),
    )
    return Figure(
        key=key,
        title=title,
        meaning=meaning,
        totals=tuple(_totals(rows)),
        rows=tuple(_shown(line, month) for line in rows),
    )


def _totals(rows: list[Line]) -> Iterable[Total]:
    for currency in sorted({line.currency for line in rows}, key=_unknown_last):
        same = [line for line in rows if line.currency == currency]
        known = [line.amount for line in same if line.amount is not None]
        yield Total(
            currency=currency,
            amount=to_text(sum(known), currency) if known and currency else None,
            records=len(same),
            units=sum(line.units for line in same),
            unknown=len(same) - len(known),
        )


def _unknown_last(currency: str) -> tuple[bool, str]:
    return not currency, currency


def _shown(line: Line, month: Period) -> PackRow:
    last = datetime.fromisoformat(month.last_day)
    days = (last - datetime.fromisoformat(line.since)).days if line.since else None
    return PackRow(
        return_=line.case_id,
        order=line.order,
        document=line.document,
        currency=line.currency,
        amount=to_text(line.amount, line.currency) if line.amount is not None and line.currency else None,
        units=line.units,
        since=line.since,
        days=days,
        why=line.why,
    )


def _proposed(entry: Entry) -> Proposed:
    def text(amount: int) -> str:
        return to_text(amount, entry.currency) if amount else ""

    return Proposed(
        name=entry.name,
        why=entry.why,
        currency=entry.currency,
        bookings=tuple((b.account, text(b.debit), text(b.credit)) for b in entry.bookings),
    )


# --- signed ---------------------------------------------------------------------------------------------------------


def _signed(tx: Transaction, signed: dict[str, Row]) -> Pack:
    """What was signed, with what came after."""
    last = signed[REVIEWER]
    kept = msgspec.json.decode(last["pack"], type=Pack)
    late = tuple(
        LateFact(
            entry=row["id"],
            return_=row["stream"],
            fact=str(row["name"]).partition(".")[0],
            told_at=moment(row["at_ms"]),
            by=row["actor"],
        )
        for row in replay.after_lock(tx, moment_of(kept), last["last_entry"], last["at_ms"])
    )
    return msgspec.structs.replace(kept, state="locked", signoffs=_told(signed), after_lock=late)


def moment_of(pack: Pack) -> int:
    """The cut-off that was signed, in milliseconds; a zone changed in the settings later does not move it."""
    return int(datetime.fromisoformat(pack.cut_off).timestamp()) * 1000


def _told(signed: dict[str, Row]) -> tuple[SignOff, ...]:
    return tuple(
        SignOff(role=role, signed_by=row["signed_by"], signed_at=moment(row["at_ms"]), figures_hash=row["figures_hash"])
        for role in ROLES
        if (row := signed.get(role)) is not None
    )


def moment(at_ms: int) -> str:
    """A stored moment as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

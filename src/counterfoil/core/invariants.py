"""The six invariants no policy may break (requirements §1b), as one function over everything that is stored.

An invariant is broken when it does not hold and nobody has been told. What the outside did by itself may leave a book
out of balance; then an exception of exactly that kind must stand open, or a person must have accepted it with a reason.
The figures are counted here a second time, from the facts as they arrived and the commands as they were sent, and share
nothing with the code that made the decisions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from counterfoil.core import exchange, funding
from counterfoil.core.bundles import unpacked
from counterfoil.core.case import ATTESTED, Reception, ReturnCase, StepState, receipt_key
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.commands import AnyCommand, ReceiveStock
from counterfoil.core.events import RefundMoved, RefundState, WarehouseReported
from counterfoil.core.inner_events import AnyFact
from counterfoil.core.money import to_text
from counterfoil.core.owners import ROLE_FAMILY, may_state
from counterfoil.core.policy import FlowPolicy, StockOn
from counterfoil.core.receipts import Receipt, ReceiptKind
from counterfoil.core.replay import replayed
from counterfoil.core.returns import Disposition, Stage

GRACE = timedelta(hours=1)
"""How long after a deadline the look that raises the exception may come."""

NAMES = {
    1: "each unit is in exactly one place",
    2: "what has left never exceeds what may be refunded",
    3: "every money-out has one posted credit, and the other way round",
    4: "sellable stock rises only with a receipt and a sellable disposition",
    5: "each field has one owner",
    6: "replaying any event changes nothing",
}


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of a return's log. `family` is that of the system that stated it, None for ourselves and people."""

    fact: AnyFact
    family: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One return as stored: its state, its log, the kinds of exceptions open on it, and the policy it is under."""

    case: ReturnCase
    progress: str
    log: tuple[Logged, ...]
    open_kinds: frozenset[str]
    policy: FlowPolicy
    unreadable: tuple[int, ...] = ()  # entries of the log that are no fact we can read

    def told(self, *kinds: str) -> bool:
        """Whether one of these exceptions is open, or was accepted by a person."""
        return any(kind in self.open_kinds or kind in self.case.accepted_differences for kind in kinds)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One command as it was given out. `family` is that of the system it goes to."""

    command: AnyCommand
    edition: int
    done: bool
    family: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A document as the ERP holds it, read back. `ours` says whether it carries a reference of ours."""

    kind: str  # "rma", "receipt", "credit_note", "refund"
    number: str
    amount: int | None = None
    currency: str | None = None
    ours: bool = True


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the invariants look at. `documents` is None when the ERP was not read back.

    Returns of one order must come together; apart from that any part of the store may be looked at by itself.
    """

    returns: tuple[Kept, ...]
    sent: tuple[Sent, ...]
    now: str
    documents: tuple[Held, ...] | None = None
    outside: tuple[RefundMoved, ...] = ()  # refunds of these orders that no return has named


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant that does not hold, where, and in words."""

    invariant: int
    where: str
    sentence: str

    @property
    def name(self) -> str:
        """What should have held."""
        return NAMES[self.invariant]


def violations(books: Books) -> tuple[Violation, ...]:
    """Everything that is broken and that nobody was told of, by invariant."""
    checks = (_units, _money, _pairing, _sellable, _owners, _replays)
    return tuple(
        Violation(invariant=number, where=where, sentence=sentence)
        for number, check in enumerate(checks, start=1)
        for where, sentence in check(books)
    )


Broken = Iterator[tuple[str, str]]
"""Where, and a sentence."""


# --- 1: units -------------------------------------------------------------------------------------------------------


def _units(books: Books) -> Broken:
    for kept in books.returns:
        yield from ((kept.case.case_id, sentence) for sentence in _units_of(kept))
    yield from _sold_units_once(books)


def _units_of(kept: Kept) -> Iterator[str]:
    case = kept.case
    doubled = [name for name, count in Counter(unit.unit_id for unit in case.units).items() if count > 1]
    if doubled:
        yield f"unit {doubled[0]} is listed {Counter(u.unit_id for u in case.units)[doubled[0]]} times"
    for unit in case.units:
        if unit.reception is Reception.RECEIVED and unit.receipt is None:
            yield f"unit {unit.unit_id} counts as received, but no receipt holds it"
    own = frozenset(unit.sku.casefold() for unit in case.units if unit.sku is not None)
    lines = [line for receipt in standing_receipts(kept.log) for line in receipt.lines]
    counted = sum(part.received_quantity for line in lines for part in unpacked(case.order, line, own))
    undone = {known.key for known in case.receipts if known.reversed}
    counted_units = [u for u in case.units if u.receipt is not None and not u.receipt.startswith(ATTESTED)]
    held = sum(1 for u in counted_units if (u.receipt or "").rsplit("/", 1)[0] not in undone)
    extra = sum(unexpected.quantity for unexpected in case.unexpected)
    if counted != held + extra and not kept.told("receipt_conflict", "disposition_changed_after_booking"):
        yield f"the warehouse counted {counted} units, the return holds {held} and {extra} unexpected ones"
    yield from _booked_once(case)


def _booked_once(case: ReturnCase) -> Iterator[str]:
    undone = {name.removeprefix("undo-") for name, step in case.steps.items() if name.startswith("undo-")}
    booked: Counter[str] = Counter()
    for step in case.named("ReceiveStock"):
        if step.state is not StepState.REFUSED and step.step not in undone:
            booked.update(step.units)
    for unit, times in booked.items():
        if times > 1:
            yield f"unit {unit} was booked {times} times"


def _sold_units_once(books: Books) -> Broken:
    """A unit of an order line stands behind one returned unit."""
    taken: dict[tuple[str, str, str, int], str] = {}
    for kept in books.returns:
        ref = kept.case.case
        for unit in kept.case.units:
            if unit.order_unit is None or unit.order_line_ref is None or ref.order_ref is None:
                continue
            place = (ref.brand, ref.order_ref, unit.order_line_ref, unit.order_unit)
            if place in taken:
                yield ref.case_id, f"unit {unit.order_unit} of {unit.sku} is credited here and on {taken[place]}"
            taken[place] = ref.case_id


def standing_receipts(log: Sequence[Logged]) -> tuple[Receipt, ...]:
    """The newest revision of each parcel that was not taken back, counted from the messages alone."""
    newest: dict[str, Receipt] = {}
    gone: set[str] = set()
    early: set[str] = set()
    for fact in (entry.fact for entry in log):
        if not isinstance(fact, WarehouseReported):
            continue
        receipt = fact.receipt
        key = receipt_key(receipt.source, receipt.receipt_id)
        match receipt.event_type:
            case ReceiptKind.CLOSED:
                pass
            case ReceiptKind.REVERSED:
                undone = receipt_key(receipt.source, receipt.reverses_receipt_id or receipt.receipt_id)
                if undone in newest:
                    gone.add(undone)
                elif receipt.reverses_receipt_id not in (None, receipt.receipt_id):
                    early.add(undone)
            case _ if key not in newest or _newer(receipt, newest[key]):
                newest[key] = receipt
                gone.discard(key)
    return tuple(receipt for key, receipt in newest.items() if key not in gone | early)


def _newer(receipt: Receipt, known: Receipt) -> bool:
    ranks = [(r.revision, r.event_type is ReceiptKind.INSPECTED) for r in (receipt, known)]
    return ranks[0] > ranks[1]


# --- 2: money -------------------------------------------------------------------------------------------------------


def _money(books: Books) -> Broken:
    for group in _by_order(books.returns):
        if any(kept.told("refund_exceeds_order") for kept in group):
            continue
        yield from _within_worth(group, books.outside)
        yield from _within_lines(group)


def _by_order(returns: Iterable[Kept]) -> list[list[Kept]]:
    groups: defaultdict[tuple[str, str], list[Kept]] = defaultdict(list)
    for kept in returns:
        if kept.case.order is not None:
            groups[kept.case.case.brand, kept.case.order.order_ref].append(kept)
    return list(groups.values())


def _left(case: ReturnCase) -> int:
    """What has left for a return, and what a posted credit still owes."""
    owed = case.credit.total_gross if case.credit is not None and case.done("credit-1") is not None else 0
    swapped = exchange.value_used(case)
    if not swapped and case.stage is Stage.PROCESSED and not exchange.given_up(case):
        swapped = exchange.used(case) or 0  # the portal says so although no order of ours stands for it
    return max(case.money_out + swapped, owed)


def _beside(group: list[Kept], outside: Iterable[RefundMoved]) -> int:
    """What left the order past its returns: money with banks, and refunds nobody named, each counted once."""
    order = group[0].case.order
    assert order is not None
    disputes = {one.ref: one for kept in group for one in kept.case.chargebacks}
    gone = sum(one.amount for one in disputes.values() if one.status is not ChargebackState.WON)
    refs: dict[str, int] = {}
    for fact in outside:
        if fact.order_ref == order.order_ref and fact.status is RefundState.CONFIRMED:
            refs[fact.ref] = fact.amount
    back = {fact.ref for fact in outside if fact.status in (RefundState.FAILED, RefundState.REVERSED)}
    return gone + sum(amount for ref, amount in refs.items() if ref not in back)


def _within_worth(group: list[Kept], outside: Iterable[RefundMoved]) -> Broken:
    order = group[0].case.order
    assert order is not None
    worth = sum(order.line_value(line) for line in order.lines)
    worth += sum(part.price - part.discount + (0 if order.taxes_included else part.tax) for part in order.shipping)
    left = sum(_left(kept.case) for kept in group)
    left += _beside(group, outside) if left else 0
    if left > worth:
        gone, sold = to_text(left, order.currency), to_text(worth, order.currency)
        yield group[-1].case.case_id, f"{gone} {order.currency} left for order {order.name}, which was worth {sold}"


def _within_lines(group: list[Kept]) -> Broken:
    order = group[0].case.order
    assert order is not None
    credited: Counter[str] = Counter()
    for kept in group:
        if kept.case.credit is not None and kept.case.done("credit-1") is not None:
            for line in kept.case.credit.lines:
                credited[line.order_line_ref] += line.gross
    for sold in order.lines:
        if credited[sold.line_ref] > order.line_value(sold):
            gone = to_text(credited[sold.line_ref], order.currency)
            worth = to_text(order.line_value(sold), order.currency)
            yield group[-1].case.case_id, f"{gone} is credited for {sold.sku} of order {order.name}, sold for {worth}"


# --- 3: pairing -----------------------------------------------------------------------------------------------------


def _pairing(books: Books) -> Broken:
    for kept in books.returns:
        sentence = _unpaired(kept, books.now)
        if sentence:
            yield kept.case.case_id, sentence
    if books.documents is not None:
        yield from _documents(books, books.documents)


def _unpaired(kept: Kept, now: str) -> str:
    case = kept.case
    posted = case.done("credit-1")
    credit = case.credit.total_gross if case.credit is not None else 0
    given = exchange.given_back(case) - funding.borne(case)
    if (posted is not None and given == credit) or (posted is None and not funding.owed_by_merchant(case)):
        return ""
    if kept.told("refund_differs_from_credit", "refund_without_credit", "credit_without_refund"):
        return ""
    if kept.told("refund_reversed_after_credit") or (posted is not None and posted.number and case.credit is None):
        return ""
    paid, credited = to_text(given, case.currency), to_text(credit, case.currency)
    if kept.progress == "finished":
        return f"the return is finished, with {paid} {case.currency} paid and {credited} credited"
    began = funding.owed_since(case) if posted is None else (case.steps.get("credit-draft-1") or posted).at
    if began is None or not _overdue(began, now, kept.policy.credit_within_hours):
        return ""
    return f"{paid} {case.currency} was paid and {credited if posted else 'nothing'} credited since {began[:10]}"


def _overdue(began: str, now: str, hours: int) -> bool:
    return datetime.fromisoformat(now) > datetime.fromisoformat(began) + timedelta(hours=hours) + GRACE


def _documents(books: Books, documents: Sequence[Held]) -> Broken:
    """Each credit note we asked for stands in the ERP once, with our amount, and there is none besides."""
    notes = [held for held in documents if held.kind == "credit_note" and held.ours]
    times = Counter(held.number for held in notes)
    amounts = {held.number: held.amount for held in notes}
    asked: set[str] = set()
    under_way = False
    for kept in books.returns:
        for step in kept.case.named("PostCreditNote", "DraftCreditNote"):
            under_way = under_way or step.state is not StepState.DONE
            if step.number is None:
                continue
            asked.add(step.number)
            if step.name == "PostCreditNote" and step.state is StepState.DONE:
                yield from _one_document(kept, step.number, times[step.number], amounts.get(step.number))
    strays = sorted(set(times) - asked)
    if strays and not under_way:
        yield "ERP", f"credit note {strays[0]} carries our reference, but no return asked for it"


def _one_document(kept: Kept, number: str, times: int, amount: int | None) -> Broken:
    case = kept.case
    by_hand = "done by hand" in case.steps["credit-1"].message
    if times != 1 and not by_hand:
        yield case.case_id, f"credit note {number} stands {times} times in the ERP"
    total = case.credit.total_gross if case.credit is not None else None
    if times == 1 and amount is not None and total is not None and amount != total:
        held, asked = to_text(amount, case.currency), to_text(total, case.currency)
        yield case.case_id, f"credit note {number} says {held} {case.currency} in the ERP; {asked} was asked for"


# --- 4: sellable stock ----------------------------------------------------------------------------------------------


def _sellable(books: Books) -> Broken:
    """Counted from the commands on one side and from the warehouse's messages on the other."""
    booked: Counter[str] = Counter()
    for sent in books.sent:
        command = sent.command
        if isinstance(command, ReceiveStock) and sent.done:
            good = sum(line.quantity for line in command.lines if line.disposition is Disposition.SELLABLE)
            booked[f"{command.case.case_id}/{command.step}"] += good
    for kept in books.returns:
        case = kept.case
        undone = {name.removeprefix("undo-") for name in case.steps if name.startswith("undo-")}
        risen = sum(booked[f"{case.case_id}/{s.step}"] for s in case.named("ReceiveStock") if s.step not in undone)
        found = _found_sellable(kept)
        if risen <= found or kept.told("disposition_changed_after_booking", "reverse_receipt_by_hand"):
            continue
        if kept.told("reversal_after_credit", "receipt_conflict"):
            continue
        yield case.case_id, f"{risen} units were booked as sellable, {found} were found so by somebody named"


def _found_sellable(kept: Kept) -> int:
    """Units a named warehouse inspected and found sellable; with a looser policy, those its attestor stands for."""
    attested = kept.policy.stock_on is not StockOn.WMS_INSPECTED and kept.policy.attestor is not None
    found = 0
    own = frozenset(unit.sku.casefold() for unit in kept.case.units if unit.sku is not None)
    for receipt in standing_receipts(kept.log):
        if not receipt.warehouse_code:
            continue
        for line in (part for whole in receipt.lines for part in unpacked(kept.case.order, whole, own)):
            found += sum(p.quantity for p in line.dispositions if p.disposition is Disposition.SELLABLE)
    return max(found, len(kept.case.units)) if attested else found


# --- 5: owners ------------------------------------------------------------------------------------------------------


def _owners(books: Books) -> Broken:
    for kept in books.returns:
        for entry in kept.log:
            name = type(entry.fact).__name__
            if entry.family is not None and not may_state(entry.family, name):
                yield kept.case.case_id, f"{name} was taken from a {entry.family}, which does not own it"
    for sent in books.sent:
        family = ROLE_FAMILY[type(sent.command).role]
        if sent.family != family:
            yield sent.command.key, f"{type(sent.command).__name__} went to a {sent.family} instead of the {family}"


# --- 6: replay ------------------------------------------------------------------------------------------------------


def _replays(books: Books) -> Broken:
    for kept in books.returns:
        case, facts = kept.case, [entry.fact for entry in kept.log]
        if kept.unreadable:
            yield case.case_id, f"entry {kept.unreadable[0]} of its log cannot be read"
            continue
        twice = [key for key, count in Counter(fact.key for fact in facts).items() if count > 1]
        if twice:
            yield case.case_id, f"the fact {twice[0]} is in the log twice"
        brand = case.case.brand
        if replayed(brand, facts) != case:
            yield case.case_id, "its log does not lead to the state that is stored"
        elif replayed(brand, facts, times=2) != case:
            yield case.case_id, "the same facts told twice lead to another state"
    yield from _sent_once(books)


def _sent_once(books: Books) -> Broken:
    done = Counter(sent.command.key for sent in books.sent if sent.done and type(sent.command).writes)
    for key, times in done.items():
        if times > 1:
            yield key, f"the same command was carried out under {times} editions"

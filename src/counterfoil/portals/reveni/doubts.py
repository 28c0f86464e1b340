"""What a person should know about a return that could be read: deadlines, cover, figures and words that do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.portals.reveni.mapping import Move, RefundStep, ReveniMapping
from counterfoil.portals.reveni.money import covered_by_provider
from counterfoil.portals.reveni.snapshot import Seen
from counterfoil.portals.reveni.window import at_stake, running
from counterfoil.ports.translation import Finding

_BY_RETURN = ("decision_due_in_portal", "refund_borne_by_provider")  # the case counts these down and adds them up
_KINDS = ("", "refund", "exchange", "mixed")


def doubts(seen: Seen, mapping: ReveniMapping) -> Iterator[Finding]:
    """Every finding about one return."""
    yield from _window(seen, mapping)
    yield from _cover(seen)
    yield from _refunds(seen)
    yield from _outcome(seen)
    yield from _sums(seen)
    yield from _split_rows(seen)
    yield from _words(seen)


def _window(seen: Seen, mapping: ReveniMapping) -> Iterator[Finding]:
    """The countdown of an instant return, with the money at stake (sheet §4)."""
    if not running(seen):
        return
    until = seen.portal_return.decide_by
    when = f"by {until}" if until else f"within {mapping.decide_within_days} days of its request"
    message = (
        f"Return {seen.return_id} was paid at once: accept or reject it {when}. "
        f"{at_stake(seen)} is at stake; without a decision it counts as accepted."
    )
    yield _finding("decision_due_in_portal", Owner.OPS, message, seen.return_id)


def _cover(seen: Seen) -> Iterator[Finding]:
    """An instant return that was refused: the shopper keeps the money, and Reveni bears it (sheet §4, §6)."""
    refused = seen.move is Move.REJECTED or (seen.move is Move.PROCESSED and any(item.rejected for item in seen.items))
    if seen.instant is not True or not refused:
        return
    message = (
        f"{_borne(seen)} of return {seen.return_id} is borne by Reveni: the shopper keeps it and it is not credited. "
        "It stays open against Reveni's clearing account until the settlement shows it."
    )
    yield _finding("refund_borne_by_provider", Owner.FINANCE, message, seen.return_id)


def _borne(seen: Seen) -> str:
    """What Reveni bears, in words: all that was paid when everything was refused, else what exceeds the sum."""
    paid = [payment for payment in seen.payments if payment.issued]
    amount, currency = (covered_by_provider(seen.summary, paid), seen.summary.currency)
    if seen.move is Move.REJECTED and len({payment.currency for payment in paid}) == 1:
        amount, currency = (sum(payment.amount or 0 for payment in paid), paid[0].currency)
    words = [f"{to_text(amount, currency)} {currency}"] if amount is not None and amount > 0 and currency else []
    words += ["the value of the new goods"] if seen.portal_return.exchange_lines else []
    return " and ".join(words) or "An amount Reveni does not say"


def _refunds(seen: Seen) -> Iterator[Finding]:
    """Refunds that stay behind: withheld by the validator, or failed (sheet §5)."""
    for payment in seen.payments:
        known = payment.amount is not None
        figure = f"{to_text(payment.amount or 0, payment.currency)} {payment.currency}" if known else "The refund"
        subject = f"{seen.return_id} {payment.refund_id or ''}".strip()
        if payment.step is RefundStep.FAILED:
            message = f"Reveni could not pay {figure} of return {seen.return_id}; the shopper has not got it."
            yield _finding("refund_failed_in_portal", Owner.CX, message, subject)
        if payment.step is RefundStep.PENDING and seen.move is Move.PROCESSED:
            message = (
                f"{figure} of return {seen.return_id} is accepted and not paid: somebody withheld it at Reveni, "
                "and only a person can issue it there."
            )
            yield _finding("refund_withheld_in_portal", Owner.FINANCE, message, subject)


def _outcome(seen: Seen) -> Iterator[Finding]:
    """A status whose meaning is not published moves nothing (sheet §6: EXPIRED)."""
    if seen.move is Move.PERSON:
        message = (
            f"Return {seen.return_id} is {seen.portal_return.state} at Reveni, and what that means for the money is "
            "not published; it was not moved."
        )
        yield _finding("portal_outcome_unclear", Owner.CX, message, seen.return_id)


# --- figures --------------------------------------------------------------------------------------------------------


def _sums(seen: Seen) -> Iterator[Finding]:
    """Reveni's own figures against each other (sheet §6). What is not given leaves its rule unchecked."""
    yield from _currencies(seen)
    summary = seen.summary
    if summary.expected_total is not None and summary.expected_total != summary.total:
        yield _broken(seen, "the total", "its parts", (summary.total or 0) - summary.expected_total)
    if summary.currency != seen.portal_return.currency:
        return
    for name, told, fitting in (
        ("the sum of the products", summary.products, _returned(seen)),
        ("the sum of the new products", summary.new_products, _exchanged(seen)),
    ):
        if told is not None and fitting and told not in fitting:
            yield _broken(seen, name, "the rows", told - fitting[0])
    charged = seen.exchange_total if seen.exchange_currency == summary.currency else None
    if charged is not None and summary.surcharge is not None and charged != summary.surcharge:
        yield _broken(
            seen, "what the shopper was charged on the exchange order", "the surcharge", charged - summary.surcharge
        )


def _returned(seen: Seen) -> list[int]:
    """What the products may come to: all rows until a verdict exists, then accepted units, or those not refused."""
    if not seen.items or any(item.price is None for item in seen.items):
        return []
    counts = _counts(seen)
    return [sum((item.price or 0) * units for item, units in zip(seen.items, row, strict=True)) for row in counts]


def _exchanged(seen: Seen) -> list[int]:
    """What the new products may come to. Of a row accepted in part nobody says how many are exchanged: unchecked."""
    swaps = [item.swap for item in seen.items if item.swap is not None]
    partly = any(item.swap and 0 < item.rejected < item.quantity for item in seen.items)
    if not seen.items or partly or any(swap.price is None for swap in swaps):
        return []
    return [
        sum(
            item.swap.quantity * (item.swap.price or 0)
            for item, n in zip(seen.items, row, strict=True)
            if item.swap and n
        )
        for row in _counts(seen)
    ]


def _counts(seen: Seen) -> list[list[int]]:
    """For each reading of "accepted units only" the units of every row that count."""
    everything = [item.quantity for item in seen.items]
    if not any(item.accepted or item.rejected for item in seen.items):
        return [everything]
    accepted = [item.accepted for item in seen.items]
    not_refused = [item.quantity - item.rejected for item in seen.items]
    return [accepted, not_refused]


def _currencies(seen: Seen) -> Iterator[Finding]:
    shown = seen.portal_return
    if not shown.currency:
        message = f"Return {shown.return_id} has no currency; its amounts are left unknown."
        yield _finding("currency_missing", Owner.INTEGRATION, message, shown.return_id)
        return
    others = {seen.summary.currency, *(payment.currency for payment in seen.payments)} - {shown.currency, None}
    for other in sorted(str(currency) for currency in others):
        message = (
            f"Return {shown.return_id} counts in {shown.currency}, but Reveni also gives amounts in {other}; "
            "they are not converted."
        )
        yield _finding("currency_differs", Owner.FINANCE, message, shown.return_id)


def _broken(seen: Seen, left: str, right: str, surplus: int) -> Finding:
    currency = seen.summary.currency or seen.portal_return.currency
    way = "more" if surplus > 0 else "less"
    message = f"Return {seen.return_id}: {left} is {to_text(abs(surplus), currency)} {currency} {way} than {right}."
    return _finding("money_identity_broken", Owner.FINANCE, message, seen.return_id)


# --- verdicts and words ---------------------------------------------------------------------------------------------


def _split_rows(seen: Seen) -> Iterator[Finding]:
    """A row with two answers: one line cannot carry both, so it carries none and a person reads it here."""
    for item in seen.items:
        if len({disposition for disposition, _ in item.parts}) < 2:
            continue
        parts = ", ".join(f"{units} {disposition}" for disposition, units in item.parts)
        message = f"Return {seen.return_id}, {item.sku or item.item_id}: of {item.quantity} units {parts}."
        yield _finding("line_partly_accepted", Owner.OPS, message, f"{seen.return_id} {item.item_id}")


def _words(seen: Seen) -> Iterator[Finding]:
    """Words our tables do not have: they pass as unknown, and somebody should know."""
    if seen.move is None:
        said = f"has the status {seen.portal_return.state!r}" if seen.portal_return.state else "does not say its status"
        yield _unknown(seen, "status", f"Return {seen.return_id} {said}; it was not moved.")
    if seen.kind not in _KINDS:
        yield _unknown(seen, "type", f"Return {seen.return_id} is of the type {seen.kind!r}, which we do not know.")
    for item in seen.items:
        if item.status and not item.known:
            told = f"Return {seen.return_id}: item {item.item_id} is {item.status!r}, which reads as undecided."
            yield _unknown(seen, f"{item.item_id} status", told)
    for payment in seen.payments:
        named = f"Return {seen.return_id}: refund {payment.refund_id or payment.amount}"
        if payment.step is None:
            yield _unknown(seen, "refund status", f"{named} is {payment.status!r}; it does not count as paid.")
        if payment.paid_by is None and payment.step is not None:
            yield _unknown(seen, "refund method", f"{named} was made by {payment.method!r}; who paid is not known.")


def _unknown(seen: Seen, where: str, message: str) -> Finding:
    return _finding("unknown_portal_word", Owner.INTEGRATION, message, f"{seen.return_id} {where}")


def _finding(kind: str, owner: Owner, message: str, subject: str) -> Finding:
    return Finding(kind=kind, owner=owner, message=message, subject=subject, by_return=kind in _BY_RETURN)

"""A changed policy over recorded returns: cash earlier or later, holds, deadlines, exceptions.

Each return is played twice, under what was agreed and under the change, by the same rules of play; so a difference is
the policy's, not the play's. Nothing is written. The cost grows with the returns looked at, and nothing is held of
them but sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.look import Ledger
from counterfoil.core.mapping import Mapping as Words
from counterfoil.core.money import to_text
from counterfoil.core.policy import Agreement
from counterfoil.policy.reading import Policy
from counterfoil.policy.recording import play, record
from counterfoil.policy.rehearsal import Rehearsal, seconds_between
from counterfoil.store import cases, policies
from counterfoil.store.database import Database

DEADLINES = (
    "refund_without_credit",
    "credit_without_refund",
    "received_not_inspected",
    "legal_deadline_near",
    "legal_deadline_missed",
)
DAY_S = 86_400


class Cash(msgspec.Struct, kw_only=True):
    """Money of one currency. `…_minor_days` is minor units times days: what the change costs or spares in float."""

    paid_before_minor: int = 0
    paid_after_minor: int = 0
    returns_earlier: int = 0
    returns_later: int = 0
    earlier_minor_days: int = 0
    later_minor_days: int = 0
    returns_no_longer_paid: int = 0
    returns_newly_paid: int = 0


class Replay(msgspec.Struct, kw_only=True):
    """The comparison. Counts are returns; `left_out` could not be played, with the reasons.

    `as_recorded` returns, played under what was agreed, ended with the money and the credit that were recorded.
    """

    policy: str
    version: str
    hash: str
    returns: int = 0
    as_recorded: int = 0
    left_out: dict[str, int] = {}
    cash: dict[str, Cash] = {}
    holds_added: dict[str, int] = {}
    holds_removed: dict[str, int] = {}
    deadlines_missed: dict[str, int] = {}
    deadlines_kept: dict[str, int] = {}
    exceptions_created: dict[str, int] = {}
    exceptions_removed: dict[str, int] = {}


def replay(database: Database, agreed: Agreement, mapping: Words, changed: Policy, since_ms: int = 0) -> Replay:
    """Play every return of the policy's brand and portal opened since a moment, under both."""
    document = changed.document
    found = Replay(policy=document.name, version=document.version, hash=changed.hash)
    edition = msgspec.structs.replace(changed.edition, starts_on="")
    other = msgspec.structs.replace(agreed, policy=edition.policy, editions=(edition,))
    with database.read() as tx:
        for case_id, _ in policies.recorded(tx, document.brand, document.portal, since_ms):
            stored = cases.peek(tx, case_id)
            recording = record(document.brand, policies.facts_of(tx, case_id))
            if stored is None or recording is None:
                _count(found.left_out, ["the portal never showed it"])
                continue
            ledger = _as_it_was(cases.ledger(tx, stored), stored)
            before, after = play(recording, agreed, other, mapping, ledger)
            found.returns += 1
            found.as_recorded += _same_end(before.case, stored)
            _compare(found, before, after)
    return found


def _as_it_was(ledger: Ledger, stored: ReturnCase) -> Ledger:
    """The order's ledger without the units that others took up after this return did (ATTR-1 rule 5)."""
    own: dict[str, int] = {}
    for unit in stored.units:
        if unit.order_unit is not None and unit.order_line_ref is not None:
            own[unit.order_line_ref] = min(own.get(unit.order_line_ref, unit.order_unit), unit.order_unit)
    before = {line: first - 1 for line, first in own.items()}
    return msgspec.structs.replace(ledger, taken={**ledger.taken, **before})


def _same_end(played: ReturnCase, stored: ReturnCase) -> bool:
    """Whether the play under what was agreed ended as the record did: how far the comparison can be trusted."""
    credited = (played.done("credit-1") is None) == (stored.done("credit-1") is None)
    return credited and played.money_out == stored.money_out


def _compare(found: Replay, before: Rehearsal, after: Rehearsal) -> None:
    _cash(found.cash.setdefault(before.case.currency, Cash()), before.case, after.case)
    _difference(before, after, _holds, found.holds_added, found.holds_removed)
    _difference(before, after, _missed, found.deadlines_missed, found.deadlines_kept)
    _difference(before, after, _kinds, found.exceptions_created, found.exceptions_removed)


def _cash(cash: Cash, before: ReturnCase, after: ReturnCase) -> None:
    cash.paid_before_minor += before.money_out
    cash.paid_after_minor += after.money_out
    if not (before.money_out and after.money_out):
        cash.returns_no_longer_paid += bool(before.money_out)
        cash.returns_newly_paid += bool(after.money_out)
        return
    if before.money_out != after.money_out:
        return  # other amounts cannot be laid over each other; both sums above show it
    shift = _weighed(after, before) - _weighed(before, before)
    if shift < 0:
        cash.returns_earlier += 1
        cash.earlier_minor_days += -shift // DAY_S
    elif shift > 0:
        cash.returns_later += 1
        cash.later_minor_days += shift // DAY_S


def _weighed(case: ReturnCase, origin: ReturnCase) -> int:
    """Minor units times seconds since the first payment of `origin`, over all payments."""
    start = origin.first_refund_at or ""
    return sum(refund.amount * seconds_between(start, refund.at) for refund in case.confirmed if refund.at)


def _kinds(played: Rehearsal) -> set[str]:
    return {problem.kind for moment in played.moments for problem in moment.decision.problems}


def _missed(played: Rehearsal) -> set[str]:
    return _kinds(played) & set(DEADLINES)


def _holds(played: Rehearsal) -> set[str]:
    """The rules that held the refund at some moment."""
    waits = [wait for moment in played.moments for wait in moment.decision.waits]
    return {wait.rule for wait in waits if wait.reason.startswith("the refund waits until")}


def _difference(
    before: Rehearsal,
    after: Rehearsal,
    of: Callable[[Rehearsal], set[str]],
    added: dict[str, int],
    removed: dict[str, int],
) -> None:
    was, is_now = of(before), of(after)
    _count(added, is_now - was)
    _count(removed, was - is_now)


def _count(into: dict[str, int], words: set[str] | list[str]) -> None:
    for word, number in Counter(words).items():
        into[word] = into.get(word, 0) + number


def as_text(found: Replay) -> str:
    """The comparison for a terminal."""
    lines = [
        f"{found.policy} {found.version} ({found.hash[:12]}) over {found.returns} recorded returns",
        f"{found.as_recorded} of them, played under what was agreed, end as they were recorded",
        "",
    ]
    for currency, cash in sorted(found.cash.items()):
        lines += _cash_lines(currency, cash)
    for words, counts in (
        ("holds added", found.holds_added),
        ("holds removed", found.holds_removed),
        ("deadlines missed", found.deadlines_missed),
        ("deadlines no longer missed", found.deadlines_kept),
        ("exceptions created", found.exceptions_created),
        ("exceptions removed", found.exceptions_removed),
        ("left out", found.left_out),
    ):
        lines.append(f"{words}: {_counted(counts)}")
    return "\n".join(lines)


def _cash_lines(currency: str, cash: Cash) -> list[str]:
    def money(minor: int) -> str:
        return f"{to_text(minor, currency)} {currency}"

    return [
        f"paid: {money(cash.paid_before_minor)} before, {money(cash.paid_after_minor)} after",
        f"earlier: {cash.returns_earlier} returns, {money(cash.earlier_minor_days)} × days",
        f"later: {cash.returns_later} returns, {money(cash.later_minor_days)} × days",
        f"no longer paid: {cash.returns_no_longer_paid} returns; newly paid: {cash.returns_newly_paid}",
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {number}" for word, number in sorted(counts.items())) or "none"

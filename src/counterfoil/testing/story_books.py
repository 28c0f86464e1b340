"""What the store would give a story of the core alone: the ledger of an order, and the books the invariants look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil.core.case import Acceptance, ReturnCase
from counterfoil.core.ceiling import movements_of, outside_movements
from counterfoil.core.events import OutsideFact, RefundMoved
from counterfoil.core.inner_events import AnyFact
from counterfoil.core.invariants import Books, Kept, Logged, Sent
from counterfoil.core.judgement import Record, judge
from counterfoil.core.look import Decision, Ledger, Look
from counterfoil.core.policy import FlowPolicy


def ledger_of(
    name: str, known: Mapping[str, ReturnCase], decisions: Mapping[str, Decision], loose: Sequence[OutsideFact]
) -> Ledger:
    """What the other returns of the story's one order took up, hold, and were paid."""
    taken: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    money, shipping, tax, rounding = 0, 0, 0, 0
    moved = outside_movements(fact for fact in loose if isinstance(fact, RefundMoved))
    for other, case in known.items():
        if other == name:
            continue
        money += case.money_out
        moved += movements_of(case)
        for charge in case.credit.charges if case.credit else ():
            if charge.code == "shipping":
                shipping, tax = shipping + charge.gross, tax + charge.tax
            if charge.code == "rounding":
                rounding += charge.gross
        for unit in case.units:
            line = unit.order_line_ref or ""
            if unit.order_unit is not None:
                taken[line] = max(taken.get(line, 0), unit.order_unit)
            if decisions[other].progress != "cancelled" and unit.acceptance is not Acceptance.REJECTED:
                elsewhere[line] = elsewhere.get(line, 0) + 1
    return Ledger(
        taken=taken, elsewhere=elsewhere, money_out=money, shipping=(shipping, tax), rounding=rounding, moved=moved
    )


def books_of(
    known: Mapping[str, ReturnCase],
    decisions: Mapping[str, Decision],
    logs: Mapping[str, Sequence[AnyFact]],
    sent: tuple[Sent, ...],
    policy: FlowPolicy,
    now: str,
) -> Books:
    """Everything the invariants look at."""
    returns = tuple(
        Kept(
            case=case,
            progress=decisions[name].progress,
            log=tuple(Logged(fact=fact) for fact in logs[name]),
            open_kinds=frozenset(problem.kind for problem in decisions[name].problems),
            policy=policy,
        )
        for name, case in known.items()
    )
    return Books(returns=returns, sent=sent, now=now)


def keep_judgement(kept: list[tuple[Record, Look]], look: Look, seq: int) -> None:
    """Keep a change of verdict with everything it leaned on, as the store does."""
    judgement = judge(look)
    before = [record for record, _ in kept if record.case_id == look.case.case_id]
    if not before or before[-1].judgement.signature != judgement.signature:
        record = Record(case_id=look.case.case_id, seq=seq, now=look.now, ledger=look.ledger, judgement=judgement)
        kept.append((record, look))

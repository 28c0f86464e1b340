"""Every allow, hold and deny on a refund, as a value that can be stored and worked out again years later (R74).

A judgement names each rule's verdict, the facts it leaned on, the policy's name and version, and the next fact that would
change it. Its record adds what is needed to recompute it: how much of the log it saw, the moment, and the order's ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from counterfoil.core.case import Acceptance, Reception
from counterfoil.core.ceiling import worth
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.credit.note import CannotValueError, promised, value_return
from counterfoil.core.inner_events import AnyFact
from counterfoil.core.look import Ledger, Look
from counterfoil.core.mapping import Mapping
from counterfoil.core.money import to_text
from counterfoil.core.policy import Agreement
from counterfoil.core.problem_kinds import kind_of
from counterfoil.core.replay import replayed
from counterfoil.core.rules.gate import Answer, every_answer
from counterfoil.core.rules.verdict import Hold, Pass, Person


class Verdict(StrEnum):
    """What a judgement comes to."""

    ALLOW = "allow"
    HOLD = "hold"  # a fact or a person's agreement is still missing
    DENY = "deny"  # it stays shut until a person decides otherwise


class RuleVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One rule's answer: pass, hold or deny, and why, in words."""

    rule: str
    verdict: Verdict
    words: str
    until: str | None = None


class Leaned(msgspec.Struct, frozen=True, kw_only=True):
    """One fact it leaned on, in words."""

    name: str
    value: str


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's answer at one moment. `rule` is the first that does not pass, "" when all do."""

    verdict: Verdict
    rule: str
    next_fact: str
    answers: tuple[RuleVerdict, ...]
    facts: tuple[Leaned, ...]
    policy_name: str
    policy_version: str

    @property
    def signature(self) -> tuple[tuple[str, Verdict], ...]:
        """What makes a change of verdict: each rule's answer without its words."""
        return tuple((answer.rule, answer.verdict) for answer in self.answers)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A stored judgement. `seq` is how many facts of the return it saw; the hashes name agreement and mapping."""

    case_id: str
    seq: int
    now: str
    ledger: Ledger
    judgement: Judgement
    agreement: str = ""
    mapping: str = ""


def judge(look: Look) -> Judgement:
    """The gate's whole answer. Never raises: what cannot be worked out is a deny in itself."""
    answers = tuple(_as_verdict(answer) for answer in every_answer(look))
    first = next((answer for answer in answers if answer.verdict is not Verdict.ALLOW), None)
    return Judgement(
        verdict=first.verdict if first is not None else Verdict.ALLOW,
        rule=first.rule if first is not None else "",
        next_fact=_next(look, first),
        answers=answers,
        facts=_leaned(look),
        policy_name=look.policy.name,
        policy_version=look.policy.version,
    )


def recompute(record: Record, facts: Sequence[AnyFact], agreement: Agreement, mapping: Mapping) -> Judgement | None:
    """The same judgement out of the log: equal to the stored one, or something was changed. None without a return."""
    brand = record.case_id.split("/", 1)[0]
    case = replayed(brand, facts[: record.seq])
    if case is None:
        return None
    return judge(Look(case=case, agreement=agreement, mapping=mapping, ledger=record.ledger, now=record.now))


def _as_verdict(answer: Answer) -> RuleVerdict:
    match answer.verdict:
        case Pass(because):
            return RuleVerdict(rule=answer.rule, verdict=Verdict.ALLOW, words=because)
        case Hold(opens_when, until):
            return RuleVerdict(rule=answer.rule, verdict=Verdict.HOLD, words=f"waits until {opens_when}", until=until)
        case Person(problem):
            return RuleVerdict(rule=answer.rule, verdict=Verdict.DENY, words=problem.message)


def _next(look: Look, first: RuleVerdict | None) -> str:
    """The next fact that would change the verdict."""
    if first is None:
        done = bool(look.case.money_out) or look.step("release-1") is not None
        return "nothing: the refund is on its way" if done else "a fact that speaks against it, until it is released"
    if first.verdict is Verdict.HOLD:
        return first.words.removeprefix("waits until ")
    for answer in every_answer(look):
        if answer.rule == first.rule and isinstance(answer.verdict, Person):
            kind = kind_of(answer.verdict.problem.kind)
            return f"{kind.owner.value} ends “{kind.title}”"
    return "a person decides"


def _leaned(look: Look) -> tuple[Leaned, ...]:
    try:
        return tuple(Leaned(name=name, value=value) for name, value in _facts(look))
    except Exception as error:  # a rule said the same already; the words must not stop the judgement
        return (Leaned(name="facts", value=f"could not be put into words ({type(error).__name__})"),)


def _facts(look: Look) -> list[tuple[str, str]]:
    case, currency = look.case, look.case.currency
    here = [unit for unit in case.units if unit.reception is Reception.RECEIVED]
    taken = [unit for unit in here if unit.acceptance is Acceptance.ACCEPTED]
    found = [
        ("stage in the portal", case.stage.value),
        ("units asked for, received, accepted", f"{len(case.units)}, {len(here)}, {len(taken)}"),
        ("receipts", ", ".join(sorted(c.receipt.receipt_id for c in case.receipts if not c.reversed)) or "none"),
        ("the portal promises", _money(promised(case), currency)),
        ("worth by the original order", _value(look)),
        ("refunded here, elsewhere", f"{_money(case.money_out, currency)}, {_money(look.ledger.money_out, currency)}"),
        ("the order was worth", _money(worth(case.order) if case.order is not None else None, currency)),
    ]
    disputes = [f"{one.ref} {one.status.value}" for one in case.chargebacks if one.status is not ChargebackState.WON]
    found += [("disputes", ", ".join(disputes))] if disputes else []
    voices = [f"{voice.by} {'agreed' if voice.agreed else 'refused'}" for voice in case.voices]
    found += [("people", ", ".join(voices))] if voices else []
    found += [("accepted", f"{kind} by {why}") for kind, why in sorted(case.accepted_differences.items())]
    return found


def _value(look: Look) -> str:
    try:
        value = value_return(look)
    except CannotValueError as error:
        return str(error)
    return _money(value.total if value is not None else None, look.case.currency)


def _money(amount: int | None, currency: str) -> str:
    return "unknown" if amount is None else f"{to_text(amount, currency)} {currency}"

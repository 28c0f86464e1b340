"""A recorded return as material for a rehearsal: what the outside told, what people did, and how systems answered.

Our own steps are left out; they are decided anew. What follows from the release of a refund (the money, the portal's
closing) follows it again, as much later as it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from counterfoil.core.case import ReturnCase
from counterfoil.core.choose import choose
from counterfoil.core.commands import AnyCommand, ReleaseRefund
from counterfoil.core.events import (
    OrderSeen,
    RefundMoved,
    RefundReported,
    ReturnFact,
    ReturnProcessed,
    StoreCreditIssued,
)
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import AnyFact, StepDone, StepRefused, StepRequested, UnitsClaimed
from counterfoil.core.look import Decision, Ledger
from counterfoil.core.mapping import Mapping
from counterfoil.core.orders import SoldOrder
from counterfoil.core.policy import Agreement, FlowPolicy, RefundExecutor, RefundGate
from counterfoil.core.rules.gate import gate
from counterfoil.core.rules.verdict import Pass
from counterfoil.policy.obedient import obey
from counterfoil.policy.rehearsal import Rehearsal, Told, later, seconds_between

GOES_ON_S = 14 * 86_400  # how long a play goes on after the last fact, so that slower policies can catch up
_OWN = (StepRequested, StepDone, StepRefused, UnitsClaimed)
_FOLLOWS = (RefundMoved, RefundReported, StoreCreditIssued, ReturnProcessed)
_BY_THEMSELVES = (RefundExecutor.PORTAL_ITSELF, RefundExecutor.COUNTERPARTY)
_ELSEWHERE = (RefundExecutor.ERP, RefundExecutor.GATEWAY)


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One return's log, taken apart. `let_go` is when its refund was released or, unreleased, when it moved."""

    case: ReturnCase
    told: tuple[Told, ...]
    follows: tuple[Told, ...]
    answers: dict[tuple[str, int], tuple[int, StepDone | StepRefused]]
    released: bool
    let_go: str
    order: SoldOrder | None
    ends: str


def record(brand: str, facts: Sequence[tuple[int, AnyFact]]) -> Recording | None:
    """Take a log apart; None for one that never knew what the portal showed."""
    dated = tuple(_dated(facts))
    first = next((item.fact for item in dated if isinstance(item.fact, ReturnFact)), None)
    if first is None:
        return None
    asked = {(f.step, f.edition): item.at for item in dated if isinstance(f := item.fact, StepRequested)}
    follows = tuple(item for item in dated if isinstance(item.fact, _FOLLOWS) and item.fact is not first)
    release = next((at for (step, _), at in asked.items() if step == "release-1"), None)
    orders = [item.fact.order for item in dated if isinstance(item.fact, OrderSeen)]
    return Recording(
        case=new_case(brand, first.portal_return),
        told=tuple(item for item in dated if item.fact is first or not isinstance(item.fact, (*_OWN, *_FOLLOWS))),
        follows=follows,
        answers=dict(_answers(dated, asked)),
        released=release is not None,
        let_go=release or (min(item.at for item in follows) if follows else ""),
        order=orders[-1] if orders else None,
        ends=later(max(item.at for item in dated), GOES_ON_S),
    )


def play(
    recording: Recording, agreed: Agreement, other: Agreement, mapping: Mapping, ledger: Ledger
) -> tuple[Rehearsal, Rehearsal]:
    """The recorded return under what was agreed, and under another agreement."""
    was = choose(agreed, evolve(recording.case, recording.told[0].fact))
    held = was.refund_executor is RefundExecutor.PORTAL
    anyway = held and not recording.released  # the portal paid although we held the gate; it would again
    kept = was.refund_gate if was.refund_executor in _BY_THEMSELVES else None

    def under(agreement: Agreement) -> Rehearsal:
        return _Player(recording, agreement, mapping, ledger, moved_anyway=anyway, gate_kept=kept).play()

    return under(agreed), under(other)


class _Player:
    """One recorded return under way again."""

    def __init__(
        self,
        recording: Recording,
        agreement: Agreement,
        mapping: Mapping,
        ledger: Ledger,
        *,
        moved_anyway: bool,
        gate_kept: RefundGate | None,
    ) -> None:
        self._gate_kept = gate_kept  # the gate by which somebody paid by themselves, when it was recorded
        self._recording = recording
        self._moved_anyway = moved_anyway
        self._let_go = False
        self._rehearsal = Rehearsal(
            recording.case,
            agreement,
            mapping,
            self._answer,
            until=recording.ends,
            ledger=ledger,
            react=self._react,
        )

    @property
    def policy(self) -> FlowPolicy:
        """The policy the return follows as it stands."""
        return self._rehearsal.look().policy

    def play(self) -> Rehearsal:
        """The whole return."""
        self._rehearsal.play(self._recording.told)
        return self._rehearsal

    def _answer(self, command: AnyCommand, case: ReturnCase, now: str) -> Iterator[Told]:
        step = case.steps[command.step]
        known = self._recording.answers.get((step.step, step.edition))
        if known is not None:
            moment = later(now, known[0])
            yield Told(at=moment, fact=replace(known[1], occurred_at=moment))
        elif self._recording.order is not None:
            yield from obey(command, case, now, self._recording.order)
        if isinstance(command, ReleaseRefund):
            yield from self._follow(now)

    def _react(self, decision: Decision, case: ReturnCase, now: str) -> Iterator[Told]:
        """Money nobody releases: at its recorded moment where it left by itself, else once the gate's facts are there."""
        executor = self.policy.refund_executor
        if self._moved_anyway and not self._let_go:
            yield from self._follow(self._recording.let_go or now)
        if executor in _ELSEWHERE and any(p.kind == "refund_due_elsewhere" for p in decision.problems):
            yield from self._follow(now)
        if executor not in _BY_THEMSELVES or self._let_go:
            return
        if self.policy.refund_gate is self._gate_kept:
            yield from self._follow(self._recording.let_go or now)
        elif all(isinstance(answer.verdict, Pass) for answer in gate(self._rehearsal.look())):
            yield from self._follow(now)

    def _follow(self, now: str) -> Iterator[Told]:
        """What the release brought about, as much later as it was recorded."""
        if self._let_go:
            return
        self._let_go = True
        for item in self._recording.follows:
            moment = later(now, max(0, seconds_between(self._recording.let_go, item.at)))
            yield Told(at=moment, fact=replace(item.fact, occurred_at=moment))


def _dated(facts: Sequence[tuple[int, AnyFact]]) -> Iterator[Told]:
    """Each fact at the moment it names, else at the moment of the one before it."""
    last = ""
    for at_ms, fact in facts:
        written = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        last = _utc(fact.occurred_at) if fact.occurred_at else last or written
        yield Told(at=last, fact=fact)


def _utc(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answers(
    dated: Sequence[Told], asked: dict[tuple[str, int], str]
) -> Iterator[tuple[tuple[str, int], tuple[int, StepDone | StepRefused]]]:
    """How long each system took for each step, and what it said."""
    for item in dated:
        fact = item.fact
        if isinstance(fact, StepDone | StepRefused):
            place = (fact.step, fact.edition)
            yield place, (max(0, seconds_between(asked.get(place, item.at), item.at)), fact)

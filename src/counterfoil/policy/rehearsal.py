"""A return played through the real rules: facts go through `evolve`, decisions through `decide`, answers come back.

What a policy does is found by doing it; nothing here knows a preset or an axis. Nothing is stored and nobody is
called. `explain`, the compiler's search for unpaired money, and the replay of recorded returns all run on it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.commands import AnyCommand
from counterfoil.core.decide import decide
from counterfoil.core.evolve import evolve
from counterfoil.core.inner_events import AnyFact, StepRequested, UnitsClaimed
from counterfoil.core.look import Decision, Ledger, Look, Request
from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import Agreement

ROUNDS_MAX = 20
MOMENTS_MAX = 2_000  # a return that needs more moments than this is a mistake of ours


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A fact, and when it is told. Moments are RFC 3339 in UTC."""

    at: str
    fact: AnyFact


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What one moment brought: the fact, what was asked for because of it, and how things stood after it."""

    at: str
    fact: AnyFact | None
    requests: tuple[Request, ...]
    decision: Decision


Answer = Callable[[AnyCommand, ReturnCase, str], Iterable[Told]]
"""What the outside makes of a command: facts, each with its moment."""

React = Callable[[Decision, ReturnCase, str], Iterable[Told]]
"""What people and systems do by themselves when they see how things stand."""


class Rehearsal:
    """One return under way. `until` ends the play: nothing after it is told."""

    def __init__(
        self,
        case: ReturnCase,
        agreement: Agreement,
        mapping: Mapping,
        answer: Answer,
        *,
        until: str,
        ledger: Ledger | None = None,
        react: React = lambda decision, case, now: (),
    ) -> None:
        self.case = case
        self.now = ""
        self.moments: list[Moment] = []
        self.facts: list[AnyFact] = []  # the log it would have
        self._agreement = agreement
        self._mapping = mapping
        self._ledger = ledger or Ledger()
        self._answer = answer
        self._react = react
        self._until = until
        self._queue: list[tuple[str, int, AnyFact | None]] = []
        self._known: set[str] = set()
        self._ticks: set[str] = set()
        self._count = 0

    def play(self, script: Iterable[Told]) -> None:
        """Tell the script and everything that follows from it."""
        self._put(script)
        while self._queue and len(self.moments) < MOMENTS_MAX:
            at, _, fact = heapq.heappop(self._queue)
            if at > self._until:
                return
            self.now = max(self.now, at)
            if fact is None or self._tell(fact):
                self._settle(fact)

    @property
    def decision(self) -> Decision:
        """How things stand."""
        return self.moments[-1].decision if self.moments else Decision()

    def look(self) -> Look:
        """What the next decision leans on."""
        return Look(case=self.case, agreement=self._agreement, mapping=self._mapping, ledger=self._ledger, now=self.now)

    def _put(self, told: Iterable[Told]) -> None:
        for item in told:
            self._count += 1
            heapq.heappush(self._queue, (item.at, self._count, item.fact))

    def _tell(self, fact: AnyFact) -> bool:
        """Whether the fact was new."""
        if fact.key in self._known:
            return False
        self._known.add(fact.key)
        self.facts.append(fact)
        self.case = evolve(self.case, fact)
        return True

    def _settle(self, fact: AnyFact | None) -> None:
        asked: list[Request] = []
        for _ in range(ROUNDS_MAX):
            decision = decide(self.look())
            if not decision.requests:
                break
            for request in decision.requests:
                self._request(request, decision.policy)
            asked += decision.requests
        else:
            raise AssertionError(f"{self.case.case_id}: the decision never comes to rest")
        self.moments.append(Moment(at=self.now, fact=fact, requests=tuple(asked), decision=decision))
        self._put(self._react(decision, self.case, self.now))
        tick = decision.look_again_at
        if tick is not None and tick > self.now and tick not in self._ticks:
            self._ticks.add(tick)
            self._count += 1
            heapq.heappush(self._queue, (tick, self._count, None))

    def _request(self, request: Request, policy: str) -> None:
        command = request.command
        edition = self.case.editions.get(command.step, 0) + 1
        if request.claims:
            self._tell(UnitsClaimed(key=f"claim:{command.step}:{edition}", step=command.step, claims=request.claims))
        self._tell(
            StepRequested(
                key=f"step:{command.step}:{edition}",
                occurred_at=self.now,
                step=command.step,
                name=type(command).__name__,
                edition=edition,
                rule=request.rule,
                because=request.because,
                amount=request.amount,
                units=request.units,
                rma_lines=request.rma_lines,
                credit=request.credit,
                policy=policy,
                batch=getattr(command, "batch", None),
                pays_from=request.pays_from,
            )
        )
        self._put(self._answer(command, self.case, self.now))


def later(moment: str, seconds: int) -> str:
    """A moment so many seconds later."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(earlier: str, after: str) -> int:
    """Whole seconds from one moment to another; negative when it came before."""
    span = datetime.fromisoformat(after) - datetime.fromisoformat(earlier)
    return span.days * 86_400 + span.seconds

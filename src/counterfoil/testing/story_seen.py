"""What can be seen of a story played through the core alone."""

from __future__ import annotations

from counterfoil.core.case import ReturnCase
from counterfoil.core.look import Decision
from counterfoil.core.problem_kinds import kind_of
from counterfoil.testing.story_obedient import ObedientErp
from counterfoil.testing.story_stage import Document, Open


class SeenStage:
    """The half of the stage that is looked at; the other half makes things happen."""

    erp: ObedientErp
    _cases: dict[str, ReturnCase]
    _decisions: dict[str, Decision]
    _last: str
    _paid: dict[str, int]
    _told: dict[str, int]

    def case(self, who: str) -> ReturnCase:
        """The return as it stands."""
        return self._cases[who or self._last]

    def cases(self) -> tuple[ReturnCase, ...]:
        """Every return."""
        return tuple(self._cases.values())

    def progress(self, who: str) -> str:
        """open, finished or cancelled."""
        return self._decisions[who or self._last].progress

    def open_problems(self) -> tuple[Open, ...]:
        """What holds now, with the owner of its kind or the one the refusal named."""
        found = set()
        for name, decision in self._decisions.items():
            for problem in decision.problems:
                step = self._cases[name].steps.get(problem.subject)
                owner = (step.owner if step is not None else None) or kind_of(problem.kind).owner
                found.add(Open(problem.kind, owner.value))
        return tuple(sorted(found))

    def documents(self, kind: str) -> tuple[Document, ...]:
        """Documents that stand in the ERP."""
        return self.erp.standing(kind)

    def stock(self) -> dict[tuple[str, str], int]:
        """Units booked."""
        return self.erp.stock()

    def refunded(self) -> int:
        """What the customer has got."""
        return sum(self._paid.values())

    def told(self, what: str) -> int:
        """How often the portal was told."""
        return self._told.get(what, 0)

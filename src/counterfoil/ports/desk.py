"""What people do at their desk: take, discuss, rest and reopen exceptions; change words; mend a cause for all it holds.

The console calls it; `flow/desk.py`, `flow/words.py` and `flow/mend.py` carry it out. Every method raises
`ActionError` with one sentence when it cannot be done. `version` is the one the person saw: when the row moved on
meanwhile, nothing is done and the sentence says so.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from counterfoil.core.edits import Place, StepEdit
from counterfoil.core.mapping import MapKind

COMMENT_MAX = 4_000
REASON_MAX = 500


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would do to one return: a dry run of the decision, nothing written."""

    case_id: str
    name: str
    freed: bool  # the cause no longer holds it
    asks: tuple[str, ...] = ()  # commands that would be sent, by name
    remains: tuple[str, ...] = ()  # kinds of problems that would still hold it
    amount: int | None = None
    currency: str | None = None
    units: int = 0
    trouble: str = ""  # why it cannot be foreseen


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """One word to be given a meaning (None: taken away), for one setup."""

    brand: str
    portal: str
    kind: MapKind
    word: str
    meaning: str | None


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a fix: the change, whether it waits for a second person, and the run that replays."""

    change_id: int
    proposed: bool
    run_id: int | None = None


class Desk(Protocol):
    """People's work on exceptions and words."""

    def assign(self, problem_id: int, version: int, to: str | None, by: str) -> None:
        """Give an exception to a person, or back to the team (None)."""
        ...

    def comment(self, problem_id: int, text: str, by: str, known_people: frozenset[str]) -> None:
        """Say something; people named with @ are told."""
        ...

    def snooze(self, problem_id: int, version: int, until_ms: int, condition: str | None, by: str) -> None:
        """Let an exception rest until a moment, or until something happens if that is sooner."""
        ...

    def wake(self, problem_id: int, by: str) -> None:
        """End a rest early."""
        ...

    def close(self, problem_id: int, version: int, by: str, reason: str) -> None:
        """Close an exception by hand."""
        ...

    def reopen(self, problem_id: int, version: int, by: str, reason: str) -> None:
        """Open a closed exception again, marked as returned."""
        ...

    def seen(self, problem_id: int, by: str) -> None:
        """The person has looked at an exception: mentions of them are read."""
        ...

    def raw_delivery(self, delivery_id: int, by: str) -> tuple[dict[str, str], bytes]:
        """Headers and bytes of a delivery, opened for a person; that they looked is written into the log."""
        ...

    def editable(self, case_id: str, step: str) -> tuple[Place, ...]:
        """What may be changed in a refused step's command."""
        ...

    def edits(self, case_id: str, step: str, wanted: dict[str, str]) -> tuple[StepEdit, ...]:
        """The difference a change would make, by path; nothing is written."""
        ...

    def retry_edited(self, case_id: str, step: str, wanted: dict[str, str], by: str, reason: str) -> None:
        """Ask for a refused step anew with changes; the old command stays as it was."""
        ...

    def foresee(self, brand: str, cause: str, fix: Fix | None, rows: int) -> tuple[Foreseen, ...]:
        """What a fix, or trying again without one, would do to each return of a cause."""
        ...

    def mend(self, cause: str, fix: Fix, by: str, reason: str) -> Mended:
        """Change a word and replay every return the cause holds; one that moves money or stock waits for a second."""
        ...

    def replay(self, brand: str, cause: str, by: str, reason: str) -> int:
        """Decide again, and try refused steps again, for every return a cause holds; the run's id."""
        ...

    def change_word(self, fix: Fix, by: str, reason: str, source: str) -> Mended:
        """Change one word; returns it holds are looked at again."""
        ...

    def decide_change(self, change_id: int, by: str, *, confirmed: bool) -> Mended:
        """Confirm or refuse what somebody else proposed."""
        ...

    def undo_change(self, change_id: int, by: str, reason: str) -> Mended:
        """Give a word back the meaning it had before a change."""
        ...

"""What a story is played on: the verbs its sentences need, and what can be seen afterwards.

Two stages exist: the core alone (`story_core`), and the whole program between simulators (the project's own tests).
Every verb returns once everything that follows from it has happened. `who` names a return of the story, "" the one
spoken of last.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.invariants import Violation
from counterfoil.core.receipts import ReceiptKind
from counterfoil.testing.story_world import Ask, Item, Swap


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the warehouse. `receipt` is the story's name for it, such as GR-1."""

    kind: ReceiptKind
    receipt: str
    revision: int = 1
    items: tuple[Item, ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document in the ERP. Amounts are minor units, None where the kind has none or the ERP does not tell."""

    kind: str  # "RMA", "receipt", "credit note"
    gross: int | None = None
    tax: int | None = None
    carried_over: int | None = None  # of an exchange order: returned value, and what the customer paid on top
    collected: int | None = None
    held: bool | None = None
    tender: str | None = None  # of a refund record: the account it is booked against


class Open(msgspec.Struct, frozen=True, order=True):
    """An open exception and the team that owns it."""

    kind: str
    owner: str


class StoryStage(Protocol):
    """Where a story is played."""

    # what happens

    def ask(self, who: str, ask: Ask) -> None:
        """A customer asks; the portal authorises at once, or puts the request into review."""
        ...

    def portal(self, who: str, verb: str) -> None:
        """The portal approves, cancels, expires or processes a return, fails to process it, or makes the exchange order."""
        ...

    def edit(self, who: str, items: tuple[Item, ...]) -> None:
        """The portal's staff changes what comes back."""
        ...

    def edit_exchange(self, who: str, swaps: tuple[Swap, ...]) -> None:
        """The customer chooses other new goods."""
        ...

    def erp_stocks(self, items: tuple[Item, ...]) -> None:
        """New goods come into the ERP's stock."""
        ...

    def label(self, who: str, status: str) -> None:
        """The carrier scans the parcel."""
        ...

    def portal_says(self, who: str, what: str, items: tuple[Item, ...]) -> None:
        """The portal shows its own inspection of goods, or asks for them to be restocked."""
        ...

    def warehouse(self, who: str, parcel: Parcel) -> None:
        """The warehouse sends a message."""
        ...

    def money(self, verb: str, amount: int = 0) -> None:
        """The shop holds refunds back, confirms or fails what it held, takes money back, or pays by itself."""
        ...

    def erp_refuses(self, document: str, kind: str) -> None:
        """The ERP will refuse the next document of a kind, once."""
        ...

    def erp_loses_answer(self, document: str) -> None:
        """The ERP will make the next document of a kind, and its answer will be lost."""
        ...

    def accept(self, who: str, kind: str, by: str, reason: str) -> None:
        """A person accepts an exception."""
        ...

    def approve(self, who: str, by: str, role: str, reason: str, *, agreed: bool) -> None:
        """A person agrees to the refund as it stands, or refuses it; an answer nobody may give changes nothing."""
        ...

    def retry(self, who: str, document: str) -> None:
        """A person asks for a refused step again."""
        ...

    def settle(self, who: str, document: str, number: str) -> None:
        """A person did a refused step by hand."""
        ...

    def map_word(self, what: str, word: str, target: str) -> None:
        """Somebody completes the mapping: `what` is "reason" or "depot"."""
        ...

    def wait(self, hours: int) -> None:
        """Time passes."""
        ...

    # what can be seen

    def case(self, who: str) -> ReturnCase:
        """The return as we hold it."""
        ...

    def cases(self) -> tuple[ReturnCase, ...]:
        """Every return of the story."""
        ...

    def progress(self, who: str) -> str:
        """open, finished or cancelled."""
        ...

    def open_problems(self) -> tuple[Open, ...]:
        """Open exceptions of the story's returns."""
        ...

    def documents(self, kind: str) -> tuple[Document, ...]:
        """What the ERP holds for the order, in order of making."""
        ...

    def stock(self) -> dict[tuple[str, str], int]:
        """Units the ERP has booked, by depot ("" for written off) and SKU."""
        ...

    def refunded(self) -> int:
        """What the customer has got for this order, store credit included, by the outside systems' own books."""
        ...

    def violations(self) -> tuple[Violation, ...]:
        """Invariants of the story's returns that are broken and that nobody was told of; a story ends without any."""
        ...

    def told(self, what: str) -> int:
        """How often the portal was told: "release", "note", "inspection"."""
        ...

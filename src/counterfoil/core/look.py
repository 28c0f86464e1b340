"""What a decision looks at and what it gives: plain values on both sides."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from datetime import datetime, timedelta

import msgspec

from counterfoil.core.case import ReturnCase, Step
from counterfoil.core.choose import choose
from counterfoil.core.commands import AnyCommand
from counterfoil.core.documents import CreditNote, ExchangeTerms, RmaLine
from counterfoil.core.inner_events import AttestedUnit, UnitClaim
from counterfoil.core.mapping import Mapping
from counterfoil.core.movements import Movement
from counterfoil.core.policy import Agreement, FlowPolicy
from counterfoil.core.problems import Problem


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What else happened on the same order, outside this return.

    `taken`: order line to the highest unit number other credits took up; `elsewhere`: order line to units other
    live returns hold; `money_out`: what was refunded there; `shipping`: refunded shipping there as (gross, tax);
    `rounding`: what credits there named as rounding, positive where more was paid than the units were worth;
    `moved`: each thing that left there or is owed, refunds outside the portal included.
    """

    taken: MappingType[str, int] = {}
    elsewhere: MappingType[str, int] = {}
    money_out: int = 0
    shipping: tuple[int, int] = (0, 0)
    rounding: int = 0
    moved: tuple[Movement, ...] = ()


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision may lean on. `now` is RFC 3339 in UTC."""

    case: ReturnCase
    agreement: Agreement
    mapping: Mapping
    ledger: Ledger
    now: str

    @property
    def policy(self) -> FlowPolicy:
        """The policy in force for this return."""
        return choose(self.agreement, self.case) if self.agreement.editions else self.agreement.policy

    def step(self, name: str) -> Step | None:
        """A step already asked for, in whatever state."""
        return self.case.steps.get(name)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One command to be issued, with the rule that asked for it and the reason in words."""

    command: AnyCommand
    rule: str
    because: str
    amount: int | None = None
    units: tuple[str, ...] = ()
    claims: tuple[UnitClaim, ...] = ()
    rma_lines: tuple[RmaLine, ...] = ()
    credit: CreditNote | None = None
    pays_from: str = ""  # where the money of this credit is paid, when it is not the portal
    exchange: ExchangeTerms | None = None
    attested: tuple[AttestedUnit, ...] = ()


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to do yet: what we wait for, by which rule, and when to look again at the latest."""

    rule: str
    reason: str
    until: str | None = None


Finding = Request | Problem | Wait


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from the state of a case. `problems` are all that hold now; what is no longer named has ended."""

    requests: tuple[Request, ...] = ()
    problems: tuple[Problem, ...] = ()
    waits: tuple[Wait, ...] = ()
    progress: str = "open"
    value: int | None = None
    policy: str = ""  # the policy that was asked: name, version, rule

    @property
    def look_again_at(self) -> str | None:
        """The earliest moment at which time alone may change this decision."""
        return min((wait.until for wait in self.waits if wait.until), default=None)


def hours_after(moment: str, hours: int) -> str:
    """A moment some hours later, RFC 3339 in UTC."""
    later = datetime.fromisoformat(moment) + timedelta(hours=hours)
    return later.strftime("%Y-%m-%dT%H:%M:%SZ")

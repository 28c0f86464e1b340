"""How a call to an outside system can end, named by what should happen next (style guide §8)."""

from __future__ import annotations

import msgspec

from counterfoil.core.documents import DocumentLine, ErpOrder, StockLevel
from counterfoil.core.events import OutsideFact
from counterfoil.core.problems import Owner
from counterfoil.ports.translation import Finding


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What every outcome carries: a sentence for a person, a detail for the log, the vendor's code. No secrets."""

    message: str = ""
    detail: str = ""
    code: str | None = None


class Done(Ended, frozen=True, kw_only=True):
    """It happened. `ref` is the remote id, `number` what people call the document, `total` its amount as read back.

    `total` is gross, in minor units of the document's currency, None where there is none. `lines` maps our line
    numbers to the document's; `order` is what an order look-up found, `stock` what a stock look-up found; `facts` is
    what a read taught us, and `findings` what a person must look at in it.
    """

    ref: str | None = None
    number: str | None = None
    total: int | None = None
    url: str | None = None
    lines: tuple[DocumentLine, ...] = ()
    order: ErpOrder | None = None
    stock: tuple[StockLevel, ...] = ()
    facts: tuple[OutsideFact, ...] = ()
    findings: tuple[Finding, ...] = ()


class AlreadyDone(Done, frozen=True, kw_only=True):
    """It had happened before, under the same key and with the same content."""


class NotYet(Ended, frozen=True, kw_only=True):
    """It cannot happen yet; ask again after `after_s` seconds, on a business schedule."""

    after_s: float


class Busy(Ended, frozen=True, kw_only=True):
    """Overloaded or throttled, and surely nothing was written; back off and try again without alarm."""

    after_s: float | None = None


class Unknown(Ended, frozen=True, kw_only=True):
    """It may have happened: look it up by its key before any retry."""


class Refused(Ended, frozen=True, kw_only=True):
    """It will not happen as asked; a problem of `kind` opens for `owner` (None: the kind's own owner).

    `ref` and `number` name a remote document that exists but does not match what was asked (parked, not repeated).
    """

    kind: str
    owner: Owner | None = None
    ref: str | None = None
    number: str | None = None


class LockedOut(Ended, frozen=True, kw_only=True):
    """Our credentials or rights are not good: pause the connection and say so once."""


class Unsupported(Ended, frozen=True, kw_only=True):
    """This system, as configured, has no such thing; the work is parked with a plain sentence."""


Outcome = Done | NotYet | Busy | Unknown | Refused | LockedOut | Unsupported

"""One live connection to a NetSuite account: each command to the module that carries it out, once.

Nothing here raises for what NetSuite or the network does. The cap on concurrent requests is the engine's (its slots,
two by default); a 429 only becomes `Busy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from counterfoil.adapterkit.http import Http
from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.commands import (
    AnyCommand,
    CancelExchangeOrder,
    CancelReturnAuthorisation,
    CheckStock,
    CreateExchangeOrder,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    RecordRefund,
    ReleaseExchangeOrder,
    ReverseReceipt,
    StoreTracking,
)
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import (
    authorisations,
    availability,
    credits,
    exchanges,
    orders,
    probe,
    read,
    receipts,
    refunds,
)
from counterfoil.erps.netsuite.auth import StoppedError, login
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.post import Desk
from counterfoil.erps.netsuite.session import Session
from counterfoil.ports.outcomes import Done, Outcome, Refused, Unsupported
from counterfoil.ports.vendors import ErpDocument, Probe


class NetSuiteClient:
    """An ERP client (ports/vendors.py); safe for several threads."""

    def __init__(self, config: NetSuiteConfig) -> None:
        http = Http(config.api_url, timeout_s=float(config.timeout_s))
        self._desk = Desk(Session(http, login(config, http)), config)

    def perform(self, command: AnyCommand) -> Outcome:
        """Try once to carry the command out."""
        outcome = _safely(lambda: _perform(self._desk, command))
        assert outcome is not None, "carrying out always says how it ended"
        return outcome

    def find(self, command: AnyCommand) -> Outcome | None:
        """Look for the effect of an earlier attempt; None when surely absent, and always for reads."""
        return _safely(lambda: _find(self._desk, command))

    def probe(self) -> Probe:
        """Check login, rights and the ids of the configuration, and remember which record types are visible."""
        return probe.probe(self._desk)

    def documents(self, kind: str, since: str, until: str) -> Iterator[ErpDocument]:
        """Documents of one kind ("rma", "receipt", "credit_note", "refund", "exchange_order") dated in [since, until].

        Raises StoppedError, whose outcome says what went wrong.
        """
        return read.documents(self._desk, kind, since, until)

    def find_by_ref(self, kind: str, external_ref: str) -> Done | None:
        """One document by our external reference. Raises StoppedError when it cannot be told."""
        return read.find_by_ref(self._desk, kind, external_ref)

    def close(self) -> None:
        """Release sockets."""
        self._desk.session.close()


def _perform(desk: Desk, command: AnyCommand) -> Outcome:
    match command:
        case FindSalesOrder():
            return orders.find_order(desk, command)
        case OpenReturnAuthorisation():
            return authorisations.open_authorisation(desk, command)
        case StoreTracking():
            return authorisations.store_tracking(desk, command)
        case CancelReturnAuthorisation():
            return authorisations.cancel_authorisation(desk, command)
        case ReceiveStock():
            return receipts.receive(desk, command)
        case ReverseReceipt():
            return receipts.reverse(desk, command)
        case PostCreditNote():
            return credits.post_credit(desk, command)
        case RecordRefund():
            return refunds.record_refund(desk, command)
        case CheckStock():
            return availability.check_stock(desk, command)
        case CreateExchangeOrder():
            return exchanges.create_order(desk, command)
        case ReleaseExchangeOrder():
            return exchanges.release(desk, command)
        case CancelExchangeOrder():
            return exchanges.cancel(desk, command)
    return Unsupported(message=f"NetSuite has nothing to do for {type(command).__name__}.")


def _find(desk: Desk, command: AnyCommand) -> Outcome | None:
    match command:
        case OpenReturnAuthorisation():
            return authorisations.find_authorisation(desk, command)
        case StoreTracking():
            return authorisations.find_tracking(desk, command)
        case CancelReturnAuthorisation():
            return authorisations.find_cancelled(desk, command)
        case ReceiveStock():
            return receipts.find_receipts(desk, command)
        case ReverseReceipt():
            return receipts.find_reversed(desk, command)
        case PostCreditNote():
            return credits.find_credit(desk, command)
        case RecordRefund():
            return refunds.find_refund(desk, command)
        case CreateExchangeOrder():
            return exchanges.find_order(desk, command)
        case ReleaseExchangeOrder():
            return exchanges.find_released(desk, command)
        case CancelExchangeOrder():
            return exchanges.find_cancelled(desk, command)
    return None


def _safely(attempt: Callable[[], Outcome | None]) -> Outcome | None:
    """The outcome of an attempt, also when it stopped half way or met a record it cannot read.

    What is read after a write turns its own trouble into `Unknown` (post.py), so an unreadable record here stands in
    the way before anything is sent, and asking again would not help.
    """
    try:
        return attempt()
    except StoppedError as error:
        return error.outcome
    except UnreadableError as error:
        told = "A record in NetSuite cannot be read as we expect it."
        return Refused(message=told, detail=str(error), kind="document_differs", owner=Owner.INTEGRATION)

"""An ERP that does as it is told, for playing stories through the core alone: every command becomes a document.

It keeps documents by the command's key, so that asking twice makes one, and it can be told to refuse once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from counterfoil.core.commands import (
    AnyCommand,
    CancelExchangeOrder,
    CancelReturnAuthorisation,
    CheckStock,
    CreateExchangeOrder,
    DraftCreditNote,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    RecordRefund,
    ReleaseExchangeOrder,
    ReverseReceipt,
    StoreTracking,
)
from counterfoil.core.documents import CreditNote, DocumentLine, ErpOrder, StockLine
from counterfoil.core.orders import SoldOrder
from counterfoil.ports.outcomes import AlreadyDone, Done, Outcome, Refused
from counterfoil.testing.story_sales import Kits, Sales
from counterfoil.testing.story_stage import Document

KINDS: dict[type[object], tuple[str, str]] = {
    OpenReturnAuthorisation: ("RMA", "SR"),
    ReceiveStock: ("receipt", "GRN"),
    DraftCreditNote: ("credit draft", "CD"),
    PostCreditNote: ("credit note", "CN"),
    RecordRefund: ("refund record", "RR"),
    CreateExchangeOrder: ("exchange order", "EX"),
}
ERP_CAN = frozenset(
    {"read_order", "create_return", "cancel_return", "receive", "reverse_receipt", "post_credit"}
    | {"check_stock", "create_exchange", "release_exchange", "cancel_exchange"}
)


class Made(msgspec.Struct, kw_only=True):
    """One document: its kind, number, and what was asked for."""

    kind: str
    number: str
    command: AnyCommand
    cancelled: bool = False
    held: bool | None = None


class ObedientErp:
    """Documents in memory.

    `missing` are SKUs its order lacks, `stock` what it has of new goods (plenty where unsaid), `kits` how it holds
    bundles.
    """

    def __init__(
        self,
        order: SoldOrder,
        missing: tuple[str, ...] = (),
        stock: Mapping[str, int] | None = None,
        kits: Kits | None = None,
    ) -> None:
        self._kits = kits or Kits()
        self._order = order
        self.sales = Sales(stock or {})
        self._missing = missing
        self._refusals: dict[str, list[str]] = {}
        self.made: dict[str, Made] = {}
        self.asked: dict[str, int] = {}

    def refuse(self, kind: str, problem: str) -> None:
        """Refuse the next document of this kind."""
        self._refusals.setdefault(kind, []).append(problem)

    def perform(self, command: AnyCommand) -> Outcome:
        """Do it, or find that it is done."""
        self.asked[command.key] = self.asked.get(command.key, 0) + 1
        match command:
            case FindSalesOrder():
                return Done(ref="5001", number=f"SO{self._order.name.lstrip('#')}", order=self.sales_order())
            case StoreTracking() | CancelReturnAuthorisation():
                return self._change(command)
            case ReverseReceipt():
                self._by_number(command.receipt.number).cancelled = True
                return Done(ref=f"undo-{command.receipt.ref}", number=f"undo-{command.receipt.number}")
            case CheckStock():
                return Done(stock=self.sales.levels(command.skus))
            case ReleaseExchangeOrder() | CancelExchangeOrder():
                return self._move_exchange(command)
        kind, prefix = KINDS[type(command)]
        if self._refusals.get(kind):
            return Refused(kind=self._refusals[kind].pop(0), message=f"The ERP refuses the {kind}.")
        return self._make(command, kind, prefix)

    def _move_exchange(self, command: ReleaseExchangeOrder | CancelExchangeOrder) -> Outcome:
        found = self._by_number(command.exchange.number)
        assert isinstance(found.command, CreateExchangeOrder), "only an exchange order is released or withdrawn"
        if isinstance(command, ReleaseExchangeOrder):
            found.held = False
        elif not found.cancelled:
            found.cancelled = True
            self.sales.free(found.command)
        return Done(ref=command.exchange.ref, number=command.exchange.number)

    def _change(self, command: StoreTracking | CancelReturnAuthorisation) -> Outcome:
        found = self._by_number(command.rma.number)
        if isinstance(command, CancelReturnAuthorisation):
            found.cancelled = True
        return Done(ref=command.rma.ref, number=command.rma.number)

    def _by_number(self, number: str) -> Made:
        return next(made for made in self.made.values() if made.number == number)

    def _make(self, command: AnyCommand, kind: str, prefix: str) -> Outcome:
        known = self.made.get(command.key)
        if known is None:
            number = f"{prefix}{1 + sum(made.kind == kind for made in self.made.values()):03d}"
            self.made[command.key] = Made(kind=kind, number=number, command=command)
            if isinstance(command, CreateExchangeOrder):
                self.sales.take(command)
                self.made[command.key].held = command.held
            return self._done(Done, command, number)
        return self._done(AlreadyDone, command, known.number)

    def _done(self, outcome: Callable[..., Done], command: AnyCommand, number: str) -> Done:
        lines: tuple[DocumentLine, ...] = ()
        total = None
        if isinstance(command, OpenReturnAuthorisation):
            lines = tuple(DocumentLine(line_no=line.line_no, erp_line=str(10 * line.line_no)) for line in command.lines)
        if isinstance(command, DraftCreditNote | PostCreditNote):
            total = command.credit.total_gross
            check_credit(command.credit)
        if isinstance(command, CreateExchangeOrder):
            total = sum(item.gross for item in command.items)
            assert total == command.carried_over + command.collected, "an exchange order comes to what pays for it"
        return outcome(ref=f"id-{number}", number=number, total=total, lines=lines)

    def sales_order(self) -> ErpOrder:
        """The order as it holds it."""
        kept = [line for line in self._order.lines if line.sku not in self._missing]
        lines = self._kits.lines(self._order, kept)
        number = f"SO{self._order.name.lstrip('#')}"
        return ErpOrder(ref="5001", number=number, currency=self._order.currency, lines=lines)

    # what it holds

    def standing(self, kind: str) -> tuple[Document, ...]:
        """Documents of a kind that are not cancelled."""
        return tuple(_shown(made) for made in self.made.values() if made.kind == kind and not made.cancelled)

    def stock(self) -> dict[tuple[str, str], int]:
        """Booked units by depot ("" for written off) and SKU."""
        total: dict[tuple[str, str], int] = {}
        for made in self.made.values():
            if made.cancelled or not isinstance(made.command, ReceiveStock):
                continue
            for line in made.command.lines:
                _add(total, line)
        return total


def _add(total: dict[tuple[str, str], int], line: StockLine) -> None:
    place = (line.depot or "", line.sku)
    total[place] = total.get(place, 0) + line.quantity


def _shown(made: Made) -> Document:
    if isinstance(made.command, PostCreditNote):
        credit = made.command.credit
        return Document(kind=made.kind, gross=credit.total_gross, tax=credit.total_tax)
    if isinstance(made.command, RecordRefund):
        return Document(kind=made.kind, gross=made.command.amount, tender=made.command.tender)
    if isinstance(made.command, CreateExchangeOrder):
        order = made.command
        return Document(
            kind=made.kind,
            gross=sum(item.gross for item in order.items),
            carried_over=order.carried_over,
            collected=order.collected,
            held=made.held,
        )
    return Document(kind=made.kind)


def check_credit(credit: CreditNote) -> None:
    """The parts of a credit note are its whole, line by line and in all: what every ERP insists on."""
    for line in credit.lines:
        assert line.net + line.tax == line.gross, f"{line} does not add up"
    for charge in credit.charges:
        assert charge.net + charge.tax == charge.gross, f"{charge} does not add up"
    assert credit.total_net + credit.total_tax == credit.total_gross

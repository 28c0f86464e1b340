"""Money in the simulated ReturnGO: refunds, credits, invoices and the release of exchanges (ReturnGO sheet §3, §4).

No endpoint makes a refund or releases an exchange: people do it in the dashboard, or the merchant's policy does.
"""

from __future__ import annotations

from collections import Counter

from counterfoil.portals.returngo.sim.balance import Back, balance, effective_price
from counterfoil.portals.returngo.sim.intake import exchanging
from counterfoil.portals.returngo.sim.office import Office, Refused
from counterfoil.portals.returngo.sim.records import NO_SHIPMENT, ExchangeOrder, Json, Rma, Transaction
from counterfoil.portals.returngo.sim.views import SKEW
from counterfoil.simkit.amounts import divide, minor_of, text_of
from counterfoil.simkit.purchases import BOOKS, Books, in_both, order_worth
from counterfoil.simkit.shopside import NewItem, RefundRequest, ShopTrouble, exchange_order

REFERENCES = {"refund": "PlatformRefundId", "store_credit": "StoreCreditCode", "gift_card": "StoreCreditCode"}
REFUNDABLE = ("Approved", "Received", "Validated")  # a refund before receipt happens (T7)


async def process(office: Office, made: Rma, given: Json) -> None:
    """Everything the merchant owes, in one go: refund what is unpaid, release the exchange. Raises ValueError."""
    if unpaid(made):
        await refund(office, made, given)
    if waiting(made):
        await release(office, made)


async def by_itself(office: Office, made: Rma) -> None:
    """What the merchant's automation does; an exchange whose invoice is open stays for later."""
    if made.busy:
        return
    if unpaid(made):
        await refund(office, made, {})
    if waiting(made) and not _open_invoices(made):
        await release(office, made)


def unpaid(made: Rma) -> list[Back]:
    """What still has to go back, unit by unit."""
    return [piece for piece in balance(made).back if not piece.unit.paid]


def waiting(made: Rma) -> list[ExchangeOrder]:
    """Exchange drafts that are not released."""
    return [row for row in made.exchange_orders if row.type == "Exchange" and not row.order_id]


# -- refunds


async def refund(office: Office, made: Rma, given: Json) -> None:
    """Give money or credit back. Raises ValueError.

    `amount` overrides the total; `fail` makes the bank refuse; `outside` makes somebody refund in the shop's own admin,
    of which ReturnGO hears nothing (T5); `returned_item_ids` picks some units.
    """
    pieces = _pieces(made, given)
    _within_caps(made, pieces)
    made.busy = True
    try:
        for group in _groups(pieces, office.settings["transactions_per"]):
            await _pay(office, made, group, given)
    finally:
        made.busy = False
    finish(office, made)


def _pieces(made: Rma, given: Json) -> list[Back]:
    if made.status not in REFUNDABLE:
        raise ValueError(f"RMA {made.id} is {made.status}: nothing can be refunded")
    if made.busy:
        raise ValueError(f"RMA {made.id} is being refunded at this moment")
    wanted = {str(number) for number in given.get("returned_item_ids") or []}
    pieces = [piece for piece in unpaid(made) if not wanted or piece.unit.id in wanted]
    if not pieces:
        raise ValueError(f"RMA {made.id} has nothing left to refund")
    if given.get("amount") is not None:
        total = in_both(made.order, minor_of(given["amount"], made.currencies["presentment"]))
        for book in BOOKS:
            shares = divide(total[book], [piece.amounts[book] for piece in pieces])
            for piece, share in zip(pieces, shares, strict=True):
                piece.amounts[book] = share
    return pieces


def _within_caps(made: Rma, pieces: list[Back]) -> None:
    """Credit at most 150 % of the item's price, a refund at most the order's total (§4)."""
    total = sum(piece.amounts["presentment"] for piece in pieces)
    if made.refund_kind in ("store_credit", "gift_card"):
        most = sum(piece.unit.value("presentment") for piece in pieces) * 3 // 2
    else:
        most = order_worth(made.order)["presentment"]
    if total > most:
        raise ValueError(f"{text_of(total, made.currencies['presentment'])} is over the cap of this refund type")


def _groups(pieces: list[Back], per: str) -> list[list[Back]]:
    """One transaction per returned unit is usual (T9)."""
    return [[piece] for piece in pieces] if per == "item" else [pieces]


async def _pay(office: Office, made: Rma, group: list[Back], given: Json) -> None:
    kind = made.refund_kind
    amounts: Books = {book: sum(piece.amounts[book] for piece in group) for book in BOOKS}
    if given.get("fail"):
        _failed(office, made, group, amounts, "The payment gateway declined the refund")
        return
    if office.settings["refunds_by"] == "elsewhere" and not given.get("outside"):
        _note(office, made, kind, "Requested", amounts, group, "")
        return
    try:
        reference = await _move(office, made, group, amounts["presentment"], kind)
    except ShopTrouble as trouble:
        _failed(office, made, group, amounts, str(trouble))
        return
    if not given.get("outside"):
        _succeeded(office, made, _note(office, made, kind, "Success", amounts, group, reference))


async def _move(office: Office, made: Rma, group: list[Back], amount: int, kind: str) -> str:
    """Move the money; answers its reference. Only payment-method refunds go through the shop. Raises ShopTrouble."""
    if kind != "refund":
        return f"RG-{next(office.numbers.references)}"
    for piece in group:
        piece.unit.in_shop = True
    if office.shop is None:
        return str(next(office.numbers.references))
    asked = RefundRequest(
        order_id=made.order_id,
        note=f"ReturnGO RMA{made.id}",
        currency=made.currencies["presentment"],
        units=Counter(piece.unit.bought.order_line for piece in group),
        amount=amount,
        shipping=sum(piece.shipping for piece in group),
        restock_type=office.settings["shop_restock"],
        location_id=office.settings["shop_location_id"],
    )
    try:
        return str((await office.shop.refund(asked))["id"])
    except ShopTrouble:
        for piece in group:
            piece.unit.in_shop = False
        raise


def _note(
    office: Office, made: Rma, kind: str, status: str, amounts: Books, group: list[Back], reference: str
) -> Transaction:
    """A transaction, told to the webhooks."""
    now = office.now()
    row = Transaction(
        id=next(office.numbers.transactions),
        kind=kind,
        type=office.settings["transaction_words"].get(kind, "RefundToPaymentMethod"),
        status=status,
        amounts=amounts,
        units=[piece.unit.id for piece in group],
        reference=reference,
        reference_type="InvoicePaymentId" if kind == "invoice" else REFERENCES.get(kind, "PlatformRefundId"),
        created_at=now,
        last_updated=now + SKEW if kind == "refund" else now,
    )
    made.transactions.append(row)
    office.touch(made)
    office.announce("TRANSACTION_CREATED", made, row)
    return row


def _failed(office: Office, made: Rma, group: list[Back], amounts: Books, why: str) -> None:
    """A failure stays in the list; a retry adds another row (T8)."""
    _note(office, made, made.refund_kind, "Failed", amounts, group, "")
    office.say(made, f"Refund Failed. {why}", "error")


def _succeeded(office: Office, made: Rma, row: Transaction) -> None:
    for unit in made.units:
        if unit.id in row.units:
            unit.paid = True
    amount = text_of(row.amounts["presentment"], made.currencies["presentment"])
    words = "Total refund amount:" if row.kind == "refund" else "Credited"
    office.say(made, f"{words} <b>{amount}</b> ID: {row.reference}")
    office.announce("REFUND_CREATED", made, row)


def report(office: Office, made: Rma, row: Transaction, given: Json) -> None:
    """`PUT /transaction`: the outcome of a transaction ReturnGO asked somebody else to make (§2). Raises Refused."""
    status = given.get("status")
    if status not in ("Success", "Failed"):
        raise Refused(400, "Invalid status")
    if row.status != "Requested":
        raise Refused(400, "Invalid transition")
    row.status = status
    row.reference = str(given.get("externalReferenceId", ""))
    row.last_updated = office.now() + (SKEW if row.kind == "refund" else SKEW * 0)
    office.touch(made)
    if row.kind == "invoice":
        _invoice_paid(office, made)
    elif status == "Success":
        _succeeded(office, made, row)
        finish(office, made)


# -- exchanges


def draft(office: Office, made: Rma) -> None:
    """On approval: a draft order for the new goods, and invoices for what the shopper owes."""
    if made.exchange_orders:
        return
    owed = balance(made)
    if exchanging(made):
        made.exchange_orders.append(_draft(office, "Exchange"))
    if owed.fee_invoice["presentment"]:
        made.exchange_orders.append(_draft(office, "Fee"))
    for amounts in (owed.invoice, owed.fee_invoice):
        if amounts["presentment"]:
            _note(office, made, "invoice", "Requested", amounts, [], f"INV-{next(office.numbers.references)}")


def _draft(office: Office, kind: str) -> ExchangeOrder:
    return ExchangeOrder(str(next(office.numbers.drafts)), f"#D{next(office.numbers.draft_names)}", kind)


def pay_invoice(office: Office, made: Rma) -> None:
    """The shopper pays what the new goods cost more. Raises ValueError."""
    rows = _open_invoices(made)
    if not rows:
        raise ValueError(f"RMA {made.id} has no open invoice")
    for row in rows:
        row.status, row.last_updated = "Success", office.now()
    office.touch(made)
    _invoice_paid(office, made)


def _open_invoices(made: Rma) -> list[Transaction]:
    return [row for row in made.transactions if row.kind == "invoice" and row.status == "Requested"]


def _invoice_paid(office: Office, made: Rma) -> None:
    """A paid fee order becomes a real one."""
    for row in made.exchange_orders:
        if row.type == "Fee" and not row.order_id:
            row.order_id = str(next(office.numbers.references))
            row.order_name = f"#{row.draft_name.removeprefix('#D')}"


async def release(office: Office, made: Rma) -> None:
    """Turn the draft into a real, unfulfilled order. Raises ValueError."""
    rows = waiting(made)
    if not rows or made.busy or made.status not in REFUNDABLE:
        raise ValueError(f"RMA {made.id} has no exchange to release")
    if _open_invoices(made):
        raise ValueError(f"RMA {made.id}: the shopper has not paid the invoice")
    made.busy = True
    try:
        placed = await _place(office, made)
    finally:
        made.busy = False
    rows[0].order_id, rows[0].order_name = placed
    office.touch(made)
    finish(office, made)


async def _place(office: Office, made: Rma) -> tuple[str, str]:
    """The exchange order's id and name. Raises ValueError when the shop refuses."""
    if office.shop is None:
        number = next(office.numbers.references)
        return str(number), f"#{number % 100_000}"
    note = f"Exchange for {made.order.get('name')}, ReturnGO RMA{made.id}"
    body = exchange_order(made.order, "", note, "returngo", made.currencies["shop"], _new_lines(made))
    try:
        order = await office.shop.place(body)
    except ShopTrouble as trouble:
        raise ValueError(str(trouble)) from trouble
    return str(order["id"]), str(order["name"])


def _new_lines(made: Rma) -> list[NewItem]:
    """The new goods at their own price, the returned value as a discount on them."""
    lines: list[NewItem] = []
    credit = 0
    for unit in exchanging(made):
        credit += unit.value("shop")
        if unit.wanted is not None:
            price = effective_price(unit, unit.wanted, "shop")
            used, credit = min(price, credit), max(credit - price, 0) if made.wanted else 0
            wanted = unit.wanted
            lines.append(NewItem(wanted.sku, wanted.title, 1, price, used, variant_id=wanted.variant_id))
    for item in made.wanted:
        worth = item.price["shop"] * item.quantity
        used, credit = min(worth, credit), max(credit - worth, 0)
        lines.append(NewItem(item.sku, item.title, item.quantity, item.price["shop"], used, variant_id=item.variant_id))
    return lines


# -- the end


def finish(office: Office, made: Rma) -> None:
    """Done by itself: the exchange is released, or the refund covers the balance; never for mixed RMAs (§4)."""
    arrived = made.status in ("Received", "Validated") or (
        made.status == "Approved" and made.return_method == NO_SHIPMENT
    )
    if not office.settings["auto_done"] or made.mixed or not arrived:
        return
    nothing_owed = not waiting(made) and _refunded(made) >= balance(made).total()
    if nothing_owed and (made.exchange_orders or made.transactions):
        made.status = "Done"
        office.touch(made, decision=True)
        office.announce("RMA_STATUS_UPDATED", made)


def _refunded(made: Rma) -> int:
    """Only `Success` counts (T8)."""
    rows = [row for row in made.transactions if row.kind != "invoice" and row.status == "Success"]
    return sum(row.amounts["presentment"] for row in rows)

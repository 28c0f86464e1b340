"""`counterfoil translate`: one payload in, the published JSON out (outputs §1)."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.catalog import vendor as find_vendor
from counterfoil.cli import fail
from counterfoil.core.money import to_text
from counterfoil.core.returns import PortalReturn
from counterfoil.ports.translation import GiftCard, Kind, RefundNotice, Signature, Translation
from counterfoil.ports.vendors import Delivery


def run(
    vendor: str, file: Path | None, headers: Path | None, secrets: tuple[str, ...], status: int | None, at: str | None
) -> int:
    """Print the translation; 0 when it could be read and its signature is not invalid, else 1."""
    try:
        spec = find_vendor(vendor)
    except KeyError as error:
        fail(str(error.args[0]))
    delivery = Delivery(
        body=file.read_bytes() if file is not None else sys.stdin.buffer.read(),
        headers=_headers(headers),
        status=status,
        arrived_at=_moment(at),
    )
    found = spec.translate(delivery)
    signature = found.signature
    if spec.hook is None or not spec.hook.signed or status is not None:
        signature = Signature.NOT_SIGNED
    elif secrets:
        signature = spec.hook.verify(delivery, secrets)
        if spec.hook.verify_each is not None:
            found = _each_signed(found, spec.hook.verify_each(delivery, secrets))
    elif found.signature is Signature.NOT_SIGNED:
        signature = Signature.ABSENT
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(as_json(found, signature))) + b"\n")
    return 1 if found.kind is Kind.UNREADABLE or signature is Signature.INVALID else 0


def _each_signed(found: Translation, verdicts: tuple[Signature, ...]) -> Translation:
    """Refund notices with a verdict of their own, for vendors that sign items one by one."""
    signed = tuple(
        msgspec.structs.replace(notice, signature=verdict)
        for notice, verdict in zip(found.refunds, verdicts, strict=True)
    )
    return msgspec.structs.replace(found, refunds=signed)


def _headers(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        given = read_json(path.read_bytes())
    except UnreadableError as error:
        fail(f"{path}: {error}")
    if not isinstance(given, dict):
        fail(f"{path}: headers are a JSON object of names and values")
    return {str(name).lower(): str(value) for name, value in given.items()}


def _moment(at: str | None) -> float:
    if at is None:
        return time.time()
    try:
        return float(at) if at.replace(".", "", 1).isdigit() else datetime.fromisoformat(at).timestamp()
    except ValueError:
        fail(f"--at {at!r} is neither an RFC 3339 moment nor unix seconds")


def as_json(found: Translation, signature: Signature) -> dict[str, Any]:
    """The document of outputs §1; money as decimal text with the currency's digits."""
    document: dict[str, Any] = {
        "vendor": found.vendor,
        "signature": signature.value,
        "kind": found.kind.value,
        "topic": found.topic,
        "trigger": found.trigger,
        "return": _return(found.portal_return) if found.portal_return is not None else None,
        "returns": [_return(item) for item in found.returns],
        "events": [_event(event) for event in found.events],
        "problems": [msgspec.to_builtins(problem) for problem in found.problems],
        "ignored_because": found.ignored_because,
        "reread": list(found.reread),
    }
    if found.gift_card is not None:
        document["gift_card"] = _gift_card(found.gift_card)
    if found.refunds:
        document["refund"] = _refund(found.refunds[0])
        document["refunds"] = [_refund(notice) for notice in found.refunds]
    if found.receipt is not None:
        document["receipt"] = msgspec.to_builtins(found.receipt)
    if found.order is not None:
        document["order"] = _order(found)
    if found.answer is not None:
        document["answer"] = msgspec.to_builtins(found.answer)
    return document


def _money(values: dict[str, Any], names: tuple[str, ...], currency: str) -> dict[str, Any]:
    """The same values with these amounts as decimal text; unknown stays null."""
    changed = {name: to_text(values[name], currency) for name in names if isinstance(values.get(name), int)}
    return {**values, **changed}


def _return(shown: PortalReturn) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(shown)
    currency = shown.currency
    amounts = ("gross", "discount", "tax", "line_value", "cash_refund")
    values["lines"] = [_money(line, amounts, currency) for line in values["lines"]]
    values["exchange_lines"] = [_money(line, ("total",), currency) for line in values["exchange_lines"]]
    values["tenders"] = _money(values["tenders"], tuple(values["tenders"]), currency)
    values["refunds"] = [_money(refund, ("amount",), refund["currency"]) for refund in values["refunds"]]
    return values


def _event(event: Any) -> dict[str, Any]:
    """The event under its own name; snapshots it carries stand elsewhere in the document."""
    values: dict[str, Any] = msgspec.to_builtins(event)
    name, _, version = str(values.pop("type")).partition(".")
    carried = {"portal_return", "order", "presentment", "receipt"}
    values = {key: value for key, value in values.items() if key not in carried}
    if "currency" in values:
        values = _money(values, ("amount", "issued", "bonus", "shipping"), values["currency"])
    return {"type": name, "version": version, **values}


def _gift_card(card: GiftCard) -> dict[str, Any]:
    return _money(msgspec.to_builtins(card), ("issued", "subtotal", "tax", "bonus"), card.currency)


def _refund(notice: RefundNotice) -> dict[str, Any]:
    moved = notice.moved
    document = {
        "source": moved.source,
        "ref": moved.ref,
        "refund_ref": moved.refund_ref,
        "payment_ref": moved.payment_ref,
        "order_ref": moved.order_ref,
        "gateway": moved.gateway,
        "amount": to_text(moved.amount, moved.currency),
        "currency": moved.currency,
        "status": moved.status.value,
    }
    if notice.signature is not None:
        document["signature"] = notice.signature.value
    return document


def _order(found: Translation) -> dict[str, Any]:
    order = found.order
    assert order is not None
    values: dict[str, Any] = msgspec.to_builtins(order)
    values["lines"] = [
        {
            **_money(line, ("gross", "discount"), order.currency),
            "taxes": [to_text(tax, order.currency) for tax in line["taxes"]],
        }
        for line in values["lines"]
    ]
    values["shipping"] = [_money(line, ("price", "discount", "tax"), order.currency) for line in values["shipping"]]
    values["payments"] = [_money(row, ("amount",), order.currency) for row in values["payments"]]
    return values

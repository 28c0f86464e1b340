"""`POST /{source}/{id}/!transform/{target}`: the next document from the previous one (NetSuite sheet §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.applying import open_amount
from counterfoil.erps.netsuite.sim.bodies import Body
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.errors import Refusal, bad_value, needs_value, user_error
from counterfoil.erps.netsuite.sim.lines import RECEIVED_KINDS, merge, overlaid
from counterfoil.erps.netsuite.sim.quantities import remaining
from counterfoil.erps.netsuite.sim.totals import PRICED, scaled
from counterfoil.erps.netsuite.sim.values import plain, ref_id, reference

Check = Callable[[Account, Record], None]
_HEADER = (
    *("entity", "subsidiary", "currency", "exchangeRate", "location", "department", "class", "memo", "otherRefNum"),
    *("taxItem", "taxRate", "isTaxable", "_shippingTaxRate", "_taxBasis"),
)
_SHIPPING = ("shippingCost", "handlingCost", "_shippingTaxRate")
_LINE = (
    *("item", "itemType", "description", "price", "units", "location", "department", "class"),
    *("taxCode", "taxRate1", "_taxBasis", "taxDetailsReference", "isTaxable"),
)
_BILLS = frozenset({"invoice", "cashSale"})


def transform(account: Account, source: Record, target: str, body: Body, replace: frozenset[str]) -> Record:
    """The new record, not completed yet. Raises Refusal when the account has no such transform or it is early."""
    rule = _RULES.get((source.kind, target))
    if rule is None or not rule.enabled(account):
        raise unsupported(source.kind, target)
    rule.check(account, source)
    made = Record(target, account.book.next_id(target), _header(account, source, target))
    made.fields.update({name: value for name, value in body.fields.items() if value is not None})
    for name in (name for name, value in body.fields.items() if value is None):
        made.fields.pop(name, None)
    if target == "customerRefund":
        _settle(account, source, made, body, replace)
        return made
    made.lists = {name: lines for name, lines in body.lists.items() if name != "item"}
    made.lists["item"] = _Lines(account, source, made).chosen(body.lists.get("item"), "item" in replace)
    if target in RECEIVED_KINDS:
        _check_parts(account, source, made, body.lists.get("item") or [])
    return made


def unsupported(source: str, target: str) -> Refusal:
    """There is no such transform in this account (the exact text is unknown, sheet §16.3)."""
    return user_error(f"The transformation of {source} to {target} is not supported.")


def _header(account: Account, source: Record, target: str) -> dict[str, Any]:
    fields = source.fields
    kept = {name: fields[name] for name in _HEADER if fields.get(name) is not None}
    kept |= {name: value for name, value in fields.items() if name.startswith("custbody")}
    if target == "customerRefund":
        kept["customer"] = kept.pop("entity", None) or fields.get("customer")
        kept = {name: value for name, value in kept.items() if name not in {"taxRate", "taxItem", "_taxBasis"}}
    if target in RECEIVED_KINDS:
        kept = {n: v for n, v in kept.items() if n not in {"otherRefNum", "taxItem", "taxRate", "_taxBasis"}}
    if _copies_shipping(account, source, target):
        kept |= {name: fields[name] for name in _SHIPPING if fields.get(name) is not None}
    if target in _BILLS or account.preferences.header_discount_on_transform == "copied":
        names = ("discountItem", "discountRate", "_discount")
        kept |= {name: fields[name] for name in names if fields.get(name) is not None and target in PRICED}
    kept |= {"createdFrom": reference(source.id, source.label), "_source": source.kind}
    if target == "returnAuthorization":
        kept["_state"] = "pending" if account.preferences.default_return_authorization_status == "A" else "open"
    return kept


def _copies_shipping(account: Account, source: Record, target: str) -> bool:
    """An order's bill carries its shipping; a credit from the bill does too, unless the account says otherwise."""
    if target in _BILLS:
        return True
    return source.kind in _BILLS and target != "returnAuthorization" and (
        account.preferences.credit_from_bill_copies_shipping
    )  # fmt: skip


class _Lines:
    """Chooses and copies the lines of one transform."""

    def __init__(self, account: Account, source: Record, made: Record) -> None:
        self._account = account
        self._source = source
        self._made = made

    def chosen(self, asked: list[Line] | None, replace: bool) -> list[Line]:
        """Everything that remains, with the caller's lines over it; with `replace=item` only those lines."""
        offered = [self._copy(line) for line in self._source.lines if self._left(line) > 0]
        asked = [line for line in asked or [] if not self._is_part(line)]
        if replace:
            return [line for line in map(self._asked, asked, range(len(asked))) if self._wanted(line)]
        used: set[int] = set()
        for position, line in enumerate(asked):
            number = self._number(line)
            place = next((n for n, o in enumerate(offered) if o.get("orderLine") == number), None)
            if number is None or place is None or place in used:
                offered.append(self._asked(line, position))
                place = len(offered) - 1
            else:
                offered[place] = self._over(offered[place], line)
            used.add(place)
        return [line for line in offered if self._wanted(line)]

    def _wanted(self, line: Line) -> bool:
        return line.get("itemReceive", True) is not False

    def _left(self, line: Line) -> Decimal:
        return remaining(self._account, self._source, line, self._made.kind)

    def _number(self, asked: Line) -> int | None:
        """The source line a request line means: by `orderLine`, or by `line` (either works, sheet §6, §16.4)."""
        key = self._account.preferences.transform_line_key
        names = ["orderLine", "line"] if key == "either" else [key]
        return next((asked[name] for name in names if asked.get(name) is not None), None)

    def _is_part(self, asked: Line) -> bool:
        number = self._number(asked)
        return any(part["line"] == number for part in self._source.parts)

    def _asked(self, asked: Line, position: int) -> Line:
        """A line the caller wants: a copy of the source line with the caller's values, or a line of its own."""
        number = self._number(asked)
        origin = self._source.line(number) if number is not None else None
        path = f"item.items[{position}].orderLine"
        if origin is not None:
            return self._over(self._copy(origin), asked)
        if asked.get("orderLine") is not None:
            raise Refusal(400, (bad_value(asked["orderLine"], "orderLine", path),))
        added = self._account.preferences.added_return_lines != "refused" or self._made.kind != "returnAuthorization"
        if self._made.kind in RECEIVED_KINDS or not added:
            raise Refusal(400, (bad_value(number, "orderLine", path),))
        if not asked.get("item"):
            raise needs_value("Item")
        return {name: value for name, value in asked.items() if name != "line" and value is not None}

    def _over(self, base: Line, asked: Line) -> Line:
        """The caller's values over a copied line; another quantity brings another price with it."""
        quantity = asked.get("quantity")
        origin = self._source.line(base["orderLine"])
        if quantity is not None and origin is not None and self._made.kind in PRICED:
            base = {**base, **scaled(origin, quantity, self._account.digits(self._source)), "quantity": quantity}
            asked = {name: value for name, value in asked.items() if name != "quantity"}
        merged = overlaid(base, {name: value for name, value in asked.items() if name not in {"line", "orderLine"}})
        if quantity is None and base.get("quantity") is not None and self._left_of(base) <= 0 and self._wanted(merged):
            raise user_error(f"Line {base['orderLine']} has no quantity remaining.")
        return merged

    def _left_of(self, line: Line) -> Decimal:
        origin = self._source.line(line["orderLine"])
        return self._left(origin) if origin is not None else Decimal(0)

    def _copy(self, origin: Line) -> Line:
        """What NetSuite copies of a source line: everything that remains of it."""
        left = self._left(origin)
        line: Line = {name: origin[name] for name in _LINE if origin.get(name) is not None}
        line |= {name: value for name, value in origin.items() if name.startswith("custcol")}
        line |= {"orderDoc": reference(self._source.id, self._source.label), "orderLine": origin["line"]}
        if origin.get("quantity") is not None:
            line["quantity"] = left
        if self._made.kind in PRICED:
            quantity = left if origin.get("quantity") is not None else Decimal(1)
            line |= scaled(origin, quantity or Decimal(1), self._account.digits(self._source))
        else:
            line = {name: value for name, value in line.items() if not name.startswith(("tax", "_tax", "price"))}
            line |= {"itemReceive": True, "quantityRemaining": left}
        if self._made.fields.get("location") and "location" not in line:
            line["location"] = self._made.fields["location"]
        return {name: value for name, value in line.items() if value is not None}


def _check_parts(account: Account, source: Record, made: Record, asked: list[Line]) -> None:
    """Component lines of a kit follow their parent: one location, quantities in proportion (sheet §10, §16.4)."""
    parts = {part["line"]: part for part in source.parts}
    for line in asked:
        part = parts.get(line.get("orderLine") or line.get("line"))
        if part is None:
            continue
        parent = next((p for p in made.lines if p.get("orderLine") == part["kitMemberOf"]), None)
        place = ref_id(line.get("location"))
        if parent is not None and place is not None and place != ref_id(parent.get("location")):
            raise user_error("All components of a kit must be received at one location.")
        if account.preferences.partial_kit_receipts == "refused" and not _in_proportion(source, part, parent, line):
            raise user_error(f"The components of the kit on line {part['kitMemberOf']} must be received together.")


def _in_proportion(source: Record, part: Line, parent: Line | None, asked: Line) -> bool:
    whole = source.line(part["kitMemberOf"])
    if parent is None or whole is None:
        return asked.get("itemReceive") is False
    if asked.get("itemReceive") is False:
        return False
    expected = part["quantity"] * parent["quantity"] / whole["quantity"]
    return bool(asked.get("quantity", expected) == expected)


def _settle(account: Account, source: Record, refund: Record, body: Body, replace: frozenset[str]) -> None:
    """A refund pays out what remains of the credit memo or deposit it is made from, unless another amount is sent."""
    name = "apply" if source.kind == "creditMemo" else "deposit"
    own: Line = {
        "doc": reference(source.id, source.label), "apply": True, "amount": open_amount(account, source),
    }  # fmt: skip
    refund.lists.update({other: body.lists[other] for other in ("apply", "deposit") if other in body.lists})
    refund.lists[name] = merge([own], body.lists.get(name, []), "doc", name in replace)
    refund.fields.pop("location", None)


@dataclass(frozen=True, slots=True)
class Rule:
    """When one transform is possible."""

    check: Check
    switch: str | None = None

    def enabled(self, account: Account) -> bool:
        """Whether this account has the transform at all."""
        return self.switch is None or bool(getattr(account.preferences, self.switch))


def _state(letters: str, doing: str) -> Check:
    def check(_account: Account, source: Record) -> None:
        if source.ref("status") not in set(letters):
            raise _wrong_state(source, doing)

    return check


def _wrong_state(source: Record, doing: str) -> Refusal:
    status = source.fields.get("status") or {}
    return user_error(f"{source.label} is {status.get('refName', 'not in a state')} and cannot be {doing}.")


def _refund_state(account: Account, source: Record) -> None:
    """A credit needs received goods, unless refunds in advance are on or receiving is off (sheet §5, §6)."""
    preferences = account.preferences
    early = preferences.refund_in_advance_of_return or not preferences.advanced_receiving
    if source.ref("status") not in set("BDEF" if early else "EF"):
        raise _wrong_state(source, "refunded")


def _credit_open(account: Account, memo: Record) -> None:
    left = open_amount(account, memo)
    if memo.ref("status") != "A" or left <= 0:
        raise user_error(f"{memo.label} has {plain(left)} remaining and cannot be refunded.")


def _deposit_open(account: Account, deposit: Record) -> None:
    left = open_amount(account, deposit)
    if left <= 0:
        raise user_error(f"{deposit.label} has {plain(left)} remaining and cannot be refunded.")


def _always(_account: Account, _source: Record) -> None:
    """No precondition beyond the quantities."""


_OPEN_ORDER = _state("BDEFG", "processed")
_RULES: Mapping[tuple[str, str], Rule] = {
    ("salesOrder", "returnAuthorization"): Rule(_state("BDEFGH", "returned"), "return_authorizations"),
    ("salesOrder", "itemFulfillment"): Rule(_OPEN_ORDER),
    ("salesOrder", "invoice"): Rule(_OPEN_ORDER),
    ("salesOrder", "cashSale"): Rule(_OPEN_ORDER),
    ("invoice", "creditMemo"): Rule(_always),
    ("invoice", "returnAuthorization"): Rule(_always, "return_authorizations"),
    ("cashSale", "cashRefund"): Rule(_always),
    ("cashSale", "returnAuthorization"): Rule(_always, "return_authorizations"),
    ("returnAuthorization", "itemReceipt"): Rule(_state("BDE", "received"), "advanced_receiving"),
    ("returnAuthorization", "creditMemo"): Rule(_refund_state),
    ("returnAuthorization", "cashRefund"): Rule(_refund_state),
    ("creditMemo", "customerRefund"): Rule(_credit_open, "credit_memo_to_customer_refund"),
    ("customerDeposit", "customerRefund"): Rule(_deposit_open),
}

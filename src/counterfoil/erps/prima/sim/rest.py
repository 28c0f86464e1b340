"""The REST profile (sheet §5): paths, reads, and writes that are safe to send twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from counterfoil.erps.prima.sim.access import Access
from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.credits import draft_credit, post_credit
from counterfoil.erps.prima.sim.exchanges import cancel_order, create_exchange, release
from counterfoil.erps.prima.sim.fields import Record
from counterfoil.erps.prima.sim.ledger import Ledger
from counterfoil.erps.prima.sim.receipts import receive
from counterfoil.erps.prima.sim.refusals import Refusal, refused
from counterfoil.erps.prima.sim.returns import cancel_return, open_return
from counterfoil.simkit.http import Request, Response, json_response

Action = Callable[[Record], Record]


class Rest:
    """Answers requests below `/v1`. One idempotency store per path: a key is good for one document there."""

    def __init__(self, books: Books, world: Mapping[str, Any]) -> None:
        self._books = books
        self.access = Access(world)
        self._kept: dict[tuple[str, str], tuple[str, Record]] = {}
        self._requests = 0
        self._ledgers = {
            "sales-orders": books.orders,
            "sales-returns": books.returns,
            "stock-receipts": books.receipts,
            "sales-credit-notes": books.credits,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request; every refusal becomes the error body of sheet §5."""
        self._requests += 1
        request_id = f"req-{self._requests:06d}"
        target = f"{request.method} {request.path}"
        try:
            self.access.check(request)
            self._scheduled(target, after_commit=False)
            response = self._route(request)
            self._scheduled(target, after_commit=True)
        except Refusal as refusal:
            return refused(refusal, request_id)
        return Response(response.status, response.body, {**response.headers, "x-request-id": request_id})

    def _scheduled(self, target: str, after_commit: bool) -> None:
        code = self._books.switches.take_refusal(target, after_commit)
        if code is not None:
            raise Refusal(code, "scheduled by a test")

    def _route(self, request: Request) -> Response:
        parts = [unquote(part) for part in request.path.strip("/").split("/")[1:]]
        action = self._action(parts)
        if request.method == "POST" and action is not None:
            return self._write(request, action)
        if request.method == "GET" and len(parts) in {1, 2}:
            return self._read(request, *parts)
        if action is None and len(parts) not in {1, 2}:
            raise Refusal("NOT_FOUND", f"no such path {request.path}")
        raise Refusal("METHOD_NOT_ALLOWED", f"{request.method} is not offered at {request.path}")

    def _action(self, parts: list[str]) -> Action | None:
        """What a POST to the path does."""
        books = self._books
        match parts:
            case ["sales-returns"]:
                return lambda values: open_return(books, values)
            case ["sales-returns", number, "cancel"]:
                return lambda _: cancel_return(books, _one(books.returns, number))
            case ["stock-receipts"]:
                return lambda values: receive(books, values)
            case ["sales-credit-notes"]:
                return lambda values: draft_credit(books, values)
            case ["sales-credit-notes", number, "post"]:
                return lambda _: post_credit(books, _one(books.credits, number))
            case ["sales-orders"]:
                return lambda values: create_exchange(books, values)
            case ["sales-orders", number, "release"]:
                return lambda _: release(books, _one(books.orders, number))
            case ["sales-orders", number, "cancel"]:
                return lambda _: cancel_order(books, _one(books.orders, number))
        return None

    def _write(self, request: Request, action: Action) -> Response:
        """201 for something new, 200 and `Idempotent-Replayed` for the same again, 409 for the key misused.

        Only what was accepted is remembered, so a refused body may be corrected and sent under its key.
        """
        key = request.headers.get("idempotency-key", "")
        if not key:
            raise Refusal("MALFORMED", "every write carries an Idempotency-Key", "Idempotency-Key")
        values = _body(request)
        print_of_body = json.dumps(values, sort_keys=True, default=str)
        earlier = self._kept.get((request.path, key))
        if earlier is not None:
            if earlier[0] != print_of_body:
                raise Refusal("IDEMPOTENCY_CONFLICT", f"{key} was used with another body", "Idempotency-Key")
            return json_response(earlier[1], headers={"idempotent-replayed": "true"})
        record = action(values)
        self._kept[request.path, key] = print_of_body, record
        return json_response(record, 201)

    def _read(self, request: Request, collection: str, number: str | None = None) -> Response:
        ledger = self._ledgers.get(collection)
        if ledger is not None and number is not None:
            return json_response(_one(ledger, number))
        if ledger is not None:
            rows, cursor = ledger.page(request.query)
            return json_response({"items": rows, "next_cursor": cursor})
        records = self._master(collection)
        if number is not None:
            if number not in records:
                raise Refusal("NOT_FOUND", f"{number!r} is not in {collection}")
            return json_response(records[number])
        rows = self._books.stock.records() if collection == "depot-stock" else list(records.values())
        asked = [(name, wanted) for name, wanted in request.query if name not in {"limit", "cursor"}]
        kept = [row for row in rows if all(str(row.get(name, "")) == wanted for name, wanted in asked)]
        return json_response({"items": kept, "next_cursor": None})

    def _master(self, collection: str) -> dict[str, Record]:
        if collection == "products":
            return self._books.products
        if collection == "depot-stock":
            return {}
        records = self._books.codes.get(collection.replace("-", "_"))
        if records is None or "_" in collection:
            raise Refusal("NOT_FOUND", f"no such path /v1/{collection}")
        return records


def _one(ledger: Ledger, number: str) -> Record:
    if number not in ledger.records:
        raise Refusal("NOT_FOUND", f"{number!r} is not in {ledger.name.replace('_', ' ')}")
    return ledger.records[number]


def _body(request: Request) -> Record:
    """The JSON object of a write; an empty body is an empty object. Fractions stay exact until they are refused."""
    if not request.body.strip():
        return {}
    try:
        values = json.loads(request.body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise Refusal("MALFORMED", "the body is not JSON in UTF-8") from error
    if not isinstance(values, dict):
        raise Refusal("MALFORMED", "the body must be one JSON object")
    return values


def _no_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not JSON")

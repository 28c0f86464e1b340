"""The REST/JSON gateway in front of Prima (Prima sheet §5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json, read_object
from counterfoil.core.documents import StockLevel
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.errors import ErpError, Treatment, failure_of, read_error
from counterfoil.erps.prima.records import Document
from counterfoil.erps.prima.stock import depot_levels
from counterfoil.erps.prima.translate import records_of
from counterfoil.erps.prima.transports import Exists, Failure, ReadFailedError, Stored
from counterfoil.erps.prima.transports.tokens import TokenSource
from counterfoil.ports.outcomes import Busy, Unknown

PAGE_SIZE = 200
PAGES_MAX = 10_000


class RestTransport:
    """One account behind `{base_url}/v1`. Safe for several threads."""

    drafts = True

    def __init__(self, config: PrimaConfig, clock: Callable[[], float] = time.monotonic) -> None:
        headers = {"accept": "application/json"}
        if config.api_key:
            headers["x-api-key"] = config.api_key
        self._http = Http(config.base_url.rstrip("/") + "/v1", headers, config.timeout_s)
        self._tokens = TokenSource(self._http, config, clock) if config.token_url else None

    def create(self, document: Document, record: Mapping[str, Any]) -> Stored | Exists | Failure:
        """`POST /{document}` with the reference as idempotency key: 201 new, 200 replayed, 409 exists."""
        answer = self._write(f"/{document}", record, str(record["external_ref"]))
        if not isinstance(answer, Answered):
            return answer
        error = _error_of(answer)
        if error is None:
            return _stored(answer)
        if error.rule.treatment is Treatment.READ_BACK or error.code == "IDEMPOTENCY_CONFLICT":
            return Exists(message=error.message, code=error.code, detail=error.detail)
        return failure_of(error, writes=True)

    def act(
        self, document: Document, number: str, action: str, body: Mapping[str, Any], key: str
    ) -> Stored | Failure | None:
        """`POST /{document}/{number}/{action}`."""
        answer = self._write(f"/{document}/{quote(number, safe='')}/{action}", body, key)
        if not isinstance(answer, Answered):
            return answer
        error = _error_of(answer)
        if error is None:
            return _stored(answer)
        return None if error.rule.treatment is Treatment.ABSENT else failure_of(error, writes=True)

    def by_ref(self, document: Document, external_ref: str) -> Fields | Failure | None:
        """`GET /{document}?external_ref=`; a row with another reference is not ours, whatever the filter did."""
        rows = self._rows(f"/{document}", {"external_ref": external_ref})
        if not isinstance(rows, list):
            return rows
        return next((row for row in rows if row.data.get("external_ref") == external_ref), None)

    def made(self, document: Document, record: Mapping[str, Any]) -> Fields | Failure | None:
        """The document with the record's reference."""
        return self.by_ref(document, str(record["external_ref"]))

    def by_number(self, document: Document, number: str) -> Fields | Failure | None:
        """`GET /{document}/{number}`."""
        return self._one(f"/{document}/{quote(number, safe='')}")

    def customer(self, code: str) -> Fields | Failure | None:
        """`GET /customers/{code}`."""
        return self._one(f"/customers/{quote(code, safe='')}")

    def _one(self, path: str) -> Fields | Failure | None:
        answer = self._read(path, {})
        if not isinstance(answer, Answered):
            return answer
        error = _error_of(answer)
        if error is not None:
            return None if error.rule.treatment is Treatment.ABSENT else failure_of(error, writes=False)
        try:
            return read_object(answer.body)
        except UnreadableError as trouble:
            return _unreadable(trouble)

    def orders(self, external_order_ref: str) -> list[Fields] | Failure:
        """`GET /sales-orders?external_order_ref=`."""
        return self._rows("/sales-orders", {"external_order_ref": external_order_ref})

    def credits_of(self, return_number: str) -> list[Fields] | Failure:
        """`GET /sales-credit-notes?return_number=`; rows of another return are left out, whatever the filter did."""
        rows = self._rows(f"/{Document.CREDIT}", {"return_number": return_number})
        return (
            [row for row in rows if row.data.get("return_number") == return_number] if isinstance(rows, list) else rows
        )

    def stock(self, skus: Sequence[str]) -> tuple[StockLevel, ...] | Failure:
        """`GET /depot-stock?sku=` for each, in the depots that `GET /depots` calls sellable."""
        depots = self._rows("/depots", {})
        if not isinstance(depots, list):
            return depots
        kinds = [row.data.get("kind") for row in depots]
        sellable = {str(row.data.get("code")) for row in depots if row.data.get("kind") == "sellable"}
        levels: list[StockLevel] = []
        for sku in skus:
            rows = self._rows("/depot-stock", {"sku": sku})
            if not isinstance(rows, list):
                return rows
            try:
                levels += depot_levels(sku, rows, frozenset(sellable) if any(kinds) else None)
            except UnreadableError as trouble:
                return _unreadable(trouble)
        return tuple(levels)

    def listed(self, document: Document, since: str, until: str) -> Iterator[Fields]:
        """Pages of `GET /{document}?posted_from=&posted_to=` (inferred; NOTES). A cursor seen twice ends it loudly."""
        params = {"posted_from": since, "posted_to": until, "limit": str(PAGE_SIZE)}
        seen: set[str] = set()
        for _ in range(PAGES_MAX):
            answer = self._read(f"/{document}", params)
            rows, cursor = _page(answer)
            yield from rows
            if cursor is None:
                return
            if cursor in seen:
                raise ReadFailedError(
                    Busy(message="Prima's list repeats itself.", detail=f"{document}: cursor {cursor}")
                )
            seen.add(cursor)
            params = {**params, "cursor": cursor}
        raise ReadFailedError(Busy(message=f"Prima's list has more than {PAGES_MAX} pages.", detail=document))

    def codes(self, table: str) -> list[str] | Failure:
        """`GET /{table}`."""
        rows = self._rows(f"/{table}", {})
        return [str(row.data.get("code", "")) for row in rows] if isinstance(rows, list) else rows

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def _write(self, path: str, body: Mapping[str, Any], key: str) -> Answered | Failure:
        return self._call("POST", path, writes=True, json=body, headers={"idempotency-key": key})

    def _read(self, path: str, params: Mapping[str, str]) -> Answered | Failure:
        return self._call("GET", path, writes=False, params=params)

    def _call(self, method: str, path: str, **request: Any) -> Answered | Failure:
        """One request; with OAuth2, a token Prima no longer accepts is replaced once: a 401 did nothing."""
        if self._tokens is None:
            return self._http.call(method, path, **request)
        for fresh in (False, True):
            token = self._tokens.token(fresh=fresh)
            if not isinstance(token, str):
                return token
            headers = {**request.get("headers", {}), "authorization": f"Bearer {token}"}
            answer = self._http.call(method, path, **{**request, "headers": headers})
            if not isinstance(answer, Answered) or answer.status != 401:
                break
        return answer

    def _rows(self, path: str, params: Mapping[str, str]) -> list[Fields] | Failure:
        try:
            return _page(self._read(path, params))[0]
        except ReadFailedError as failed:
            return failed.failure


def _page(answer: Answered | Failure) -> tuple[list[Fields], str | None]:
    """The records of one page and the cursor of the next. Raises ReadFailedError."""
    if not isinstance(answer, Answered):
        raise ReadFailedError(answer)
    error = _error_of(answer)
    if error is not None:
        raise ReadFailedError(failure_of(error, writes=False))
    try:
        value = read_json(answer.body)
        rows = records_of(value)
        if rows is None:
            return [Fields(value)], None
        cursor = Fields(value).text("next_cursor") if isinstance(value, dict) else None
    except UnreadableError as trouble:
        raise ReadFailedError(_unreadable(trouble)) from trouble
    return rows, cursor


def _error_of(answer: Answered) -> ErpError | None:
    return None if 200 <= answer.status < 300 else read_error(answer.status, answer.headers, answer.body)


def _stored(answer: Answered) -> Stored | Unknown:
    """The stored record of a successful write. What cannot be read may have been stored: Unknown."""
    message = "Prima's answer could not be read; what was sent may be stored."
    try:
        record = read_object(answer.body)
    except UnreadableError as trouble:
        return Unknown(message=message, detail=str(trouble))
    if "error" in record:
        error = read_error(answer.status, answer.headers, answer.body)
        return Unknown(message=message, detail=f"{error.detail}: {error.message}", code=error.code)
    replayed = answer.headers.get("idempotent-replayed", "").lower() == "true" or answer.status == 200
    return Stored(record=record, replayed=replayed)


def _unreadable(trouble: UnreadableError) -> Busy:
    return Busy(message="Prima's answer could not be read.", detail=str(trouble))

"""The record service: reads, writes, transforms and metadata of one account (NetSuite sheet §1, §3, §6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from counterfoil.erps.netsuite.sim import rendering, search
from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.bodies import Body, Checks, Reader, parse
from counterfoil.erps.netsuite.sim.book import Record
from counterfoil.erps.netsuite.sim.errors import (
    INVALID_CONTENT,
    Refusal,
    no_permission,
    not_found,
    refusal,
    wrong_transaction_type,
)
from counterfoil.erps.netsuite.sim.posting import check, complete, delete, save
from counterfoil.erps.netsuite.sim.rendering import View
from counterfoil.erps.netsuite.sim.schema import KINDS, Kind, kind_named
from counterfoil.erps.netsuite.sim.transforms import transform, unsupported
from counterfoil.erps.netsuite.sim.values import dumps, ref_id
from counterfoil.erps.netsuite.sim.writes import change, create, drafted, settle_state
from counterfoil.simkit.http import Request, Response

PAGE_LIMIT = 1000
_JSON = {"content-type": "application/vnd.oracle.resource+json; type=singular; charset=UTF-8"}


def answer_json(value: Any, media: str | None = None) -> Response:
    """A JSON answer with exact numbers."""
    return Response(200, dumps(value).encode(), {"content-type": media} if media else _JSON)


class RecordService:
    """Everything below `/services/rest/record/v1/`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def answer(self, request: Request, path: list[str], root: str, versions: Mapping[str, int]) -> Response:
        """Route one request. `versions` holds what the caller could have read before the request was slow (§7)."""
        if path and path[0] == "metadata-catalog":
            return self._metadata(request, path[1:], root)
        kind = kind_named(path[0]) if path else None
        if kind is None:
            name = path[0] if path else ""
            raise refusal(404, f"Record type '{name}' does not exist", "NOT_FOUND")
        view = _view(request, root)
        match request.method, path[1:]:
            case "GET", []:
                return self._collection(request, kind, view)
            case "POST", []:
                return self._create(request, kind, view)
            case "POST", [key, "!transform", target]:
                return self._transform(request, kind, key, target, view, versions)
            case "GET", [key]:
                return answer_json(rendering.record_json(self._account, self._readable(kind, key), view))
            case "PATCH", [key]:
                return self._change(request, kind, key, view, versions)
            case "PUT", [key]:
                return self._upsert(request, kind, key, view, versions)
            case "DELETE", [key]:
                return self._delete(request, kind, key)
            case "GET", [key, name, *rest]:
                return self._sublist(self._readable(kind, key), name, rest, view)
        raise refusal(405, f"Method {request.method} is not allowed here.", "METHOD_NOT_ALLOWED")

    # --- finding ---

    def find(self, kind: Kind, key: str) -> Record | None:
        """A record by internal id or `eid:` key."""
        if key.startswith("eid:"):
            return self._account.book.by_external_id(kind.name, key[4:])
        return self._account.book.get(kind.name, key)

    def _found(self, kind: Kind, key: str) -> Record:
        record = self.find(kind, key)
        if record is None:
            raise self._missing(kind, key)
        return record

    def _readable(self, kind: Kind, key: str) -> Record:
        """A record the role may see. Without the permission it looks as if it were not there (sheet §2.4)."""
        if self._account.role.lacks(kind.name):
            if self._account.preferences.missing_permission_on_read == "403":
                raise no_permission(kind.title)
            raise self._missing(kind, "eid:" if key.startswith("eid:") else "0")
        return self._found(kind, key)

    def _missing(self, kind: Kind, key: str) -> Refusal:
        """404 for what does not exist, 400 for an id of another transaction type; a switch makes both 400 (§16.8)."""
        if not kind.is_transaction or key.startswith("eid:"):
            return not_found()
        other = self._account.book.transaction(key) is not None
        always = self._account.preferences.missing_transaction == "400"
        return wrong_transaction_type() if other or always else not_found()

    # --- reading ---

    def _collection(self, request: Request, kind: Kind, view: View) -> Response:
        limit, offset = page_of(request, self._account)
        matches = search.matcher(request.param("q"), kind.name)
        records = [] if self._account.role.lacks(kind.name) else self._account.book.all(kind.name)
        found = [record for record in records if matches(record)]
        items = [
            {"links": [{"rel": "self", "href": view.url(kind.name, record.id)}], "id": record.id}
            for record in found[offset : offset + limit]
        ]
        url = view.url(kind.name) + (f"?{request.raw_query}" if request.raw_query else "")
        media = "application/vnd.oracle.resource+json; type=collection; charset=UTF-8"
        return answer_json(rendering.page_json(items, len(found), offset, limit, url), media)

    def _sublist(self, record: Record, name: str, rest: list[str], view: View) -> Response:
        if name not in record.schema.lists or len(rest) > 1:
            raise not_found()
        lines = record.lists.get(name, [])
        if rest:
            line = next((one for one in lines if str(one.get("line")) == rest[0]), None)
            if line is None:
                raise not_found()
            return answer_json(rendering.line_json(self._account, record, name, line, view))
        if view.expand:
            return answer_json(rendering.sublist_json(self._account, record, name, view))
        items = [{"links": [{"rel": "self", "href": rendering.line_url(record, name, line, view)}]} for line in lines]
        page = rendering.page_json(items, len(items), 0, PAGE_LIMIT, view.url(record.kind, record.id, name))
        return answer_json(page)

    def _metadata(self, request: Request, path: list[str], root: str) -> Response:
        accept = request.headers.get("accept", "application/json")
        names = [kind.name for kind in map(kind_named, path) if kind is not None]
        if path and not names:
            raise refusal(404, f"Record type '{path[0]}' does not exist", "NOT_FOUND")
        selected = (request.param("select") or "").split(",")
        names = names or [kind.name for kind in map(kind_named, selected) if kind is not None] or list(KINDS)
        if "swagger" in accept:
            return answer_json(rendering.openapi_json(self._account, names), "application/swagger+json")
        if path:
            return answer_json(rendering.schema_json(self._account, KINDS[names[0]]), "application/schema+json")
        return answer_json(rendering.catalog_json(names, View(root)), "application/json")

    # --- writing ---

    def _body(self, request: Request, kind: Kind, required: bool = True) -> Body:
        if not request.body.strip() and not required:
            return Body()
        return Reader(self._account, kind, Checks.from_headers(request.headers)).read(parse(request.body))

    def _saved(self, record: Record, view: View) -> Response:
        return Response(204, b"", {"location": view.url(record.kind, record.id)})

    def _create(self, request: Request, kind: Kind, view: View) -> Response:
        self._account.require(kind.name)
        if "type=collection" in request.headers.get("content-type", ""):
            return self._batch(request, kind)
        record = self._from_source(request, kind)
        if record is not None:
            return self._saved(save(self._account, record), view)
        if "type=create-form" in request.headers.get("accept", ""):
            return self._preview(drafted(self._account, kind, self._body(request, kind)), view)
        return self._saved(create(self._account, kind, self._body(request, kind)), view)

    def _from_source(self, request: Request, kind: Kind) -> Record | None:
        """A POST that names its source, where the account takes that for a transform (a switch, sheet §6)."""
        if self._account.preferences.created_from_on_create != "accepted":
            return None
        source = self._account.book.transaction(ref_id(parse(request.body).get("createdFrom")))
        if source is None:
            return None
        body = self._body(request, kind)
        record = transform(self._account, source, kind.name, body, frozenset(body.lists))
        settle_state(self._account, record, body)
        return record

    def _batch(self, request: Request, kind: Kind) -> Response:
        """At most 100 records of one type, always asynchronous (sheet §9)."""
        if "respond-async" not in request.headers.get("prefer", ""):
            raise refusal(400, "Batch operations must be asynchronous.", "INVALID_HEADER", header="Prefer")
        items = parse(request.body).get("items")
        if not isinstance(items, list) or not 1 <= len(items) <= 100:
            raise refusal(400, "A batch needs between 1 and 100 items.", INVALID_CONTENT, path="items")
        reader_checks = Checks.from_headers(request.headers)
        results: list[dict[str, Any]] = []
        for item in items:
            try:
                body = Reader(self._account, kind, reader_checks).read(item if isinstance(item, dict) else {})
                results.append({"status": 204, "id": create(self._account, kind, body).id})
            except Refusal as refused:
                results.append(json.loads(refused.response().body))
        return answer_json({"items": results, "count": len(results)})

    def _change(self, request: Request, kind: Kind, key: str, view: View, versions: Mapping[str, int]) -> Response:
        self._account.require(kind.name)
        kept = self._found(kind, key)
        self._check_unchanged(kept, versions)
        return self._saved(change(self._account, kept, self._body(request, kind), replaced(request)), view)

    def _upsert(self, request: Request, kind: Kind, key: str, view: View, versions: Mapping[str, int]) -> Response:
        """PUT creates or updates, and only by external id (sheet §7)."""
        self._account.require(kind.name)
        if not key.startswith("eid:") or len(key) == 4:
            raise refusal(405, "PUT needs an external id (eid:).", "METHOD_NOT_ALLOWED")
        body = self._body(request, kind)
        body.fields["externalId"] = key[4:]
        kept = self.find(kind, key)
        if kept is None:
            return self._saved(create(self._account, kind, body, key[4:]), view)
        self._check_unchanged(kept, versions)
        return self._saved(change(self._account, kept, body, replaced(request)), view)

    def _delete(self, request: Request, kind: Kind, key: str) -> Response:
        self._account.require(kind.name)
        record = self._found(kind, key)
        body = parse(request.body) if request.body.strip() else {}
        delete(self._account, record, bool(body.get("deletionReason") or request.param("deletionReason")))
        return Response(204)

    def _transform(
        self, request: Request, kind: Kind, key: str, target: str, view: View, versions: Mapping[str, int]
    ) -> Response:
        made_kind = kind_named(target)
        if made_kind is None:
            raise refusal(404, f"Record type '{target}' does not exist", "NOT_FOUND")
        self._account.require(kind.name)
        self._account.require(made_kind.name)
        if key.startswith("eid:") and not self._account.preferences.transform_by_external_id:
            raise not_found()
        source = self._found(kind, key)
        self._check_unchanged(source, versions)
        if not self._account.preferences.transforms or not kind.is_transaction or not made_kind.is_transaction:
            raise unsupported(kind.name, made_kind.name)
        body = self._body(request, made_kind, required=False)
        record = transform(self._account, source, made_kind.name, body, replaced(request))
        settle_state(self._account, record, body)
        if "type=create-form" in request.headers.get("accept", ""):
            return self._preview(record, view)
        return self._saved(save(self._account, record), view)

    def _preview(self, record: Record, view: View) -> Response:
        """The defaulted record, not saved (sheet §1)."""
        complete(self._account, record)
        check(self._account, record)
        return answer_json(rendering.preview_json(self._account, record, view))

    def _check_unchanged(self, record: Record, versions: Mapping[str, int]) -> None:
        """Two requests at once on one record: the slower one is refused (sheet §7, RCRD_HAS_BEEN_CHANGED)."""
        preferences = self._account.preferences
        if preferences.detect_parallel_change and versions.get(record.id, record.version) != record.version:
            raise refusal(preferences.record_changed_status, "Record has been changed", "RCRD_HAS_BEEN_CHANGED")

    def versions_at_start(self, path: list[str]) -> dict[str, int]:
        """The version of the record a write is about, noted before the request waits."""
        kind = kind_named(path[0]) if path else None
        record = self.find(kind, path[1]) if kind is not None and len(path) > 1 else None
        return {record.id: record.version} if record is not None else {}


def replaced(request: Request) -> frozenset[str]:
    """The sublists named in `replace` (sheet §1)."""
    return frozenset(name.strip() for name in (request.param("replace") or "").split(",") if name.strip())


def page_of(request: Request, account: Account) -> tuple[int, int]:
    """`limit` and `offset` of a list. Raises Refusal for a limit over 1000 or an offset between pages (§12)."""
    limit = _whole(request, "limit", PAGE_LIMIT)
    offset = _whole(request, "offset", 0)
    if not 1 <= limit <= PAGE_LIMIT:
        text = f"The limit must be between 1 and {PAGE_LIMIT}."
        raise refusal(400, text, "INVALID_PARAMETER", query="limit")
    if offset % limit and account.preferences.suiteql_offset_multiple_of_limit:
        raise refusal(400, "The offset must be a multiple of the limit.", "INVALID_PARAMETER", query="offset")
    return limit, offset


def _whole(request: Request, name: str, default: int) -> int:
    given = request.param(name)
    if given is None:
        return default
    if not given.isdigit():
        raise refusal(400, f"Invalid value '{given}' of query parameter {name}.", "INVALID_PARAMETER", query=name)
    return int(given)


def _view(request: Request, root: str) -> View:
    names = request.param("fields")
    return View(
        root,
        expand=(request.param("expandSubResources") or "").lower() == "true",
        simple_enums=(request.param("simpleEnumFormat") or "").lower() == "true",
        fields=frozenset(name.strip() for name in names.split(",")) if names else None,
    )

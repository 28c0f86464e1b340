"""Records as NetSuite shows them: references with links, sublists as links or expanded, lists page by page (§3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.schema import KINDS, Field, Kind, kinds_meant, shown
from counterfoil.erps.netsuite.sim.values import ref_id, reference

_JSON_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean", "ref": "object", "enum": "object"}


@dataclass(frozen=True, slots=True)
class View:
    """How one answer is to be rendered."""

    root: str  # scheme and host the caller used
    expand: bool = False
    simple_enums: bool = False
    fields: frozenset[str] | None = None

    def url(self, *path: str) -> str:
        """A record-service address."""
        return "/".join([f"{self.root}/services/rest/record/v1", *path])


def record_json(account: Account, record: Record, view: View) -> dict[str, Any]:
    """One record as `GET /{type}/{id}` answers it."""
    body: dict[str, Any] = {"links": [_self(view.url(record.kind, record.id))], "id": record.id}
    for name, value in record.fields.items():
        if not name.startswith("_") and name != "id":
            body[name] = _value(account, record.schema.fields.get(name), value, view)
    for name in record.schema.lists:
        if name == "taxDetails" and not account.preferences.suitetax:
            continue
        body[name] = sublist_json(account, record, name, view)
    if view.fields is not None:
        body = {name: value for name, value in body.items() if name in view.fields or name in {"links", "id"}}
    return body


def preview_json(account: Account, record: Record, view: View) -> dict[str, Any]:
    """A record that was not saved: the answer to a create-form request (sheet §1), sublists included."""
    body = record_json(account, record, View(view.root, True, view.simple_enums, view.fields))
    body.pop("id", None)
    return {**body, "links": []}


def sublist_json(account: Account, record: Record, name: str, view: View) -> dict[str, Any]:
    """A sublist: a link only, or all its lines (sheet §3)."""
    link = _self(view.url(record.kind, record.id, name))
    if not view.expand:
        return {"links": [link]}
    lines = _shown_lines(record, name)
    items = [line_json(account, record, name, line, view) for line in lines]
    return {
        "links": [link], "count": len(items), "hasMore": False, "items": items, "offset": 0,
        "totalResults": len(items),
    }  # fmt: skip


def _shown_lines(record: Record, name: str) -> list[Line]:
    """A refund never shows its `deposit` lines: each is a Deposit Application among the `apply` lines (sheet §4.4)."""
    lines = record.lists.get(name, [])
    if record.kind != "customerRefund" or name not in {"apply", "deposit"}:
        return lines
    if name == "deposit":
        return []
    drawn = [line for line in record.lists.get("deposit", []) if line.get("_application")]
    return lines + [{**line, "doc": reference(line["_application"]), "type": "Deposit Application"} for line in drawn]


def line_json(account: Account, record: Record, name: str, line: Line, view: View) -> dict[str, Any]:
    """One line of a sublist."""
    table = record.schema.lists[name].fields
    body: dict[str, Any] = {"links": [_self(line_url(record, name, line, view))]}
    for field_name, value in line.items():
        if not field_name.startswith("_"):
            body[field_name] = _value(account, table.get(field_name), value, view)
    return body


def line_url(record: Record, name: str, line: Line, view: View) -> str:
    """The address of one line, by its `line` number."""
    return view.url(record.kind, record.id, name, str(line.get("line", "")))


def _self(url: str) -> dict[str, str]:
    return {"rel": "self", "href": url}


def _value(account: Account, known: Field | None, value: Any, view: View) -> Any:
    if known is None or not isinstance(value, Mapping) or "id" not in value:
        return value
    if known.type == "enum":
        return value["id"] if view.simple_enums else dict(value)
    if known.type != "ref":
        return value
    kinds = [kind for target in known.targets for kind in kinds_meant(target)]
    found = account.book.first(kinds, ref_id(value))
    if found is None:
        return {"links": [], **value}
    return {"links": [_self(view.url(found.kind, found.id))], "id": found.id, "refName": found.label}


def page_json(items: list[Any], total: int, offset: int, limit: int, url: str) -> dict[str, Any]:
    """One page of a list with its links (sheet §12)."""
    more = offset + len(items) < total
    links = [_self(url)]
    base = url.split("?", 1)[0]
    if more:
        links.append({"rel": "next", "href": f"{base}?limit={limit}&offset={offset + limit}"})
    if offset:
        links.append({"rel": "previous", "href": f"{base}?limit={limit}&offset={max(offset - limit, 0)}"})
    return {
        "links": links, "count": len(items), "hasMore": more, "items": items, "offset": offset, "totalResults": total,
    }  # fmt: skip


def catalog_json(kinds: Iterable[str], view: View) -> dict[str, Any]:
    """The list of record types of the metadata catalog."""
    items = []
    for name in kinds:
        href = view.url("metadata-catalog", name)
        kinds_of = ("application/json", "application/swagger+json", "application/schema+json")
        links = [{"rel": "canonical", "href": href, "mediaType": media} for media in kinds_of]
        items.append({"name": name, "links": links})
    return {"items": items}


def schema_json(account: Account, kind: Kind) -> dict[str, Any]:
    """A record type as JSON Schema (sheet §1): the properties this account really has."""
    properties = {field.name: _property(field) for field in shown(kind.fields, account.preferences)}
    for name, sublist in kind.lists.items():
        if name == "taxDetails" and not account.preferences.suitetax:
            continue
        element = {field.name: _property(field) for field in shown(sublist.fields, account.preferences)}
        items = {"type": "array", "items": {"type": "object", "properties": element}}
        properties[name] = {"type": "object", "title": name, "properties": {"items": items}}
    for name in sorted(account.custom_fields or ()):
        if name.startswith("custbody") and kind.is_transaction:
            properties[name] = {"type": "string", "x-ns-custom-field": True}
        elif name.startswith("custcol") and "item" in kind.lists:
            lines = properties["item"]["properties"]["items"]["items"]["properties"]
            lines[name] = {"type": "string", "x-ns-custom-field": True}
    return {
        "$schema": "http://json-schema.org/draft-06/hyper-schema#", "type": "object", "title": kind.title,
        "properties": properties,
    }  # fmt: skip


def openapi_json(account: Account, kinds: Iterable[str]) -> dict[str, Any]:
    """The same as an OpenAPI document, one schema for each type."""
    schemas = {name: schema_json(account, KINDS[name]) for name in kinds}
    paths: dict[str, Any] = {f"/{name}": {"get": {}, "post": {}} for name in schemas}
    return {
        "openapi": "3.0.1", "info": {"title": "REST record service", "version": "v1"}, "paths": paths,
        "components": {"schemas": schemas},
    }  # fmt: skip


def _property(field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {"type": _JSON_TYPES.get(field.type, "string"), "title": field.name}
    if field.type in {"date", "datetime"}:
        made["format"] = "date" if field.type == "date" else "date-time"
    if field.type == "ref":
        made["properties"] = {"id": {"type": "string"}, "externalId": {"type": "string"}, "refName": {"type": "string"}}
    if field.type == "enum":
        made["properties"] = {"id": {"type": "string"}, "refName": {"type": "string"}}
    if field.read_only:
        made["readOnly"] = True
    return made

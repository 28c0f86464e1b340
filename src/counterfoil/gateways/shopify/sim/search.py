"""Which orders a list or a search asks for: the REST filters, the GraphQL search text, and page cursors."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from counterfoil.gateways.shopify.sim.graphql import GraphError
from counterfoil.gateways.shopify.sim.orders import Json
from counterfoil.gateways.shopify.sim.refunds import Refusal
from counterfoil.gateways.shopify.sim.wire import encode, moment_of


def since(field: str, text: str) -> Callable[[Json], bool]:
    """Keeps orders whose time field is not before a moment. Raises ValueError for what is not a moment."""
    moment = moment_of(text)
    return lambda order: moment_of(order[field]) >= moment


def until(field: str, text: str) -> Callable[[Json], bool]:
    """Keeps orders whose time field is not after a moment. Raises ValueError for what is not a moment."""
    moment = moment_of(text)
    return lambda order: moment_of(order[field]) <= moment


def rest_filter(query: Mapping[str, str]) -> Callable[[Json], bool]:
    """The REST list's filters, as one test. Raises ValueError."""
    checks: list[Callable[[Json], bool]] = []
    for name, value in query.items():
        match = re.fullmatch(r"(updated_at|created_at|processed_at)_(min|max)", name)
        if match and value:
            checks.append((since if match[2] == "min" else until)(match[1], value))
    if query.get("name"):
        checks.append(lambda order: query["name"].lstrip("#") == order["name"].lstrip("#"))
    if query.get("ids"):
        wanted = set(query["ids"].split(","))
        checks.append(lambda order: str(order["id"]) in wanted)
    if query.get("financial_status") not in (None, "", "any"):
        checks.append(lambda order: order["financial_status"] == query["financial_status"])
    match query.get("status") or "open":
        case "open":
            checks.append(lambda order: order["cancelled_at"] is None and order["closed_at"] is None)
        case "closed":
            checks.append(lambda order: order["closed_at"] is not None)
        case "cancelled":
            checks.append(lambda order: order["cancelled_at"] is not None)
    return lambda order: all(check(order) for check in checks)


def page_info(query: Mapping[str, str], last: int) -> str:
    """The cursor behind a page's next link: it remembers the filters, as the vendor's does."""
    kept = {name: value for name, value in query.items() if name not in ("limit", "since_id", "page_info")}
    return base64.urlsafe_b64encode(encode({"last": last, "query": kept})).decode()


def cursor(text: str) -> tuple[dict[str, str], int]:
    """The filters and the last id a cursor stands for. Raises Refusal."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        raise Refusal("page_info", "Invalid value.") from None
    return found["query"], found["last"]


_TERM = re.compile(r"""(\w+):(>=|<=|>|<|=)?("[^"]*"|'[^']*'|\S+)""")
_TIMES = {"updated_at": "updated_at", "created_at": "created_at", "processed_at": "processed_at"}


def graph_filter(query: str) -> Callable[[Json], bool]:
    """A GraphQL search text as one test. Raises GraphError."""
    checks = terms(query, _TIMES)
    return lambda order: all(check(order) for check in checks)


_WORDS: dict[str, Callable[[str], Callable[[Json], bool]]] = {
    "name": lambda value: lambda order: order["name"].lstrip("#") == value.lstrip("#"),
    "id": lambda value: lambda order: str(order["id"]) == value,
    "financial_status": lambda value: lambda order: order["financial_status"] == value.lower(),
    "tag": lambda value: lambda order: value in [tag.strip() for tag in order["tags"].split(",")],
}


def terms(query: str, times: Mapping[str, str]) -> list[Callable[[Json], bool]]:
    """The terms of a search text, all of which must hold. Raises GraphError for a term this shop does not know."""
    checks: list[Callable[[Json], bool]] = []
    for name, relation, quoted in _TERM.findall(query):
        value = quoted.strip("\"'")
        if name in times:
            checks.append(_compare(times[name], relation or "=", moment_of(value)))
        elif name in _WORDS:
            checks.append(_WORDS[name](value))
        elif not (name == "status" and value == "any"):
            raise GraphError(f"this shop cannot search by '{name}'")
    return checks


def _compare(field: str, relation: str, moment: datetime) -> Callable[[Json], bool]:
    def check(record: Json) -> bool:
        at = moment_of(record[field])
        return {
            ">=": at >= moment,
            "<=": at <= moment,
            ">": at > moment,
            "<": at < moment,
            "=": at == moment,
        }[relation]

    return check

"""As much GraphQL as a reader of orders uses: parse a query, walk a tree of plain values, count what it cost.

The tree comes from `graph.py`. A field that the tree does not have is answered the way a schema would: with an error.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r"""[\s,\ufeff]+|\#[^\n]*|(?P<token>\.\.\.|[{}()\[\]:!=@$|&]|"(?:\\.|[^"\\\n])*"|-?\d+(?:\.\d+)?|[_A-Za-z]\w*)"""
)
PAGE_LIMIT = 250


class GraphError(ValueError):
    """The query is not one this shop answers; the message goes back to the client."""


class Connection(list[Any]):
    """A list answered as `nodes`, `edges` and `pageInfo`, cut by `first` and `after`."""


@dataclass(slots=True)
class Field:
    """One selected field."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    selection: list[Any]


@dataclass(slots=True)
class Spread:
    """A fragment, named or inline, and the type it is for (None: any)."""

    name: str | None
    on: str | None
    selection: list[Any]


@dataclass(slots=True)
class Document:
    """A parsed request: the operation's selection and the named fragments."""

    selection: list[Any] = field(default_factory=list)
    fragments: dict[str, Spread] = field(default_factory=dict)
    kind: str = "query"


class _Reader:
    """Reads one document, replacing variables by their values on the way."""

    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._variables = dict(variables)

    def document(self, operation: str | None) -> Document:
        found = Document()
        while self._at < len(self._tokens):
            if self._peek() == "fragment":
                self._next()
                name = self._next()
                self._expect("on")
                found.fragments[name] = Spread(name, self._next(), self._selection())
                continue
            kind, title = "query", ""
            if self._peek() != "{":
                kind = self._next()
                title = self._next() if self._peek() not in ("(", "{", "@") else ""
                if self._peek() == "(":
                    self._defaults()
            selection = self._selection()
            if operation is None or operation == title:
                found.kind, found.selection = kind, selection
        if not found.selection:
            raise GraphError("the document has no such operation")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise GraphError("syntax error: the query ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise GraphError(f"syntax error: expected {token!r}, found {found!r}")

    def _defaults(self) -> None:
        """Variable definitions; only their defaults matter here."""
        self._expect("(")
        while self._peek() != ")":
            self._expect("$")
            name = self._next()
            self._expect(":")
            while self._peek() not in ("=", "$", ")"):
                self._next()
            if self._peek() == "=":
                self._next()
                self._variables.setdefault(name, self._value())
        self._next()

    def _selection(self) -> list[Any]:
        self._expect("{")
        found: list[Any] = []
        while self._peek() != "}":
            found.append(self._spread() if self._peek() == "..." else self._field())
        self._next()
        return found

    def _spread(self) -> Spread:
        self._expect("...")
        if self._peek() == "{":
            return Spread(None, None, self._selection())
        name = self._next()
        if name != "on":
            return Spread(name, None, [])
        return Spread(None, self._next(), self._selection())

    def _field(self) -> Field:
        alias = name = self._next()
        if self._peek() == ":":
            self._next()
            name = self._next()
        arguments = self._arguments() if self._peek() == "(" else {}
        return Field(name, alias, arguments, self._selection() if self._peek() == "{" else [])

    def _arguments(self) -> dict[str, Any]:
        self._expect("(")
        found: dict[str, Any] = {}
        while self._peek() != ")":
            name = self._next()
            self._expect(":")
            found[name] = self._value()
        self._next()
        return found

    def _value(self) -> Any:
        token = self._next()
        if token == "$":
            return self._variables.get(self._next())
        if token == "[":
            items = []
            while self._peek() != "]":
                items.append(self._value())
            self._next()
            return items
        if token[0] == '"' or token[0] == "-" or token[0].isdigit() or token in ("true", "false", "null"):
            return json.loads(token)
        return token  # an enum value


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise GraphError(f"syntax error: unexpected {text[at]!r}")
        if match["token"] is not None:
            tokens.append(match["token"])
        at = match.end()
    return tokens


def parse(text: str, variables: Mapping[str, Any] | None = None, operation: str | None = None) -> Document:
    """The operation of a request. Raises GraphError with a sentence."""
    return _Reader(text, variables or {}).document(operation)


def cost(document: Document) -> int:
    """Points a request is charged: one per object asked for, a list by its `first` (a plain reading of the rule)."""
    return max(1, _cost(document.selection, document.fragments))


def _cost(selection: list[Any], fragments: Mapping[str, Spread]) -> int:
    total = 0
    for part in selection:
        if isinstance(part, Spread):
            inner = (fragments.get(part.name, part) if part.name else part).selection
            total += _cost(inner, fragments)
        elif part.selection:
            first = part.arguments.get("first")
            times = max(1, first) if isinstance(first, int) else 1
            plain = part.name in ("nodes", "edges", "node", "pageInfo") or part.name.endswith("Set")
            total += times * (_cost(part.selection, fragments) + (0 if plain else 1))
    return total


def project(value: Any, selection: list[Any], fragments: Mapping[str, Spread]) -> Any:
    """The part of a value tree that a selection asks for. Raises GraphError for unknown fields."""
    if isinstance(value, list):
        return [project(item, selection, fragments) for item in value]
    if not isinstance(value, dict):
        if selection and value is not None:
            raise GraphError("selections cannot be made on a scalar field")
        return value
    if not selection:
        raise GraphError(f"fields of type {value.get('__typename', 'object')} must have selections")
    answer: dict[str, Any] = {}
    for part in selection:
        if isinstance(part, Spread):
            spread = fragments.get(part.name, part) if part.name else part
            if spread.on in (None, value.get("__typename"), "Node"):
                answer.update(project(value, spread.selection, fragments))
        else:
            answer[part.alias] = _resolve(value, part, fragments)
    return answer


def _resolve(value: dict[str, Any], part: Field, fragments: Mapping[str, Spread]) -> Any:
    if part.name not in value:
        raise GraphError(f"Field '{part.name}' doesn't exist on type '{value.get('__typename', 'object')}'")
    found: Any = value[part.name]
    if callable(found):
        resolver: Callable[..., Any] = found
        found = resolver(**part.arguments)
    if isinstance(found, Connection):
        found = page(found, part.arguments)
    elif isinstance(found, list) and isinstance(part.arguments.get("first"), int):
        found = found[: part.arguments["first"]]
    return project(found, part.selection, fragments)


def page(items: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a connection. Raises GraphError without a sensible `first`."""
    first, after = arguments.get("first"), arguments.get("after")
    if not isinstance(first, int) or not 0 < first <= PAGE_LIMIT:
        raise GraphError(f"you must provide `first`, at most {PAGE_LIMIT}")
    start = _place(after) + 1 if after else 0
    cut = list(items[start : start + first])
    cursors = [base64.b64encode(f"at:{start + i}".encode()).decode() for i in range(len(cut))]
    info = {
        "__typename": "PageInfo",
        "hasNextPage": start + first < len(items),
        "hasPreviousPage": start > 0,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
    edges = [{"__typename": "Edge", "cursor": c, "node": node} for c, node in zip(cursors, cut, strict=True)]
    return {"__typename": "Connection", "nodes": cut, "edges": edges, "pageInfo": info}


def _place(cursor: Any) -> int:
    try:
        return int(base64.b64decode(str(cursor)).decode().removeprefix("at:"))
    except ValueError:
        raise GraphError("the cursor is not one of ours") from None

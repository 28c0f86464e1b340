"""Filters that live in the address: readable tokens in, a filter, a sentence and removable tokens out.

`/returns?progress=waiting&problem=sku_not_found` says what it does; several values are set apart by commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from counterfoil.store.console import Cursor, ProblemFilter, ReturnFilter
from counterfoil.web import words
from counterfoil.web.causes import cause_title
from counterfoil.web.formats import DAY_MS, HOUR_MS, listed
from counterfoil.web.system import kind_of

LENGTH_MAX = 200
CAUSE_MAX = 600
VALUES_MAX = 20

_QUIET = re.compile(r"([1-9]\d{0,3})([hd])")
_RETURN_WORDS: dict[str, Mapping[str, str]] = {"progress": words.PROGRESS, "stage": words.STAGE}
_PROBLEM_WORDS: dict[str, Mapping[str, str]] = {"owner": words.OWNER, "severity": words.SEVERITY}


class FilterError(ValueError):
    """The address asks for something we do not know; the message says which part."""


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a filter, as it stands in the address and as people read it."""

    name: str
    value: str
    label: str
    without: str  # the query string when it is taken away


def values(query: Mapping[str, str], name: str, known: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The values of one token. Raises FilterError for one that cannot be."""
    text = query.get(name, "").strip()
    if len(text) > LENGTH_MAX or "\0" in text:
        raise FilterError(f"“{name}” is too long or holds signs we cannot search for.")
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(found) > VALUES_MAX:
        raise FilterError(f"“{name}” names more than {VALUES_MAX} values.")
    for value in found:
        if known is not None and value not in known:
            raise FilterError(f"“{name}” cannot be “{value}”; it can be {listed(sorted(known))}.")
    return found


def return_filter(query: Mapping[str, str], now_ms: int) -> ReturnFilter:
    """The filter an address asks for. Raises FilterError."""
    q = query.get("q", "").strip()
    if len(q) > LENGTH_MAX or "\0" in q:
        raise FilterError("The search text is too long or holds signs we cannot search for.")
    return ReturnFilter(
        q=q,
        progress=values(query, "progress", words.PROGRESS),
        stage=values(query, "stage", words.STAGE),
        portal=values(query, "portal"),
        brand=values(query, "brand"),
        waits=tuple(filter(None, [query.get("waits", "").strip()[:LENGTH_MAX]])),
        problem=values(query, "problem"),
        quiet_before_ms=_quiet_before(query.get("quiet", "").strip(), now_ms),
    )


def _quiet_before(text: str, now_ms: int) -> int | None:
    if not text:
        return None
    match = _QUIET.fullmatch(text)
    if match is None:
        raise FilterError("“quiet” is a number of hours or days, such as 12h or 3d.")
    return now_ms - int(match.group(1)) * (DAY_MS if match.group(2) == "d" else HOUR_MS)


def problem_filter(query: Mapping[str, str], now_ms: int, who: str) -> ProblemFilter:
    """The filter an address asks for; `who` is the reader, for “assignee=me”. Raises FilterError."""
    state = query.get("state", "").strip() or "open"
    if state not in ("open", "resting", "closed"):
        raise FilterError("“state” is open, resting or closed.")
    cause = query.get("cause", "").strip()
    if len(cause) > CAUSE_MAX or "\0" in cause:
        raise FilterError("“cause” is too long or holds signs we cannot search for.")
    if query.get("late", "").strip() not in ("", "yes"):
        raise FilterError("“late” can only be yes.")
    each = query.get("each", "").strip()
    if each not in ("", "yes"):
        raise FilterError("“each” can only be yes.")
    narrowed = any(query.get(name, "").strip() for name in ("kind", "severity", "assignee", "cause", "late", "brand"))
    return ProblemFilter(
        alone=state == "open" and not each and not narrowed,
        state=state,
        owner=values(query, "owner", words.OWNER),
        kind=values(query, "kind"),
        brand=values(query, "brand"),
        severity=values(query, "severity", words.SEVERITY),
        assignee=tuple(who if name == "me" else name for name in values(query, "assignee")),
        cause=cause,
        due_before_ms=now_ms if query.get("late", "").strip() else None,
    )


def return_tokens(query: Mapping[str, str]) -> list[Token]:
    """The tokens of a list of returns, for showing and for taking away."""
    labels = {
        "progress": lambda value: words.PROGRESS.get(value, value),
        "stage": lambda value: f"portal says {words.STAGE.get(value, value)}",
        "portal": lambda value: f"from {words.vendor(value)}",
        "brand": lambda value: f"brand {value}",
        "waits": lambda value: f"because {words.spoken(value)}",
        "problem": lambda value: f"exception: {kind_of(value).title}",
        "quiet": lambda value: f"no news for {_quiet_words(value)}",
        "q": lambda value: f"“{value}”",
    }
    return _tokens(query, labels, whole=("q", "waits"))


def problem_tokens(query: Mapping[str, str]) -> list[Token]:
    """The tokens of a list of exceptions."""
    labels = {
        "state": lambda value: value,
        "owner": lambda value: words.OWNER.get(value, value),
        "kind": lambda value: kind_of(value).title,
        "brand": lambda value: f"brand {value}",
        "severity": lambda value: words.SEVERITY.get(value, value),
        "assignee": lambda value: "mine" if value == "me" else f"with {value}",
        "cause": cause_title,
        "late": lambda value: "past their target",
        "each": lambda value: "each by itself, whatever its cause",
    }
    return _tokens(query, labels, whole=("cause",))


def problems_sentence(query: Mapping[str, str]) -> str:
    """What a list of exceptions shows, as a sentence without its end."""
    described = description(problem_tokens(query))
    return f"Exceptions: {described}" if described else "Open exceptions, first due first"


def _quiet_words(value: str) -> str:
    number, unit = value[:-1], "day" if value.endswith("d") else "hour"
    return f"{number} {unit}{'' if number == '1' else 's'}"


def _tokens(query: Mapping[str, str], labels: Mapping[str, object], whole: tuple[str, ...] = ()) -> list[Token]:
    kept = {name: query.get(name, "").strip() for name in labels if query.get(name, "").strip()}
    found = []
    for name, text in kept.items():
        parts = [text] if name in whole else [part.strip() for part in text.split(",") if part.strip()]
        for value in parts:
            left = ",".join(other for other in parts if other != value)
            rest = {key: (left if key == name else other) for key, other in kept.items()}
            label = labels[name]
            assert callable(label)
            found.append(Token(name, value, label(value), urlencode({k: v for k, v in rest.items() if v})))
    return found


def query_string(query: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The filter's part of an address, without the page it is on."""
    return urlencode({name: query[name].strip() for name in names if query.get(name, "").strip()})


def description(tokens: list[Token]) -> str:
    """Tokens in words: several values of one name are alternatives, several names all hold."""
    by_name: dict[str, list[str]] = {}
    for token in tokens:
        by_name.setdefault(token.name, []).append(token.label)
    return ", ".join(" or ".join(labels) for labels in by_name.values())


def returns_sentence(query: Mapping[str, str]) -> str:
    """What a list of returns shows, as a sentence without its end."""
    described = description(return_tokens(query))
    return f"Returns: {described}; newest change first" if described else "All returns, newest change first"


def read_cursor(text: str) -> Cursor | None:
    """The place in a list an address continues from: "1763660000000~north/loop/77". Raises FilterError."""
    if not text:
        return None
    ms, mark, key = text.partition("~")
    if not mark or not ms.isdigit() or len(ms) > 18 or "\0" in key:
        raise FilterError("The place in the list (“after”) cannot be read; start again from the top.")
    return int(ms), key


def number(text: str, name: str) -> int:
    """A whole number from an address. Raises FilterError."""
    if not text.isdigit() or len(text) > 18:
        raise FilterError(f"“{name}” must be a whole number.")
    return int(text)


def tokens(query: Mapping[str, str], labels: Mapping[str, object]) -> list[Token]:
    """The tokens of any list, each name with the words for its values."""
    return _tokens(query, labels)

"""SuiteQL over SQLite: NetSuite's dialect rewritten word by word, its functions, its errors (§12)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.errors import Refusal, refusal
from counterfoil.erps.netsuite.sim.mirror import DATE_MARK, TABLES, Mirror, marked
from counterfoil.erps.netsuite.sim.schema import KINDS
from counterfoil.erps.netsuite.sim.values import ZERO, as_decimal, plain

ROW_LIMIT = 100_000  # rows one query may reach without SuiteAnalytics Connect
_TOKEN = re.compile(
    r"(?P<blank>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"[^\"]*\")|(?P<word>[A-Za-z_][\w$#]*)"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<mark><>|!=|<=|>=|\|\||.)",
    re.DOTALL,
)
_PREFIXED_STATUS = re.compile(r"^'[A-Za-z]+:([A-Z])'$")
_WORDS = {"MINUS": "EXCEPT", "SYSDATE": "SYSDATE_()", "CURRENT_DATE": "SYSDATE_()"}
_FORMATS = (
    ("YYYY", "%Y"), ("MM", "%m"), ("DD", "%d"), ("HH24", "%H"), ("HH", "%I"), ("MI", "%M"), ("SS", "%S"),
    ("MON", "%b"), ("YY", "%y"), ("AM", "%p"), ("PM", "%p"),
)  # fmt: skip
_SEARCH_TYPES = {kind.sql_type: kind for kind in KINDS.values() if kind.sql_type}
_LOOKUPS = {
    "currency": ("currency",), "location": ("location",), "subsidiary": ("subsidiary",), "entity": ("customer",),
    "customer": ("customer",), "department": ("department",), "account": ("account",),
    "postingperiod": ("accountingPeriod",), "inventorystatus": ("inventoryStatus",),
}  # fmt: skip


class QueryRefused(Exception):
    """A query the dialect does not know; the message is the tail of NetSuite's sentence."""


class SuiteQL:
    """Runs queries for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._mirror = Mirror(account)
        _register(self._mirror.connection, account)

    def run(self, query: str) -> list[dict[str, str | None]]:
        """All rows of a query as NetSuite shows them. Raises Refusal with one of its two error texts (sheet §8)."""
        self._mirror.sync()
        connection = self._mirror.connection
        try:
            translated = translate(query)
            connection.set_authorizer(_only_reading)
            cursor = connection.execute(translated)
            rows = cursor.fetchmany(ROW_LIMIT)
        except QueryRefused as problem:
            raise _invalid_query(str(problem)) from problem
        except sqlite3.Error as problem:
            raise _invalid_query(self._explained(str(problem), query)) from problem
        finally:
            connection.set_authorizer(None)
        names = _column_names([column[0] for column in cursor.description])
        return [self._row(names, row) for row in rows]

    def _row(self, names: list[str], row: tuple[Any, ...]) -> dict[str, str | None]:
        shown = {name: self._shown(value) for name, value in zip(names, row, strict=True)}
        if self._account.preferences.suiteql_omit_nulls:
            return {name: value for name, value in shown.items() if value is not None}
        return shown

    def _shown(self, value: Any) -> str | None:
        """Every value is a string; a bare date comes in the account's display format (sheet §12)."""
        if value is None:
            return None
        if isinstance(value, str) and value.startswith(DATE_MARK):
            day = datetime.fromisoformat(value[1:11])
            text = self._account.preferences.date_format
            for name, number in (("YYYY", f"{day:%Y}"), ("MM", f"{day:%m}"), ("DD", f"{day:%d}")):
                text = text.replace(name, number)
            text = re.sub(r"\bM\b", str(day.month), text)
            return re.sub(r"\bD\b", str(day.day), text)
        return _number_text(value)

    def _explained(self, problem: str, query: str) -> str:
        if match := re.search(r"no such table: (?:\w+\.)?(.+)", problem):
            return f"Invalid search type: {match[1]}."
        if match := re.search(r"no such column: (?:.*\.)?(.+)", problem):
            names = {word.lower() for word in re.findall(r"\w+", query)} & set(TABLES)
            known = sorted({column for table in names for column in self._mirror.columns_of(table)})
            listed = ", ".join(f"{name}={name}" for name in known)
            return f"Search error occurred: Unknown identifier '{match[1]}'. Available identifiers are: {{{listed}}}"
        return f"Search error occurred: {problem}"


def _invalid_query(reason: str) -> Refusal:
    text = f"Invalid search query. Detailed unprocessed description follows. {reason}"
    return refusal(400, text, "INVALID_PARAMETER")


def _only_reading(action: int, one: str | None, *_rest: Any) -> int:
    """SQLite's gate: a query reads the account's tables and calls functions, nothing else."""
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY


def _column_names(names: list[str]) -> list[str]:
    """Keys are lower case whatever the alias; an expression without one becomes expr1, expr2 and so on."""
    found = []
    for position, name in enumerate(names, start=1):
        found.append(name.lower() if re.fullmatch(r"\w+", name) else f"expr{position}")
    return found


def _number_text(value: Any) -> str:
    if isinstance(value, (int, str)):
        return str(value)
    number = as_decimal(f"{value:.15g}")
    return plain(number) if number is not None else str(value)


# --- the dialect -------------------------------------------------------------------------------------------------


def translate(query: str) -> str:
    """The query in SQLite's words. Raises QueryRefused for anything but one SELECT."""
    tokens = [m for m in _TOKEN.finditer(query) if m.lastgroup != "blank"]
    words = [m.group() for m in tokens]
    if not words or words[0].upper() not in {"SELECT", "WITH"}:
        raise QueryRefused("Only SELECT statements are supported.")
    if ";" in words:
        raise QueryRefused("Search error occurred: Invalid or unsupported search near ';'")
    inner = next((word for word in words if word.lower().lstrip('"[').startswith("sqlite_")), None)
    if inner is not None:
        raise QueryRefused(f"Invalid search type: {inner}.")
    written = [_word(match) for match in tokens]
    written = _display_functions(written)
    written = _limits(written)
    return " ".join(word for word in written if word)


def _word(match: re.Match[str]) -> str:
    text = match.group()
    if match.lastgroup == "word":
        # TRANSACTION is a keyword of SQLite; brackets, unlike quotes, never turn into a string.
        return "[transaction]" if text.lower() == "transaction" else _WORDS.get(text.upper(), text)
    if match.lastgroup == "quoted":
        return f"[{text[1:-1]}]"
    if match.lastgroup == "text":
        prefixed = _PREFIXED_STATUS.match(text)
        known = prefixed is not None and text[1:].split(":")[0] in _SEARCH_TYPES
        return f"'{prefixed[1]}'" if prefixed is not None and known else text
    return text


def _display_functions(words: list[str]) -> list[str]:
    """`BUILTIN.DF(t.currency)` tells the column's name to the function; a status also needs its transaction's type."""
    made: list[str] = []
    position = 0
    while position < len(words):
        if [word.upper() for word in words[position : position + 4]] != ["BUILTIN", ".", "DF", "("]:
            made.append(words[position])
            position += 1
            continue
        end = words.index(")", position)
        argument = words[position + 4 : end]
        column = argument[-1].strip("[]").lower()
        kind = [*argument[:-1], "type"] if column == "status" else ["NULL"]
        made += ["BUILTIN_DF", "(", f"'{column}'", ",", *argument, ",", *kind, ")"]
        position = end + 1
    return made


def _limits(words: list[str]) -> list[str]:
    """`ROWNUM <= n`, `TOP n` and `FETCH FIRST n ROWS ONLY` as a LIMIT at the end of their own SELECT."""
    out: list[str] = []
    pending: list[tuple[int, str]] = []  # (depth, limit)
    depth = position = 0
    while position < len(words):
        upper = words[position].upper()
        if upper == ")":
            out += _due(pending, depth)
        depth += {"(": 1, ")": -1}.get(upper, 0)
        found, used, text = _limit_at(words, position)
        if found is not None:
            pending.append((depth, found))
        out.append(text)
        position += used
    return out + _due(pending, depth)


def _due(pending: list[tuple[int, str]], depth: int) -> list[str]:
    due = [limit for at, limit in pending if at == depth]
    pending[:] = [entry for entry in pending if entry[0] != depth]
    return ["LIMIT", due[-1]] if due else []


def _limit_at(words: list[str], position: int) -> tuple[str | None, int, str]:
    """A limit written here: the number, how many words it takes, and what stays in their place."""
    ahead = [word.upper() for word in words[position : position + 5]]
    if ahead[0] == "ROWNUM":
        if len(ahead) > 2 and ahead[1] in {"<", "<=", "="} and ahead[2].isdigit():
            count = int(ahead[2]) - (1 if ahead[1] == "<" else 0)
            return str(count), 3, "1 = 1"
        return None, 1, "ROW_NUMBER() OVER () AS rownum" if position and ahead[1:2] in ([","], ["FROM"]) else "1"
    if ahead[0] == "TOP" and len(ahead) > 1 and ahead[1].isdigit():
        return ahead[1], 2, ""
    if ahead[0] == "FETCH" and len(ahead) == 5 and ahead[1] in {"FIRST", "NEXT"} and ahead[4] == "ONLY":
        return ahead[2], 5, ""
    return None, 1, words[position]


# --- functions ---------------------------------------------------------------------------------------------------


def _register(connection: sqlite3.Connection, account: Account) -> None:
    connection.execute("PRAGMA case_sensitive_like = ON")
    functions: list[tuple[str, int, Callable[..., Any]]] = [
        ("TO_CHAR", 1, lambda value: None if value is None else str(value).removeprefix(DATE_MARK)),
        ("TO_CHAR", 2, _to_char),
        ("TO_DATE", 2, _to_date),
        ("TO_TIMESTAMP", 2, _to_date),
        ("TO_NUMBER", 1, lambda value: value),
        ("NVL", 2, lambda value, other: other if value is None else value),
        ("NVL2", 3, lambda value, some, none: none if value is None else some),
        ("TRUNC", 1, _trunc),
        ("GREATEST", -1, lambda *values: None if None in values else max(values)),
        ("LEAST", -1, lambda *values: None if None in values else min(values)),
        ("DECODE", -1, _decode),
        ("SYSDATE_", 0, lambda: marked(account.now())),
        ("BUILTIN_DF", 3, lambda column, value, kind: _display(account, column, value, kind)),
    ]
    for name, count, function in functions:
        connection.create_function(name, count, function, deterministic=False)
    connection.create_aggregate("SUM", 1, _ExactSum)


class _ExactSum:
    """SUM over printed digits, so that cents stay cents whatever the column's storage."""

    def __init__(self) -> None:
        self._total = ZERO
        self._seen = False

    def step(self, value: Any) -> None:
        number = as_decimal(value)
        if number is not None:
            self._total += number
            self._seen = True

    def finalize(self) -> Any:
        if not self._seen:
            return None
        whole = self._total == self._total.to_integral_value()
        return int(self._total) if whole else self._total.__float__()


def _pattern(text: str) -> str:
    """An Oracle date format as a strftime pattern; quoted parts are literal."""
    parts = re.split(r'"([^"]*)"', str(text))
    for position in range(0, len(parts), 2):
        part = parts[position].upper()
        for oracle, python in _FORMATS:
            part = part.replace(oracle, python)
        parts[position] = part
    return "".join(parts)


def _to_char(value: Any, text: str) -> str | None:
    if value is None:
        return None
    stored = str(value)
    if not stored.startswith(DATE_MARK):
        return stored
    return datetime.fromisoformat(stored[1:]).strftime(_pattern(text))


def _to_date(value: Any, text: str) -> str | None:
    if value is None:
        return None
    try:
        moment = datetime.strptime(str(value).removeprefix(DATE_MARK), _pattern(text))
    except ValueError:
        return None
    bare = not (moment.hour or moment.minute or moment.second)
    return marked(f"{moment:%Y-%m-%d}" if bare else f"{moment:%Y-%m-%d %H:%M:%S}")


def _trunc(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(DATE_MARK):
        return value[:11]
    number = as_decimal(value)
    return None if number is None else int(number)


def _decode(value: Any, *rest: Any) -> Any:
    for position in range(0, len(rest) - 1, 2):
        if rest[position] == value:
            return rest[position + 1]
    return rest[-1] if len(rest) % 2 else None


def _display(account: Account, column: str, value: Any, kind: Any) -> Any:
    """What BUILTIN.DF shows: the name behind an id, the words behind a letter."""
    if value is None:
        return None
    book, text = account.book, str(value)
    if column == "status":
        schema = _SEARCH_TYPES.get(str(kind))
        return f"{schema.title} : {schema.states.get(text, text)}" if schema is not None else text
    if column == "type":
        schema = _SEARCH_TYPES.get(text)
        return schema.title if schema is not None else text
    if column == "item":
        found = book.item(text)
    elif column in {"createdfrom", "transaction", "previousdoc", "nextdoc"}:
        found = book.transaction(text)
    else:
        found = book.first(_LOOKUPS.get(column, ()), text)
    return found.label if found is not None else value

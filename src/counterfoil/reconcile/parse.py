"""How a column's text becomes a value, as SQL: nothing is guessed, and what cannot be read has a check that says so.

No engine may infer the type of an id or an amount (matching §5): text stays text until these expressions read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from counterfoil.reconcile.columns import Column

WHOLE_TYPES = frozenset(
    {"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "HUGEINT"}
)
DAY_MIN, DAY_MAX = 10957, 47481  # 2000-01-01 and 2099-12-31 as day numbers


@dataclass(frozen=True, slots=True)
class Range:
    """What a Parquet file says of a column: its least and greatest value as text (None: it does not say), its nulls."""

    least: str | None
    greatest: str | None
    nulls: int | None


Ground = Literal["", "filled", "filled_text", "no_number", "century"]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that a good row does not meet. `cure` follows the row and value in the sentence about it.

    `ground` says by which facts about the whole column no row can meet it, so that a good file need not be scanned.
    """

    column: str
    condition: str
    shown: str
    fault: str
    cure: str
    sets_aside: bool
    ground: Ground = ""

    def ruled_out(self, column: Range) -> bool:
        """Whether the column's range alone shows that no row is bad."""
        least, greatest = column.least, column.greatest
        if self.ground == "filled":
            return column.nulls == 0
        if least is None or greatest is None:
            return False
        if self.ground == "filled_text":
            return column.nulls == 0 and least >= "!"  # neither empty nor blanks in front
        if self.ground == "no_number":
            return least >= "!" and (greatest < "0" or least[0] > "9")
        return self.ground == "century" and least[:10] >= "2000-01-01" and greatest[:10] <= "2099-12-31"


@dataclass(frozen=True, slots=True)
class Reading:
    """The expression of one contract column and what must be checked beside it."""

    expression: str
    checks: tuple[Check, ...]


def quoted(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def reading(column: Column, heading: str, kind: str, *, minor: bool, power: str) -> Reading:
    """How to read `heading` of SQL type `kind` as the contract's column.

    `minor` says that money comes in minor units; otherwise `power` is the expression of ten to the currency's digits.
    """
    raw = quoted(heading)
    if column.kind in ("id", "text", "code"):
        return _text(column, raw, heading, kind)
    if column.kind == "date":
        return _date(column, raw, heading, kind)
    if kind in WHOLE_TYPES and (minor or column.kind == "whole"):
        blank = _blank(column, heading, f"{raw} is null", raw, "filled")
        return Reading(f"{raw}::bigint", blank)
    text = f"trim({raw}::varchar)"
    if column.kind == "whole" or minor:
        return _whole(column, text, heading)
    return _decimal(column, text, heading, power)


def _text(column: Column, raw: str, heading: str, kind: str) -> Reading:
    if kind in ("DOUBLE", "FLOAT"):
        text = f"coalesce(case when {raw} = floor({raw}) and abs({raw}) < 1e15 then {raw}::bigint::varchar else {raw}::varchar end, '')"
    elif kind == "VARCHAR":
        text = f"coalesce({raw}, '')"
    else:
        text = f"coalesce({raw}::varchar, '')"
    value = f"upper(trim({text}))" if column.name.endswith("currency") else text
    empty = f"({text} = '' or starts_with({text}, ' ') and trim({text}) = '')"
    checks = _blank(column, heading, empty, text, "filled_text" if kind == "VARCHAR" else "")
    if column.kind == "id" and kind in ("VARCHAR", "DOUBLE", "FLOAT"):
        damaged = f"(contains({text}, '+') and regexp_full_match(trim({text}), '[0-9]([.,][0-9]+)?[eE][+][0-9]+'))"
        cure = "a spreadsheet has rounded the id; export it again with the column as text"
        checks += (
            Check(
                heading,
                damaged,
                text,
                "is no id any more",
                cure,
                column.needed,
                "no_number" if kind == "VARCHAR" else "",
            ),
        )
    return Reading(value, checks)


def _blank(column: Column, heading: str, condition: str, shown: str, ground: Ground = "") -> tuple[Check, ...]:
    if column.blank:
        return ()
    return (Check(heading, condition, shown, "is empty", "fill it or leave the row out", True, ground),)


def _date(column: Column, raw: str, heading: str, kind: str) -> Reading:
    if kind == "DATE":
        day = f"({raw} - date '1970-01-01')"
    elif kind.startswith("TIMESTAMP"):
        day = f"({raw}::date - date '1970-01-01')"
    else:
        text = f"trim({raw}::varchar)"
        day = (
            f"case when {text}[5] = '-' and {text}[8] = '-' and (length({text}) = 10 or {text}[11] in ('T', ' ')) "
            f"then try_cast(left({text}, 10) as date) - date '1970-01-01' "
            f"when regexp_full_match({text}, '[34567][0-9]{{4}}(\\.0+)?') then {text}::double::bigint - 25569 end"
        )
    native = kind == "DATE" or kind.startswith("TIMESTAMP")
    unread = "false" if native else f"({day}) is null and coalesce(trim({raw}::varchar), '') <> ''"
    far = f"({day}) not between {DAY_MIN} and {DAY_MAX}"
    empty = f"{raw} is null" if native else f"{raw} is null or trim({raw}::varchar) = ''"
    checks = _blank(column, heading, empty, f"{raw}::varchar", "filled" if native else "")
    must = column.needed
    checks += (
        Check(heading, unread, f"{raw}::varchar", "is no date", "write dates as YYYY-MM-DD", must),
        Check(
            heading,
            far,
            f"{raw}::varchar",
            "is in another century",
            "correct the year",
            must,
            "century" if native else "",
        ),
    )
    checks = tuple(check for check in checks if check.condition != "false")
    return Reading(f"({day})::int", checks)


def _whole(column: Column, text: str, heading: str) -> Reading:
    form = "'[+-]?[0-9]{1,17}(\\.0*)?'"
    value = f"case when regexp_full_match({text}, {form}) then try_cast(split_part({text}, '.', 1) as bigint) end"
    return Reading(
        value, _number_checks(column, text, heading, f"not regexp_full_match({text}, {form})", "whole number")
    )


def _decimal(column: Column, text: str, heading: str, power: str) -> Reading:
    form = "'[+-]?([0-9]{1,15}(\\.[0-9]{0,6})?|\\.[0-9]{1,6})'"
    scaled = f"(case when regexp_full_match({text}, {form}) then try_cast({text} as decimal(24, 6)) end * {power})"
    value = f"case when {scaled} = floor({scaled}) then {scaled}::bigint end"
    checks = _number_checks(column, text, heading, f"not regexp_full_match({text}, {form})", "amount")
    fine = f"{scaled} <> floor({scaled})"
    cure = "give it with the currency's own number of decimals"
    return Reading(value, (*checks, Check(heading, fine, text, "has too many decimals", cure, column.needed)))


def _number_checks(column: Column, text: str, heading: str, wrong: str, what: str) -> tuple[Check, ...]:
    filled = f"coalesce({text}, '') <> ''"
    comma = f"{filled} and contains({text}, ',')"
    other = f"{filled} and not contains({text}, ',') and {wrong}"
    return (
        *_blank(column, heading, f"coalesce({text}, '') = ''", text),
        Check(
            heading, comma, text, "has a comma", "export amounts with a decimal point and no separators", column.needed
        ),
        Check(heading, other, text, f"is no {what}", "correct it in the export", column.needed),
    )

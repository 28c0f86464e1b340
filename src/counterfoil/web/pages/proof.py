"""The proof: what the newest run came to by leg and currency, why the sides differ, and everything that is open."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.closing.figures import BY_HAND, CAUSE, CLOSING, LEFT, RIGHT, TIED, UNITS
from counterfoil.core.reconcile.legs import LEGS
from counterfoil.store import proofs, signoffs, workbench
from counterfoil.store.database import Row, Transaction
from counterfoil.store.workbench import Cursor, ItemFilter
from counterfoil.web import exports, filters, proofwords, words
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.formats import plain_amount
from counterfoil.web.sheets import as_xlsx
from counterfoil.web.system import current

PAGE_ROWS = 100
TOKENS = ("leg", "class", "reason", "bucket", "owner", "brand", "unit", "decided")
COLUMNS = (
    "leg",
    "left_id",
    "right_id",
    "class",
    "reason",
    "difference",
    "amount",
    "unit",
    "day",
    "age_days",
    "bucket",
    "owner",
    "brand",
    "return",
    "why",
    "decision",
)
FIGURE_COLUMNS = ("as_of", "leg", "unit", "line", "records", "amount")
NUMBERS = frozenset({"difference", "amount", "age_days"})
MONEY = frozenset(leg.name for leg in LEGS if leg.money)


@dataclass(slots=True)
class LegFigures:
    """One leg on the page: per unit the lines of the roll-forward, and the causes of the difference."""

    name: str
    units: dict[str, dict[str, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def causes(self) -> list[str]:
        """The causes of any unit, in the order of the words."""
        order = [*proofwords.CLASS, *proofwords.REASON]
        found = {line.removeprefix(CAUSE) for lines in self.units.values() for line in lines if line.startswith(CAUSE)}
        return sorted(found, key=lambda cause: order.index(cause) if cause in order else len(order))

    def get(self, unit: str, line: str) -> tuple[int, int]:
        """(records, minor units) of a line."""
        return self.units[unit].get(line, (0, 0))

    def cause(self, unit: str, cause: str) -> tuple[int, int]:
        """(records, signed difference) of a cause."""
        return self.get(unit, CAUSE + cause)

    def apart(self, unit: str) -> tuple[int, int]:
        """All causes together."""
        every = [self.cause(unit, cause) for cause in self.causes]
        return sum(records for records, _ in every), sum(minor for _, minor in every)

    def adds_up(self, unit: str) -> bool:
        """Whether opening and movements make closing, and the causes make the difference of the sides."""
        got = {line: self.get(unit, line) for line, _, _ in proofwords.ROLL}
        for place in (0, 1):
            moved = got["opening"][place] + got["new"][place]
            moved -= got["matched"][place] + got["adjusted"][place] + got["withdrawn"][place]
            if moved != got[CLOSING][place]:
                return False
        return self.apart(unit)[1] == self.get(unit, RIGHT)[1] - self.get(unit, LEFT)[1]


@page("returns.view")
@require_safe
def proof_page(request: HttpRequest) -> HttpResponse:
    """The newest run."""
    with current().database.read() as tx:
        run = proofs.last(tx)
        legs = _legs(workbench.figures(tx, run["id"])) if run else []
        counts = _counts(tx)
        period = run["as_of"][:7] if run else ""
        signed = list(signoffs.of_period(tx, period).values())
    context = {
        "run": proofs.told(run) if run else None,
        "legs": legs,
        "proof": proofwords,
        "UNITS": UNITS,
        "BY_HAND": BY_HAND,
        "sides": (LEFT, RIGHT, TIED),
        "period": period,
        "signed": signed,
        "connected": bool(current().connections),
        **counts,
    }
    return render(request, "proof.html", context)


@page("returns.view")
@require_safe
def proof_csv(request: HttpRequest) -> HttpResponse:
    """The figures as a file."""
    return exports.as_csv("proof", _figure_rows(), FIGURE_COLUMNS, frozenset({"amount"}))


@page("returns.view")
@require_safe
def proof_xlsx(request: HttpRequest) -> HttpResponse:
    """The figures as a workbook."""
    return as_xlsx("proof", _figure_rows(), FIGURE_COLUMNS, frozenset({"records", "amount"}))


@page("returns.view")
@require_safe
def items_list(request: HttpRequest) -> HttpResponse:
    """What is open, oldest record first."""
    read = _asked(request)
    if isinstance(read, HttpResponse):
        return read
    chosen, after = read
    query = request.GET.dict()
    with current().database.read() as tx:
        rows = workbench.items_page(tx, chosen, PAGE_ROWS + 1, after)
        run = proofs.last(tx)
        counts = _counts(tx)
    context = {
        "rows": rows[:PAGE_ROWS],
        "run": run,
        "chosen": query,
        "tokens": filters.tokens(query, LABELS),
        "query": filters.query_string(query, TOKENS),
        "following": _cursor_text(rows[PAGE_ROWS - 1]) if len(rows) > PAGE_ROWS else "",
        "after": query.get("after", ""),
        "proof": proofwords,
        "MONEY": MONEY,
        **counts,
    }
    return render(request, "proof_items.html", context)


@page("returns.view")
@require_safe
def items_csv(request: HttpRequest) -> HttpResponse:
    """The rows as a file; a further file is named in the Link header."""
    return _file(request, "csv")


@page("returns.view")
@require_safe
def items_xlsx(request: HttpRequest) -> HttpResponse:
    """The rows as a workbook."""
    return _file(request, "xlsx")


@page("returns.view")
@require_safe
def items_json(request: HttpRequest) -> HttpResponse:
    """The rows as data."""
    return _file(request, "json")


@page("returns.view")
@require_safe
def proposed(request: HttpRequest) -> HttpResponse:
    """Matches a rule is not sure of, oldest first."""
    try:
        after = _cursor(request.GET.get("after", "")) or ("", "", "", "")
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("proof_proposed"))
    names = dict(zip(("day", "leg", "left_id", "right_id"), after, strict=True))
    with current().database.read() as tx:
        rows = tx.rows("proof_pairs_proposed", **names, rows=PAGE_ROWS + 1)
        counts = _counts(tx)
    context = {
        "rows": rows[:PAGE_ROWS],
        "following": _cursor_text(rows[PAGE_ROWS - 1]) if len(rows) > PAGE_ROWS else "",
        "proof": proofwords,
        "MONEY": MONEY,
        **counts,
    }
    return render(request, "proof_proposed.html", context)


@page("returns.view")
@require_safe
def decisions(request: HttpRequest) -> HttpResponse:
    """What people decided: what waits for a second person, what is in force, what was reopened."""
    state = request.GET.get("state", "asked")
    if state not in proofwords.STATE:
        return unprocessable(request, "“state” is none we know.", reverse("proof_decisions"))
    with current().database.read() as tx:
        rows = workbench.newest_decisions(tx, state, PAGE_ROWS)
        counts = _counts(tx)
    context = {"rows": rows, "state": state, "proof": proofwords, "MONEY": MONEY, **counts}
    return render(request, "proof_decisions.html", context)


# --- reading the address --------------------------------------------------------------------------------------------

LABELS: dict[str, Any] = {
    "leg": lambda value: proofwords.LEG.get(value, value),
    "class": lambda value: proofwords.CLASS.get(value, value),
    "reason": lambda value: proofwords.REASON.get(value, value),
    "bucket": lambda value: proofwords.BUCKET.get(value, value),
    "owner": lambda value: words.OWNER.get(value, value),
    "brand": lambda value: f"brand {value}",
    "unit": lambda value: value,
    "decided": lambda value: proofwords.DECIDED.get(value, value),
}


def _asked(request: HttpRequest) -> tuple[ItemFilter, Cursor | None] | HttpResponse:
    query = request.GET.dict()
    try:
        decided = filters.values(query, "decided", proofwords.DECIDED)
        chosen = ItemFilter(
            leg=filters.values(query, "leg", proofwords.LEG),
            kind=filters.values(query, "class", proofwords.CLASS),
            reason=filters.values(query, "reason", proofwords.REASON),
            bucket=filters.values(query, "bucket", proofwords.BUCKET),
            owner=filters.values(query, "owner", words.OWNER),
            brand=filters.values(query, "brand"),
            unit=filters.values(query, "unit"),
            decided=decided[0] if len(decided) == 1 else "",
        )
        after = _cursor(query.get("after", ""))
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("proof_items"))
    return chosen, after


def _cursor(text: str) -> Cursor | None:
    if not text:
        return None
    parts = [unquote(part) for part in text.split("~")]
    if len(parts) != 4 or "\0" in text:
        raise filters.FilterError("“after” is not a place in this list.")
    return parts[0], parts[1], parts[2], parts[3]


def _cursor_text(row: Row) -> str:
    parts = (row["day"], row["leg"], row["left_id"], row["right_id"])
    return "~".join(quote(part, safe="").replace("~", "%7E") for part in parts)


# --- rows -----------------------------------------------------------------------------------------------------------


def _legs(rows: list[Row]) -> list[LegFigures]:
    found = {leg.name: LegFigures(leg.name) for leg in LEGS}
    for row in rows:
        found[row["leg"]].units[row["unit"]][row["line"]] = (row["records"], row["minor"])
    return [leg for leg in found.values() if leg.units]


def _counts(tx: Transaction) -> dict[str, Any]:
    proposals = tx.one("proof_pairs_proposed_count") or {"pairs": 0}
    asked = tx.one("proof_decisions_asked_count") or {"decisions": 0}
    return {"proposed_count": proposals["pairs"], "asked_count": asked["decisions"]}


def _figure_rows() -> list[dict[str, Any]]:
    with current().database.read() as tx:
        run = proofs.last(tx)
        rows = workbench.figures(tx, run["id"]) if run else []
    as_of = run["as_of"] if run else ""
    return [
        {**row, "as_of": as_of, "amount": _size(row["minor"], row["unit"], money=row["unit"] != UNITS)} for row in rows
    ]


def _size(minor: int, unit: str, *, money: bool) -> str | None:
    return plain_amount(minor, unit) if money else str(minor)


def _exported(row: Row) -> dict[str, Any]:
    money = row["leg"] in MONEY
    return {
        **{column: row.get(column) for column in COLUMNS},
        "difference": _size(row["difference_minor"], row["unit"], money=money),
        "amount": _size(row["amount_minor"], row["unit"], money=money),
        "return": row["case_id"],
        "decision": row["decision_id"],
    }


def _file(request: HttpRequest, form: str) -> HttpResponse:
    read = _asked(request)
    if isinstance(read, HttpResponse):
        return read
    with current().database.read() as tx:
        rows = workbench.items_page(tx, read[0], exports.ROWS_MAX + 1, read[1])
    kept = rows[: exports.ROWS_MAX]
    following = None
    if len(rows) > exports.ROWS_MAX:
        query = filters.query_string({**request.GET.dict(), "after": _cursor_text(kept[-1])}, (*TOKENS, "after"))
        following = f"{request.path}?{query}"
    shown = [_exported(row) for row in kept]
    if form == "json":
        return exports.as_json("items", shown, "Open records of the newest proof, oldest first", following)
    as_file = as_xlsx if form == "xlsx" else exports.as_csv
    answer = as_file("open-records", shown, COLUMNS, NUMBERS)
    if following:
        answer["Link"] = f'<{following}>; rel="next"'
    return answer

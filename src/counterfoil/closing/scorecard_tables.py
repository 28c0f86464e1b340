"""The tables of the scorecard: what returns cost, tied to the posted credit notes; why they came and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from counterfoil.closing.closepack_costs import Costs
from counterfoil.closing.kpis import DAY_MS, WeekFacts
from counterfoil.closing.scorecard_facts import CostLine, Measured, MeasuredUnit
from counterfoil.core.money import to_text
from counterfoil.core.returns import Disposition

_SCRAPPED = (Disposition.DISPOSE, Disposition.DONATE)
AGED_ROWS = 200
_Cells = tuple[str | int | None, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table: `numeric` names the columns that hold figures; None in a cell is unknown."""

    key: str
    title: str
    meaning: str
    columns: tuple[str, ...]
    numeric: tuple[str, ...]
    rows: tuple[_Cells, ...]


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """An identity: the parts of a table against the posted documents, in one currency."""

    name: str
    currency: str
    total: str
    parts: str
    balances: bool


def _credited(week: WeekFacts) -> list[Measured]:
    return [r for r in week.returns if r.credit is not None and week.has(r.credit.at_ms)]


# --- cost -----------------------------------------------------------------------------------------------------------

_Name = Callable[[Measured, CostLine], str]
_UnitName = Callable[[Measured, MeasuredUnit], str]

_BY: tuple[tuple[str, str, _Name, _UnitName], ...] = (
    ("sku", "SKU", lambda _, line: line.sku, lambda _, unit: unit.sku),
    ("reason", "Reason", lambda _, line: line.reason, lambda _, unit: unit.reason),
    ("region", "Region", lambda r, _: r.region, lambda r, _: r.region),
)
_MONEY = ("Units credited", "Net", "Tax", "Gross", "Credit notes", "Units scrapped", "Cost scrapped")


def costs(week: WeekFacts, known: Costs) -> tuple[list[Table], list[Tie]]:
    """What was credited by SKU, by reason and by region, and whether each adds up to the posted documents."""
    tables: list[Table] = []
    ties: list[Tie] = []
    for key, title, of_line, of_unit in _BY:
        sums = _summed(week, of_line)
        scrap = _scrapped(week, of_unit, known)
        rows = [
            _cost_row(name, currency, sums.get((name, currency)), scrap.get((name, currency)))
            for name, currency in sorted({*sums, *scrap}, key=lambda k: (k[1], -(_gross(sums.get(k))), k[0]))
        ]
        meaning = (
            f"Posted credit notes of these weeks by {_word(title)}, their charges as rows of their own, and units found "
            "worthless at the cost known for their SKU. Every line with its document is in the file of credits."
        )
        columns = (title, "Currency", *_MONEY)
        tables.append(
            Table(
                key=f"cost_by_{key}",
                title=f"Cost of returns by {_word(title)}",
                meaning=meaning,
                columns=columns,
                numeric=_MONEY,
                rows=tuple(rows),
            )
        )
        ties += _ties(week, _word(title), sums)
    return tables, ties


def _word(title: str) -> str:
    return title if title.isupper() else title.lower()


class _Sum(msgspec.Struct):
    units: int = 0
    net: int = 0
    tax: int = 0
    gross: int = 0
    documents: set[str] = msgspec.field(default_factory=set)


class _Scrap(msgspec.Struct):
    units: int = 0
    cost: int = 0
    unknown: bool = False


_Place = tuple[str, str]


def _gross(found: _Sum | None) -> int:
    return found.gross if found is not None else 0


def _summed(week: WeekFacts, name: _Name) -> dict[_Place, _Sum]:
    sums: dict[_Place, _Sum] = {}
    for one in _credited(week):
        assert one.credit is not None, "only credited returns are summed"
        for line in one.credit.lines:
            found = sums.setdefault((name(one, line), one.currency), _Sum())
            found.units += line.units
            found.net += line.net
            found.tax += line.tax
            found.gross += line.gross
            found.documents.add(one.credit.number)
    return sums


def _scrapped(week: WeekFacts, name: _UnitName, known: Costs) -> dict[_Place, _Scrap]:
    scrap: dict[_Place, _Scrap] = {}
    for one in week.returns:
        for unit in one.units:
            if unit.found not in _SCRAPPED or not week.has(unit.inspected_ms):
                continue
            found = scrap.setdefault((name(one, unit), one.currency), _Scrap())
            found.units += 1
            cost = known.get(unit.sku)
            if cost is None or cost.currency != one.currency:
                found.unknown = True
            else:
                found.cost += cost.minor
    return scrap


def _cost_row(name: str, currency: str, found: _Sum | None, scrap: _Scrap | None) -> _Cells:
    found = found or _Sum()
    money = tuple(to_text(amount, currency) for amount in (found.net, found.tax, found.gross))
    lost = to_text(0, currency) if scrap is None else None if scrap.unknown else to_text(scrap.cost, currency)
    return (name, currency, found.units, *money, len(found.documents), scrap.units if scrap else 0, lost)


def _ties(week: WeekFacts, title: str, sums: dict[_Place, _Sum]) -> Iterable[Tie]:
    posted: Counter[str] = Counter()
    for one in _credited(week):
        posted[one.currency] += one.credit.total if one.credit is not None else 0
    for currency, total in sorted(posted.items()):
        parts = sum(found.gross for (_, place), found in sums.items() if place == currency)
        yield Tie(
            name=f"Credit notes by {title}",
            currency=currency,
            total=to_text(total, currency),
            parts=to_text(parts, currency),
            balances=total == parts,
        )


def credit_lines(week: WeekFacts) -> Table:
    """Every line of every credit note behind the cost tables."""
    rows: list[_Cells] = []
    for one in sorted(_credited(week), key=lambda r: (r.credit.at_ms if r.credit else 0, r.case_id)):
        for line in one.credit.lines if one.credit is not None else ():
            money = (to_text(amount, one.currency) for amount in (line.net, line.tax, line.gross))
            document = one.credit.number if one.credit is not None else ""
            rows.append((document, one.case_id, line.sku, line.reason, one.region, line.units, *money, one.currency))
    return Table(
        key="credits",
        title="Credit notes, line by line",
        meaning="Every line of the posted credit notes the cost tables are made of.",
        columns=("Credit note", "Return", "SKU", "Reason", "Region", "Units", "Net", "Tax", "Gross", "Currency"),
        numeric=("Units", "Net", "Tax", "Gross"),
        rows=tuple(rows),
    )


# --- why they came, what was found (R72) ----------------------------------------------------------------------------


def merchandising(week: WeekFacts) -> list[Table]:
    """Reasons against dispositions by SKU and over all, and what the portal declared against what was found."""
    units = [unit for one in week.returns for unit in one.units if week.has(unit.inspected_ms)]
    return [_by_sku(units), _matrix(units), _declared(units)]


def _dispositions(units: Sequence[MeasuredUnit]) -> list[Disposition]:
    there = {unit.found for unit in units}
    return [disposition for disposition in Disposition if disposition in there]


def _spoken(disposition: Disposition | None) -> str:
    return "not said" if disposition is None else disposition.value.replace("_", " ")


def _by_sku(units: Sequence[MeasuredUnit]) -> Table:
    shown = _dispositions(units)
    rows: list[_Cells] = []
    for sku in sorted({unit.sku for unit in units}):
        same = [unit for unit in units if unit.sku == sku]
        reason, most = min(Counter(unit.reason for unit in same).items(), key=lambda item: (-item[1], item[0]))
        found = Counter(unit.found for unit in same)
        rows.append((sku, len(same), f"{reason} ({most})", *(found[disposition] for disposition in shown)))
    rows.sort(key=lambda row: (-int(row[1] or 0), str(row[0])))
    names = tuple(_spoken(disposition).capitalize() for disposition in shown)
    return Table(
        key="found_by_sku",
        title="What came back, by SKU",
        meaning="Units inspected in these weeks: the commonest reason customers gave, and what the inspector found.",
        columns=("SKU", "Units", "Commonest reason", *names),
        numeric=("Units", *names),
        rows=tuple(rows),
    )


def _matrix(units: Sequence[MeasuredUnit]) -> Table:
    shown = _dispositions(units)
    rows: list[_Cells] = []
    for reason in sorted({unit.reason for unit in units}):
        found = Counter(unit.found for unit in units if unit.reason == reason)
        rows.append((reason, sum(found.values()), *(found[disposition] for disposition in shown)))
    names = tuple(_spoken(disposition).capitalize() for disposition in shown)
    return Table(
        key="reason_by_disposition",
        title="Reason given against condition found",
        meaning="Units inspected in these weeks. A reason of damage beside sellable goods is worth a question.",
        columns=("Reason", "Units", *names),
        numeric=("Units", *names),
        rows=tuple(rows),
    )


def _declared(units: Sequence[MeasuredUnit]) -> Table:
    pairs = Counter((unit.declared, unit.found) for unit in units if unit.declared is not None)
    rows = [
        (_spoken(declared), _spoken(found), count, "yes" if declared is found else "no")
        for (declared, found), count in sorted(pairs.items(), key=lambda item: (-item[1], str(item[0])))
    ]
    return Table(
        key="declared_against_found",
        title="Declared against found",
        meaning="Where the portal declared a disposition: against what the warehouse found. The warehouse's moves stock.",
        columns=("Declared in the portal", "Found by the warehouse", "Units", "Same"),
        numeric=("Units",),
        rows=tuple(rows),
    )


def aged(week: WeekFacts) -> Table:
    """The aged backlog at the end of the last week, oldest first."""
    waiting = [r for r in week.returns if r.ended_ms is None and r.initiated_ms < week.end_ms - week.aged_days * DAY_MS]
    waiting.sort(key=lambda r: (r.initiated_ms, r.case_id))
    rows = tuple(
        (r.case_id, r.category, (week.end_ms - r.initiated_ms) // DAY_MS, len(r.units), "yes" if r.exception else "no")
        for r in waiting[:AGED_ROWS]
    )
    return Table(
        key="aged",
        title="Aged backlog",
        meaning=f"Returns under way for more than {week.aged_days} days, the oldest {AGED_ROWS}.",
        columns=("Return", "Category", "Days", "Units", "Exception in these weeks"),
        numeric=("Days", "Units"),
        rows=rows,
    )


def text_of(value: str | int | Decimal | None) -> str:
    """A cell as text; unknown is the word."""
    return "unknown" if value is None else str(value)

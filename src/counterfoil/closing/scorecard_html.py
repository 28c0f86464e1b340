"""The scorecard as one HTML file and as CSV: charts with their tables, definitions beside the figures."""

from __future__ import annotations

import csv
import io
from html import escape

from counterfoil.closing.charts import week_bars
from counterfoil.closing.closepack_html import STYLE, grouped
from counterfoil.closing.scorecard import Card, Scorecard
from counterfoil.closing.scorecard_tables import Table, text_of

ROWS_MAX = 500  # a table of the page; the CSV has all
CHART_STYLE = """
.chart { width: 100%; max-width: 30rem; height: auto; display: block; margin: .6rem 0; }
.chart text { font: 10px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
.chart .value { fill: var(--ink); } .chart .column { fill: var(--accent); } .chart .column.off { fill: var(--warn); }
.chart .axis { stroke: var(--line); } .chart .target { stroke: var(--ink); stroke-dasharray: 4 3; stroke-width: .8; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.2fr); gap: 2rem; align-items: start; }
@media (max-width: 52rem) { .pair { grid-template-columns: minmax(0, 1fr); } }
"""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def chart(card: Card, labels: list[str]) -> str:
    """A card's chart."""
    name = card.title if card.category is None else f"{card.title}, {card.category}"
    values = [point.value for point in card.points]
    return week_bars(name, labels, values, card.target, lower=card.lower_is_better)


def page(score: Scorecard) -> str:
    """The whole document. The same scorecard gives the same text."""
    labels = [week.label for week in score.weeks]
    head = (
        f'<header><h1>Returns scorecard</h1>\n<p class="soft">{len(score.weeks)} weeks from Monday to Sunday in '
        f"{escape(score.zone)}, as of {escape(score.as_of)}; the last week is not over.</p></header>"
    )
    parts = [head]
    parts += [_card(score, card, labels) for card in score.cards]
    parts += [table(found) for found in score.tables]
    parts.append(_ties(score))
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Returns scorecard</title>\n<style>{STYLE}{CHART_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _card(score: Scorecard, card: Card, labels: list[str]) -> str:
    head = ""
    if card.category is None:
        head = f'<h2 id="{card.key}">{escape(card.title)}</h2>\n<p class="soft">{escape(card.definition)}</p>'
    else:
        head = f"<h3>{escape(card.title)}: {escape(card.category)}</h3>"
    rows = "".join(
        f'<tr><th scope="row">{escape(week.label)}{" (so far)" if week.so_far else ""}</th>'
        f'<td class="num">{"–" if point.value is None else f"{point.value} {escape(card.unit)}"}</td>'
        f'<td class="num">{point.of}</td><td>{met(point.met)}</td><td class="soft">{escape(point.detail)}</td></tr>'
        for week, point in zip(score.weeks, card.points, strict=True)
    )
    better = "at most" if card.lower_is_better else "at least"
    return (
        f'<section>{head}\n<div class="pair">{chart(card, labels)}<div class="wide"><table>'
        f"<caption>Aim: {better} {card.target} {escape(card.unit)}</caption><thead><tr><th scope=col>Week of</th>"
        '<th scope="col" class="num">Value</th><th scope="col" class="num">Of</th><th scope="col">Aim</th>'
        f'<th scope="col">Detail</th></tr></thead><tbody>{rows}</tbody></table></div></div></section>'
    )


def met(found: bool | None) -> str:
    """Whether an aim was reached, in a word."""
    return "–" if found is None else "met" if found else "missed"


def table(found: Table) -> str:
    """One table of the scorecard."""
    head = f'<section><h2 id="{found.key}">{escape(found.title)}</h2>\n<p class="soft">{escape(found.meaning)}</p>'
    if not found.rows:
        return f"{head}\n<p>None.</p></section>"
    heads = "".join(
        f'<th scope="col"{" class=num" if column in found.numeric else ""}>{escape(column)}</th>'
        for column in found.columns
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(c, v, found, place) for place, (c, v) in enumerate(zip(found.columns, row, strict=True)))
        + "</tr>"
        for row in found.rows[:ROWS_MAX]
    )
    return (
        f'{head}\n<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _cell(column: str, value: str | int | None, found: Table, place: int) -> str:
    text = text_of(value)
    if column in found.numeric and value is not None:
        text = grouped(text)
    if place == 0:
        return f'<th scope="row">{escape(text)}</th>'
    return f"<td{' class=num' if column in found.numeric else ''}>{escape(text)}</td>"


def _ties(score: Scorecard) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(tie.name)}</th><td class="num">{grouped(tie.total)} {escape(tie.currency)}</td>'
        f'<td class="num">{grouped(tie.parts)} {escape(tie.currency)}</td>'
        f"<td>{'adds up' if tie.balances else 'DOES NOT ADD UP'}</td></tr>"
        for tie in score.ties
    )
    heads = (
        '<th scope="col">Sum</th><th scope="col" class="num">Posted</th><th scope="col" class="num">Parts</th><th></th>'
    )
    return (
        '<section><h2 id="ties">Tied to the posted documents</h2>\n<div class="wide"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
        if rows
        else ""
    )


def kpi_csv(score: Scorecard) -> str:
    """One line for each KPI, category and week."""
    rows: list[tuple[object, ...]] = [
        (
            card.key,
            card.category or "all",
            week.first,
            point.value,
            card.unit,
            point.of,
            card.target,
            met(point.met),
            point.detail,
        )
        for card in score.cards
        for week, point in zip(score.weeks, card.points, strict=True)
    ]
    return _csv(("kpi", "category", "week_of", "value", "unit", "of", "target", "aim", "detail"), rows)


def table_csv(found: Table) -> str:
    """A table; unknown stays empty, because a spreadsheet sums."""
    return _csv(found.columns, list(found.rows), frozenset(found.numeric))


def _csv(columns: tuple[str, ...], rows: list[tuple[object, ...]], numeric: frozenset[str] = frozenset()) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(v, figure=c in numeric) for c, v in zip(columns, row, strict=True)])
    return text.getvalue()


def _safe(value: object, *, figure: bool) -> str:
    """A cell no spreadsheet runs as a formula; our own figures stay figures."""
    text = "" if value is None else str(value)
    return f"'{text}" if not figure and text.startswith(_FORMULA_STARTS) else text

"""The close pack as a PDF to file away: the figures, the entries, the largest rows and the signatures.

The same pack gives the same bytes: the library's invariant mode leaves out clocks and random ids.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors  # type: ignore[import-untyped]  # the package has no annotations
from reportlab.lib.pagesizes import A4, landscape  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle  # type: ignore[import-untyped]

from counterfoil.closing.closepack import Figure, Pack
from counterfoil.closing.closepack_html import STATES, grouped
from counterfoil.core.phrases import number_of

ROWS_MAX = 60  # a figure; the workbook has all of them
INK, SOFT, LINE, ACCENT = (colors.HexColor(code) for code in ("#1C1B19", "#66615A", "#CFC9BE", "#1F5F5B"))

_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=8.5, leading=11.5, textColor=INK)
_SOFT = ParagraphStyle("soft", parent=_BODY, textColor=SOFT)
_RIGHT = ParagraphStyle("right", parent=_BODY, alignment=2)
_TITLE = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=18, leading=22)
_HEAD = ParagraphStyle(
    "head", parent=_BODY, fontName="Helvetica-Bold", fontSize=11, leading=14, spaceBefore=14, spaceAfter=3
)
_LABEL = ParagraphStyle("label", parent=_SOFT, fontName="Helvetica-Bold", fontSize=7.5, leading=10)
_LABEL_RIGHT = ParagraphStyle("label-right", parent=_LABEL, alignment=2)
_HEAD.keepWithNext = 1
_CODE = ParagraphStyle("code", parent=_BODY, fontName="Courier", fontSize=7, leading=9)


def document(pack: Pack) -> bytes:
    """The file."""
    target = io.BytesIO()
    made = SimpleDocTemplate(
        target,
        pagesize=landscape(A4),
        leftMargin=16 * mm,
        rightMargin=16 * mm,
        topMargin=15 * mm,
        bottomMargin=16 * mm,
        title=f"Close pack {pack.period}",
        author="Counterfoil",
        invariant=1,
    )
    story: list[Any] = [*_head(pack), *_summary(pack), *_entries(pack), *_signs(pack)]
    for figure in pack.figures:
        story += _figure(figure)
    story += _late(pack)

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(SOFT)
        canvas.drawString(
            16 * mm, 9 * mm, f"Close pack {pack.period} · figures {pack.figures_hash[:16]} · {pack.state}"
        )
        canvas.drawRightString(landscape(A4)[0] - 16 * mm, 9 * mm, f"Page {canvas.getPageNumber()}")

    made.build(story, onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


def _p(text: object, style: ParagraphStyle = _BODY) -> Paragraph:
    """Text as the built-in fonts can show it; a letter they lack becomes a question mark."""
    shown = str(text).encode("cp1252", "replace").decode("cp1252")
    return Paragraph(escape(shown), style)


def _table(
    heads: tuple[str, ...], rows: Sequence[tuple[object, ...]], widths: tuple[int, ...], right: frozenset[int]
) -> Table:
    lines = [[_p(head, _LABEL_RIGHT if place in right else _LABEL) for place, head in enumerate(heads)]]
    lines += [
        [_p("" if value is None else value, _RIGHT if place in right else _BODY) for place, value in enumerate(row)]
        for row in rows
    ]
    style = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    return Table(lines, colWidths=[width * mm for width in widths], repeatRows=1, style=style, hAlign="LEFT")


def _head(pack: Pack) -> list[Any]:
    when = f"As of {pack.cut_off}, the end of {pack.last_day} in {pack.zone}. Computed by replaying the log."
    return [_p(f"Close pack {pack.period}", _TITLE), _p(when, _SOFT), _p(STATES[pack.state]), Spacer(1, 3 * mm)]


def _money(amount: str | None, currency: str) -> str:
    return "unknown" if amount is None else f"{grouped(amount)} {currency}"


def _summary(pack: Pack) -> list[Any]:
    rows: list[tuple[object, ...]] = []
    for figure in pack.figures:
        if not figure.totals:
            rows.append((figure.title, "none", 0, 0, ""))
        for place, total in enumerate(figure.totals):
            unknown = f"{number_of(total.unknown, 'row')} of unknown value" if total.unknown else ""
            name = figure.title if place == 0 else ""
            rows.append((name, _money(total.amount, total.currency), f"{total.records:,}", f"{total.units:,}", unknown))
    heads = ("Figure", "Amount", "Rows", "Units", "Note")
    return [_p("Figures at the cut-off", _HEAD), _table(heads, rows, (75, 50, 25, 25, 90), frozenset({1, 2, 3}))]


def _entries(pack: Pack) -> list[Any]:
    title = _p("Proposed entries", _HEAD)
    if not pack.entries:
        return [title, _p("Nothing is open, so nothing is proposed.", _SOFT)]
    rows = [
        (
            entry.name if place == 0 else "",
            account,
            debit and grouped(debit),
            credit and grouped(credit),
            entry.currency,
        )
        for entry in pack.entries
        for place, (account, debit, credit) in enumerate(entry.bookings)
    ]
    told = f"Dated {pack.last_day}, reversed on {pack.reverses_on}. Proposals: nothing has been posted."
    heads = ("Entry", "Account", "Debit", "Credit", "Currency")
    return [title, _p(told, _SOFT), _table(heads, rows, (80, 80, 40, 40, 25), frozenset({2, 3}))]


def _signs(pack: Pack) -> list[Any]:
    signed = {s.role: s for s in pack.signoffs}
    rows: list[tuple[object, ...]] = [
        (
            role.capitalize(),
            s.signed_by if s else "",
            s.signed_at if s else "not signed",
            s.figures_hash[:32] if s else "",
        )
        for role, s in ((role, signed.get(role)) for role in ("preparer", "reviewer"))
    ]
    policies = "; ".join(
        f"{p.brand}/{p.portal}: {p.policy} {p.version}, mapping {p.mapping_version}" for p in pack.policies
    )
    return [
        _p("Sign-offs and evidence", _HEAD),
        _table(("Role", "Who", "When", "Figures signed"), rows, (40, 65, 50, 110), frozenset()),
        Spacer(1, 2 * mm),
        _p("Figures and entries, and the head of the log's seals:", _SOFT),
        _p(pack.figures_hash, _CODE),
        _p(f"{pack.log_head or 'no seal yet'}, newest log entry used: {pack.last_entry}", _CODE),
        _p(f"Policies in force: {policies}", _SOFT),
        _p("Closed-period rule", _HEAD),
        *[_p(sentence, _SOFT) for sentence in pack.closed_period_rule],
    ]


def _figure(figure: Figure) -> list[Any]:
    if not figure.rows:
        return []
    rows: list[tuple[object, ...]] = [
        (row.return_, row.order, row.document, _money(row.amount, row.currency), row.units or "", row.since, row.why)
        for row in figure.rows[:ROWS_MAX]
    ]
    more = len(figure.rows) - ROWS_MAX
    rest = [_p(f"{number_of(more, 'more row')} in the workbook.", _SOFT)] if more > 0 else []
    heads = ("Return", "Order", "Document", "Amount", "Units", "Since", "Why")
    table = _table(heads, rows, (52, 24, 34, 34, 14, 22, 85), frozenset({3, 4}))
    return [_p(figure.title, _HEAD), _p(figure.meaning, _SOFT), Spacer(1, 1 * mm), table, *rest]


def _late(pack: Pack) -> list[Any]:
    if not pack.after_lock:
        return []
    rows: list[tuple[object, ...]] = [
        (late.entry, late.return_, late.fact, late.told_at, late.by) for late in pack.after_lock[:ROWS_MAX]
    ]
    heads = ("Entry", "Return", "Fact", "Told at", "By")
    return [_p("After the lock", _HEAD), _table(heads, rows, (20, 75, 50, 45, 75), frozenset({0}))]

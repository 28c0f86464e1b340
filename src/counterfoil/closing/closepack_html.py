"""The close pack as one HTML file: no script, nothing from elsewhere, light and dark, and fit to be printed."""

from __future__ import annotations

from html import escape

from counterfoil.closing.closepack import Figure, Pack, Proposed, Total
from counterfoil.core.phrases import number_of

ROWS_MAX = 2_000  # a page; the workbook has all of them

STATES = {
    "provisional": "Provisional: the month has not ended",
    "open": "Not signed",
    "prepared": "Prepared, waiting for the reviewer",
    "locked": "Signed by both and locked",
}

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1c1b19, #ebe8e2); --soft: light-dark(#66615a, #a8a298);
  --line: light-dark(#ddd8cf, #3b3833); --paper: light-dark(#fffefb, #191815); --wash: light-dark(#f5f2ec, #23211d);
  --accent: light-dark(#1f5f5b, #7cc4bd); --warn: light-dark(#8f4a00, #f0b266); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0; } h2 { font-size: 1.15rem; margin: 2.6rem 0 .3rem; }
p { margin: .3rem 0; max-width: 46rem; } .soft { color: var(--soft); } a { color: var(--accent); }
code { font: .82em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.state { display: inline-block; margin: .8rem 0 0; padding: .15rem .6rem; border: 1px solid var(--line);
  border-radius: 1rem; font-weight: 600; } .locked { color: var(--accent); } .provisional { color: var(--warn); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: .9rem 0; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .34rem .9rem .34rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: .85em; white-space: nowrap; }
tbody th { font-weight: 500; } .num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
:has(+ .why) { padding-right: 1.6rem; } time, .day { white-space: nowrap; }
.num + :not(.num) { padding-left: .8rem; } .why { min-width: 16rem; color: var(--soft); } .none { color: var(--soft); } td.first, th.first { padding-top: .9rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } a { color: inherit; text-decoration: none; }
  h2 { break-after: avoid; } tr { break-inside: avoid; } thead { display: table-header-group; } .wide { overflow: visible; } }
"""


_CLASS = {"Amount": ' class="num"', "Units": ' class="num"', "Days": ' class="num"', "Why": ' class="why"'}


def page(pack: Pack) -> str:
    """The whole document. The same pack gives the same text."""
    parts = [_head(pack), _summary(pack), _entries(pack)]
    parts += [_figure(figure) for figure in pack.figures]
    parts += [_rule(pack), _signs(pack), _late(pack), _evidence(pack)]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Close pack {escape(pack.period)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _head(pack: Pack) -> str:
    return (
        f"<header><h1>Close pack {escape(pack.period)}</h1>\n"
        f'<p class="soft">As of {escape(pack.cut_off)}, the end of {escape(pack.last_day)} in {escape(pack.zone)}. '
        "Computed by replaying the log up to that instant.</p>\n"
        f'<p class="state {escape(pack.state)}">{escape(STATES[pack.state])}</p></header>'
    )


def _amount(total: Total) -> str:
    if total.amount is None:
        return '<span class="none">unknown</span>'
    return f"{escape(grouped(total.amount))} {escape(total.currency)}"


def grouped(text: str) -> str:
    """Thousands set apart."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, part = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{part}"


def _summary(pack: Pack) -> str:
    rows = []
    for figure in pack.figures:
        link = f'<th scope="row"><a href="#{figure.key}">{escape(figure.title)}</a></th>'
        if not figure.totals:
            rows.append(
                f'<tr>{link}<td class="num none">none</td><td class="num">0</td><td class="num">0</td><td></td></tr>'
            )
        for place, total in enumerate(figure.totals):
            unknown = number_of(total.unknown, "row") + " of unknown value" if total.unknown else ""
            rows.append(
                f"<tr>{link if place == 0 else '<td></td>'}"
                f'<td class="num">{_amount(total)}</td><td class="num">{total.records:,}</td>'
                f'<td class="num">{total.units:,}</td><td class="soft">{unknown}</td></tr>'
            )
    heads = '<th scope="col">Figure</th>' + "".join(
        f'<th scope="col" class="num">{name}</th>' for name in ("Amount", "Rows", "Units")
    )
    return (
        '<h2 id="figures">Figures at the cut-off</h2>\n<div class="wide"><table>\n'
        "<caption>Every figure opens to its rows</caption>\n"
        f'<thead><tr>{heads}<th scope="col">Note</th></tr></thead>\n<tbody>{"".join(rows)}</tbody></table></div>'
    )


def _entries(pack: Pack) -> str:
    head = '<h2 id="entries">Proposed entries</h2>\n'
    if not pack.entries:
        return head + '<p class="soft">Nothing is open, so nothing is proposed.</p>'
    body = "".join(_entry(entry) for entry in pack.entries)
    return (
        f'{head}<p class="soft">Dated {escape(pack.last_day)}, reversed on {escape(pack.reverses_on)}. '
        "Proposals: nothing has been posted.</p>\n"
        '<div class="wide"><table><caption>Each entry balances</caption>\n'
        '<thead><tr><th scope="col">Account</th><th scope="col" class="num">Debit</th>'
        '<th scope="col" class="num">Credit</th><th scope="col">Currency</th></tr></thead>\n'
        f"{body}</table></div>"
    )


def _entry(entry: Proposed) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(account)}</th><td class="num">{escape(debit and grouped(debit))}</td>'
        f'<td class="num">{escape(credit and grouped(credit))}</td><td>{escape(entry.currency)}</td></tr>'
        for account, debit, credit in entry.bookings
    )
    title = f'<th colspan="4" scope="rowgroup" class="first"><strong>{escape(entry.name)}</strong> '
    return f'<tbody><tr>{title}<span class="soft">{escape(entry.why)}</span></th></tr>{rows}</tbody>'


def _figure(figure: Figure) -> str:
    head = f'<section><h2 id="{figure.key}">{escape(figure.title)}</h2>\n<p class="soft">{escape(figure.meaning)}</p>'
    if not figure.rows:
        return f"{head}\n<p>None.</p></section>"
    rows = "".join(
        f'<tr><th scope="row">{escape(row.return_)}</th><td>{escape(row.order)}</td><td>{escape(row.document)}</td>'
        f'<td class="num">{_cell(row.amount, row.currency)}</td><td class="num">{row.units or ""}</td>'
        f'<td class="day">{escape(row.since)}</td>'
        f'<td class="num">{row.days if row.days is not None else ""}</td><td class="why">{escape(row.why)}</td></tr>'
        for row in figure.rows[:ROWS_MAX]
    )
    more = len(figure.rows) - ROWS_MAX
    rest = f'<p class="soft">{more:,} more rows are in the workbook.</p>' if more > 0 else ""
    heads = "".join(
        f'<th scope="col"{_CLASS.get(name, "")}>{name}</th>'
        for name in ("Return", "Order", "Document", "Amount", "Units", "Since", "Days", "Why")
    )
    return (
        f'{head}\n<div class="wide"><table><caption>{number_of(len(figure.rows), "row")}, the largest first; days are counted to the cut-off</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table></div>{rest}"
        '<p><a href="#figures">Back to the figures</a></p></section>'
    )


def _cell(amount: str | None, currency: str) -> str:
    return '<span class="none">unknown</span>' if amount is None else f"{escape(grouped(amount))} {escape(currency)}"


def _rule(pack: Pack) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in pack.closed_period_rule)
    return f'<h2 id="closed-period">Closed-period rule</h2>\n<ol>{items}</ol>'


def _signs(pack: Pack) -> str:
    head = '<h2 id="sign-offs">Sign-offs</h2>\n'
    if not pack.signoffs:
        return f'{head}<p class="soft">Nobody has signed yet. A preparer signs first, then a reviewer who is somebody else.</p>'
    rows = "".join(
        f'<tr><th scope="row">{escape(s.role.capitalize())}</th><td>{escape(s.signed_by)}</td><td>{s.signed_at}</td>'
        f"<td><code>{s.figures_hash}</code>{_changed(pack, s.figures_hash)}</td></tr>"
        for s in pack.signoffs
    )
    return (
        f'{head}<div class="wide"><table><thead><tr><th scope="col">Role</th><th scope="col">Who</th>'
        f'<th scope="col">When</th><th scope="col">Figures signed</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _changed(pack: Pack, signed: str) -> str:
    return "" if signed == pack.figures_hash else " (the figures have changed since: prepare again)"


def _late(pack: Pack) -> str:
    if pack.state != "locked":
        return ""
    head = (
        '<h2 id="after-the-lock">After the lock</h2>\n<p class="soft">Facts of this period that were told once it was '
    )
    head += "locked. They change no figure above and belong to the next period's work.</p>"
    if not pack.after_lock:
        return f"{head}\n<p>None.</p>"
    rows = "".join(
        f'<tr><td class="num">{late.entry}</td><th scope="row">{escape(late.return_)}</th><td>{escape(late.fact)}</td>'
        f"<td>{late.told_at}</td><td>{escape(late.by)}</td></tr>"
        for late in pack.after_lock[:ROWS_MAX]
    )
    heads = '<th scope="col" class="num">Entry</th>' + "".join(
        f'<th scope="col">{name}</th>' for name in ("Return", "Fact", "Told at", "By")
    )
    return f'{head}\n<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _evidence(pack: Pack) -> str:
    policies = "".join(
        f'<tr><th scope="row">{escape(p.brand)}</th><td>{escape(p.portal)}</td><td>{escape(p.policy)}</td>'
        f"<td>{escape(p.version)}</td><td>{escape(p.mapping_version)}</td></tr>"
        for p in pack.policies
    )
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Brand", "Portal", "Policy", "Policy version", "Mapping version")
    )
    return (
        '<h2 id="evidence">Evidence</h2>\n'
        f"<p>Figures and entries: <code>{pack.figures_hash}</code></p>\n"
        f"<p>Head of the log's seals: <code>{pack.log_head or 'no seal yet'}</code>, "
        f"newest log entry used: {pack.last_entry}</p>\n"
        f'<div class="wide"><table><caption>Policies in force on the last day; a return keeps the version of the day it was authorised</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{policies}</tbody></table></div>"
    )

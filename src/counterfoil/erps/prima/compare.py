"""Whether a document Prima holds is the one we asked for: the check before anything counts as already done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from counterfoil.core.documents import DocumentLine

Record = Mapping[str, Any]

_HEAD = ("portal_ref", "order_number", "return_number", "currency")
_HEAD_AMOUNTS = ("total_net", "total_tax", "total_gross")
_LINE = ("order_line_no", "return_line_no", "sku", "reason_code", "depot", "disposition_code", "tax_code", "code")
_LINE_AMOUNTS = ("quantity", "net", "tax", "gross", "unit_price")


def differences(sent: Record, stored: Record) -> list[str]:
    """Where the stored record contradicts the sent one, one phrase each; what it does not repeat is no difference.

    Refund references and the tracking reference may be added later and are not compared.
    """
    found = [_told(name, sent[name], stored[name]) for name in _differing(sent, stored, _HEAD, _HEAD_AMOUNTS)]
    for group in ("lines", "charges"):
        found += _in_rows(group, _rows(sent, group), _rows(stored, group), listed=group in stored)
    return found


def _in_rows(group: str, sent: Sequence[Record], stored: Sequence[Record], *, listed: bool) -> list[str]:
    if not listed:
        return []
    if len(sent) != len(stored):
        return [f"{group}: {len(sent)} sent, {len(stored)} stored"]
    return [
        _told(f"{group} {i + 1} {name}", mine[name], theirs[name])
        for i, (mine, theirs) in enumerate(_paired(sent, stored))
        for name in _differing(mine, theirs, _LINE, _LINE_AMOUNTS)
    ]


def _paired(sent: Sequence[Record], stored: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Each sent row beside the stored row that stands for it: the first unused equal one, else the one in its place."""
    left = list(stored)
    pairs: list[tuple[Record, Record]] = []
    waiting: list[Record] = []
    for mine in sent:
        match = next((row for row in left if not _differing(mine, row, _LINE, _LINE_AMOUNTS)), None)
        if match is None:
            waiting.append(mine)
        else:
            left.remove(match)
            pairs.append((mine, match))
    return pairs + list(zip(waiting, left, strict=True))


def line_numbers(sent: Record, stored: Record) -> tuple[DocumentLine, ...]:
    """Which stored line stands for each of our lines; a record without lines maps each to its own number."""
    mine, theirs = _rows(sent, "lines"), _rows(stored, "lines")
    if len(mine) != len(theirs):
        return tuple(DocumentLine(line_no=row["line_no"], erp_line=str(row["line_no"])) for row in mine)
    pairs = sorted(_paired(mine, theirs), key=lambda pair: int(pair[0]["line_no"]))
    return tuple(
        DocumentLine(line_no=row["line_no"], erp_line=str(held.get("line_no") or row["line_no"])) for row, held in pairs
    )


def _rows(record: Record, group: str) -> list[Record]:
    rows = record.get(group)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, Sequence) else []


def _differing(sent: Record, stored: Record, words: Sequence[str], amounts: Sequence[str]) -> list[str]:
    said = [name for name in (*words, *amounts) if sent.get(name) is not None and stored.get(name) is not None]
    return [name for name in said if not _same(sent[name], stored[name], exact=name not in amounts)]


def _same(mine: Any, theirs: Any, *, exact: bool) -> bool:
    if exact:
        return str(mine).strip() == str(theirs).strip()
    try:
        return Decimal(str(mine)) == Decimal(str(theirs))
    except InvalidOperation:
        return False


def _told(name: str, sent: Any, stored: Any) -> str:
    return f"{name}: {sent} sent, {str(stored)[:80]} stored"

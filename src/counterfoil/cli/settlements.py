"""`counterfoil settlements`: a gateway's payout or settlement report as the proof's `gateway_refunds.csv`."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.catalog import VENDORS
from counterfoil.cli import fail
from counterfoil.ports.settlements import GatewayRefund, Settlements

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def run(vendor: str, file: Path, store: str, out: Path | None, as_json: bool) -> int:
    """0 when every row could be read, 1 when some were refused, 2 when the file is no such report."""
    readers = {name: spec.settlements for name, spec in VENDORS.items() if spec.settlements is not None}
    if vendor not in readers:
        fail(f"{vendor!r} gives no reports we read; choose from {', '.join(sorted(readers))}")
    try:
        found = readers[vendor](file.read_bytes(), store)
    except UnreadableError as error:
        fail(f"{file}: {error}")
    text = msgspec.json.format(msgspec.json.encode(found)).decode() + "\n" if as_json else as_csv(found)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8", newline="")
    for bad in found.refused:
        print(f"{file}, row {bad.row}: {bad.message}; the row is left out", file=sys.stderr)
    return 1 if found.refused else 0


def as_csv(found: Settlements) -> str:
    """The rows under the column names of the file contract; a cell a spreadsheet would compute is defused."""
    page = io.StringIO(newline="")
    names = GatewayRefund.__struct_fields__
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(names)
    for row in found.rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return page.getvalue()


def _cell(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

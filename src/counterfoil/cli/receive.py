"""`counterfoil receive`: a warehouse's receipts from a CSV file or workbook, with one result per row."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.bootstrap import build_world
from counterfoil.cli import fail
from counterfoil.flow.import_file import import_file
from counterfoil.ports.files import RowResult
from counterfoil.settings import load

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def run(settings_file: Path, name: str, file: Path, result: Path | None) -> int:
    """0 when every row was taken or was there already, 1 when some were refused."""
    body = file.read_bytes()
    world = build_world(load(settings_file))
    connection = world.connections.get(name)
    if connection is None:
        fail(f"there is no connection {name!r}; there are {', '.join(sorted(world.connections))}")
    try:
        found = import_file(world, connection, file.name, body)
    except LookupError as error:
        fail(str(error.args[0]))
    except UnreadableError as error:
        fail(f"{file}: {error}")
    finally:
        world.database.close()
    if result is not None:
        _write(result, found.results)
    counts = {word: sum(row.status == word for row in found.results) for word in ("ACCEPTED", "DUPLICATE", "REJECTED")}
    print(f"{counts['ACCEPTED']} rows accepted, {counts['DUPLICATE']} known already, {counts['REJECTED']} refused")
    if found.unknown_columns:
        print(f"columns nobody reads: {', '.join(found.unknown_columns)}")
    for row in found.results:
        if row.status == "REJECTED":
            print(f"{file}, row {row.row}: {row.code} {row.message}", file=sys.stderr)
    return 1 if counts["REJECTED"] else 0


def _write(path: Path, results: Sequence[RowResult]) -> None:
    """The result file of the sheet; a cell a spreadsheet would compute is defused."""
    with path.open("w", encoding="utf-8", newline="") as page:
        writer = csv.writer(page)
        writer.writerow(("row", "receipt_id", "status", "code", "message"))
        for row in results:
            cells = (row.subject, row.status, row.code, row.message)
            writer.writerow((row.row, *(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)))

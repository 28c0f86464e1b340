"""Receipts from a CSV file or a workbook as canonical messages (warehouse sheet §4). Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.receipts import Receipt
from counterfoil.ports.files import FileMessage, FileRead, RowResult
from counterfoil.warehouses.canonical import csv_import, xlsx_import
from counterfoil.warehouses.canonical.config import WarehouseConfig

EVENT_ID_MAX = 64
_WORKBOOK = b"PK\x03\x04"  # an .xlsx file is a zip archive, whatever its name


def read_file(config: WarehouseConfig, body: bytes, known: Collection[str] = ()) -> FileRead:
    """A whole file; messages whose id is in `known` are duplicates. Raises UnreadableError for what is no table."""
    read = xlsx_import.read_file if body.startswith(_WORKBOOK) else csv_import.read_file
    found = read(body, zone=_zone(config.csv_zone), known=known)
    return FileRead(
        messages=tuple(FileMessage(message_id=one.event_id, body=message(one)) for one in found.receipts),
        results=tuple(
            RowResult(row=one.row, subject=one.receipt_id, status=one.status, code=one.code, message=one.message)
            for one in found.results
        ),
        unknown_columns=found.unknown_columns,
    )


def message(receipt: Receipt) -> bytes:
    """The canonical message of a receipt, as its webhook would have been; what is not known is left out.

    The sheet makes the id of a file's event four characters longer than it allows an id to be (§2.1, §4); the message
    carries its first 64, which still tell all contents apart.
    """
    short = msgspec.structs.replace(receipt, event_id=receipt.event_id[:EVENT_ID_MAX])
    return msgspec.json.encode(_told(msgspec.to_builtins(short)))


def _told(value: object) -> object:
    if isinstance(value, dict):
        return {name: _told(inner) for name, inner in value.items() if inner is not None}
    return [_told(inner) for inner in value] if isinstance(value, list | tuple) else value


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UnreadableError(f"{name!r} is no time zone; correct csv_zone of this connection") from None

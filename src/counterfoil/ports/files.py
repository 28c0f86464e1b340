"""Files a person or a job brings instead of a webhook: what they hold as deliveries, and one result per row."""

from __future__ import annotations

import msgspec


class FileMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a file in the form the vendor's webhook would have; `message_id` is made from its content."""

    message_id: str
    body: bytes


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row; the header is row 1. `status` is ACCEPTED, DUPLICATE or REJECTED."""

    row: int
    subject: str
    status: str
    code: str = ""
    message: str = ""


class FileRead(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file. Raises nothing row by row: a bad row is a result."""

    messages: tuple[FileMessage, ...] = ()
    results: tuple[RowResult, ...] = ()
    unknown_columns: tuple[str, ...] = ()

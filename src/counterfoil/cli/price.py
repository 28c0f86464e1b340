"""`counterfoil price`: what the units of an order's refunds are worth, against the money that moved (outputs §2)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.catalog import read_order_file, read_refund_file
from counterfoil.core.credit.attribution import AttributionError
from counterfoil.core.credit.pricing import price_order
from counterfoil.core.credit.statement import statement

P = ParamSpec("P")
T = TypeVar("T")


def price(order_file: Path, refund_files: list[Path]) -> dict[str, Any]:
    """The document of outputs §2. Raises UnreadableError naming the file, or OSError."""
    books, records = _named(order_file, read_order_file, order_file.read_bytes())
    for path in refund_files:
        records += _named(path, read_refund_file, path.read_bytes(), books)
    try:
        return statement(price_order(books, records))
    except AttributionError as error:
        raise UnreadableError(str(error)) from None


def _named(path: Path, read: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Call a reader and put the file's name before what it complains about."""
    try:
        return read(*given, **named)
    except UnreadableError as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from None


def run(order: Path, refunds: list[Path]) -> int:
    """Print the document; 0 when it could be worked out, 1 with one sentence on stderr when a file cannot be read."""
    try:
        document = price(order, refunds)
    except UnreadableError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{error.filename} cannot be read: {error.strerror or error}")
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    sys.stdout.write(text.decode() + "\n")
    return 0


def _complain(sentence: str) -> int:
    sys.stderr.write(f"{sentence.rstrip('.')}.\n")
    return 1

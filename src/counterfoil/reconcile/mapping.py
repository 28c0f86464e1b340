"""`--mapping FILE`: a vendor's export named column by column, so that nobody has to rename headings (contract §1).

The file is JSON, one object per contract file that differs:

    {"gateway_refunds": {"file": "payouts_october.csv",
                         "columns": {"gateway_txn_id": "Transaction", "amount": "Amount"},
                         "constants": {"store_id": "main"}}}

`file` is the export's own name in the folder, `columns` the heading each contract column has there, `constants` what a
column without a heading always is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from counterfoil.reconcile.columns import CONTRACTS
from counterfoil.reconcile.problems import UnusableError


@dataclass(frozen=True, slots=True)
class FileMapping:
    """How one export names what the contract names; empty when it follows the contract."""

    file: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)


def read_mapping(path: Path | None) -> dict[str, FileMapping]:
    """The mapping by contract file. Raises UnusableError in one sentence when the file is no such mapping."""
    if path is None:
        return {}
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, FileMapping])
    except OSError as error:
        raise UnusableError(f"{path.name} cannot be opened: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UnusableError(f"{path.name} is no mapping: {error}") from None
    for name, mapping in found.items():
        if name not in CONTRACTS:
            raise UnusableError(f"{path.name} maps {name!r}, which is none of the files {', '.join(CONTRACTS)}")
        _known_columns(path.name, name, [*mapping.columns, *mapping.constants])
    return found


def _known_columns(mapping: str, name: str, columns: list[str]) -> None:
    known = {column.name for column in CONTRACTS[name].columns}
    known |= {f"{column.name}_minor" for column in CONTRACTS[name].columns if column.kind == "money"}
    for column in columns:
        if column not in known:
            raise UnusableError(f"{mapping} maps {name}.{column}, which the file contract does not have")

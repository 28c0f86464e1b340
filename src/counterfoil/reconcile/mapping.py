"""`--mapping FILE`: a vendor's export named column by column, so that nobody has to rename headings (contract §1).

The file is JSON, one object per contract file that differs:

    {"gateway_refunds": {"file": "payouts_october.csv",
                         "columns": {"gateway_txn_id": "Transaction", "amount": "Amount"},
                         "constants": {"store_id": "main"},
                         "only": {"line_type": ["refund"]}}}

`file` is the export's own name in the folder, `columns` the heading each contract column has there, `constants` what a
column without a heading always is, `only` the values of a column whose rows are meant at all. Mappings for exports we
know ship in `mappings/` and are named without a path: `--mapping stripe` (payout reconciliation), `adyen` (settlement
details), `shopify` (balance transactions), `loop` (warehouse report). Their store is `main`: copy the file to name
another. Which columns an account's report has is inferred for all four (contract sheets); a heading that is not there is
said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
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
    only: dict[str, list[str]] = field(default_factory=dict)


def read_mapping(path: Path | None) -> dict[str, FileMapping]:
    """The mapping by contract file. Raises UnusableError in one sentence when the file is no such mapping."""
    if path is None:
        return {}
    try:
        found = msgspec.json.decode(_content(path), type=dict[str, FileMapping])
    except OSError as error:
        raise UnusableError(
            f"{path.name} cannot be opened: {error.strerror}; it is no file, nor one of ours: {', '.join(shipped())}"
        ) from None
    except msgspec.DecodeError as error:
        raise UnusableError(f"{path.name} is no mapping: {error}") from None
    for name, mapping in found.items():
        if name not in CONTRACTS:
            raise UnusableError(f"{path.name} maps {name!r}, which is none of the files {', '.join(CONTRACTS)}")
        _known_columns(path.name, name, [*mapping.columns, *mapping.constants, *mapping.only])
    return found


def shipped() -> list[str]:
    """The names of the mappings that come with the product."""
    return sorted(entry.name.removesuffix(".json") for entry in _folder().iterdir() if entry.name.endswith(".json"))


def _folder() -> Traversable:
    return files("counterfoil.reconcile").joinpath("mappings")


def _content(path: Path) -> bytes:
    """A file of the user's, or one of ours by its bare name."""
    if not path.exists() and str(path) in shipped():
        return _folder().joinpath(f"{path}.json").read_bytes()
    return path.read_bytes()


def _known_columns(mapping: str, name: str, columns: list[str]) -> None:
    known = {column.name for column in CONTRACTS[name].columns}
    known |= {f"{column.name}_minor" for column in CONTRACTS[name].columns if column.kind == "money"}
    for column in columns:
        if column not in known:
            raise UnusableError(f"{mapping} maps {name}.{column}, which the file contract does not have")

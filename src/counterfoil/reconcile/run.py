"""`counterfoil reconcile files DIR`: find the exports of a folder, prove them, and leave the outcome beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from counterfoil.core.reconcile.legs import BY_NAME
from counterfoil.reconcile.columns import CONTRACTS
from counterfoil.reconcile.files import find
from counterfoil.reconcile.mapping import FileMapping, read_mapping
from counterfoil.reconcile.problems import Findings, UnusableError
from counterfoil.reconcile.proof import Settings, prove
from counterfoil.reconcile.summary import Json


class Meta(msgspec.Struct, frozen=True):
    """`meta.json` of the folder (file contract §1)."""

    as_of: str | None = None
    late_after_days: dict[str, int] = {}  # msgspec copies it for each value


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: its summary, whether it balances, whether anything is open, and what was wrong with the files."""

    summary: Json
    balanced: bool
    open: int
    unreadable: bool
    unbalanced: tuple[str, ...]


def reconcile(
    folder: Path,
    out: Path,
    *,
    as_of: str | None = None,
    mapping: Path | None = None,
    csv: bool = False,
    memory: str | None = None,
    threads: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Prove every leg whose two files are in the folder and write the outcome to `out`.

    `as_of` (YYYY-MM-DD) wins over `meta.json`; without either it is the last day in the files. `memory` such as "2GB"
    bounds what is held before spilling. Raises UnusableError when nothing could be proven for want of a folder, a
    mapping or a date.
    """
    if not folder.is_dir():
        raise UnusableError(f"{folder} is no folder")
    findings = Findings()
    meta = _meta(folder, findings)
    mappings = read_mapping(mapping)
    paths = exports(folder, mappings, findings)
    out.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        as_of=_day(as_of or meta.as_of),
        late_after_days=meta.late_after_days,
        memory=memory,
        threads=threads,
        spill=out,
        mappings=mappings,
    )
    with prove(paths, settings, findings=findings, say=say) as run:
        say("writing")
        run.write(out, csv=csv)
        return Outcome(run.summary, run.balanced, run.open, bool(findings.complaints), tuple(run.unbalanced))


def exports(
    folder: Path, mappings: dict[str, FileMapping] | None = None, findings: Findings | None = None
) -> dict[str, Path]:
    """The exports of a folder by their names in the file contract."""
    mappings, findings = mappings or {}, findings or Findings()
    paths: dict[str, Path] = {}
    for name in CONTRACTS:
        try:
            path = find(folder, name, mappings.get(name, FileMapping()), findings)
        except UnusableError as error:
            findings.complain(name, str(error), whole_file=True)
            continue
        if path is not None:
            paths[name] = path
    return paths


def _meta(folder: Path, findings: Findings) -> Meta:
    path = folder / "meta.json"
    if not path.is_file():
        return Meta()
    try:
        meta = msgspec.json.decode(path.read_bytes(), type=Meta)
        _day(meta.as_of)
    except (msgspec.DecodeError, UnusableError) as error:
        findings.complain("meta.json", f"meta.json cannot be read ({error}); the defaults were used: correct it")
        return Meta()
    for name in meta.late_after_days:
        if name not in BY_NAME:
            findings.complain("meta.json", f"meta.json names the leg {name!r}; the legs are {', '.join(BY_NAME)}")
    return meta


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnusableError(f"{text!r} is no date: write it as YYYY-MM-DD") from None

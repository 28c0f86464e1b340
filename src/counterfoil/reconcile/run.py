"""`counterfoil reconcile files DIR` from the folder to the files it leaves: read, prove leg by leg, write, sum up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from counterfoil.core.reconcile.identities import Identity
from counterfoil.core.reconcile.legs import BY_NAME, LEGS, Leg
from counterfoil.reconcile.engine import Proof, connect, prove
from counterfoil.reconcile.mapping import read_mapping
from counterfoil.reconcile.problems import Findings, UnusableError
from counterfoil.reconcile.report import write_report
from counterfoil.reconcile.sources import Source, read_folder
from counterfoil.reconcile.summary import Json, document, leg_summary, verdicts
from counterfoil.reconcile.workbook import write_workbook
from counterfoil.reconcile.write import allocated_in, write_rows

EPOCH = date(1970, 1, 1)


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
    given = _day(as_of or meta.as_of)
    mappings = read_mapping(mapping)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=out) as spill:
        run = _open(memory, threads, spill)
        try:
            say("reading")
            sources = read_folder(run, folder, mappings, findings)
            day = given if given is not None else _last_day(sources)
            proofs = _prove(run, sources, findings, day, meta.late_after_days, say)
            say("writing")
            write_rows(run, out, proofs, csv=csv)
            return _conclude(run, out, proofs, sources, findings, day)
        finally:
            run.close()


def _open(memory: str | None, threads: int | None, spill: str) -> duckdb.DuckDBPyConnection:
    try:
        return connect(memory, threads, spill)
    except duckdb.Error:
        raise UnusableError(f"{memory!r} is no amount of memory: write it like 2GB") from None


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


def _day(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        raise UnusableError(f"{text!r} is no date: write it as YYYY-MM-DD") from None


def _last_day(sources: dict[str, Source]) -> int:
    days = [s.last_day for name, s in sources.items() if s.last_day is not None and name != "fx_rates"]
    return max(days) if days else (datetime.now(UTC).date() - EPOCH).days


def _prove(
    run: duckdb.DuckDBPyConnection,
    sources: dict[str, Source],
    findings: Findings,
    day: int,
    late: dict[str, int],
    say: Callable[[str], None],
) -> list[Proof]:
    proofs = []
    for leg in LEGS:
        lacking = [name for name in (leg.left_file, leg.right_file) if name not in sources]
        if not lacking:
            say(leg.name)
            proofs.append(prove(run, leg, sources, findings, as_of=day, late=late.get(leg.name, leg.late_after_days)))
        elif len(lacking) == 1:
            findings.note(f"{leg.name} was not proven: there is no usable {lacking[0]}")
    if not proofs and not findings.complaints:
        findings.complain(
            "", "there are no two exports to compare in the folder: see the file contract for their names"
        )
    return proofs


def _conclude(
    run: duckdb.DuckDBPyConnection,
    out: Path,
    proofs: list[Proof],
    sources: dict[str, Source],
    findings: Findings,
    day: int,
) -> Outcome:
    """Check every identity, the last one on what was written, and leave the summary in its three forms."""
    written = allocated_in(run, out)
    legs: dict[str, Json] = {}
    failed: list[str] = []
    for proof in proofs:
        figures, identities = leg_summary(proof)
        identities.append(_written(proof, written.get(proof.leg.name, 0)))
        figures["balanced"] = all(identity.balances for identity in identities)
        failed += [identity.sentence() for identity in identities if not identity.balances]
        legs[proof.leg.name] = figures
    for leg in LEGS:
        legs.setdefault(leg.name, {"proven": False})
    as_of = (EPOCH + timedelta(days=day)).isoformat()
    summary = document(as_of, {leg.name: legs[leg.name] for leg in LEGS}, sources, findings, verdicts(run, proofs))
    text = msgspec.json.format(msgspec.json.encode(summary), indent=2)
    (out / "summary.json").write_bytes(text + b"\n")
    examples = {proof.leg.name: _largest(run, proof.leg) for proof in proofs}
    write_report(out / "report.html", summary, examples)
    write_workbook(run, out / "report.xlsx", summary, [proof.leg for proof in proofs])
    return Outcome(summary, summary["balanced"], summary["open"], bool(findings.complaints), tuple(failed))


def _written(proof: Proof, total: int) -> Identity:
    parts = {
        "plainly matched": sum(int(row[3]) for row in proof.plain),
        "others": sum(int(row[5]) for row in proof.edges),
    }
    return Identity(f"{proof.leg.name} edges as written", total, parts)


def _largest(run: duckdb.DuckDBPyConnection, leg: Leg) -> list[dict[str, Any]]:
    """The two hundred largest open items of a leg, for the report."""
    columns = ("left_id", "right_id", "class", "reason", "variance", "unit", "age_days", "bucket", "owner", "why")
    rows = run.execute(
        f"select {', '.join(columns)} from classes_{leg.name} order by abs(variance) desc, left_id, right_id limit 200"
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]

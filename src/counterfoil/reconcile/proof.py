"""`prove(sources, settings)`: the proof as a Python call, for the file command, the nightly run and the workbench.

    with prove({"portal_refunds": Path("refunds.parquet"), "erp_credit_notes": rows}, Settings(as_of=day)) as run:
        for item in run.classes("refund_credit_note"): ...
        run.query("select class, sum(variance)::bigint from classes group by class order by class")
        run.write(folder)

`sources` maps a file of the contract (columns.py) to a Parquet, CSV or XLSX file or to rows with the contract's columns.
Before this step there are exports; after it `edges`, `classes` and the summary. The engine underneath proves one leg.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import msgspec

from counterfoil.core.reconcile.identities import Identity
from counterfoil.core.reconcile.legs import LEGS, Leg
from counterfoil.reconcile.columns import CONTRACTS
from counterfoil.reconcile.engine import Proof, connect, prove_leg
from counterfoil.reconcile.mapping import FileMapping
from counterfoil.reconcile.problems import Findings, UnusableError
from counterfoil.reconcile.report import write_report
from counterfoil.reconcile.sources import Source, read_source
from counterfoil.reconcile.summary import Json, document, leg_summary, verdicts
from counterfoil.reconcile.workbook import write_workbook
from counterfoil.reconcile.write import allocated_in, classes_view, edges_view, write_rows

EPOCH = date(1970, 1, 1)
SHOWN_MAX = 200  # open items of a leg on the report, the largest first

Say = Callable[[str], None] | None
Rows = Iterable[Mapping[str, object]]
Given = Mapping[str, "Path | Rows"]


class Edge(NamedTuple):
    """A pair that belongs together (file contract §3). `standing` is `final`, or `proposed` until somebody accepts it."""

    leg: str
    left_id: str
    right_id: str
    rule: str
    class_: str
    allocated: int
    why: str
    standing: str


class Item(NamedTuple):
    """A record that is not plainly matched (file contract §3); `unit` is the compared currency, or the SKU."""

    leg: str
    left_id: str | None
    right_id: str | None
    class_: str
    reason: str | None
    variance: int
    age_days: int
    bucket: str
    owner: str
    why: str
    unit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Settings:
    """How to prove.

    `as_of` is the day of the proof; None takes the last day in the sources. `late_after_days` wins over the default of a
    leg. `memory` such as "2GB" bounds what is held before spilling into `spill` (None: the system's temporary folder).
    """

    as_of: date | None = None
    late_after_days: Mapping[str, int] = field(default_factory=dict)
    memory: str | None = None
    threads: int | None = None
    spill: Path | None = None
    mappings: Mapping[str, FileMapping] = field(default_factory=dict)


class Run:
    """A finished proof. Its tables stay open for questions until `close`; use it as a context manager.

    `balanced` is False when an identity does not hold (then the run is wrong and `unbalanced` says where); `open` counts
    what is neither matched nor merely late; `findings` say what could not be read.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        scratch: tempfile.TemporaryDirectory[str] | None,
        sources: dict[str, Source],
        proofs: list[Proof],
        findings: Findings,
        as_of: date,
    ) -> None:
        self.findings = findings
        self.as_of = as_of
        self._database, self._scratch, self._proofs = database, scratch, proofs
        self.unbalanced: list[str] = []
        legs = {proof.leg.name: self._leg(proof) for proof in proofs}
        every = {leg.name: legs.get(leg.name, {"proven": False}) for leg in LEGS}
        self.summary: Json = document(as_of.isoformat(), every, sources, findings, verdicts(database, proofs))
        database.execute(f"create or replace temp view edges as {edges_view(proofs)}")
        database.execute(f"create or replace temp view classes as {classes_view(proofs)}")

    def _leg(self, proof: Proof) -> Json:
        figures, identities = leg_summary(proof)
        self.unbalanced += [identity.sentence() for identity in identities if not identity.balances]
        return figures

    @property
    def balanced(self) -> bool:
        """Whether every identity holds to the minor unit."""
        return not self.unbalanced

    @property
    def open(self) -> int:
        """Records that are not matched, or matched with a difference or a repeat."""
        return int(self.summary["open"])

    @property
    def legs(self) -> tuple[str, ...]:
        """The legs that were proven."""
        return tuple(proof.leg.name for proof in self._proofs)

    def edges(self, leg: str | None = None, records: Sequence[str] = ()) -> list[Edge]:
        """The pairs, in the order they are written; with `records`, those of these ids on either side.

        A row per pair of ten million refunds is a long list: ask `query` when a sum is enough.
        """
        return [Edge(*row) for row in self._rows("edges", leg, records)]

    def classes(self, leg: str | None = None, records: Sequence[str] = ()) -> list[Item]:
        """What is not plainly matched, in the order it is written."""
        return [Item(*row) for row in self._rows("classes", leg, records)]

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a question of ours about `edges` and `classes`; values go where the question marks are."""
        return self._database.execute(sql, list(values)).fetchall()

    def _rows(self, relation: str, leg: str | None, records: Sequence[str]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for name in self.legs if leg is None else (leg,):
            ids = list(records)
            where = " and (left_id in (select unnest(?)) or right_id in (select unnest(?)))" if ids else ""
            rows += self.query(
                f"select * from {relation} where leg = ?{where} order by left_id nulls last, right_id nulls last",
                [name, ids, ids] if ids else [name],
            )
        return rows

    def write(self, out: Path, *, csv: bool = False) -> None:
        """Leave `edges`, `classes`, `summary.json`, `report.html` and `report.xlsx`; the same bytes for the same sources.

        What was written is read back and must allocate what was found; when it does not, the run does not balance.
        """
        out.mkdir(parents=True, exist_ok=True)
        write_rows(self._database, out, self._proofs, csv=csv)
        written = allocated_in(self._database, out)
        for proof in self._proofs:
            identity = _written(proof, written.get(proof.leg.name, 0))
            if not identity.balances:
                self.unbalanced.append(identity.sentence())
                self.summary["legs"][proof.leg.name]["balanced"] = self.summary["balanced"] = False
        _replace(out / "summary.json", msgspec.json.format(msgspec.json.encode(self.summary), indent=2) + b"\n")
        examples = {proof.leg.name: self._largest(proof.leg) for proof in self._proofs}
        write_report(out / "report.html", self.summary, examples)
        write_workbook(self._database, out / "report.xlsx", self.summary, [proof.leg for proof in self._proofs])

    def _largest(self, leg: Leg) -> list[dict[str, Any]]:
        columns = ("left_id", "right_id", "class", "reason", "variance", "unit", "age_days", "bucket", "owner", "why")
        rows = self.query(
            f"select {', '.join(columns)} from classes_{leg.name} order by abs(variance) desc, left_id, right_id "
            f"limit {SHOWN_MAX}"
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def close(self) -> None:
        """Let go of the tables and of what was spilled; a store's own are left to it."""
        if self._scratch is None:
            return
        self._database.close()
        with suppress(OSError):
            self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def prove(
    sources: Given, settings: Settings | None = None, *, findings: Findings | None = None, say: Say = None
) -> Run:
    """Prove every leg whose two sources are there.

    What cannot be read becomes a complaint among the run's findings, and the rest is proven. Raises UnusableError when a
    setting or a name of a source makes no sense.
    """
    settings, findings = settings or Settings(), findings or Findings()
    for name in sources:
        if name not in CONTRACTS:
            raise UnusableError(f"{name!r} is none of the sources {', '.join(CONTRACTS)}")
    scratch = tempfile.TemporaryDirectory(prefix=".spill-", dir=settings.spill)
    database = None
    try:
        database = _open(settings, scratch.name)
        return _prove(database, scratch, sources, settings, findings, say or (lambda _: None))
    except BaseException:
        if database is not None:
            database.close()
        scratch.cleanup()
        raise


def _prove(
    database: duckdb.DuckDBPyConnection,
    scratch: tempfile.TemporaryDirectory[str],
    given: Given,
    settings: Settings,
    findings: Findings,
    say: Callable[[str], None],
) -> Run:
    say("reading")
    sources = read_sources(database, Path(scratch.name), given, settings.mappings, findings)
    as_of = settings.as_of or last_day(sources)
    proofs = []
    for leg in LEGS:
        lacking = [name for name in (leg.left_file, leg.right_file) if name not in sources]
        if not lacking:
            say(leg.name)
            late = settings.late_after_days.get(leg.name, leg.late_after_days)
            proofs.append(prove_leg(database, leg, sources, findings, as_of=(as_of - EPOCH).days, late=late))
        elif len(lacking) == 1:
            findings.note(f"{leg.name} was not proven: there is no usable {lacking[0]}")
    if not proofs and not findings.complaints:
        findings.complain(
            "", "there are no two exports to compare in the folder: see the file contract for their names"
        )
    return Run(database, scratch, sources, proofs, findings, as_of)


def _open(settings: Settings, scratch: str) -> duckdb.DuckDBPyConnection:
    try:
        return connect(settings.memory, settings.threads, scratch)
    except duckdb.Error:
        raise UnusableError(f"{settings.memory!r} is no amount of memory: write it like 2GB") from None


def read_sources(
    database: duckdb.DuckDBPyConnection,
    scratch: Path,
    given: Given,
    mappings: Mapping[str, FileMapping],
    findings: Findings,
) -> dict[str, Source]:
    """Open and check each given source; rows are put into a file of the scratch folder first."""
    sources: dict[str, Source] = {}
    for name in (name for name in CONTRACTS if name in given):
        found = given[name]
        path = found if isinstance(found, Path) else _kept(scratch, name, found)
        try:
            sources[name] = read_source(database, name, path, mappings.get(name, FileMapping()), findings)
        except UnusableError as error:
            findings.complain(name, str(error), whole_file=True)
    return sources


def _kept(scratch: Path, name: str, rows: Rows) -> Path:
    """Rows as a file of the contract, so that one reader checks everything."""
    path = scratch / f"{name}.csv"
    columns = [f"{c.name}_minor" if c.kind == "money" else c.name for c in CONTRACTS[name].columns]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def last_day(sources: dict[str, Source]) -> date:
    """The last day in any file but the rates; today when there is none."""
    days = [s.last_day for name, s in sources.items() if s.last_day is not None and name != "fx_rates"]
    return EPOCH + timedelta(days=max(days)) if days else datetime.now(UTC).date()


def _written(proof: Proof, total: int) -> Identity:
    parts = {
        "plainly matched": sum(int(row[3]) for row in proof.plain) + sum(int(row[4]) for row in proof.early),
        "others": sum(int(row[5]) for row in proof.edges),
    }
    return Identity(f"{proof.leg.name} edges as written", total, parts)


def _replace(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a stopped run leaves no half file under the name."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)

"""The store of the nightly proof: records are read once, and a run looks again only at what changed or is open.

    with ReconStore(Path("recon.duckdb")) as store:
        with store.update({"portal_refunds": rows, "erp_credit_notes": rows}, settings) as run: ...

The answer is that of a full run over all records, row for row: sql/store.sql says which pairs stay and when they come
back. A file of DuckDB holds it; one process has it open at a time. An update is one transaction: a process that stops in
it leaves the store as it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from counterfoil.core.reconcile.legs import LEGS, Leg
from counterfoil.reconcile.columns import CONTRACTS
from counterfoil.reconcile.engine import Fields, connect, prove_leg
from counterfoil.reconcile.problems import Findings, UnusableError
from counterfoil.reconcile.proof import EPOCH, Given, Run, Settings, last_day, read_sources
from counterfoil.reconcile.sources import Source, drop_repeats
from counterfoil.reconcile.statements import perform

REOPEN_ROUNDS_MAX = 1000  # each round reopens at least one pair; real chains end after two or three


class ReconStore:
    """Records and plain pairs between runs. `path` is the database's file; memory and threads as in Settings."""

    def __init__(self, path: Path, *, memory: str | None = None, threads: int | None = None) -> None:
        self._stack = ExitStack()
        spill = self._stack.enter_context(tempfile.TemporaryDirectory(prefix=".spill-", dir=path.parent))
        self._scratch = Path(spill)
        self._database = connect(memory, threads, spill, str(path))
        self._stack.callback(self._database.close)

    def update(
        self,
        changes: Given,
        settings: Settings | None = None,
        *,
        removed: Mapping[str, Sequence[str]] | None = None,
        whole: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> Run:
        """Take records that are new or changed, and ids that are gone, and prove everything.

        A record replaces the one of its id; the same record again changes nothing. The run's tables live in the store's
        database until the next update; closing the run leaves the store open. With `whole` the records given are all there
        are: what the store holds besides is gone.
        """
        settings, findings = settings or Settings(), Findings()
        self._database.execute("begin")
        try:
            run = self._update(changes, settings, removed or {}, findings, say, whole=whole)
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")
        return run

    def _update(
        self,
        changes: Given,
        settings: Settings,
        removed: Mapping[str, Sequence[str]],
        findings: Findings,
        say: Callable[[str], None],
        *,
        whole: bool,
    ) -> Run:
        say("reading")
        incoming = read_sources(self._database, self._scratch, changes, settings.mappings, findings)
        for name in [name for name in incoming if name != "fx_rates"]:
            incoming[name] = drop_repeats(self._database, incoming[name], findings)
        for name in CONTRACTS:
            self._take(name, incoming.get(name), removed.get(name, ()), whole=whole)
        sources = self._sources(incoming)
        as_of = settings.as_of or last_day(sources)
        proofs = []
        for leg in LEGS:
            if leg.left_file in sources and leg.right_file in sources:
                say(leg.name)
                late = settings.late_after_days.get(leg.name, leg.late_after_days)
                keeper = _Keeper(self._database, leg, sources)
                days = (as_of - EPOCH).days
                proofs.append(prove_leg(self._database, leg, sources, findings, as_of=days, late=late, keeper=keeper))
        return Run(self._database, None, sources, proofs, findings, as_of)

    def _take(self, name: str, incoming: Source | None, removed: Sequence[str], *, whole: bool) -> None:
        """Put what is new into `rec_<name>`; what it was and is stays in `gone_<name>` and `came_<name>` for this run."""
        run, key = self._database, _identity(name)
        columns = ", ".join(column.name for column in CONTRACTS[name].columns)
        shape = f"select * from {incoming.view} limit 0" if incoming else None
        if shape and not self._knows(name):
            run.execute(f"create table rec_{name} as {shape}")
        if not self._knows(name):
            return
        run.execute(f"create or replace temp table came_{name} as select * from rec_{name} limit 0")
        if incoming:
            known = run.execute(f"select count(*) from rec_{name}").fetchone() != (0,)
            same = f" except select {columns} from rec_{name} where {key} in (select {key} from {incoming.view})"
            run.execute(
                f"insert into came_{name} by name select (select coalesce(max(rn), -1) from rec_{name}) + row_number() over () "
                f"as rn, * from (select {columns} from {incoming.view}{same if known else ''})"
            )
        besides = ""
        if whole:
            besides = f" or {key} not in (select {key} from {incoming.view})" if incoming else " or true"
        run.execute(
            f"create or replace temp table gone_{name} as select * from rec_{name} "
            f"where {key} in (select {key} from came_{name}) or {CONTRACTS[name].key} in (select unnest(?::varchar[])){besides}",
            [list(removed)],
        )
        run.execute(f"delete from rec_{name} where rn in (select rn from gone_{name})")
        run.execute(f"insert into rec_{name} by name from came_{name}")

    def _knows(self, name: str) -> bool:
        found = self._database.execute(
            "select 1 from duckdb_tables() where table_name = ? and not temporary", [f"rec_{name}"]
        )
        return found.fetchone() is not None

    def _sources(self, incoming: dict[str, Source]) -> dict[str, Source]:
        sources: dict[str, Source] = {}
        for name, contract in CONTRACTS.items():
            if not self._knows(name):
                continue
            day = next(column.name for column in contract.columns if column.kind == "date")
            show(self._database, name, "rec")
            found = self._database.execute(f"select count(*), max({day}) from rec_{name}").fetchone()
            assert found is not None, "an aggregate always gives a row"
            told = incoming.get(name)
            file, aside = (told.file, told.set_aside) if told else (name, 0)
            sources[name] = Source(name, file, f"src_{name}", int(found[0]), aside, found[1], 0)
        return sources

    def last_day(self) -> date | None:
        """The last day any record is of; None for an empty store."""
        sources = self._sources({})
        return last_day(sources) if sources else None

    def close(self) -> None:
        """Close the database."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def _identity(name: str) -> str:
    """What makes a record the same record: its id, and for a rate its currencies and day."""
    return "(from_currency, to_currency, rate_date)" if name == "fx_rates" else CONTRACTS[name].key


def show(run: duckdb.DuckDBPyConnection, name: str, which: str) -> None:
    """Let the sides of the legs read all records (`rec`), or only those that came or went in this update."""
    run.execute(f"drop view if exists src_{name}")
    run.execute(f"create or replace temp view src_{name} as select * from {which}_{name}")


class _Keeper:
    """Keeps the plain pairs of one leg; the steps are those of engine.Keeper."""

    def __init__(self, run: duckdb.DuckDBPyConnection, leg: Leg, sources: dict[str, Source]) -> None:
        self._run, self._leg, self._sources = run, leg, sources

    def begin(self, leg: Leg, fields: Fields) -> None:
        """Make the pool from what was open, what changed and what that reopens."""
        terms = f"late {fields['late']}, sign {fields['sign']}"
        known = self._known_terms()
        if known != terms:
            perform(self._run, "keep_forget", fields)
        perform(self._run, "keep_tables", fields)
        self._run.execute("insert or replace into kept_terms values (?, ?)", [leg.name, terms])
        if known == terms:
            self._changed(fields)
            self._reopen(fields)
        fields["fresh"] = f"fresh_{leg.name}"
        fields["left_pool"], fields["right_pool"] = f"pool_left_{leg.name}", f"pool_right_{leg.name}"

    def _known_terms(self) -> str | None:
        """The terms the kept pairs were plain by; other terms make other pairs plain."""
        table = self._run.execute("select 1 from duckdb_tables() where table_name = 'kept_terms'").fetchone()
        if table is None:
            return None
        row = self._run.execute("select terms from kept_terms where leg = ?", [self._leg.name]).fetchone()
        return str(row[0]) if row else None

    def _changed(self, fields: Fields) -> None:
        """Both sides of what came and what went, in the engine's shape."""
        names = (self._leg.left_file, self._leg.right_file)
        for which in ("came", "gone", "rec"):
            for name in names:
                show(self._run, name, which)
            perform(self._run, f"sides_{self._leg.name}", fields)
            if which != "rec":
                self._run.execute(f"create or replace temp table {which}_left as select * from lhs")
                self._run.execute(f"create or replace temp table {which}_right as select * from rhs")

    def _reopen(self, fields: Fields) -> None:
        perform(self._run, "keep_touch", fields)
        for _ in range(REOPEN_ROUNDS_MAX):
            perform(self._run, "keep_reopen", fields)
            if self._run.execute("select 1 from reopened limit 1").fetchone() is None:
                break
            perform(self._run, "keep_spread", fields)
        else:
            raise UnusableError(f"{self._leg.name}: references and orders chain without end; load the store anew")
        perform(self._run, "keep_pool", fields)

    def paired(self, fields: Fields) -> None:
        """Keep the plain pairs."""
        perform(self._run, "keep_pairs", fields)

    def early(self, fields: Fields) -> None:
        """Keep what the early rules found, with the blocks that reopen it."""
        perform(self._run, "keep_early", fields)

    def left(self, fields: Fields) -> None:
        """Show those kept before as well."""
        perform(self._run, "keep_early_all", fields)

    def end(self, fields: Fields) -> None:
        """Leave the rest as the next run's pool."""
        perform(self._run, "keep_rest", fields)

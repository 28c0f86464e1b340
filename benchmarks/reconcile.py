"""The proof measured against DuckDB's own three-way key join and write of the same files, in one run.

Each measurement is a process of its own: wall and CPU seconds and peak memory, medians of several rounds, with the floor
taken between the others. Wall time on a busy machine says little, so CPU seconds and the load stand beside it.

    python benchmarks/reconcile.py DIR [--rounds 3] [--memory 2GB] [--memory 1GB] [--small DIR] [--nightly] [--lines 4000000]

`DIR` is made by `reconcile_data.py --no-stock`; `--small` is a second one of a tenth of the refunds, for the growth.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.reconcile.allocation import allocation
from counterfoil.reconcile.proof import Settings
from counterfoil.reconcile.run import exports, reconcile
from counterfoil.reconcile.store import ReconStore

FLOOR = """
copy (select p.refund_id, g.gateway_txn_id, e.credit_note_id, p.amount_minor, g.amount_minor as paid, e.amount_minor as credited
from '{0}/portal_refunds.parquet' p
left join '{0}/gateway_refunds.parquet' g on g.reference = p.refund_id and g.store_id = p.store_id
left join '{0}/erp_credit_notes.parquet' e on e.external_id = p.refund_id and e.store_id = p.store_id) to '{1}/floor.parquet'
"""


def floor(folder: Path, out: Path) -> None:
    """Only the key join and the write, no rules."""
    run = duckdb.connect()
    run.execute("set preserve_insertion_order=false")
    run.execute(FLOOR.format(folder, out))


def full(folder: Path, out: Path, memory: str | None) -> None:
    """The whole command, file to file."""
    outcome = reconcile(folder, out, memory=memory)
    assert outcome.balanced, outcome.unbalanced


def nightly(folder: Path, out: Path) -> dict[str, float]:
    """A store with 99 % of the records takes the last one per cent; the load is not counted."""
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    settings = Settings(as_of=date.fromisoformat(meta["as_of"]), late_after_days=meta["late_after_days"])
    run = duckdb.connect()
    for part, test in (("base", ">="), ("change", "<")):
        (out / part).mkdir()
        for name, path in exports(folder).items():
            key = run.execute(f"describe from '{path}'").fetchall()[0][0]
            where = "" if name == "fx_rates" else f"where hash({key}, 5) % 100 {test} 1"
            run.execute(f"copy (select * from '{path}' {where}) to '{out / part / name}.parquet'")
    with ReconStore(out / "recon.duckdb") as store:
        store.update(exports(out / "base"), settings)
        wall, cpu = time.perf_counter(), time.process_time()
        store.update(exports(out / "change"), settings)
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def lines(count: int) -> dict[str, float]:
    """Totals split over `count` lines of four a document."""
    run = duckdb.connect()
    run.execute(
        f"create table lines as select i // 4 as document, i % 4 as line, (hash(i // 4) % 90000)::bigint as total, "
        f"(hash(i, 1) % 9000)::bigint as weight from range({count}) t(i)"
    )
    wall, cpu = time.perf_counter(), time.process_time()
    run.execute(f"create table parts as {allocation(run, 'lines')}")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    wrong = run.execute(
        "select count(*) from (select document, sum(part) as parts from parts group by 1) join "
        "(select distinct document, total from lines) using (document) where parts <> total"
    ).fetchone()
    assert wrong == (0,), "parts do not make their whole"
    return {"wall": wall, "cpu": cpu}


def child(given: list[str]) -> None:
    """One measurement; prints it as JSON."""
    what, folder = given[0], Path(given[1])
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        out = Path(scratch)
        wall, cpu = time.perf_counter(), time.process_time()
        work: dict[str, Callable[[], Any]] = {
            "floor": lambda: floor(folder, out),
            "full": lambda: full(folder, out, given[2] or None),
            "nightly": lambda: nightly(folder, out),
            "lines": lambda: lines(int(given[2])),
        }
        own = work[what]()
        found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    found |= own or {}
    print(json.dumps(found | {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def measure(what: str, folder: Path, value: str = "") -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--child", what, str(folder), value]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def main() -> None:
    """Command line of the measurement."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="append", default=[])
    parser.add_argument("--small", type=Path)
    parser.add_argument("--nightly", action="store_true")
    parser.add_argument("--lines", type=int, default=0)
    given = parser.parse_args()
    work = [("floor", given.folder, ""), ("full", given.folder, "")]
    work += [("full", given.folder, memory) for memory in given.memory]
    work += [("full", given.small, "")] if given.small else []
    work += [("nightly", given.folder, "")] if given.nightly else []
    work += [("lines", given.folder, str(given.lines))] if given.lines else []
    found: dict[tuple[str, Path, str], list[dict[str, float]]] = {}
    for _ in range(given.rounds):
        for item in work:
            found.setdefault(item, []).append(measure(*item))
    base = medians(found[work[0]])
    print(
        f"{'':<34} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'× wall':>7} {'× CPU':>7}   load {os.getloadavg()[0]:.1f}"
    )
    for (what, folder, value), rounds in found.items():
        one = medians(rounds)
        times = f"{one['wall'] / base['wall']:>7.1f} {one['cpu'] / base['cpu']:>7.1f}"
        print(f"{f'{what} {folder.name} {value}':<34} {one['wall']:>8.2f} {one['cpu']:>8.2f} {one['mb']:>8.0f} {times}")


if __name__ == "__main__":
    main()

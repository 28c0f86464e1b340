"""The pairs table: the demonstration's week for every portal, every way to an ERP and both databases.

    python benchmarks/pairs.py --returns 40

Each row is one `counterfoil demo --headless --json` in a process of its own. A row holds when the program ended with
status 0, which it does only when cash and units agree. Ends with status 1 when a row does not hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

from ground import KINDS, machine, new_database, postgres, scratch

from counterfoil.demo.erps import PLAYED_ERPS
from counterfoil.demo.portals import PLAYED

Json = dict[str, Any]

PATIENCE_S = 900
_HEAD = (
    "portal",
    "ERP",
    "database",
    "finished",
    "open",
    "RMA",
    "receipt",
    "credit",
    "refunded",
    "credited",
    "paid on open",
    "s",
    "holds",
)


def main() -> int:
    """Print the table; 0 when every row holds."""
    given = _arguments()
    print("| " + " | ".join(_HEAD) + " |")
    print("|" + "---|" * len(_HEAD))
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        server = stack.enter_context(postgres(folder)) if "postgresql" in given.kinds else ""
        held = [_row(*pair, given, folder, server) for pair in product(given.portals, given.erps, given.kinds)]
    print(f"\n{machine()}")
    print(f"{sum(held)} of {len(held)} pairs hold, {given.returns} returns each, seed {given.seed}.")
    return 0 if all(held) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--returns", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--portals", nargs="+", default=sorted(PLAYED), choices=sorted(PLAYED))
    parser.add_argument("--erps", nargs="+", default=list(PLAYED_ERPS), choices=PLAYED_ERPS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    return parser.parse_args()


def _row(portal: str, erp: str, kind: str, given: argparse.Namespace, folder: Path, server: str) -> bool:
    name = f"{portal}-{erp}-{kind}"
    database = ["--database", new_database(server, name)] if kind == "postgresql" else []
    status, found, said = _play(portal, erp, given, folder / name, database)
    if found is None:
        print(f"| {portal} | {erp} | {kind} |" + " – |" * 9 + f" no: {said} |", flush=True)
        return False
    documents, [book] = found["documents"], found["money"].values()
    cells = (portal, erp, kind, found["finished"], found["open"], documents["rma"], documents["receipt"])
    money = (
        documents["credit_note"],
        book["refunded"],
        book["credited"],
        book["paid_on_open_returns"],
        found["seconds"],
    )
    print("| " + " | ".join(map(str, (*cells, *money, "yes" if status == 0 else "no"))) + " |", flush=True)
    return status == 0


def _play(
    portal: str, erp: str, given: argparse.Namespace, folder: Path, database: list[str]
) -> tuple[int, Json | None, str]:
    program = [str(Path(sys.executable).with_name("counterfoil")), "demo", "--headless", "--json"]
    wanted = ["--portal", portal, "--erp", erp, "--returns", str(given.returns), "--seed", str(given.seed)]
    command = [*program, *wanted, "--folder", str(folder), *database]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return 1, None, f"not through after {PATIENCE_S} s"
    try:
        return ran.returncode, json.loads(ran.stdout), ""
    except ValueError:
        return ran.returncode, None, ran.stderr.strip().splitlines()[-1][:200] if ran.stderr.strip() else "silent"


if __name__ == "__main__":
    sys.exit(main())

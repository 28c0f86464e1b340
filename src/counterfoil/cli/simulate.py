"""`counterfoil simulate`: the whole system under faults in one deterministic thread (outputs §5, reliability G1–G3)."""

from __future__ import annotations

import logging

import msgspec
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from counterfoil.cli import fail
from counterfoil.core.phrases import number_of
from counterfoil.simulate.outcome import Outcome


def run(*, seed: int, steps: int, as_json: bool) -> int:
    """0 when every promise held, 1 when one was broken."""
    try:
        from counterfoil.simulate.promises import PROMISES
        from counterfoil.simulate.run import run as simulate
    except ModuleNotFoundError as error:
        fail(f"The simulation needs the package {error.name}: install counterfoil[simulate].")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    columns = (TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("steps", total=steps)
        outcome = simulate(seed, steps, PROMISES, lambda done: bar.update(task, completed=done))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(outcome)).decode())
    else:
        _show(outcome, Console())
    return 1 if outcome.violations else 0


def _show(outcome: Outcome, screen: Console) -> None:
    screen.print(f"seed {outcome.seed}: {outcome.steps} steps, {number_of(outcome.returns, 'return')}, ", end="")
    screen.print(f"{outcome.seconds} s; log {outcome.log_hash}")
    table = Table("Fault", "Struck", title="What went wrong outside")
    for kind, count in outcome.faults.items():
        table.add_row(kind, str(count))
    screen.print(table)
    for broken in outcome.violations:
        screen.print(f"step {broken.step}: {broken.invariant}: {broken.message}", style="bold red")
        screen.print(f"again with: {broken.reproduce}")
    if not outcome.violations:
        screen.print("Every promise held.", style="bold green")

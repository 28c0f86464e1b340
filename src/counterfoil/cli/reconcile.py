"""`counterfoil reconcile files DIR`: the proof on exported files, for a person or for a program (outputs §6)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.core.reconcile.classes import CLASSES
from counterfoil.reconcile.problems import UnusableError
from counterfoil.reconcile.run import Outcome, reconcile


def run(
    folder: Path,
    out: Path | None,
    as_json: bool,
    csv: bool,
    strict: bool,
    as_of: str | None,
    mapping: Path | None,
    memory: str | None,
) -> int:
    """Prove the folder's exports and write the outcome to `out` (default: `proof` inside the folder).

    Gives 0 when all could be read and balances, 1 when a run does not balance or, with `strict`, anything is open, 2 for
    input that could not be read, after proving what could.
    """
    target = out or folder / "proof"
    try:
        outcome = reconcile(
            folder, target, as_of=as_of, mapping=mapping, csv=csv, memory=memory, say=_progress(as_json=as_json)
        )
    except UnusableError as error:
        return _complain(str(error), 2)
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(outcome.summary), indent=2)
        sys.stdout.write(text.decode() + "\n")
    else:
        _tell(outcome, target)
    for problem in outcome.summary["problems"]:
        _complain(problem["message"], 2)
    for sentence in outcome.unbalanced:
        _complain(sentence, 1)
    return status(outcome, strict=strict)


def status(outcome: Outcome, *, strict: bool) -> int:
    """The exit status of outputs §6; a run that does not balance outranks input that could not be read."""
    if not outcome.balanced:
        return 1
    if outcome.unreadable:
        return 2
    return 1 if strict and outcome.open else 0


def _complain(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence.rstrip('.')}.\n")
    return status


def _progress(*, as_json: bool) -> Any:
    if as_json or not sys.stderr.isatty():
        return lambda _: None
    return lambda step: sys.stderr.write(f"· {step.replace('_', ' ')}\n")


def _tell(outcome: Outcome, out: Path) -> None:
    """The summary in a screenful."""
    summary = outcome.summary
    print(
        f"As of {summary['as_of']}: {'everything balances' if outcome.balanced else 'DOES NOT BALANCE'}, {outcome.open} open."
    )
    for name, leg in summary["legs"].items():
        for row in leg.get("by_currency", ()):
            _line(name, row)
    for note in summary["notes"]:
        print(f"note: {note}.")
    print(f"Details are in {out}: report.html, report.xlsx, summary.json, edges.parquet, classes.parquet.")


def _line(name: str, row: dict[str, Any]) -> None:
    kinds = ", ".join(
        f"{kind.replace('_', ' ')} {row['classes'][kind]['records']}"
        for kind in CLASSES
        if row["classes"][kind]["records"]
    )
    unit = row["currency"] or "units"
    print(
        f"{name:<20} {unit:<6} left {row['left']['amount']} right {row['right']['amount']} matched {row['matched']['amount']}; {kinds or 'nothing else'}"
    )

"""`counterfoil reconcile`: the proof over our own books and the systems' read-back, and what exceptions came of it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.closing.nightly import Proven
from counterfoil.closing.nightly import run as prove_all
from counterfoil.core.phrases import number_of
from counterfoil.core.reconcile.classes import CLASSES
from counterfoil.settings import load
from counterfoil.store.migrate import pending


def run(settings_file: Path, out: Path | None, as_json: bool, strict: bool, memory: str | None) -> int:
    """0 when all was read and every identity balances, 1 when a run does not balance or, with `strict`, is open."""
    from counterfoil.reconcile.proof import Settings

    world = build_world(load(settings_file))
    try:
        if pending(world.database):
            sys.stderr.write("The database's schema is behind; run counterfoil migrate.\n")
            return 2
        write = (lambda found: found.write(out)) if out is not None else None
        proven = prove_all(world, Settings(memory=memory), write=write)
    finally:
        world.database.close()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(proven.summary), indent=2).decode())
    else:
        _tell(proven, out)
    for sentence in (*proven.unbalanced, *proven.trouble):
        sys.stderr.write(f"{sentence.rstrip('.')}.\n")
    return _status(proven, strict=strict)


def _status(proven: Proven, *, strict: bool) -> int:
    if not proven.balanced:
        return 1
    if proven.trouble:
        return 2
    return 1 if strict and proven.open_records else 0


def _tell(proven: Proven, out: Path | None) -> None:
    state = "everything balances" if proven.balanced else "DOES NOT BALANCE"
    print(f"As of {proven.summary['as_of']}: {state}, {number_of(proven.open_records, 'record')} open.")
    for name, leg in proven.summary["legs"].items():
        for row in leg.get("by_currency", ()):
            kinds = [f"{k.replace('_', ' ')} {row['classes'][k]['records']}" for k in CLASSES]
            found = ", ".join(text for text in kinds if not text.endswith(" 0")) or "nothing else"
            print(f"{name:<20} {row['currency'] or 'units':<6} matched {row['matched']['amount']}; {found}")
    print(f"Exceptions: {proven.opened} opened, {proven.ended} ended by themselves.")
    if out is not None:
        print(f"Details are in {out}.")

"""`counterfoil sim`: one simulator on its own, for any client (outputs §3)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from counterfoil.catalog import simulator
from counterfoil.cli import fail
from counterfoil.simkit.server import serve


def run(vendor: str, port: int, world: Path | None, seed: int, faults: Path | None) -> int:
    """Listen until stopped. Exit status 2 when a file or the port cannot be used."""
    try:
        kind = simulator(vendor)
    except KeyError as error:
        fail(str(error.args[0]))
    try:
        sim = kind(_json(world) if world is not None else None, seed)
        specs = _json(faults) if faults is not None else []
        for spec in specs if isinstance(specs, list) else [specs]:
            sim.faults.add(spec)
    except (ValueError, KeyError, TypeError) as error:
        fail(f"the world or the faults cannot be used: {type(error).__name__}: {error}")
    try:
        asyncio.run(serve(sim, port))
    except OSError as error:
        fail(f"port {port} cannot be used: {error.strerror}")
    return 0


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        fail(f"{path} is not JSON: {error}")

"""`counterfoil handbook`: the operating model, generated from the running configuration."""

from __future__ import annotations

from pathlib import Path

from counterfoil.bootstrap import build_world
from counterfoil.closing.handbook import handbook
from counterfoil.settings import load
from counterfoil.store.migrate import pending


def run(settings_file: Path, out: Path | None) -> int:
    """Print it, or leave it in a file."""
    settings = load(settings_file)
    world = build_world(settings)
    try:
        text = handbook(world, settings.scorecard, kept_versions=not pending(world.database))
    finally:
        world.database.close()
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, "utf-8")
        print(f"The operating model is in {out}.")
    return 0

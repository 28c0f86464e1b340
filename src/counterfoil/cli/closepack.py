"""`counterfoil closepack`: the cut-off pack of a month, and its sign-offs."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.closing.closepack import Pack
from counterfoil.closing.closepack_html import STATES, grouped, page
from counterfoil.closing.closepack_period import CloseError
from counterfoil.closing.closepack_signs import sign as sign_period
from counterfoil.closing.office import Office
from counterfoil.flow.world import World
from counterfoil.settings import Settings, load
from counterfoil.store.migrate import pending


def run(settings_file: Path, name: str, out: Path | None, as_json: bool) -> int:
    """Make the pack; 2 with a sentence when it cannot be made."""
    settings = load(settings_file)
    try:
        world = _world(settings)
        try:
            pack = Office(world, settings.close, settings.scorecard).pack(name)
        finally:
            world.database.close()
    except CloseError as error:
        sys.stderr.write(f"{error}.\n")
        return 2
    if out is not None:
        write(pack, out)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(pack), indent=2).decode())
    else:
        _tell(pack, out)
    return 0


def sign(settings_file: Path, name: str, by: str, role: str) -> int:
    """Sign the month; 2 with a sentence when it may not be signed."""
    settings = load(settings_file)
    try:
        world = _world(settings)
        try:
            pack = sign_period(world, settings.close, name, by, role)
        finally:
            world.database.close()
    except CloseError as error:
        sys.stderr.write(f"{error}.\n")
        return 2
    locked = "; the period is locked" if role == "reviewer" else ""
    print(f"{by} signed {name} as {role}{locked}. Figures {pack.figures_hash}")
    return 0


def _world(settings: Settings) -> World:
    world = build_world(settings)
    if pending(world.database):
        world.database.close()
        raise CloseError("the database's schema is behind; run counterfoil migrate")
    return world


def write(pack: Pack, folder: Path) -> None:
    """Leave the three files and the pack as JSON in a folder."""
    from counterfoil.closing.closepack_pdf import document
    from counterfoil.closing.closepack_xlsx import workbook

    folder.mkdir(parents=True, exist_ok=True)
    name = f"closepack-{pack.period}"
    (folder / f"{name}.html").write_text(page(pack), "utf-8")
    (folder / f"{name}.xlsx").write_bytes(workbook(pack))
    (folder / f"{name}.pdf").write_bytes(document(pack))
    (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(pack), indent=1))


def _tell(pack: Pack, out: Path | None) -> None:
    print(f"Close pack {pack.period} as of {pack.cut_off}. {STATES[pack.state]}.")
    for figure in pack.figures:
        amounts = [f"{grouped(t.amount)} {t.currency}" for t in figure.totals if t.amount is not None]
        unknown = sum(total.unknown for total in figure.totals)
        amounts += [f"{unknown} of unknown value"] if unknown else []
        print(f"{figure.title:<26} {', '.join(amounts) or 'none'}")
    if pack.after_lock:
        print(f"{'After the lock':<26} {len(pack.after_lock)} facts")
    if out is not None:
        print(f"The pack is in {out}.")

"""`counterfoil scorecard`: the weekly KPIs, the cost of returns and the backlog, as HTML, JSON and CSV."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.closing.closepack_period import CloseError
from counterfoil.closing.office import Office
from counterfoil.closing.scorecard import Scorecard
from counterfoil.closing.scorecard_html import kpi_csv, met, page, table_csv
from counterfoil.settings import load
from counterfoil.store.migrate import pending


def run(settings_file: Path, weeks: int, out: Path | None, as_json: bool) -> int:
    """0 when it could be made and its sums tie to the posted documents, 1 when they do not, 2 when it cannot be made."""
    settings = load(settings_file)
    world = build_world(settings)
    try:
        if pending(world.database):
            raise CloseError("the database's schema is behind; run counterfoil migrate")
        score = Office(world, settings.close, settings.scorecard).scorecard(weeks)
    except CloseError as error:
        sys.stderr.write(f"{error}.\n")
        return 2
    finally:
        world.database.close()
    if out is not None:
        write(score, out)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(score), indent=2).decode())
    else:
        _tell(score, out)
    return 0 if all(tie.balances for tie in score.ties) else 1


def write(score: Scorecard, folder: Path) -> None:
    """Leave the page, the JSON and one CSV a table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scorecard.html").write_text(page(score), "utf-8")
    (folder / "scorecard.json").write_bytes(msgspec.json.format(msgspec.json.encode(score), indent=1))
    (folder / "kpis.csv").write_bytes(kpi_csv(score).encode())
    for table in (*score.tables, score.credits):
        (folder / f"{table.key}.csv").write_bytes(table_csv(table).encode())


def _tell(score: Scorecard, out: Path | None) -> None:
    print(f"As of {score.as_of}, week of {score.weeks[-1].first} so far.")
    for card in score.cards:
        point = card.points[-1]
        name = card.title if card.category is None else f"  {card.category}"
        value = "–" if point.value is None else f"{point.value} {card.unit}"
        print(f"{name:<24} {value:<16} aim {card.target} {met(point.met):<7} {point.detail}")
    for tie in score.ties:
        print(
            f"{tie.name}: {tie.parts} of {tie.total} {tie.currency}, {'adds up' if tie.balances else 'DOES NOT ADD UP'}"
        )
    if out is not None:
        print(f"The scorecard is in {out}.")

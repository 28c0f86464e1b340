"""The workbench on the command line: the same door as the console's, with one sentence for what cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from counterfoil.cli import app, desk
from counterfoil.closing import figures
from counterfoil.ports.actions import ActionError
from counterfoil.store import proofs, workbench
from counterfoil.store.database import open_database
from counterfoil.store.migrate import migrate
from counterfoil.store.proofs import KeptRun

LEG = "refund_gateway"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings over a database with one record that is 2.50 short."""
    database = open_database(f"sqlite:///{tmp_path / 'counterfoil.sqlite3'}")
    migrate(database)
    item = {"brand": "north", "leg": LEG, "left_id": "loop:R-1", "right_id": "", "class": "variance", "reason": "other"}
    item |= {"variance_minor": -250, "amount_minor": 4000, "unit": "GBP", "age_days": 8, "bucket": "8-30"}
    item |= {"owner": "finance", "why": "37.50 GBP against 40.00 GBP", "case_id": None, "day": "2026-11-01"}
    item |= {"open_minor": 250, "difference_minor": -250}
    record = {"file": "portal_refunds", "record_id": "loop:R-1", "brand": "north", "unit": "GBP", "amount_minor": 4000}
    record |= {"day": "2026-11-01", "fingerprint": "f", "case_id": None}
    record |= {"body": '{"amount_minor":4000,"currency":"GBP"}'}
    with database.write() as tx:
        run = KeptRun(
            as_of="2026-11-09",
            since="2026-10-01",
            started_ms=1,
            finished_ms=2,
            balanced=True,
            open_records=1,
            summary={},
        )
        number = proofs.keep(tx, run, [item])
        workbench.keep_workings(tx, number, [figure._asdict() for figure in figures.causes([item])], [record], [])
    database.close()
    file = tmp_path / "counterfoil.toml"
    file.write_text(f'data_dir = "{tmp_path}"\n', "utf-8")
    return file


def told(settings: Path, *words: str) -> tuple[int, str]:
    """Exit status, and what was said on both streams."""
    answer = CliRunner().invoke(app, ["workbench", *words, "--settings", str(settings)])
    return answer.exit_code, answer.output


def test_open_records_are_listed_with_their_difference(settings: Path) -> None:
    status, text = told(settings, "open")
    assert status == 0 and "loop:R-1" in text and "-2.50 GBP" in text and "1 open." in text


def test_a_write_off_by_two_people(settings: Path) -> None:
    asked = ("write-off", LEG, "--left", "loop:R-1", "--account", "Rounding differences", "--as", "robin")
    assert told(settings, *asked, "--reason", "the till") == (0, "Decision 1 waits for a second person.\n")
    status, text = told(settings, "decide", "1", "approve", "--as", "robin")
    assert status == 2 and "a second person must" in text
    assert told(settings, "decide", "1", "approve", "--as", "sam")[0] == 0
    assert told(settings, "decide", "1", "forget", "--as", "sam")[0] == 2
    assert told(settings, "comment", LEG, "asked the shop", "--left", "loop:R-1", "--as", "ada")[0] == 0


def test_pairs_are_read_as_they_are_typed() -> None:
    assert desk.parts(LEG, ["a=b", "c=d@12.50"], "GBP") == [("a", "b", None), ("c", "d", 1250)]
    assert desk.parts("line_receipt", ["a=b@2"], "") == [("a", "b", 2)]
    for wrong in ("a", "=b", "a=", "a=b@x"):
        with pytest.raises(ActionError):
            desk.parts(LEG, [wrong], "GBP")

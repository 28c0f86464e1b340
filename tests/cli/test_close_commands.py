"""`closepack`, `scorecard` and `handbook` on a settings file: what they leave, print and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.cli.closepack import run as closepack
from counterfoil.cli.closepack import sign
from counterfoil.cli.handbook import run as handbook
from counterfoil.cli.scorecard import run as scorecard
from counterfoil.cli.upkeep import migrate


@pytest.fixture
def settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A house without any connection, on a database with the current schema."""
    path = tmp_path / "counterfoil.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    migrate(path)
    capsys.readouterr()
    return path


def test_the_pack_of_a_month_with_nothing_in_it_is_a_pack(settings: Path, tmp_path: Path, capsys: Any) -> None:
    assert closepack(settings, "2026-01", tmp_path / "out", as_json=True) == 0
    pack = json.loads(capsys.readouterr().out)
    assert (pack["state"], pack["entries"], pack["cut_off"]) == ("open", [], "2026-02-01T00:00:00Z")
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".html", ".xlsx", ".pdf", ".json"}


def test_signing_out_of_turn_is_one_sentence_and_status_2(settings: Path, capsys: Any) -> None:
    assert sign(settings, "2026-01", "Kim Example", "reviewer") == 2
    assert capsys.readouterr().err == "2026-01 has no preparer yet; it is prepared first, then reviewed.\n"
    assert sign(settings, "2026-01", "Robin Example", "preparer") == 0
    assert sign(settings, "2026-01", "Kim Example", "reviewer") == 0
    assert "the period is locked" in capsys.readouterr().out
    assert closepack(settings, "2026-1", None, as_json=False) == 2


def test_a_schema_that_is_behind_is_said(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "counterfoil.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    assert closepack(path, "2026-01", None, as_json=False) == 2
    assert scorecard(path, 2, None, as_json=False) == 2
    assert capsys.readouterr().err.count("run counterfoil migrate.") == 2


def test_the_scorecard_leaves_a_page_and_a_file_a_table(settings: Path, tmp_path: Path, capsys: Any) -> None:
    assert scorecard(settings, 2, tmp_path / "out", as_json=False) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"scorecard.html", "scorecard.json", "kpis.csv", "cost_by_sku.csv", "credits.csv", "aged.csv"} <= names
    assert "Return cycle time        –" in capsys.readouterr().out


def test_the_handbook_is_printed_or_left_in_a_file(settings: Path, tmp_path: Path, capsys: Any) -> None:
    assert handbook(settings, None) == 0
    printed = capsys.readouterr().out
    assert handbook(settings, tmp_path / "model.md") == 0
    assert (tmp_path / "model.md").read_text() == printed

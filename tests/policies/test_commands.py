"""The policy commands through a settings file, as a person runs them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from counterfoil.bootstrap import build_world
from counterfoil.cli import policy as commands
from counterfoil.settings import SettingsError, load
from counterfoil.store.migrate import migrate

SETTINGS = """
data_dir = "{folder}"

[[connection]]
name = "loop"
brand = "north"
vendor = "loop"
config = {{ api_key = "k", webhook_secrets = ["s"] }}

[[connection]]
name = "shop"
brand = "north"
vendor = "shopify"
config = {{ shop = "north-example", access_token = "t", client_secrets = ["s"] }}

[[connection]]
name = "books"
brand = "north"
vendor = "prima"
config = {{ base_url = "http://127.0.0.1:9", api_key = "k", price_basis = "unit" }}

[[setup]]
brand = "north"
portal = "loop"
{more}
connections = {{ portal = "loop", shop = "shop", erp = "books" }}
"""
POLICY = """name = "north loop"
version = "{version}"
from = {starts}
brand = "{brand}"
portal = "loop"
erp = "prima"
currency = "GBP"
preset = "portal-led"
[axes]
{axes}
"""


def today() -> date:
    return datetime.now(UTC).date()


def settings(folder: Path, more: str = 'preset = "controlled"') -> Path:
    path = folder / "counterfoil.toml"
    path.write_text(SETTINGS.format(folder=folder, more=more), "utf-8")
    return path


def written(folder: Path, name: str = "north.toml", **values: Any) -> Path:
    path = folder / name
    values = {"version": "1", "starts": today() + timedelta(days=1), "brand": "north", "axes": "", **values}
    path.write_text(POLICY.format(**values), "utf-8")
    return path


@pytest.fixture
def house(tmp_path: Path) -> Path:
    made = settings(tmp_path)
    world = build_world(load(made))
    migrate(world.database)
    world.database.close()
    return made


def test_a_version_is_kept_listed_and_kept_only_once(house: Path, capsys: Any) -> None:
    file = written(house.parent)
    assert commands.keep(file, house, "robin") == 0
    assert "is kept and holds for returns authorised from" in capsys.readouterr().out
    assert commands.keep(file, house, "robin") == 0
    assert "was kept already" in capsys.readouterr().out
    assert commands.versions(house, as_json=True) == 0
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["version"], only["saved_by"], only["brand"]) == ("1", "robin", "north")


def test_what_is_refused_is_one_sentence_and_status_one(house: Path, capsys: Any) -> None:
    assert commands.keep(written(house.parent, starts="2020-01-01"), house, "robin") == 1
    said = capsys.readouterr()
    assert "has passed" in said.err and said.out == "" and said.err.count("\n") == 1


def test_a_replay_over_an_empty_history_says_so(house: Path, capsys: Any) -> None:
    assert commands.replay(written(house.parent), house, "2026-01-01", as_json=False) == 0
    assert "over 0 recorded returns" in capsys.readouterr().out


def test_a_policy_for_another_brand_has_no_setup(house: Path) -> None:
    with pytest.raises(typer.Exit) as ended:
        commands.check(written(house.parent, brand="south"), house, as_json=False)
    assert ended.value.exit_code == 2


def test_a_since_that_is_no_day_is_named(house: Path, capsys: Any) -> None:
    with pytest.raises(typer.Exit):
        commands.replay(written(house.parent), house, "last week", as_json=False)
    assert "--since 'last week' is no day" in capsys.readouterr().err


def test_the_settings_document_holds_for_every_return_until_a_version_is_kept(tmp_path: Path) -> None:
    written(tmp_path, version="9")
    world = build_world(load(settings(tmp_path, 'document = "file:north.toml"')))
    migrate(world.database)
    agreement = world.setup("north", "loop").agreement
    assert agreement.policy.label == "north loop 9"
    assert [edition.starts_on for edition in agreement.editions] == [""]
    world.database.close()


def test_a_settings_document_that_contradicts_itself_is_refused_with_its_lines(tmp_path: Path) -> None:
    written(tmp_path, axes="damaged_needs_review = true")
    with pytest.raises(SettingsError, match=r"document of north/loop: Damaged goods.*:10: damaged_needs_review = true"):
        load(settings(tmp_path, 'document = "file:north.toml"'))


def test_a_portal_as_configured_is_what_the_check_looks_at(house: Path, capsys: Any) -> None:
    assert commands.check(written(house.parent), house, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["contradictions"] == []


@pytest.mark.parametrize("what", ["a folder", "nothing", "bytes"])
def test_what_is_no_policy_file_is_said_in_one_sentence(tmp_path: Path, capsys: Any, what: str) -> None:
    path = tmp_path / "policy.toml"
    if what == "a folder":
        path.mkdir()
    if what == "bytes":
        path.write_bytes(b"\xff\xfe")
    with pytest.raises(typer.Exit) as ended:
        commands.check(path, None, as_json=False)
    said = capsys.readouterr().err
    assert ended.value.exit_code == 2 and said.startswith(str(path)) and said.count("\n") == 1


def test_the_drawing_is_written_and_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: Any) -> None:
    drawing = tmp_path / "sequence.svg"
    assert commands.draw_policy(written(tmp_path), None, drawing, as_json=True) == 0
    assert drawing.read_text("utf-8").startswith("<svg") and json.loads(capsys.readouterr().out)["steps"]
    with pytest.raises(typer.Exit):
        commands.draw_policy(written(tmp_path), None, tmp_path, as_json=True)
    assert "cannot be written" in capsys.readouterr().err


def test_a_vendor_nobody_knows_is_named_with_its_line(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text("utf-8").replace('"loop"', '"lopp"'), "utf-8")
    with pytest.raises(typer.Exit):
        commands.check(path, None, as_json=False)
    assert ":5: portal = \"lopp\": 'lopp' is no vendor we know" in capsys.readouterr().err

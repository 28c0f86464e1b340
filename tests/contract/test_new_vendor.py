"""`counterfoil new`: what it writes can be imported, fails the kit in every row that applies, and is told what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil.conformance.skeleton import SkeletonError, package_of, write


def counterfoil(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    where = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "counterfoil", *words]
    return subprocess.run(command, cwd=folder, env=where, capture_output=True, text=True, timeout=60, check=False)


def rows(folder: Path, name: str) -> dict[str, dict[str, str]]:
    asked = counterfoil(folder, "conformance", f"{name}:SPEC", "--json")
    assert asked.returncode == 1, asked.stderr
    [vendor] = json.loads(asked.stdout)["vendors"]
    return {verdict["suite"]: verdict for verdict in vendor["verdicts"]}


def test_a_new_portal_fails_every_row_it_can_with_an_instruction(tmp_path: Path) -> None:
    made = counterfoil(tmp_path, "new", "portal", "acme_returns")
    assert made.returncode == 0, made.stderr
    assert "conformance acme_returns:SPEC" in made.stdout
    found = rows(tmp_path, "acme_returns")
    for suite in ("lost acknowledgement", "throttling"):
        assert found[suite]["state"] == "not_applicable"
        assert "only sends" in found[suite]["detail"]
        del found[suite]
    assert {suite: verdict["state"] for suite, verdict in found.items()} == dict.fromkeys(found, "failed")
    assert all(len(verdict["cure"]) > 40 for verdict in found.values())


def test_a_new_erp_fails_every_row_it_can_with_an_instruction(tmp_path: Path) -> None:
    write("erp", "acme_books", tmp_path)
    found = rows(tmp_path, "acme_books")
    for suite in ("signatures", "duplicates", "reordering"):
        assert found.pop(suite)["state"] == "not_applicable"
    assert {suite: verdict["state"] for suite, verdict in found.items()} == dict.fromkeys(found, "failed")
    assert "rehearsal" in found["lost acknowledgement"]["cure"]
    assert all(len(verdict["cure"]) > 40 for verdict in found.values())


def test_the_table_shows_the_instruction_below_the_row_that_fails(tmp_path: Path) -> None:
    write("portal", "acme_returns", tmp_path)
    shown = counterfoil(tmp_path, "conformance", "acme_returns:SPEC")
    assert shown.returncode == 1
    assert "signatures                 FAILED  there is no signed delivery to try" in shown.stdout
    assert "→ Sign one fixture with another program" in shown.stdout


@pytest.mark.parametrize("kind", ["portal", "erp"])
def test_what_is_written_is_in_the_house_style(tmp_path: Path, kind: str) -> None:
    made = [str(path) for path in write(kind, "acme_returns", tmp_path) if path.suffix == ".py"]
    rules = str(Path(__file__).parents[2] / "pyproject.toml")
    ruff = Path(sys.executable).parent / "ruff"
    asked = [ruff, "check", "--no-cache", "--config", rules, "--ignore", "I001", *made]
    linted = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_inside_a_package_the_folder_is_imported_by_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "__init__.py").write_text("")
    assert package_of(tmp_path / "house", "acme") == "house.acme"
    write("portal", "acme", tmp_path / "house")
    assert "from house.acme.config import AcmeConfig" in (tmp_path / "house" / "acme" / "__init__.py").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [("shop", "acme", "neither"), ("portal", "Acme-2", "no name"), ("portal", "there", "exists already")],
)
def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_touched(
    tmp_path: Path, kind: str, name: str, why: str
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(SkeletonError, match=why):
        write(kind, name, tmp_path)
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_an_adapter_nobody_has_ends_with_status_2_and_a_sentence(tmp_path: Path) -> None:
    asked = counterfoil(tmp_path, "conformance", "nowhere.to.be:FOUND")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.startswith("'nowhere.to.be:FOUND' cannot be loaded")


def test_an_installed_package_announces_its_adapter_by_entry_point(tmp_path: Path) -> None:
    write("portal", "acme_returns", tmp_path)
    papers = tmp_path / "acme_returns-1.0.dist-info"
    papers.mkdir()
    (papers / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-returns\nVersion: 1.0\n")
    (papers / "entry_points.txt").write_text("[counterfoil.vendors]\nacme = acme_returns:SPEC\n")
    asked = counterfoil(tmp_path, "conformance", "acme", "--json")
    assert asked.returncode == 1, asked.stderr
    assert json.loads(asked.stdout)["vendors"][0]["vendor"] == "acme_returns"

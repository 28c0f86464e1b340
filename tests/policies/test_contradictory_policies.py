"""Contradictory policies: each file states in its first line what the compiler has to say, and about which lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from counterfoil.catalog import vendor
from counterfoil.policy.clashes import Systems
from counterfoil.policy.compiler import NOT_CARRIED, Report, as_text, compile_policy
from counterfoil.policy.reading import read
from counterfoil.policy.systems import as_shipped

FILES = sorted(Path(__file__).parent.glob("*.toml"))


def compiled(path: Path) -> Report:
    policy = read(path.read_text("utf-8"), path.name)
    return compile_policy(policy, as_shipped(policy, vendor))


def test_there_are_more_than_twenty_contradictory_policies() -> None:
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_compiler_says_what_the_file_expects_and_quotes_the_lines(path: Path) -> None:
    code, _, sentence = path.read_text("utf-8").splitlines()[0].removeprefix("# expect: ").partition(": ")
    found = {clash.code: clash for clash in compiled(path).contradictions}
    assert code in found, f"found {sorted(found)}"
    clash = found[code]
    assert clash.sentence == sentence
    assert len(clash.settings) >= (1 if code == "axis_not_carried" else 2) and clash.fact and clash.cure.endswith(".")
    lines = path.read_text("utf-8").splitlines()
    for setting in clash.settings:
        assert setting.file == path.name
        written = setting.line > 0 and (setting.text in lines[setting.line - 1] or "by the preset" in setting.text)
        assert written or setting.text.startswith("nothing is written about"), f"{setting} is not what stands there"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_else_is_said_about_it(path: Path) -> None:
    code = path.read_text("utf-8").splitlines()[0].removeprefix("# expect: ").partition(":")[0]
    allowed = {code} | ({"axis_not_carried"} if code in ("cash_refund_and_payment",) else set())
    assert {clash.code for clash in compiled(path).contradictions} <= allowed


@pytest.mark.parametrize("axis", sorted({axis for axis, _ in NOT_CARRIED}))
def test_an_axis_that_is_refused_as_not_carried_is_really_read_by_nobody(axis: str) -> None:
    core = Path(__file__).parents[2] / "src" / "counterfoil" / "core"
    assert not [path.name for path in core.rglob("*.py") if f"policy.{axis}" in path.read_text("utf-8")]


def test_chosen_legal_values_are_named_with_their_source_and_the_wish_to_have_them_checked() -> None:
    report = compiled(Path(__file__).parent / "inspection_longer_than_the_law.toml")
    (note,) = report.notes
    assert note.startswith("DE: 14 calendar days from the customer's notice, by Directive 2011/83/EU")
    assert note.endswith("Have it checked.") and note in as_text(report)


def test_a_gateway_that_is_to_pay_has_to_be_connected() -> None:
    text = FILES[0].read_text("utf-8").partition("[")[0] + '[axes]\nrefund_executor = "gateway"\n'
    for connected, codes in ((False, {"gateway_not_connected"}), (True, set()), (None, set())):
        systems = Systems(portal="Acme Returns", erp="Acme Books", gateway_connected=connected)
        found = compile_policy(read(text, "gateway.toml"), systems).contradictions
        assert {clash.code for clash in found} == codes


def test_every_contradiction_the_compiler_knows_has_a_policy_that_shows_it() -> None:
    folder = Path(__file__).parents[2] / "src" / "counterfoil" / "policy"
    known = {code for path in folder.glob("*.py") for code in re.findall(r'\bcode="(\w+)"', path.read_text("utf-8"))}
    shown = {path.read_text("utf-8").split()[2].rstrip(":") for path in FILES}
    assert known - shown == {"gateway_not_connected"}  # only settings can tell; it has a test of its own

"""Reading a policy: what is wrong with it is said with file, line and cure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from counterfoil.core.policy import PRESETS, FlowPolicy, RmaOn
from counterfoil.policy.document import ELSEWHERE, Axes, json_schema
from counterfoil.policy.places import scan
from counterfoil.policy.reading import UnreadableError, read

ROOT = Path(__file__).parents[2]
SOUND = """name = "north loop"
version = "3"
from = 2026-12-01
brand = "north"
portal = "loop"
erp = "prima"
currency = "GBP"
preset = "controlled"

[axes]
rma_on = "requested"

[thresholds]
approval_above = "250.00 GBP"
"""


def test_a_policy_is_its_preset_with_its_own_axes_on_top() -> None:
    policy = read(SOUND, "p.toml").edition.policy
    assert policy.rma_on is RmaOn.REQUESTED and policy.approval_threshold == 25_000
    assert policy.refund_gate is PRESETS["controlled"].refund_gate
    assert policy.label == "north loop 3"


@pytest.mark.parametrize(
    ("was", "is_now", "sentence"),
    [
        ('rma_on = "req', 'rma_onn = "req', "p.toml:11: rma_onn = \"requested\": 'rma_onn' is no axis of the policy; did you mean 'rma_on'?"),
        ('"requested"', '"requestd"', "p.toml:11: rma_on = \"requestd\": 'requestd' is no rma_on; did you mean 'requested'?"),
        ("currency", "currancy", "p.toml:7: currancy = \"GBP\": 'currancy' is no word of the policy; did you mean 'currency'?"),
        ('"controlled"', '"portalled"', "p.toml:8: preset = \"portalled\": 'portalled' is no preset; did you mean 'portal-led'?"),
        ("250.00 GBP", "250", 'p.toml:14: approval_above = "250": an amount is written with its currency, such as "250.00 GBP"'),
        ("250.00 GBP", "250.005 GBP", 'p.toml:14: approval_above = "250.005 GBP": 250.005 has more decimals than GBP allows (2)'),
        ('rma_on = "requested"', "inspect_within_hours = 0", "p.toml:11: inspect_within_hours = 0: 0 is too little; write at least 1"),
        ("from = 2026-12-01\n", "", "p.toml:1: the policy names no 'from'; write one"),
        ("[axes]", "[axes", "p.toml: this is no TOML: Expected ']' at the end of a table declaration (at line 10, column 6)"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_a_cure(was: str, is_now: str, sentence: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(SOUND.replace(was, is_now), "p.toml")
    assert str(caught.value) == sentence


def test_a_country_without_legal_values_is_named_with_those_that_have_some() -> None:
    with pytest.raises(UnreadableError, match=r"no legal values for 'US'; there are AT, BE, DE"):
        read(SOUND + '[legal]\ncountries = ["US"]\n', "p.toml")


def test_every_axis_of_the_policy_can_be_written() -> None:
    assert set(Axes.__struct_fields__) == set(FlowPolicy.__struct_fields__) - set(ELSEWHERE)


def test_lines_are_found_past_long_values_quoted_keys_and_arrays_of_tables() -> None:
    places = scan('a = """\n[no]\n"""\nb = [\n  "]",\n]\n[[o]]\nn.m = 1\n[o.axes]\n"k x" = 2\n[[o]]\nn = 3\n')
    lines = {path: place.line for path, place in places.items()}
    assert lines == {
        ("a",): 1,
        ("b",): 4,
        ("o", 0): 7,
        ("o", 0, "n", "m"): 8,
        ("o", 0, "axes"): 9,
        ("o", 0, "axes", "k x"): 10,
        ("o", 1): 11,
        ("o", 1, "n"): 12,
    }


def test_the_published_schema_is_the_one_the_program_prints() -> None:
    printed = json.loads(msgspec.json.encode(json_schema()))
    assert json.loads((ROOT / "docs" / "policy.schema.json").read_text("utf-8")) == printed


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "counterfoil", "policy", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_command_ends_with_0_1_or_2_and_prints_json_when_asked(tmp_path: Path) -> None:
    sound, torn = tmp_path / "sound.toml", tmp_path / "torn.toml"
    sound.write_text(SOUND.replace('[thresholds]\napproval_above = "250.00 GBP"\n', ""))
    torn.write_text(SOUND.replace("rma_on", "rma_onn"))
    clash = Path(__file__).parent / "gate_never_opens.toml"
    checked = run("check", str(sound), "--json")
    assert checked.returncode == 0 and json.loads(checked.stdout)["contradictions"] == []
    refused = run("check", str(clash), "--json")
    assert refused.returncode == 1 and json.loads(refused.stdout)["contradictions"][0]["code"] == "gate_never_opens"
    unreadable = run("check", str(torn))
    assert unreadable.returncode == 2 and "did you mean 'rma_on'?" in unreadable.stderr
    assert "Traceback" not in unreadable.stderr and unreadable.stdout == ""

"""The policy's page: what was agreed, drawn from the rules, with its versions and what could come apart."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from counterfoil.core.policy import PRESETS
from counterfoil.policy.clashes import Systems
from counterfoil.policy.reading import read
from counterfoil.policy.versions import keep

TEXT = """name = "north loop"
version = "{version}"
from = {starts}
brand = "north"
portal = "loop"
erp = "prima"
currency = "GBP"
preset = "portal-led"

[[override]]
name = "German returns"
countries = ["DE"]
axes = {{ inspect_within_hours = 24 }}

[legal]
countries = ["DE"]
"""


def kept(system: Any, version: str, starts: str, today: date) -> None:
    policy = read(TEXT.format(version=version, starts=starts), "north.toml")
    keep(system.database, policy, Systems(portal="Loop", erp="Prima"), "robin", today, PRESETS["controlled"])


@pytest.fixture
def agreed(system: Any) -> Any:
    kept(system, "1", "2026-01-01", date(2026, 1, 1))
    kept(system, "2", "2099-01-01", date(2026, 1, 1))
    return system


def test_the_list_names_what_is_in_force_and_what_comes(agreed: Any, sign_in: Any) -> None:
    text = sign_in("cx").get("/policies").content.decode()
    assert "north loop 1" in text and "2 from 2099-01-01" in text


def test_the_page_shows_axes_overrides_drawing_table_paths_and_versions(agreed: Any, sign_in: Any) -> None:
    text = sign_in("finance").get("/policies/north/loop").content.decode()
    assert "No contradiction." in text and text.count("<svg") == 1
    assert "the goods are inspected" in text and "credit against the order" in text
    assert "German returns" in text and "country: DE" in text and "instead of 48" in text
    assert "When the ERP refuses the credit note: money without credit" in text
    assert text.index("to come") < text.index("in force")
    assert "have the values checked" in text


def test_a_pair_nobody_agreed_on_is_not_found(agreed: Any, sign_in: Any) -> None:
    assert sign_in("finance").get("/policies/south/loop").status_code == 404


def test_without_any_policy_the_list_says_so(sign_in: Any, system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(system), "setups", {})
    assert "No brand is set up yet." in sign_in("finance").get("/policies").content.decode()

"""The operating model is generated from the configuration, and the sample in the papers is what the demo generates."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from counterfoil.bootstrap import build_world
from counterfoil.closing.handbook import handbook
from counterfoil.core.problem_kinds import KINDS
from counterfoil.core.rules.gate import RULES
from counterfoil.demo.portals import PLAYED
from counterfoil.demo.stage import settings_for
from counterfoil.settings import Settings, parse

SAMPLE = Path(__file__).parents[2] / "docs" / "handbook.md"
ADDRESS = "http://127.0.0.1:1"


def demo_settings(folder: Path, policy: str = "controlled") -> Settings:
    """What `counterfoil demo` runs with, without its simulators."""
    portal = PLAYED["loop"]
    urls = dict.fromkeys(("loop", "shopify", "prima", "warehouse"), ADDRESS)
    stage: Any = SimpleNamespace(portal=portal, erp="prima", erp_vendor="prima", urls=urls)
    url = f"sqlite:///{folder / 'counterfoil.sqlite3'}"
    raw = settings_for(stage, database=url, folder=folder, port=1, policy=policy, public_url=ADDRESS)
    return parse(raw, "the demonstration's settings")


def generated(folder: Path, policy: str = "controlled") -> str:
    settings = demo_settings(folder, policy)
    world = build_world(settings)
    text = handbook(world, settings.scorecard, kept_versions=False)
    world.database.close()
    return text


def test_the_sample_in_the_papers_is_what_the_demonstration_generates(tmp_path: Path) -> None:
    text = generated(tmp_path)
    if os.environ.get("UPDATE_SAMPLES"):
        SAMPLE.write_text(text, "utf-8")
    assert text == SAMPLE.read_text("utf-8"), "the configuration has moved on: run make handbook and read what changed"


def test_every_exception_and_every_rule_of_the_gate_is_in_it() -> None:
    text = SAMPLE.read_text("utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []
    assert [name for name, _ in RULES if f"| {name.replace('_', ' ')} |" not in text] == []


@pytest.mark.parametrize("policy", ["controlled", "portal-led"])
def test_the_steps_and_the_gate_follow_the_configured_policy(tmp_path: Path, policy: str) -> None:
    text = generated(tmp_path, policy)
    released = "the refund is released" in text
    assert released is (policy == "controlled"), "where the portal pays by itself nothing is released"
    assert ("Gate: receipt+inspection" in text) is (policy == "controlled")
    assert "| carrier: the carrier scans the parcel |" in text or "warehouse: the goods are inspected" in text

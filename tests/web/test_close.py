"""The close and the scorecard on the console: states, files, charts with their tables."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import world

from counterfoil.closing.closepack_settings import CloseSettings
from counterfoil.closing.closepack_signs import sign
from counterfoil.closing.kpis import KPIS
from counterfoil.closing.office import Office
from counterfoil.closing.scorecard_settings import ScorecardSettings
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import make_world


@pytest.fixture
def office(system: world.FakeSystem) -> Office:
    """The close over the console's own tables."""
    made = make_world(system.database, Outside(), now="2026-11-20T10:00:00Z")
    system.closing = Office(made, CloseSettings(), ScorecardSettings())
    return system.closing


def test_the_close_lists_months_with_their_signatures(sign_in: Any, office: Office) -> None:
    sign(office.world, office.close, "2026-10", "Robin Example", "preparer")
    sign(office.world, office.close, "2026-10", "Kim Example", "reviewer")
    text = sign_in("finance").get("/close").content.decode()
    assert "Robin Example" in text and "Kim Example" in text
    assert "Locked</span>" in text and "Not signed</span>" in text
    assert sign_in("cx").get("/close").status_code == 403


@pytest.mark.parametrize(("form", "start"), [("pdf", b"%PDF"), ("xlsx", b"PK"), ("html", b"<!doctype"), ("json", b"{")])
def test_a_pack_is_taken_away_in_each_form(sign_in: Any, office: Office, form: str, start: bytes) -> None:
    answer = sign_in("finance").get(f"/close/2026-10.{form}")
    assert answer.content.startswith(start)
    assert answer["Content-Disposition"] == f'attachment; filename="closepack-2026-10.{form}"'


def test_a_month_that_is_none_is_answered_with_a_sentence(sign_in: Any, office: Office) -> None:
    answer = sign_in("finance").get("/close/2026-13.pdf")
    assert answer.status_code == 422
    assert "is no period" in answer.content.decode()
    assert sign_in("finance").get("/close/2026-10.exe").status_code == 404


def test_every_kpi_is_shown_with_its_definition_its_chart_and_its_table(sign_in: Any, office: Office) -> None:
    text = sign_in("ops").get("/scorecard?weeks=3").content.decode()
    assert text.count('<svg class="chart"') == len(KPIS)
    for kpi in KPIS:
        assert kpi.title in text and kpi.definition.split("'")[0] in text
    assert text.count("(so far)") == len(KPIS)
    found = msgspec.json.decode(sign_in("ops").get("/scorecard.json?weeks=3").content)
    assert len(found["weeks"]) == 3
    assert sign_in("ops").get("/scorecard.csv").content.startswith(b"kpi,category,week_of")


def test_where_nothing_is_set_up_the_pages_say_so(sign_in: Any) -> None:
    assert "Nothing is set up here" in sign_in("ops").get("/scorecard").content.decode()
    assert "not set up here" in sign_in("finance").get("/close").content.decode()

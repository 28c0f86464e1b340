"""Versions never change, are switched from a day, name themselves in every decision, and respect open RMAs (D13)."""

from __future__ import annotations

from dataclasses import replace as with_fields
from datetime import date

import pytest
from msgspec.structs import replace

from counterfoil.core.inner_events import StepRequested
from counterfoil.core.policy import PRESETS, FlowPolicy, RmaGranularity
from counterfoil.policy.clashes import Systems
from counterfoil.policy.reading import Policy, read
from counterfoil.policy.versions import RefusedError, Shelf, keep
from counterfoil.store import policies
from counterfoil.store.database import Database
from counterfoil.store.log import verify
from counterfoil.testing.builders import PORTAL, portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import BRAND, Road, make_world

SYSTEMS = Systems(portal="Acme Returns", erp="Acme Books")
TODAY = date(2026, 10, 1)


def policy(version: str = "1", starts: str = "2026-10-15", axes: str = "", preset: str = "controlled") -> Policy:
    text = (
        f'name = "house rules"\nversion = "{version}"\nfrom = {starts}\nbrand = "{BRAND}"\nportal = "{PORTAL}"\n'
        f'erp = "acme"\ncurrency = "GBP"\npreset = "{preset}"\n\n[axes]\n{axes}\n'
    )
    return read(text, "house.toml")


def kept(database: Database, made: Policy, before: FlowPolicy = PRESETS["controlled"]) -> bool:
    return keep(database, made, SYSTEMS, "robin.example", TODAY, before)


def test_a_version_is_kept_once_with_its_hash_and_author_and_in_the_log(database: Database) -> None:
    assert kept(database, policy()) is True
    assert kept(database, policy()) is False
    with database.read() as tx:
        (only,) = policies.versions(tx, BRAND, PORTAL)
        noted = tx.query("select stream, name, actor from log", {})
    assert (only.hash, only.saved_by, only.starts_on) == (policy().hash, "robin.example", "2026-10-15")
    assert read(only.content, "again").edition == policy().edition
    assert noted == [{"stream": f"system/policies/{BRAND}/{PORTAL}", "name": "PolicyKept.v1", "actor": "robin.example"}]
    assert verify(database).faults == ()


def test_a_version_never_changes(database: Database) -> None:
    kept(database, policy())
    with pytest.raises(RefusedError, match=r"versions never change, so give this one a new version"):
        kept(database, policy(axes="inspect_within_hours = 24"))


@pytest.mark.parametrize(
    ("starts", "said"), [("2026-09-30", "has passed"), ("2026-10-15", "later day"), ("2026-10-10", "later day")]
)
def test_a_switch_is_never_dated_back_and_never_before_another(database: Database, starts: str, said: str) -> None:
    kept(database, policy())
    with pytest.raises(RefusedError, match=said):
        kept(database, policy("2", starts))


def test_a_policy_that_contradicts_itself_is_not_kept(database: Database) -> None:
    with pytest.raises(RefusedError, match=r"each step waits for another.*house.toml:11: rma_on = \"finalised\""):
        kept(database, policy(axes='rma_on = "finalised"'))
    with database.read() as tx:
        assert policies.versions(tx, BRAND, PORTAL) == ()


def walked(database: Database) -> Road:
    """A return asked for on 2 November 2026."""
    outside = Outside()
    outside.sell(sold_order())
    world = make_world(database, outside)
    road = Road(with_fields(world, editions=Shelf(database, fresh_s=0).editions), outside)
    outside.show(portal_return())
    road.settle()
    return road


def test_granularity_cannot_change_under_open_rmas_and_the_count_is_said(database: Database) -> None:
    walked(database)
    other = replace(PRESETS["controlled"], rma_granularity=RmaGranularity.PER_ORDER)
    with pytest.raises(RefusedError, match=r"from per_order to per_return while 1 returns have an open RMA"):
        kept(database, policy(), before=other)


def test_granularity_may_change_where_no_rma_is_open(database: Database) -> None:
    other = replace(PRESETS["controlled"], rma_granularity=RmaGranularity.PER_ORDER)
    assert kept(database, policy(), before=other) is True


def named(road: Road) -> set[str]:
    with road.world.database.read() as tx:
        facts = [fact for _, fact in policies.facts_of(tx, road.case().case_id)]
    return {fact.policy for fact in facts if isinstance(fact, StepRequested)}


def test_every_decision_names_the_version_it_was_made_under(database: Database) -> None:
    kept(database, policy("7"))
    assert named(walked(database)) == {"house rules 7"}


def test_a_switch_holds_for_returns_asked_for_from_its_day_on(database: Database) -> None:
    kept(database, policy("1", "2026-11-21"))
    kept(database, policy("2", "2026-12-01"))
    shelf = Shelf(database)
    assert [edition.policy.version for edition in shelf.editions(BRAND, PORTAL)] == ["1", "2"]
    assert shelf.editions("south", PORTAL) == ()


def test_a_return_asked_for_before_the_switch_keeps_the_older_rules(database: Database) -> None:
    kept(database, policy("2", "2026-12-03"))
    road = walked(database)
    assert named(road) == {"controlled 1"}

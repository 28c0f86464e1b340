"""Whatever order the facts of a return come in, and however often, the other systems end with the same documents."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from counterfoil.core.commands import ReceiveStock
from counterfoil.core.events import OutsideFact
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.policy import PRESETS
from counterfoil.core.receipts import ReceiptKind
from counterfoil.core.returns import LabelStatus, Stage
from counterfoil.store import cases
from counterfoil.store.database import Database
from counterfoil.store.log import verify
from counterfoil.testing.builders import (
    label,
    order_seen,
    parcel,
    portal_return,
    refund_moved,
    refund_reported,
    shown,
    sold_order,
)
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

Told = tuple[str, OutsideFact]

RETURN = portal_return(units=(("L1", 2), ("L2", 1)))
COMMON: tuple[Told, ...] = (
    ("portal", shown(RETURN, Stage.REQUESTED)),
    ("portal", shown(RETURN, Stage.AUTHORISED)),
    ("portal", label("R1", LabelStatus.IN_TRANSIT, "TRK1")),
    ("portal", label("R1", LabelStatus.DELIVERED, "TRK1")),
    ("wms", parcel("GR-1", [("SHIRT-M", 2)], kind=ReceiptKind.RECEIVED, tracking="TRK1")),
    ("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1")),
    ("wms", parcel("GR-2", [("SCARF", 1)], order_number="#1001")),
    ("shop", order_seen(sold_order())),
)
FACTS: dict[str, tuple[Told, ...]] = {
    "controlled": COMMON,
    "portal-led": (
        *COMMON,
        ("shop", refund_moved("P1", 6500)),
        ("portal", refund_reported("R1", "P1", 6500)),
        ("portal", shown(RETURN, Stage.PROCESSED)),
    ),
}


_usual: dict[tuple[str, str], Any] = {}  # where the usual order leads, by policy and database


def played(database: Database, policy: str, order: list[Told], dice: random.Random) -> tuple[Outside, Road]:
    """Tell the facts in this order, with work going on in between now and then, and let everything come to rest."""
    outside = Outside()
    outside.sell(sold_order())
    outside.returns["R1"] = RETURN
    road = Road(make_world(database, outside, policy=PRESETS[policy]), outside)
    for connection, fact in order:
        outside.announce(connection, fact)
        dice.shuffle(outside.waiting)
        if dice.random() < 0.5:
            road.fetch()
            road.read()
        for _ in range(dice.choice((0, 0, 1, 3))):
            road.deliver()
    road.settle()
    return outside, road


def documents(outside: Outside) -> list[Any]:
    """What the other systems hold; receipts by what they book, since their numbers follow the order of arrival."""
    found: list[Any] = []
    for made in outside.made:
        if isinstance(made.command, ReceiveStock):
            lines = [(line.sku, line.quantity, line.depot, line.rma_erp_line) for line in made.command.lines]
            found.append(("ReceiveStock", made.command.warehouse_ref, lines))
        elif made.kind == "RecordRefund":
            command: Any = made.command
            found.append((made.kind, command.amount, command.credit, command.refund_ref))
        elif made.kind == "OpenReturnAuthorisation":
            found.append((made.kind, made.key, msgspec.structs.replace(made.command, tracking=None)))  # type: ignore[type-var]
        elif made.kind == "PostCreditNote":
            command = made.command
            credit = msgspec.structs.replace(command.credit, refund_refs=tuple(sorted(command.credit.refund_refs)))
            found.append((made.kind, made.key, msgspec.structs.replace(command, credit=credit)))
        elif made.kind != "StoreTracking":  # where the label came first it is on the RMA already
            found.append((made.kind, made.key, made.command))
    return sorted(found, key=str)


def end(road: Road) -> dict[str, Any]:
    case, row = road.case(), road.row()
    return {
        "units": sorted((u.unit_id, u.reception, u.acceptance, u.disposition, u.receipt) for u in case.units),
        "refunds": sorted((r.ref, r.amount, r.status, r.reported_only) for r in case.refunds),
        "row": {
            name: row[name] for name in ("progress", "stage", "refunded_minor", "credited_minor", "units_received")
        },
        "problems": road.problems(),
        "waiting": road.rows("select fact_key from loose_facts where state = 'waiting'"),
    }


@pytest.mark.parametrize("policy", FACTS)
def test_told_in_the_usual_order_the_return_settles(policy: str, database: Database) -> None:
    outside, road = played(database, policy, list(FACTS[policy]), random.Random(0))
    assert end(road)["row"] == {
        "progress": "finished",
        "stage": "processed",
        "refunded_minor": 6500,
        "credited_minor": 6500,
        "units_received": 3,
    }
    assert len(outside.keys("ReceiveStock")) == 2
    assert len(outside.keys("PostCreditNote")) == 1


@pytest.mark.parametrize("policy", FACTS)
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a failing order is short enough as it is, and shrinking walks the road for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**48))
def test_any_order_and_any_repetition_leads_to_the_same_documents(
    policy: str, wipe: Callable[[], Database], seed: int
) -> None:
    dice, order = random.Random(seed), list(FACTS[policy])
    order += dice.choices(order, k=dice.randrange(6))
    dice.shuffle(order)
    key = (policy, wipe().dialect)
    if key not in _usual:
        usual_outside, usual_road = played(wipe(), policy, list(FACTS[policy]), random.Random(0))
        _usual[key] = documents(usual_outside), end(usual_road)
    outside, road = played(wipe(), policy, order, dice)
    assert (documents(outside), end(road)) == _usual[key], [fact.key for _, fact in order]
    keys = outside.keys()
    assert len(keys) == len(set(keys))
    assert verify(road.world.database).faults == ()


def test_the_same_fact_twice_changes_nothing(road: Road) -> None:
    facts: list[Told] = list(COMMON)
    for connection, fact in facts:
        road.outside.announce(connection, fact)
    road.outside.returns["R1"] = RETURN
    road.settle()
    tables = ("log", "cases", "commands", "problems", "documents", "order_claims")
    before = {table: road.rows(f"select * from {table}") for table in tables}
    calls = len(road.outside.calls)
    for connection, fact in facts:
        road.tell(connection, fact)
    road.settle()
    after = {table: road.rows(f"select * from {table}") for table in tables}
    for row in (*before["cases"], *after["cases"]):
        del row["updated_ms"]
    assert after == before
    assert len(road.outside.calls) == calls


def test_state_commands_problems_and_log_are_saved_together_or_not_at_all(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **values: Any) -> None:
        raise ZeroDivisionError("a mistake of ours at the very end")

    monkeypatch.setattr("counterfoil.flow.advance._documents", broken)
    road.tell("portal", shown(RETURN))
    for table in ("cases", "log", "commands", "case_keys"):
        assert road.rows(f"select * from {table}") == []
    assert road.problems() == ["delivery_not_applied"]


def test_replaying_the_log_gives_the_stored_state(road: Road) -> None:
    road.outside.show(RETURN)
    for connection, fact in COMMON[2:]:
        road.outside.announce(connection, fact)
    road.settle()
    replayed = new_case("north", RETURN)
    for row in road.rows("select payload from log where stream = 'north/acme-portal/R1' order by seq"):
        replayed = evolve(replayed, cases.decode_fact(row["payload"]))
    assert replayed == road.case()


def test_every_entry_says_who_brought_it(road: Road) -> None:
    road.outside.show(RETURN)
    road.settle()
    actors = {row["name"]: row["actor"] for row in road.rows("select name, actor from log")}
    assert actors["ReturnAuthorised.v1"] == "portal"
    assert actors["StepRequested.v1"] == "counterfoil"
    assert actors["OrderSeen.v1"] == "shop"
    assert actors["StepDone.v1"] == "erp"


def test_two_returns_of_one_order_take_different_units_of_it(road: Road) -> None:
    for name in ("R1", "R2"):
        road.outside.show(portal_return(name, units=(("L1", 1),), tracking=f"TRK-{name}"))
        road.outside.announce("wms", parcel(f"GR-{name}", [("SHIRT-M", 1)], tracking=f"TRK-{name}"))
    road.settle()
    taken = road.rows("select order_unit, case_id from order_claims order by order_unit")
    assert [row["order_unit"] for row in taken] == [1, 2]
    assert len({row["case_id"] for row in taken}) == 2
    assert {road.row(name)["progress"] for name in ("R1", "R2")} == {"finished"}


def test_a_third_return_of_two_units_is_stopped(road: Road) -> None:
    for name in ("R1", "R2", "R3"):
        road.outside.show(portal_return(name, units=(("L1", 1),)))
        road.settle()
    assert road.problems() == ["duplicate_return"]
    assert len(road.outside.keys("OpenReturnAuthorisation")) == 2


def test_a_return_cancelled_before_goods_came_takes_its_rma_with_it(road: Road) -> None:
    road.outside.show(RETURN)
    road.settle()
    road.outside.show(RETURN, Stage.CANCELLED)
    road.settle()
    assert road.outside.keys("CancelReturnAuthorisation") == ["north/acme-portal/R1/rma-cancel-1"]
    assert road.row()["progress"] == "cancelled"
    assert road.outside.keys("PostCreditNote", "ReleaseRefund") == []

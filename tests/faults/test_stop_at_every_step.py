"""Stop at every step (reliability G4): wherever the process ends, the restarted one ends where it would have ended.

A whole return runs through the real store and flow with fakes outside, in one thread. At the n-th boundary (before
and after every commit and every call) the process stops; a new one starts from what the database holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from counterfoil.core.policy import PRESETS
from counterfoil.core.receipts import ReceiptKind
from counterfoil.core.returns import LabelStatus
from counterfoil.flow.world import World
from counterfoil.ports.vendors import Client
from counterfoil.store.database import Database
from counterfoil.store.log import verify
from counterfoil.testing.builders import (
    label,
    parcel,
    portal_return,
    refund_moved,
    refund_reported,
    sold_order,
)
from counterfoil.testing.outside import AnswerLostError, Outside
from counterfoil.testing.road import Road, make_world, wrap_clients
from counterfoil.testing.stopping import ProcessStopped, Stop, StoppingClient, StoppingDatabase

Wipe = Callable[[], Database]
SHARDS = 6  # the boundaries are dealt out over so many tests, so that they can run side by side


def controlled(outside: Outside) -> None:
    """Credit draft, refund, posted credit; two parcels, one of them told twice."""
    seen = portal_return(units=(("L1", 2), ("L2", 1)))
    outside.show(seen)
    outside.announce("portal", label("R1", LabelStatus.IN_TRANSIT, "TRK1"))
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], kind=ReceiptKind.RECEIVED, tracking="TRK1"))
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    outside.announce("wms", parcel("GR-2", [("SCARF", 1)], order_number="#1001"))
    outside.announce("wms", parcel("GR-2", [("SCARF", 1)], order_number="#1001"))


def portal_led(outside: Outside) -> None:
    """The money comes first, before the portal names it; the parcel before the return; an answer is lost besides."""
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], order_number="#1001"))
    outside.announce("shop", refund_moved("P1", 4000))
    outside.show(portal_return())
    outside.announce("portal", refund_reported("R1", "P1", 4000))
    outside.plan["PostCreditNote"] = [AnswerLostError()]


STORIES: dict[str, tuple[Callable[[Outside], None], str]] = {
    "controlled": (controlled, "controlled"),
    "portal-led": (portal_led, "portal-led"),
}


def prepared(story: str) -> Outside:
    outside = Outside()
    outside.sell(sold_order())
    STORIES[story][0](outside)
    return outside


def process(database: Database, outside: Outside, story: str, number: int) -> World:
    """What a fresh process builds."""
    return make_world(database, outside, policy=PRESETS[STORIES[story][1]], worker=f"worker-{number}")


def run(database: Database, story: str, stop: Stop) -> tuple[Outside, Road]:
    """The story until it rests; after a stop, a second process carries on."""
    outside = prepared(story)
    first = process(database, outside, story, 1)
    first.database = StoppingDatabase(database, stop)

    def stopping(client: Client) -> Client:
        return StoppingClient(client, stop)

    wrap_clients(first, stopping)
    road = Road(first, outside)
    try:
        road.settle()
    except ProcessStopped:
        road = Road(process(database, outside, story, 2), outside)
        road.expire_leases()
        road.settle()
    return outside, road


def outcome(outside: Outside, road: Road) -> dict[str, Any]:
    """Everything that must be the same, whoever did it and however often it was tried."""
    case = road.case()
    steps = {name: (s.name, s.state, s.edition, s.ref, s.number, s.total, s.units) for name, s in case.steps.items()}
    shown = ("progress", "stage", "units_received", "refunded_minor", "credited_minor", "rma_number", "credit_number")
    row = road.row()
    return {
        "documents": sorted((m.connection, m.kind, m.key, msgspec.json.encode(m.command)) for m in outside.made),
        "steps": steps,
        "units": sorted(case.units, key=lambda unit: unit.unit_id),
        "refunds": sorted(case.refunds, key=lambda refund: refund.ref),
        "receipts": sorted(counted.key for counted in case.receipts),
        "credit": case.credit,
        "row": {name: row[name] for name in shown},
        "problems": road.problems(),
        "commands": sorted(
            (r["command_key"], r["edition"], r["state"])
            for r in road.rows("select command_key, edition, state from commands")
        ),
        "deliveries": sorted(r["state"] for r in road.rows("select state from deliveries")),
        "facts": sorted(
            (r["stream"], r["fact_key"], r["name"]) for r in road.rows("select stream, fact_key, name from log")
        ),
        "linked": road.rows("select case_id, step, kind, number, total_minor from documents order by case_id, step"),
        "claims": road.rows("select order_line_ref, order_unit, case_id from order_claims order by 1, 2"),
        "waiting": road.rows("select fact_key from loose_facts where state = 'waiting' order by 1"),
    }


@pytest.mark.parametrize("story", STORIES)
def test_the_undisturbed_run_ends_settled(story: str, wipe: Wipe) -> None:
    stop = Stop()
    outside, road = run(wipe(), story, stop)
    found = outcome(outside, road)
    assert found["row"]["progress"] == "finished"
    assert found["problems"] == []
    assert found["row"]["refunded_minor"] == found["row"]["credited_minor"] > 0
    assert len(stop.passed) > 60
    assert {"before a commit", "after a commit", "before PostCreditNote", "after PostCreditNote"} <= set(stop.passed)


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("story", STORIES)
def test_stopping_anywhere_changes_nothing_in_the_end(story: str, shard: int, wipe: Wipe) -> None:
    stop = Stop()
    outside, road = run(wipe(), story, stop)
    expected = outcome(outside, road)
    for number in range(1 + shard, len(stop.passed) + 1, SHARDS):
        here = Stop(at=number)
        database = wipe()
        outside, road = run(database, story, here)
        where = f"stopped at {number} of {len(stop.passed)}: {stop.passed[number - 1]}"
        assert here.passed[number - 1] == stop.passed[number - 1], where
        keys = outside.keys()
        assert len(keys) == len(set(keys)), f"{where}: a document was made twice"
        assert outcome(outside, road) == expected, where
        assert verify(database).faults == (), where

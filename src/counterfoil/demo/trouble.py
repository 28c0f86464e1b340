"""A bad week, and what one fix does to it: `counterfoil demo --trouble`.

The troubles are those a clerk knows: a reason nobody mapped, an item the ERP renumbered, refunds of another value,
parcels counted and not inspected, empty boxes, parcels without a return, exchanges nobody made, a refund a person paid
in the shop. They reach Counterfoil through the simulators, like everything else.
"""

from __future__ import annotations

import random
from typing import Any

from counterfoil.core.causes import is_shared, word_missing
from counterfoil.core.money import to_text
from counterfoil.demo.goods import CURRENCY
from counterfoil.demo.portals import PlayedPortal
from counterfoil.demo.stage import BRAND
from counterfoil.demo.week import NEEDS_LOOP, Trip
from counterfoil.flow.desk import Desk
from counterfoil.flow.look_again import unclaimed
from counterfoil.flow.mend import carry_on
from counterfoil.flow.world import World
from counterfoil.ports.desk import Fix
from counterfoil.store.mappings import count_sightings
from counterfoil.store.problems import open_by_cause

Json = dict[str, Any]

RENUMBERED = ("KNIT-MER-M", "KNIT-MERINO-M")
"""The shop's SKU, and what the ERP calls the item since it was renumbered."""

SMOKE, COLOUR = "Smells of smoke", "Colour differs from photo"

SHARES = (
    ("unmapped_reason", 30),
    ("unmapped_colour", 7),
    ("not_inspected", 5),
    ("value_falsified", 4),
    ("wrong_item", 3),
    ("empty_box", 3),
    ("units_rejected", 2),
    ("blind_parcel", 2),
    ("exchange", 3),
    ("refunded_in_shop", 2),
)
"""Each trouble, in how many returns of a hundred."""


def trouble_the_week(planned: list[Trip], seed: int, portal: PlayedPortal) -> None:
    """Give the plain returns of a week their troubles."""
    rng = random.Random(f"trouble-{seed}")
    plain = [trip for trip in planned if trip.outcome == "refund" and trip.fee == "0.00" and trip.parcels == 1]
    for trip in plain:
        trip.trouble, trip.luck = None, None
    rng.shuffle(plain)
    for trouble, share in SHARES:
        if not portal.signs and trouble in (*NEEDS_LOOP, "exchange"):
            continue
        for _ in range(max(1, len(planned) * share // 100)):
            if plain:
                plain.pop().trouble = trouble


def renumbered(world: Any) -> Any:
    """The ERP's records after it gave one item another number."""
    if isinstance(world, dict):
        return {key: renumbered(value) for key, value in world.items()}
    if isinstance(world, list):
        return [renumbered(value) for value in world]
    return RENUMBERED[1] if world == RENUMBERED[0] else world


def after_the_week(world: World) -> None:
    """What a day later would show: refunds no return claims, and which words came."""
    unclaimed(world, older_than_ms=0)
    while count_sightings(world.database):
        pass


def mend_commonest(world: World, portal: str) -> Json:
    """Map the word most returns wait for and carry them on; what it did."""
    with world.database.read() as tx:
        open_now = [row for row in open_by_cause(tx) if word_missing(row["cause"]) and is_shared(row["cause"])]
    if not open_now:
        return {}
    worst = max(open_now, key=lambda row: (row["problems"], row["cause"]))
    missing = word_missing(worst["cause"])
    assert missing is not None, "chosen by it"
    kind, word = missing
    meaning = RENUMBERED[1] if word == RENUMBERED[0] else "DESCRIPTION"  # codes both simulated ERPs know
    fix = Fix(brand=BRAND, portal=portal, kind=kind, word=word, meaning=meaning)
    desk = Desk(world)
    foreseen = desk.foresee(BRAND, worst["cause"], fix, worst["problems"])
    mended = desk.mend(worst["cause"], fix, "demo", "agreed with merchandising")
    assert mended.run_id is not None, "returns were waiting"
    while not carry_on(world, mended.run_id, 60):
        pass
    with world.database.read() as tx:
        counts = {row["state"]: row["rows_there"] for row in tx.rows("run_counts", run_id=mended.run_id)}
    return {
        "cause": worst["cause"],
        "meaning": meaning,
        "returns": worst["problems"],
        "held": {CURRENCY: to_text(worst["held_minor"], CURRENCY)},
        "units": worst["units"],
        "foreseen_free": sum(one.freed for one in foreseen),
        "went_on": counts.get("done", 0),
        "still_stopped": counts.get("still", 0),
        "failed": counts.get("failed", 0),
    }

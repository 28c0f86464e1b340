"""The nightly proof: what ties is quiet, what does not opens an exception, and what ties again ends it."""

from __future__ import annotations

import msgspec
import pytest

from counterfoil.closing import nightly, read_back
from counterfoil.closing.nightly import nightly_if_due, run
from counterfoil.store import proofs
from counterfoil.testing.builders import parcel, refund_moved
from counterfoil.testing.outside import Made
from counterfoil.testing.road import Road


def taken(road: Road, kind: str) -> Made:
    """The ERP loses a document."""
    (made,) = [made for made in road.outside.made if made.kind == kind]
    road.outside.made.remove(made)
    return made


def test_a_return_that_ties_on_all_sides_opens_nothing(road: Road) -> None:
    proven = run(road.world)
    assert (proven.balanced, proven.open_records, proven.trouble) == (True, 0, ())
    assert road.problems() == []
    legs = proven.summary["legs"]
    assert all(leg["proven"] for leg in legs.values())
    assert [legs[name]["by_currency"][0]["matched"]["amount"] for name in legs] == ["40.00", "40.00", 2, 2]


def test_a_credit_note_the_erp_does_not_hold_is_an_exception_until_it_does(road: Road) -> None:
    note = taken(road, "PostCreditNote")
    late = "2026-11-09T03:00:00Z"
    road.world.now = lambda: late
    assert run(road.world).opened == 1
    (problem,) = road.rows("select kind, owner, amount_minor, currency from problems where state = 'open'")
    assert list(problem.values()) == ["refund_without_credit_note", "finance", 4000, "GBP"]
    assert run(road.world).opened == 0, "the same exception again, not a second one"
    road.outside.made.append(note)
    assert run(road.world).ended == 1
    assert road.problems() == []


def test_a_credit_note_of_another_amount_is_named_with_its_difference(road: Road) -> None:
    note = taken(road, "PostCreditNote")
    credit = note.command.credit  # type: ignore[union-attr]
    lines = tuple(msgspec.structs.replace(line, gross=line.gross - 250) for line in credit.lines)
    smaller = msgspec.structs.replace(credit, lines=lines)
    road.outside.made.append(
        msgspec.structs.replace(note, command=msgspec.structs.replace(note.command, credit=smaller))
    )
    run(road.world)
    (problem,) = road.rows("select kind, amount_minor from problems where state = 'open'")
    assert problem == {"kind": "credit_note_differs", "amount_minor": 250}


def test_money_and_goods_nobody_claimed_are_on_one_side_only(road: Road) -> None:
    road.outside.announce("shop", refund_moved("manual-1", 1500, "9001"))
    road.outside.announce("wms", parcel("GR-9", [("HAT", 1)], tracking="UNKNOWN"))
    road.settle()
    run(road.world)
    kinds = {row["kind"] for row in road.rows("select kind from problems where state = 'open'")}
    assert {"payment_without_refund", "receipt_without_return"} <= kinds


def test_stock_the_warehouse_never_reported_is_phantom_stock(road: Road) -> None:
    receipt = taken(road, "ReceiveStock")
    road.outside.made += [receipt, msgspec.structs.replace(receipt, key="typed by hand")]
    run(road.world)
    assert "stock_without_receipt" in road.problems() or "stock_booked_twice" in road.problems()


def test_an_erp_that_cannot_be_read_ends_nothing_and_says_so(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    taken(road, "PostCreditNote")
    road.world.now = lambda: "2026-11-09T03:00:00Z"
    run(road.world)

    def broken(*_: object) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(read_back, "_one", broken)
    proven = run(road.world)
    assert proven.trouble == ("erp could not be read back: no answer",)
    assert proven.ended == 0
    assert "refund_without_credit_note" in road.problems()


def test_the_day_is_proven_once_and_not_before_the_night_has_begun(road: Road) -> None:
    road.world.now = lambda: "2026-11-03T00:30:00Z"
    assert not nightly_if_due(road.world)
    road.world.now = lambda: f"2026-11-03T0{nightly.NIGHT_HOUR}:00:00Z"
    assert nightly_if_due(road.world)
    assert not nightly_if_due(road.world)
    with road.world.database.read() as tx:
        newest = proofs.last(tx)
    assert newest is not None and newest["as_of"] == "2026-11-03"


def test_of_two_workers_one_does_the_run(road: Road) -> None:
    with road.world.database.write() as tx:
        assert proofs.take_turn(tx, "worker-1", 10_000)
        assert not proofs.take_turn(tx, "worker-2", 10_001)
        assert proofs.take_turn(tx, "worker-2", 10_000 + proofs.TURN_MS + 1)

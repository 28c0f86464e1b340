"""Counting parcels: which units of a return a warehouse line stands for, whatever order the messages come in."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scenes import look_after

from counterfoil.core.case import Acceptance, Reception, ReturnCase
from counterfoil.core.count import count_receipt
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition

ORDER = "given order 1003 in GBP, tax included\n  A  3 x 10.00\n  B  1 x 5.00\n  C  1 x 7.00\n"
CASE = look_after("the portal authorises 3 x A, 1 x B", order=ORDER).case
SELLABLE, DAMAGED = Disposition.SELLABLE, Disposition.DAMAGED


def receipt(
    *lines: ReceiptLine, name: str = "GR-1", revision: int = 1, inspected: bool = True, **more: object
) -> Receipt:
    values = {
        "event_id": f"e-{name}-{revision}",
        "event_type": ReceiptKind.INSPECTED if inspected else ReceiptKind.RECEIVED,
        "occurred_at": "2026-11-10T10:00:00Z",
        "source": "wms",
        "warehouse_code": "LEEDS",
        "receipt_id": name,
        "revision": revision,
        "lines": lines,
        **more,
    }
    return Receipt(**values)  # type: ignore[arg-type]


def line(
    quantity: int,
    *found: Disposition,
    sku: str | None = "A",
    rejected: int = 0,
    ref: str | None = None,
    place: str = "1",
) -> ReceiptLine:
    parts = tuple(
        FoundUnits(quantity=count, condition="new", disposition=what) for what, count in Counter(found).items()
    )
    pending = not found and not rejected
    return ReceiptLine(
        line_id=place,
        sku=sku,
        rma_line_ref=ref,
        received_quantity=quantity,
        rejected_quantity=rejected,
        inspection_status=Inspection.PENDING if pending else Inspection.PASSED,
        dispositions=parts,
    )


def here(case: ReturnCase, sku: str = "A") -> list[str]:
    return [unit.unit_id for unit in case.units if unit.sku == sku and unit.reception is Reception.RECEIVED]


def test_units_are_taken_in_the_order_of_the_portals_lines() -> None:
    assert here(count_receipt(CASE, receipt(line(2, SELLABLE, SELLABLE)))) == ["R1-1#1", "R1-1#2"]


def test_a_line_that_names_the_portals_line_goes_there_first() -> None:
    two = look_after("the portal authorises 1 x A, 1 x A", order=ORDER).case
    counted = count_receipt(two, receipt(line(1, SELLABLE, ref="R1-2")))
    assert here(counted) == ["R1-2#1"]


def test_a_reference_nobody_knows_falls_back_on_the_sku() -> None:
    assert here(count_receipt(CASE, receipt(line(1, SELLABLE, ref="nonsense")))) == ["R1-1#1"]


def test_the_case_of_a_sku_does_not_matter() -> None:
    assert len(here(count_receipt(CASE, receipt(line(1, SELLABLE, sku="a"))))) == 1


def test_what_is_only_counted_is_here_and_undecided() -> None:
    counted = count_receipt(CASE, receipt(line(1), inspected=False))
    unit = counted.units[0]
    assert (unit.reception, unit.acceptance, unit.disposition) == (Reception.RECEIVED, Acceptance.UNDECIDED, None)


def test_inspection_of_the_same_revision_replaces_the_count() -> None:
    counted = count_receipt(count_receipt(CASE, receipt(line(1), inspected=False)), receipt(line(1, SELLABLE)))
    assert counted.units[0].acceptance is Acceptance.ACCEPTED
    assert len(counted.receipts) == 1


def test_a_lower_revision_that_comes_late_changes_nothing() -> None:
    newest = count_receipt(CASE, receipt(line(2, SELLABLE, SELLABLE), revision=3))
    assert count_receipt(newest, receipt(line(3, DAMAGED, DAMAGED, DAMAGED), revision=2)) == newest


def test_the_same_receipt_twice_changes_nothing() -> None:
    once = count_receipt(CASE, receipt(line(2, SELLABLE, DAMAGED)))
    assert count_receipt(once, receipt(line(2, SELLABLE, DAMAGED))) == once


def test_one_revision_with_two_contents_is_a_conflict_and_the_first_stays() -> None:
    first = count_receipt(CASE, receipt(line(2, SELLABLE, SELLABLE)))
    second = count_receipt(first, receipt(line(1, DAMAGED)))
    assert second.units == first.units
    assert second.receipts[0].conflict is not None and "GR-1 revision 1" in second.receipts[0].conflict


def test_a_revision_downwards_lets_the_last_units_go() -> None:
    three = count_receipt(CASE, receipt(line(3, *[SELLABLE] * 3)))
    one = count_receipt(three, receipt(line(1, SELLABLE), revision=2))
    assert here(one) == ["R1-1#1"]
    assert [unit.receipt for unit in one.units[1:3]] == [None, None]


def test_a_revision_downwards_never_lets_booked_units_go() -> None:
    three = count_receipt(CASE, receipt(line(3, *[SELLABLE] * 3)))
    units = tuple(replace(unit, posted_by="receipt-1") if unit.sku == "A" else unit for unit in three.units)
    one = count_receipt(replace(three, units=units), receipt(line(1, SELLABLE), revision=2))
    assert len(here(one)) == 3
    assert one.disposition_changed == "receipt GR-1 now counts 1 of A, more are booked"


def test_a_unit_booked_as_one_thing_and_found_to_be_another_is_noticed() -> None:
    one = count_receipt(CASE, receipt(line(1, SELLABLE)))
    booked = replace(one, units=tuple(replace(u, posted_by="receipt-1") if u.receipt else u for u in one.units))
    changed = count_receipt(booked, receipt(line(1, DAMAGED), revision=2))
    assert changed.disposition_changed == "unit R1-1#1 was booked as sellable and is now damaged"


@pytest.mark.parametrize(
    ("sku", "kind"), [("A", "over_receipt"), ("C", "wrong_item"), ("Z", "sku_unknown"), (None, "sku_unknown")]
)
def test_units_nobody_asked_for_are_kept_apart_and_named(sku: str | None, kind: str) -> None:
    counted = count_receipt(CASE, receipt(line(5, *[SELLABLE] * 5, sku=sku)))
    (extra,) = counted.unexpected
    assert (extra.kind, extra.quantity) == (kind, 2 if sku == "A" else 5)


def test_a_revision_forgets_the_unexpected_units_of_the_one_before() -> None:
    over = count_receipt(CASE, receipt(line(4, *[SELLABLE] * 4)))
    assert count_receipt(over, receipt(line(3, *[SELLABLE] * 3), revision=2)).unexpected == ()


def test_a_sum_that_does_not_add_up_decides_nothing_for_the_line() -> None:
    counted = count_receipt(CASE, receipt(line(3, SELLABLE, SELLABLE)))
    assert [unit.acceptance for unit in counted.units[:3]] == [Acceptance.UNDECIDED] * 3
    assert counted.receipts[0].bad_sum == "line 1: 3 received, 0 rejected, but the dispositions add up to 2"


def test_rejected_units_come_after_the_accepted_ones() -> None:
    counted = count_receipt(CASE, receipt(line(2, SELLABLE, rejected=1)))
    assert [unit.acceptance for unit in counted.units[:2]] == [Acceptance.ACCEPTED, Acceptance.REJECTED]


@pytest.mark.parametrize(
    ("found", "reception", "acceptance"),
    [
        (Disposition.MISSING, Reception.LOST, Acceptance.REVIEW),
        (Disposition.RETURN_TO_CUSTOMER, Reception.RECEIVED, Acceptance.REJECTED),
        (Disposition.DISPOSE, Reception.RECEIVED, Acceptance.ACCEPTED),
        (Disposition.QUARANTINE, Reception.RECEIVED, Acceptance.ACCEPTED),
    ],
)
def test_what_is_found_decides_reception_and_acceptance(
    found: Disposition, reception: Reception, acceptance: Acceptance
) -> None:
    unit = count_receipt(CASE, receipt(line(1, found))).units[0]
    assert (unit.reception, unit.acceptance) == (reception, acceptance)


def test_a_reversal_frees_units_that_are_not_booked() -> None:
    one = count_receipt(CASE, receipt(line(2, SELLABLE, SELLABLE)))
    undone = receipt(name="GR-9", event_type=ReceiptKind.REVERSED, reverses_receipt_id="GR-1")
    freed = count_receipt(one, undone)
    assert here(freed) == [] and freed.receipts[0].reversed
    assert all(unit.reception is Reception.IN_TRANSIT for unit in freed.units[:2])


def test_a_reversal_keeps_units_that_are_booked_until_the_erp_has_undone_them() -> None:
    one = count_receipt(CASE, receipt(line(1, SELLABLE)))
    booked = replace(one, units=tuple(replace(u, posted_by="receipt-1") if u.receipt else u for u in one.units))
    kept = count_receipt(booked, receipt(name="GR-9", event_type=ReceiptKind.REVERSED, reverses_receipt_id="GR-1"))
    assert here(kept) == ["R1-1#1"] and kept.receipts[0].reversed


def test_a_reversal_of_a_receipt_nobody_knows_moves_no_unit() -> None:
    after = count_receipt(CASE, receipt(event_type=ReceiptKind.REVERSED, reverses_receipt_id="GR-7"))
    assert after.units == CASE.units and after.receipts == ()


def test_a_receipt_that_comes_after_its_reversal_counts_nothing() -> None:
    undone = count_receipt(CASE, receipt(name="GR-9", event_type=ReceiptKind.REVERSED, reverses_receipt_id="GR-1"))
    late = count_receipt(undone, receipt(line(2, SELLABLE, SELLABLE)))
    assert here(late) == [] and late.receipts[0].reversed
    other = count_receipt(late, receipt(line(1, SELLABLE), name="GR-2"))
    assert len(here(other)) == 1


def test_closing_is_remembered_and_moves_no_unit() -> None:
    closed = count_receipt(CASE, receipt(event_type=ReceiptKind.CLOSED))
    assert closed.receiving_closed and closed.units == CASE.units


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["A", "B", "Z"])), max_size=6))
def test_no_unit_is_counted_twice_and_none_is_lost_from_the_count(parcels: list[tuple[int, str]]) -> None:
    case = CASE
    for number, (quantity, sku) in enumerate(parcels):
        case = count_receipt(case, receipt(line(quantity, *[SELLABLE] * quantity, sku=sku), name=f"GR-{number}"))
    came = sum(quantity for quantity, _ in parcels)
    counted = sum(unit.reception is Reception.RECEIVED for unit in case.units)
    assert counted + sum(extra.quantity for extra in case.unexpected) == came
    assert len({unit.unit_id for unit in case.units}) == len(CASE.units)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_whatever_order_revisions_come_in_the_highest_counts(quantities: list[int], rng: object) -> None:
    revisions = [receipt(line(n, *[SELLABLE] * n), revision=place) for place, n in enumerate(quantities, start=1)]
    shuffled = list(revisions)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    case = CASE
    for one in shuffled:
        case = count_receipt(case, one)
    assert len(here(case)) == min(quantities[-1], 3)
    assert sum(extra.quantity for extra in case.unexpected) == max(0, quantities[-1] - 3)


def numbered(*serials: str, quantity: int) -> ReceiptLine:
    part = FoundUnits(
        quantity=quantity, condition="new", disposition=SELLABLE, lot_number="LOT-7", serial_numbers=tuple(serials)
    )
    return ReceiptLine(
        line_id="1", sku="A", received_quantity=quantity, inspection_status=Inspection.PASSED, dispositions=(part,)
    )


def serials(case: ReturnCase) -> list[str | None]:
    return [unit.serial for unit in case.units if unit.receipt is not None]


def test_each_unit_gets_the_serial_number_that_is_its_own() -> None:
    case = count_receipt(CASE, receipt(numbered("S-1", "S-2", quantity=2)))
    assert serials(case) == ["S-1", "S-2"]
    assert {unit.lot for unit in case.units if unit.receipt} == {"LOT-7"}


@pytest.mark.parametrize("given", [(), ("S-1",), ("S-1", "S-2", "S-3")])
def test_serial_numbers_that_are_not_one_for_each_unit_are_nobodys(given: tuple[str, ...]) -> None:
    assert serials(count_receipt(CASE, receipt(numbered(*given, quantity=2)))) == [None, None]


def test_a_unit_that_is_let_go_keeps_neither_lot_nor_serial_number() -> None:
    case = count_receipt(CASE, receipt(numbered("S-1", "S-2", quantity=2)))
    case = count_receipt(case, receipt(name="GR-1", inspected=False, event_type=ReceiptKind.REVERSED))
    assert [(unit.lot, unit.serial) for unit in case.units] == [(None, None)] * 4


def test_an_older_total_of_nothing_that_comes_late_takes_nothing_back() -> None:
    case = count_receipt(CASE, receipt(line(2, SELLABLE, SELLABLE), revision=2))
    nothing = receipt(revision=1, event_type=ReceiptKind.REVERSED, reverses_receipt_id="GR-1")
    assert count_receipt(case, nothing) == case
    newer = receipt(revision=3, event_type=ReceiptKind.REVERSED, reverses_receipt_id="GR-1")
    assert Reception.RECEIVED not in {unit.reception for unit in count_receipt(case, newer).units}

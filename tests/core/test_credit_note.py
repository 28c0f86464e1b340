"""The credit note of a return: its parts are its whole, in whatever pieces the goods come back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scenes import look_after, with_case, with_policy

from counterfoil.core.credit.note import ReturnValue, value_return, with_rounding
from counterfoil.core.look import Ledger, Look
from counterfoil.core.policy import AmountAuthority
from counterfoil.core.receipts import ReceiptKind
from counterfoil.core.returns import Disposition
from counterfoil.testing.story_core import CoreStage
from counterfoil.testing.story_stage import Parcel
from counterfoil.testing.story_world import Ask, Given, GoodsLine, Item, sold_order, worth

LINE = st.tuples(st.integers(1, 4), st.integers(0, 9_999), st.integers(0, 500), st.sampled_from([0, 500, 2000, 2100]))


def ordered(lines: list[tuple[int, int, int, int]], included: bool, discount: int) -> Given:
    goods = tuple(
        GoodsLine(sku=f"S{place}", quantity=count, price=price, discount=min(off, price * count), tax_bp=rate)
        for place, (count, price, off, rate) in enumerate(lines)
    )
    left = sum(line.price * line.quantity - line.discount for line in goods)
    return Given(
        number="1", currency="GBP", tax_included=included, lines=goods, discount=min(discount, left), shipping=495
    )


def send_back(stage: CoreStage, name: str, *items: tuple[str, int]) -> None:
    """Ask for a return, and have everything found sellable."""
    asked = tuple(Item(quantity=count, sku=sku) for sku, count in items)
    stage.ask(name, Ask(items=asked))
    found = tuple(Item(quantity=count, sku=sku, disposition=Disposition.SELLABLE) for sku, count in items)
    stage.warehouse(name, Parcel(kind=ReceiptKind.INSPECTED, receipt=f"GR-{name}", items=found))


def credited(stage: CoreStage) -> int:
    return sum(note.gross or 0 for note in stage.documents("credit note"))


@settings(max_examples=25, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=3), st.booleans(), st.integers(0, 2000))
def test_everything_back_at_once_is_credited_to_the_last_minor_unit(
    lines: list[tuple[int, int, int, int]], included: bool, discount: int
) -> None:
    given_ = ordered(lines, included, discount)
    stage = CoreStage(given_)
    send_back(stage, "R1", *((line.sku, line.quantity) for line in given_.lines))
    goods = sum(stage.order.line_value(line) for line in stage.order.lines)
    assert credited(stage) == stage.refunded() == goods
    assert stage.open_problems() == ()


@settings(max_examples=25, deadline=None)
@given(LINE, st.booleans(), st.data())
def test_two_partial_returns_are_worth_one_combined_in_either_order(
    line: tuple[int, int, int, int], included: bool, data: st.DataObject
) -> None:
    given_ = ordered([(line[0] + 1, *line[1:])], included, 0)
    count = given_.lines[0].quantity
    first = data.draw(st.integers(1, count - 1))
    parts = [("R1", first), ("R2", count - first)]
    stage = CoreStage(given_)
    for name, units in parts:
        stage.ask(name, Ask(items=(Item(quantity=units, sku="S0"),)))
    for name, units in parts if data.draw(st.booleans()) else reversed(parts):
        found = (Item(quantity=units, sku="S0", disposition=Disposition.SELLABLE),)
        stage.warehouse(name, Parcel(kind=ReceiptKind.INSPECTED, receipt=f"GR-{name}", items=found))
    if stage.open_problems() == ():
        assert credited(stage) == stage.refunded() == stage.order.line_value(stage.order.lines[0])
    else:  # settled the other way round, units may differ by a minor unit each: more than the rule allows
        kinds = {problem.kind for problem in stage.open_problems()}
        assert kinds == {"refund_value_differs"}
        assert credited(stage) <= stage.order.line_value(stage.order.lines[0])


@settings(max_examples=15, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=3), st.booleans(), st.permutations(range(3)))
def test_the_order_of_lines_does_not_matter(
    lines: list[tuple[int, int, int, int]], included: bool, places: list[int]
) -> None:
    given_ = ordered(lines, included, 0)
    asked = [(line.sku, line.quantity) for line in given_.lines]
    one, other = CoreStage(given_), CoreStage(given_)
    send_back(one, "R1", *asked)
    send_back(other, "R1", *(asked[place] for place in places if place < len(asked)))
    assert credited(one) == credited(other)


@settings(max_examples=25, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=2), st.booleans(), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_never_more_is_credited_than_was_paid(
    lines: list[tuple[int, int, int, int]], included: bool, wishes: list[int]
) -> None:
    given_ = ordered(lines, included, 0)
    stage = CoreStage(given_)
    for place, count in enumerate(wishes):
        send_back(stage, f"R{place}", (given_.lines[0].sku, count))
    assert credited(stage) <= worth(sold_order(given_, "1"))
    assert credited(stage) <= stage.refunded()


# --- examples


def valued(*sentences: str, order: str | None = None) -> ReturnValue:
    value = value_return(unclaimed(look_after(*sentences, **({"order": order} if order else {}))))
    assert value is not None
    return value


def unclaimed(look: Look) -> Look:
    units = tuple(replace(unit, order_unit=None, credited_by=None) for unit in look.case.units)
    return with_case(look, units=units)


ONE = ("the portal authorises 1 x A", "the warehouse receives 1 x A sellable")


def test_the_credit_points_to_the_original_orders_lines() -> None:
    (line,) = valued(*ONE).note.lines
    assert (line.order_line_ref, line.erp_line, line.rma_line_no, line.rma_erp_line) == ("700101", "1", 1, "10")
    assert (line.net, line.tax, line.gross) == (1666, 334, 2000)


def test_the_explanation_tells_every_figure() -> None:
    note = valued("the portal authorises 1 x A, withholding 2.95", ONE[1]).note
    text = " ".join(note.explanation)
    assert "20.00" in text and "2.95" in text and note.total_gross == 1705


def test_units_credited_elsewhere_are_passed_over() -> None:
    order = "given order 1001 in GBP, tax included\n  A  3 x 10.00, discount 0.01\n"
    look = unclaimed(look_after(*ONE, order=order))
    worths = []
    for taken in range(3):
        value = value_return(replace(look, ledger=Ledger(taken={"700101": taken})))
        assert value is not None
        worths.append((value.total, value.claims[0].order_unit, value.tolerance))
    assert worths == [(1000, 1, 1), (1000, 2, 1), (999, 3, 0)]


def test_a_fee_of_nothing_and_shipping_of_nothing_make_no_charge() -> None:
    assert valued(*ONE).note.charges == ()


def test_shipping_is_capped_by_what_the_order_still_has() -> None:
    look = unclaimed(look_after("the portal authorises 1 x A, with 4.95 of the shipping", ONE[1]))
    first = value_return(look)
    second = value_return(replace(look, ledger=Ledger(shipping=(400, 67))))
    assert first is not None and second is not None
    assert [charge.gross for charge in first.note.charges] == [495]
    assert [(charge.gross, charge.tax) for charge in second.note.charges] == [(95, 16)]


def test_a_difference_within_the_rule_is_rounding_and_beyond_it_goodwill() -> None:
    value = valued(*ONE)
    assert with_rounding(value, 2000) == value.note
    for money, code in ((1999, "rounding"), (2001, "rounding"), (2002, "goodwill"), (1500, "goodwill")):
        note = with_rounding(value, money)
        assert note.total_gross == money
        assert [(charge.code, charge.gross) for charge in note.charges] == [(code, money - 2000)]
        assert len(note.explanation) == len(value.note.explanation) + 1


def test_rejected_and_absent_units_are_worth_nothing() -> None:
    value = valued("the portal authorises 2 x A", "the warehouse receives 1 x A sellable, 1 x A rejected")
    assert value.total == 2000
    assert valued("the portal authorises 2 x A", "the warehouse counts 2 x A").note.lines == ()


def test_a_tolerated_difference_names_the_account_finance_nominated() -> None:
    look = look_after("the portal authorises 1 x A", "the warehouse receives 1 x A sellable")
    agreed = with_policy(
        look, amount_authority=AmountAuthority.PORTAL_WITHIN_TOLERANCE, tolerance=5, rounding_account="7990"
    )
    value = value_return(agreed)
    assert value is not None and value.tolerates(5) and not value.tolerates(6)
    note = with_rounding(value, value.total + 4)
    assert note.explanation[-1].endswith("It belongs to account 7990.")
    assert "7990" not in with_rounding(value, value.total + 40).explanation[-1], "goodwill is no rounding"

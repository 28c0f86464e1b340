"""Exchanges: what is ordered and what pays for it, in every form the portals know, and what keeps it from going out."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from scenes import kinds, look_after, requested, waits, with_case, with_policy

from counterfoil.core import exchange
from counterfoil.core.case import Step, StepState
from counterfoil.core.commands import CreateExchangeOrder
from counterfoil.core.decide import decide
from counterfoil.core.documents import StockLevel
from counterfoil.core.events import ReturnAuthorised
from counterfoil.core.evolve import evolve
from counterfoil.core.exchange import ExchangeError, Form
from counterfoil.core.look import Look
from counterfoil.core.mapping import Mapping
from counterfoil.core.returns import ExchangeLine, LabelStatus, PortalReturn, Stage

SWAP = "the portal authorises 1 x A, exchanging for 1 x C at 20.00"
NEW = ExchangeLine(exchange_id="X1", sku="C", total=2000)


def shown(look: Look) -> PortalReturn:
    assert look.case.portal_return is not None
    return look.case.portal_return


def wishing(look: Look, *lines: ExchangeLine, **tenders: Any) -> Look:
    """The same look at a return whose exchange order was not made yet, with these wishes and tenders."""
    steps = {name: step for name, step in look.case.steps.items() if not name.startswith("exchange")}
    seen = replace(shown(look), exchange_lines=lines, tenders=replace(shown(look).tenders, **tenders))
    return with_case(look, portal_return=seen, steps=steps, exchange=None)


def ordered(look: Look) -> CreateExchangeOrder:
    """The exchange order asked for once the ERP has told its stock."""
    asked = next(r.command for r in decide(look).requests if type(r.command).__name__ == "CheckStock")
    plenty = tuple(StockLevel(sku=sku, available=9) for sku in asked.skus)  # type: ignore[union-attr]
    told = Step(step=asked.step, name="CheckStock", state=StepState.DONE, at=look.now, stock=plenty)
    found = decide(with_case(look, steps={**look.case.steps, asked.step: told}))
    return next(r.command for r in found.requests if isinstance(r.command, CreateExchangeOrder))


# --- what is ordered


def test_the_order_waits_for_the_rma_it_is_linked_to() -> None:
    look = look_after(SWAP)
    orphan = with_case(look, steps={}, rma_lines=())
    assert "CreateExchangeOrder" not in requested(orphan) and "exchange_after_its_parents" in waits(orphan)


def test_units_alike_become_one_line_and_the_lines_come_to_what_pays_for_them() -> None:
    look = wishing(look_after(SWAP), NEW, replace(NEW, exchange_id="X2"), exchange_used=2000, upsell_collected=2000)
    order = ordered(look)
    assert [(item.sku, item.quantity, item.gross) for item in order.items] == [("C", 2, 4000)]
    assert (order.carried_over, order.collected) == (2000, 2000)


def test_a_line_of_several_units_keeps_its_quantity() -> None:
    look = wishing(look_after(SWAP), replace(NEW, qty=2, total=2000), exchange_used=2000)
    assert [(item.quantity, item.gross) for item in ordered(look).items] == [(2, 2000)]


def test_what_the_price_range_gives_away_is_taken_off_the_new_goods_and_is_no_returned_value() -> None:
    look = wishing(look_after(SWAP), replace(NEW, total=2250), exchange_used=2250, refund=None)
    order = ordered(look)
    assert (order.carried_over, order.collected, order.items[0].gross) == (2000, 0, 2000)
    assert exchange.used(look.case) == 2000


def test_dearer_goods_are_ordered_once_the_customer_has_paid_on_top() -> None:
    dearer = replace(NEW, total=2500)
    billed = wishing(look_after(SWAP), dearer, exchange_used=2000, upsell_collected=0, upsell_due=500)
    assert "exchange_paid_before_order" in waits(billed) and not requested(billed) and not kinds(billed)
    order = ordered(wishing(look_after(SWAP), dearer, exchange_used=2000, upsell_collected=500, upsell_due=0))
    assert (order.carried_over, order.collected) == (2000, 500)


def test_an_item_the_portal_found_sold_out_is_not_ordered() -> None:
    gone = replace(NEW, exchange_id="X2", sku="D", out_of_stock=True)
    assert [item.sku for item in ordered(wishing(look_after(SWAP), NEW, gone)).items] == ["C"]
    assert "exchange_unavailable" in kinds(wishing(look_after(SWAP), gone))


@pytest.mark.parametrize(
    ("line", "tenders", "kind"),
    [
        (replace(NEW, sku=None), {}, "exchange_incomplete"),
        (replace(NEW, total=None), {}, "exchange_incomplete"),
        (replace(NEW, total=1500), {"exchange_used": 2000}, "exchange_does_not_balance"),
        (replace(NEW, total=2600), {"exchange_used": 2000}, "exchange_does_not_balance"),
    ],
)
def test_a_wish_that_cannot_be_ordered_is_a_plain_problem(line: ExchangeLine, tenders: Any, kind: str) -> None:
    look = wishing(look_after(SWAP), line, **tenders)
    assert kind in kinds(look) and "CreateExchangeOrder" not in requested(look)


def test_a_new_item_without_an_erp_number_is_a_problem_of_operations() -> None:
    look = wishing(look_after(SWAP), NEW)
    mapped = replace(look.mapping, sku_identity=False, skus={"A": "A", "B": "B"})
    assert "exchange_sku_not_found" in kinds(replace(look, mapping=mapped))


def test_terms_name_the_problem_they_find() -> None:
    look = look_after(SWAP)
    assert look.case.erp_order is not None
    with pytest.raises(ExchangeError, match="has no number") as caught:
        exchange.terms(look.case, look.case.erp_order, Mapping(sku_identity=False), held=True)
    assert caught.value.kind == "exchange_sku_not_found"


def test_a_person_who_made_the_order_that_did_not_add_up_lets_the_return_go_on() -> None:
    look = wishing(look_after(SWAP), replace(NEW, total=1500), exchange_used=2000)
    done = with_case(look, accepted_differences={"exchange_does_not_balance": "finance: SO77"})
    assert kinds(done) == set() and exchange.concluded(done.case)


# --- forms


@pytest.mark.parametrize(
    ("line", "label", "expected", "named"),
    [
        ({}, None, Form.PENDING, (None, None)),
        ({"order_name": "#D1"}, None, Form.DRAFT, (None, None)),
        ({"order_ref": "880", "order_name": "EXC1"}, None, Form.INSTANT, ("880", "EXC1")),
        ({"order_ref": "880", "order_name": "EXC1"}, LabelStatus.IN_TRANSIT, Form.SEPARATE, ("880", "EXC1")),
        ({"order_ref": "7001", "order_name": "#1001"}, None, Form.NATIVE, (None, None)),
    ],
)
def test_each_form_is_told_apart_and_only_an_order_of_its_own_is_named_to_the_erp(
    line: Any, label: LabelStatus | None, expected: Form, named: Any
) -> None:
    look = wishing(look_after(SWAP), replace(NEW, **line))
    case = replace(look.case, label_status=label)
    assert exchange.form(case) is expected
    assert exchange.shop_order(case) == named


def test_a_view_that_names_only_the_order_adds_it_to_the_goods_already_known() -> None:
    look = look_after(SWAP)
    whole = ExchangeLine(exchange_id="880", order_ref="880", order_name="EXC1", total=2000)
    seen = replace(shown(look), exchange_lines=(whole,))
    case = evolve(look.case, ReturnAuthorised(key="again", portal_return=seen))
    assert case.portal_return is not None
    assert [(line.sku, line.order_ref) for line in case.portal_return.exchange_lines] == [("C", "880")]


# --- stock


@pytest.mark.parametrize(
    ("levels", "enough"),
    [
        ([StockLevel(sku="C", available=1)], True),
        ([StockLevel(sku="c", available=1, depot="MAIN")], True),
        ([StockLevel(sku="C", available=0, depot="MAIN"), StockLevel(sku="C", available=1, depot="WEST")], True),
        ([StockLevel(sku="C", available=-3, depot="MAIN"), StockLevel(sku="C", available=1, depot="WEST")], True),
        ([StockLevel(sku="C", available=0)], False),
        ([StockLevel(sku="D", available=5)], False),
        ([], False),
    ],
)
def test_goods_are_promised_only_where_the_erp_has_them(levels: list[StockLevel], enough: bool) -> None:
    look = wishing(look_after(SWAP), NEW)
    check = replace(look_after(SWAP).case.steps["exchange-stock-1"], stock=tuple(levels))
    told = with_case(look, steps={**look.case.steps, "exchange-stock-1": check})
    assert ("CreateExchangeOrder" in requested(told)) is enough
    assert ("exchange_out_of_stock" in kinds(told)) is not enough


def test_an_old_answer_about_stock_is_asked_again_before_anything_is_promised() -> None:
    look = wishing(look_after(SWAP), NEW)
    check = replace(look_after(SWAP).case.steps["exchange-stock-1"], at="2026-11-01T08:00:00Z")
    assert requested(with_case(look, steps={**look.case.steps, "exchange-stock-1": check})) == ["CheckStock"]


def test_an_erp_that_cannot_tell_its_stock_gets_the_order_and_may_refuse_it() -> None:
    look = wishing(look_after(SWAP), NEW)
    erp = look.agreement.erp_can - {"check_stock"}
    assert "CreateExchangeOrder" in requested(replace(look, agreement=replace(look.agreement, erp_can=erp)))


def test_a_parcel_seen_moving_at_an_unknown_time_keeps_the_goods_twice_as_long() -> None:
    look = with_case(look_after(SWAP), label_status=LabelStatus.IN_TRANSIT)
    short = with_policy(look, exchange_lease_hours=24)
    assert "CancelExchangeOrder" not in requested(replace(short, now="2026-11-11T07:00:00Z"))
    assert "CancelExchangeOrder" in requested(replace(short, now="2026-11-11T08:00:00Z"))


# --- value


def test_value_counts_as_given_back_only_while_the_order_stands() -> None:
    assert exchange.value_used(look_after(SWAP).case) == 2000
    assert exchange.value_used(look_after(SWAP, "the portal cancels the return").case) == 0
    none = look_after(SWAP, given="and the ERP has 0 x C in stock").case
    assert exchange.value_used(none) == 0


def test_a_return_without_an_exchange_is_untouched_by_it() -> None:
    case = look_after("the portal authorises 1 x A").case
    assert (exchange.wants(case), exchange.used(case), exchange.value_used(case)) == (False, None, 0)
    assert exchange.concluded(case) and exchange.form(case) is Form.PENDING


def test_a_request_that_is_still_in_review_orders_nothing() -> None:
    look = look_after("the portal is asked for 1 x A, exchanging for 1 x C at 20.00")
    assert look.case.stage is Stage.REQUESTED
    assert "CheckStock" not in requested(look) and exchange.order_step(look.case) is None

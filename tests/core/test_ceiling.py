"""One ceiling over everything that leaves an order: exhaustively over small sets of movements, in every order."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import pytest
from msgspec.structs import replace
from scenes import after, look_after, with_case, with_policy

from counterfoil.core.case import ReturnCase
from counterfoil.core.ceiling import Excess, Limit, excess, outside_movements, worth
from counterfoil.core.chargebacks import Chargeback, ChargebackState, later
from counterfoil.core.events import ChargebackMoved, OutsideFact, RefundedUnits, RefundMoved, RefundState
from counterfoil.core.evolve import evolve
from counterfoil.core.look import Look
from counterfoil.core.movements import Movement, MovementKind
from counterfoil.core.orders import Payment
from counterfoil.core.returns import Stage, Tenders
from counterfoil.core.rules import refund_not_disputed, refund_within_order
from counterfoil.core.rules.verdict import Pass, Person

TWO = ("the portal authorises 2 x A", "the warehouse receives 2 x A sellable")
WORTH = 4000 + 3500 + 495  # 2 x A, 1 x B and shipping, as scenes sell them


def unpaid(**tenders: int) -> Look:
    """A return of 2 x A, inspected and not yet paid; the portal wants 40.00 unless told otherwise."""
    look = look_after(*TWO)
    steps = {name: step for name, step in look.case.steps.items() if not name.startswith(("release", "credit"))}
    shown = look.case.portal_return
    assert shown is not None
    shown = replace(shown, stage=Stage.AUTHORISED, tenders=Tenders(**(tenders or {"refund": 4000})))
    return with_case(look, refunds=(), steps=steps, credit=None, stage=Stage.AUTHORISED, portal_return=shown)


def beside(look: Look, *moved: Movement) -> Look:
    return replace(look, ledger=replace(look.ledger, moved=moved))


def over(look: Look, *, asked: bool = True) -> Excess:
    found = excess(look, asked=asked)
    assert found is not None
    return found


def left(amount: int, kind: MovementKind = MovementKind.REFUND, **more: Any) -> Movement:
    return Movement(ref="x", kind=kind, amount=amount, **more)


@pytest.mark.parametrize("kind", list(MovementKind))
def test_whatever_leaves_elsewhere_counts_to_the_last_minor_unit(kind: MovementKind) -> None:
    room = WORTH - 4000
    assert excess(beside(unpaid(), left(room, kind)), asked=True) is None
    found = over(beside(unpaid(), left(room + 1, kind)))
    assert (found.limit, found.amount) == (Limit.ORDER, 1)


@pytest.mark.parametrize("tenders", [{"refund": 1000}, {"store_credit": 1000}, {"exchange_used": 1000}])
def test_whatever_is_asked_for_counts(tenders: dict[str, int]) -> None:
    assert excess(beside(unpaid(**tenders), left(WORTH - 1000)), asked=True) is None
    assert over(beside(unpaid(**tenders), left(WORTH - 999))).amount == 1


def test_a_dispute_counts_until_it_is_won() -> None:
    def disputed(status: ChargebackState, currency: str = "GBP") -> Look:
        one = Chargeback(ref="d", amount=WORTH - 3999, currency=currency, status=status, source="shop")
        return with_case(unpaid(), chargebacks=(one,))

    assert over(disputed(ChargebackState.OPENED)).amount == over(disputed(ChargebackState.LOST)).amount == 1
    assert excess(disputed(ChargebackState.WON), asked=True) is None
    assert over(disputed(ChargebackState.OPENED, "EUR")).amount == 4000


def test_a_payment_gives_back_no_more_than_it_brought() -> None:
    look = unpaid(refund=3000)
    assert look.case.order is not None
    paid = (Payment(gateway="card", amount=WORTH - 2000), Payment(gateway="gift_card", amount=2000))
    split = with_case(look, order=replace(look.case.order, payments=paid))
    most = WORTH - 2000
    assert excess(beside(split, left(most - 1000, tender="card")), asked=True) is None
    found = over(beside(split, left(2001, tender="gift_card")))
    assert (found.limit, found.amount) == (Limit.TENDER, 1)
    assert over(beside(split, left(WORTH - 2999))).limit is Limit.ORDER
    credit = beside(split, left(2001, MovementKind.STORE_CREDIT, tender="voucher"))
    assert excess(credit, asked=True) is None


def test_original_payments_that_are_used_up_do_not_take_a_refund_even_where_the_order_has_room() -> None:
    look = unpaid(refund=3000)
    assert look.case.order is not None
    paid = with_case(look, order=replace(look.case.order, payments=(Payment(gateway="card", amount=WORTH),)))
    one = Chargeback(
        ref="d", amount=WORTH - 2999, currency="GBP", status=ChargebackState.LOST, source="shop", gateway="card"
    )
    assert over(with_case(paid, chargebacks=(one,))).amount == 1


def test_a_unit_refunded_outside_is_not_refunded_again() -> None:
    look = unpaid()
    line = look.case.units[0].order_line_ref or ""
    found = over(beside(look, left(100, MovementKind.OUTSIDE, units=((line, 1),))))
    assert (found.limit, found.amount) == (Limit.UNIT, 2000)
    other = beside(look, left(100, MovementKind.OUTSIDE, units=(("another", 1),)))
    assert excess(other, asked=True) is None


def test_what_has_left_by_itself_is_found_without_anything_asked() -> None:
    look = look_after(*TWO)
    assert excess(look, asked=False) is None
    found = over(beside(look, left(WORTH - 3999)), asked=False)
    assert found.amount == 1 and "left here" in found.sentence


def test_an_unnamed_refund_and_the_credit_it_may_pay_are_not_called_too_much_but_leave_no_room() -> None:
    look = look_after(*TWO)
    both = (left(WORTH - 4000, MovementKind.OWED), left(WORTH - 4000, MovementKind.OUTSIDE))
    assert excess(beside(look, *both), asked=False) is None
    assert over(beside(unpaid(), *both)).amount == WORTH - 4000


def test_the_rule_refund_within_order_says_the_figures() -> None:
    verdict = refund_within_order.judge(beside(unpaid(), left(WORTH)))
    assert isinstance(verdict, Person) and "79.95" in verdict.problem.message
    assert verdict.problem.amount == 4000


def test_refund_not_disputed_stops_for_an_open_dispute_only() -> None:
    for status in ChargebackState:
        one = Chargeback(ref="dp-1", amount=100, currency="GBP", status=status, source="shop")
        look = with_case(unpaid(), chargebacks=(one,))
        assert isinstance(refund_not_disputed.judge(look), Person) is (status is ChargebackState.OPENED)
        assert isinstance(refund_not_disputed.judge(with_policy(look, chargeback_stops_refund=False)), Pass)
        accepted = with_case(look, accepted_differences={"refund_on_disputed_payment": "finance: agreed"})
        assert isinstance(refund_not_disputed.judge(accepted), Pass)


# --- every order of arrival


def chargeback(status: ChargebackState, amount: int = 1500, ref: str = "d1", at: str = "2026-11-10") -> ChargebackMoved:
    return ChargebackMoved(
        key=f"{ref}/{status}/{at}",
        occurred_at=f"{at}T09:00:00Z",
        source="shop",
        ref=ref,
        order_ref="7001",
        amount=amount,
        currency="GBP",
        status=status,
    )


def refund(ref: str, status: RefundState, amount: int = 2000) -> RefundMoved:
    return RefundMoved(
        key=f"{ref}/{status}", source="shop", ref=ref, order_ref="7001", amount=amount, currency="GBP", status=status
    )


ARRIVALS: tuple[OutsideFact, ...] = (
    chargeback(ChargebackState.OPENED),
    chargeback(ChargebackState.WON, at="2026-11-12"),
    chargeback(ChargebackState.LOST, at="2026-11-14"),
    chargeback(ChargebackState.OPENED, 700, "d2"),
    refund("r1", RefundState.PENDING),
    refund("r1", RefundState.CONFIRMED),
    refund("r2", RefundState.CONFIRMED, 300),
)


def _figures(case: ReturnCase, look: Look) -> tuple[Any, ...]:
    found = excess(with_case(replace(look, case=case)), asked=True)
    return case.chargebacks, found, case.money_out


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_the_ceiling_is_the_same_in_every_order_of_arrival(size: int) -> None:
    look = beside(unpaid(), left(WORTH - 4000))
    for chosen in combinations(ARRIVALS, size):
        seen = set()
        for order in permutations(chosen):
            case = look.case
            for fact in (*order, order[0]):  # and the first of them once more
                case = evolve(case, fact)
            seen.add(_figures(case, look))
        assert len(seen) == 1, chosen


def test_of_two_ends_of_a_dispute_the_later_stands_and_at_one_moment_the_loss() -> None:
    def ended(status: ChargebackState, at: str | None) -> Chargeback:
        return Chargeback(ref="d", amount=1, currency="GBP", status=status, source="s", at=at)

    won, lost = ended(ChargebackState.WON, "2026-01-02"), ended(ChargebackState.LOST, "2026-01-03")
    opened = ended(ChargebackState.OPENED, "2026-01-09")
    for first, second in permutations((won, lost)):
        assert later(first, second) is lost
        assert later(opened, first) is later(first, opened) is first
    tie = ended(ChargebackState.LOST, "2026-01-02")
    assert later(won, tie) is later(tie, won) is tie


OUTSIDE = (
    refund("o1", RefundState.PENDING),
    refund("o1", RefundState.CONFIRMED),
    refund("o2", RefundState.CONFIRMED, 700),
    refund("o2", RefundState.REVERSED, 700),
    replace(refund("o3", RefundState.CONFIRMED, 50), units=(RefundedUnits(order_line_ref="a", quantity=1),)),
)


def test_refunds_outside_the_portal_are_added_up_once_in_every_order() -> None:
    seen = {outside_movements((*order, order[0])) for order in permutations(OUTSIDE)}
    (moved,) = seen
    assert [(m.ref, m.amount, m.units) for m in moved] == [("o1", 2000, ()), ("o3", 50, (("a", 1),))]


HAPPENINGS = (
    "the customer's bank disputes 50.00",
    "the shop refunds 20.00 by itself",
    "the portal authorises 1 x B (R1)\nand the warehouse receives GR-1: 1 x B sellable (R1)",
    "the portal authorises 2 x A (R2)\nand the warehouse receives GR-2: 2 x A sellable (R2)",
)


@pytest.mark.parametrize("order", list(permutations(HAPPENINGS)), ids=lambda order: "".join(o[4] for o in order))
def test_no_release_of_ours_ever_passes_the_ceiling(order: tuple[str, ...]) -> None:
    """Banks and shops may take what they like; at the moment we let money go, everything fits into the order."""
    gone = released = 0
    for length in range(1, len(order) + 1):
        stage = after(*order[:length])
        asked = stage.told("release")
        disputed = 5000 if HAPPENINGS[0] in order[:length] else 0
        gone = stage.refunded() + disputed
        assert asked == released or gone <= WORTH, (order[:length], gone)
        assert asked == released or not disputed, "a refund was released on a disputed payment"
        released = asked
    assert worth(stage.order) == WORTH

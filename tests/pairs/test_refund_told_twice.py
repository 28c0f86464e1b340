"""Whole stories in which shop and payment provider tell of the same money: counted once, and taken back when it fails.

The simulated providers send signed events over HTTP; what our hook takes goes through inbox, routing and decision.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from counterfoil.conformance.stage import Control, listening
from counterfoil.core.case import ReturnCase
from counterfoil.core.events import RefundState
from counterfoil.flow.look_again import unclaimed
from counterfoil.flow.world import Connection
from counterfoil.gateways.adyen import SPEC as ADYEN
from counterfoil.gateways.adyen.config import AdyenConfig
from counterfoil.gateways.adyen.sim import AdyenSimulator
from counterfoil.gateways.stripe import SPEC as STRIPE
from counterfoil.gateways.stripe.config import StripeConfig
from counterfoil.gateways.stripe.sim import StripeSimulator
from counterfoil.jobs.worker import Worker
from counterfoil.ports.vendors import Delivery, VendorSpec
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Simulator
from counterfoil.testing.builders import parcel, portal_return, refund_moved, refund_reported, shown, sold_order
from counterfoil.testing.inline import InlineEngine
from counterfoil.testing.outside import Outside, Webhook
from counterfoil.testing.road import BRAND, Road, make_world

SECRETS = {"stripe": "whsec_example", "adyen": "00112233445566778899AABBCCDDEEFF" * 2}
SPECS: dict[str, VendorSpec] = {"stripe": STRIPE, "adyen": ADYEN}
AMOUNT = 4000


class Door(Simulator):
    """Our hook for one provider."""

    vendor = "door"

    def __init__(self, spec: VendorSpec) -> None:
        self.spec = spec
        super().__init__()

    def load(self, world: dict[str, Any]) -> None:
        self.kept: list[Webhook] = []
        self.answers: list[int] = []

    def state(self) -> dict[str, Any]:
        return {}

    async def handle(self, request: Request) -> Response:
        hook = self.spec.hook
        assert hook is not None
        delivery = Delivery(body=request.body, headers=request.headers, arrived_at=time.time())
        reply = hook.refuse(delivery, hook.verify(delivery, [SECRETS[self.spec.name]]))
        if reply is None:
            self.kept.append(Webhook(connection=self.spec.name, body=request.body, headers=dict(request.headers)))
            reply = hook.accepted(delivery)
        self.answers.append(reply.status)
        return Response(reply.status, reply.body, {"content-type": reply.content_type})


class Provider:
    """A payment provider beside the shop: it refunds, fails and reverses, and each event reaches the return."""

    def __init__(self, name: str, road: Road, door: Door, control: Control) -> None:
        self.name, self.road, self.door, self.control = name, road, door, control
        self.heard = 0
        self.ref = ""

    def refund(self, amount: int = AMOUNT, order: str = "9001", *, pending: bool = False) -> None:
        if self.name == "stripe":
            given = {"amount": amount, "currency": "gbp", "payment_intent": "pi_1", "metadata": {"order_id": order}}
            made = self.control.post("refunds", {**given, "status": "pending" if pending else "succeeded"})
            self.ref = made["id"]
        else:
            given = {"value": amount, "currency": "GBP", "originalReference": "PAY1", "merchantReference": "#1001"}
            made = self.control.post("refunds", {**given, "merchantReference": "#1001" if order == "9001" else order})
            self.ref = made["refunds"][0]["pspReference"]
        self.hear()

    def move(self, how: str) -> None:
        self.control.post(f"refunds/{self.ref}/{how}", {})
        self.hear()

    def hear(self) -> None:
        for _ in range(300):
            if len(self.door.kept) > self.heard:
                break
            time.sleep(0.01)
        assert len(self.door.kept) == self.heard + 1, self.door.answers
        self.road.keep(self.door.kept[self.heard])
        self.heard += 1
        self.road.settle()


class Scene:
    def __init__(self, road: Road, outside: Outside, provider: Provider) -> None:
        self.road, self.outside, self.provider = road, outside, provider

    @property
    def case(self) -> ReturnCase:
        return self.road.case()

    @property
    def states(self) -> list[tuple[int, RefundState]]:
        return [(refund.amount, refund.status) for refund in self.case.refunds]

    def inspected(self) -> None:
        """A return of one line, approved, received and inspected; the refund is not released yet by our doing."""
        self.outside.sell(sold_order())
        self.outside.show(portal_return())
        self.road.settle()
        self.road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
        self.road.settle()


@pytest.fixture(params=["stripe", "adyen"])
def scene(request: pytest.FixtureRequest, sqlite_databases: Any) -> Iterator[Scene]:
    name = request.param
    outside, database, door = Outside(), sqlite_databases.fresh(), Door(SPECS[name])
    world = make_world(database, outside)
    config = StripeConfig() if name == "stripe" else AdyenConfig()
    extra = Connection(name=name, brand=BRAND, spec=SPECS[name], config=config, secrets=(SECRETS[name],))
    world.connections = {**world.connections, name: extra}
    Worker(world, InlineEngine()).register()
    road = Road(world, outside)
    made = {
        "stripe": (StripeSimulator, "signing_secrets", [SECRETS[name]]),
        "adyen": (AdyenSimulator, "hmac_key", SECRETS[name]),
    }
    simulator, field, secret = made[name]
    with listening(door) as hook, listening(simulator({field: secret, "url": f"{hook}/x", "retry_seconds": 60})) as url:
        control = Control(url)
        yield Scene(road, outside, Provider(name, road, door, control))
        control.close()
    database.close()


def test_shop_and_provider_tell_of_one_refund_and_the_credit_is_what_left_once(scene: Scene) -> None:
    scene.inspected()  # the gate opens, the portal pays, the shop tells of the money
    assert scene.case.money_out == AMOUNT
    scene.provider.refund()
    assert len(scene.case.refunds) == 1
    assert scene.case.money_out == AMOUNT
    assert scene.case.refunds[0].told_by == ("acme-shop", scene.provider.name)
    [credit] = scene.outside.documents("PostCreditNote")
    assert credit.command.credit.total_gross == AMOUNT  # type: ignore[union-attr]
    assert len(scene.outside.documents("RecordRefund")) == 1
    assert scene.road.problems() == []


def test_a_refund_that_fails_after_the_credit_reopens_the_return_for_finance(scene: Scene) -> None:
    scene.inspected()
    scene.provider.refund()
    scene.provider.move("fail")
    assert scene.states == [(AMOUNT, RefundState.FAILED)]
    assert "refund_reversed_after_credit" in scene.road.problems()
    rows = scene.road.rows("select owner, amount_minor from problems where kind = 'refund_reversed_after_credit'")
    assert [(row["owner"], row["amount_minor"]) for row in rows] == [("finance", AMOUNT)]
    assert len(scene.outside.documents("PostCreditNote")) == 1


def test_the_provider_first_then_the_shop_is_one_refund_too(scene: Scene) -> None:
    scene.outside.sell(sold_order())
    scene.outside.show(portal_return())
    scene.road.settle()
    scene.provider.refund()
    assert scene.case.refunds == ()
    scene.road.tell("shop", refund_moved("880001", AMOUNT))
    assert scene.case.refunds == ()
    scene.road.tell("portal", refund_reported("R1", "880001", AMOUNT))
    scene.road.settle()
    assert (len(scene.case.refunds), scene.case.money_out) == (1, AMOUNT)
    assert len(scene.case.refunds[0].told_by) == 2
    assert unclaimed(scene.road.world, older_than_ms=-1_000) == 0


def test_a_refund_made_past_the_portal_is_never_taken_for_the_returns(scene: Scene) -> None:
    scene.inspected()
    scene.provider.refund(AMOUNT - 1)
    assert (len(scene.case.refunds), scene.case.money_out) == (1, AMOUNT)
    waiting = scene.road.rows("select fact_key from loose_facts where state = 'waiting'")
    assert len(waiting) == 1


def test_of_two_returns_of_an_order_the_one_that_paid_this_amount_hears_of_it(scene: Scene) -> None:
    scene.inspected()
    other = portal_return("R2", units=(("L2", 1),))
    scene.outside.show(other)
    scene.road.settle()
    scene.road.tell("wms", parcel("GR-2", [("SCARF", 1)], rma_number="R2"))
    scene.road.settle()
    scene.provider.refund(2500)
    assert [len(scene.road.case(name).refunds[0].told_by) for name in ("R1", "R2")] == [0, 2]


def test_pending_or_provisional_money_alone_counts_as_none(scene: Scene) -> None:
    scene.outside.sell(sold_order())
    scene.outside.show(portal_return())
    scene.road.settle()
    scene.road.tell("portal", refund_reported("R1", "880001", AMOUNT))
    scene.provider.refund(pending=True)
    expected = RefundState.PENDING if scene.provider.name == "stripe" else RefundState.PROVISIONAL
    assert scene.states == [(AMOUNT, expected)]
    assert scene.case.money_out == 0


def test_a_provider_alone_confirms_what_the_portal_reported(scene: Scene) -> None:
    scene.outside.sell(sold_order())
    scene.outside.show(replace(portal_return(), tracking="T1"))
    scene.road.settle()
    scene.road.tell("portal", refund_reported("R1", "880001", AMOUNT))
    scene.provider.refund()
    if scene.provider.name == "adyen":  # a positive REFUND is provisional; the shop or the settlement is final
        assert scene.case.money_out == 0
        scene.road.tell("shop", refund_moved("880001", AMOUNT))
    assert (len(scene.case.refunds), scene.case.money_out) == (1, AMOUNT)


def test_a_refund_that_came_back_before_the_credit_is_no_money_out(scene: Scene) -> None:
    scene.outside.sell(sold_order())
    scene.outside.show(portal_return())
    scene.road.settle()
    scene.road.tell("portal", refund_reported("R1", "880001", AMOUNT))
    scene.provider.refund()
    scene.provider.move("fail")
    assert scene.case.money_out == 0
    assert scene.outside.documents("PostCreditNote") == []


def test_the_shops_own_word_again_after_all_changes_nothing(scene: Scene) -> None:
    scene.inspected()
    scene.provider.refund()
    before = scene.case
    scene.road.tell("portal", shown(portal_return()))
    for webhook in scene.provider.door.kept:
        scene.road.keep(webhook)
    scene.road.settle()
    assert scene.case.refunds == before.refunds
    assert len(scene.outside.documents("PostCreditNote")) == 1

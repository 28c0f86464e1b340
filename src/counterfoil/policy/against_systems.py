"""Contradictions between a policy and what the portal and the ERP do or can, as configured or as a person stated."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.policy import (
    CreditOrder,
    DispositionSource,
    RefundExecutor,
    RefundGate,
    StockOn,
)
from counterfoil.policy.clashes import Clash, Setting, Subject

_EARLY = (RefundGate.INSTANT, RefundGate.CARRIER_SCAN)
_ON_THE_PORTALS_WORD = (StockOn.PORTAL_FINAL, StockOn.PORTAL_RESTOCK)


def portal_pays_by_itself(subject: Subject) -> Iterator[Clash]:
    """D10: with us holding the gate, the portal's own automatic processing must be off."""
    if subject.refund_executor is not RefundExecutor.PORTAL:
        return
    stated = subject.read.document.attested.portal.automatic_processing
    if stated == "on":
        yield Clash(
            code="portal_processes_by_itself",
            sentence="The refund is to wait for our release, but the portal pays without it.",
            settings=(subject.axis("refund_executor"), _stated(subject, "portal", "automatic_processing")),
            fact=f"{subject.systems.portal}'s automatic processing is on",
            cure='Switch it off in the portal and state "off", or set refund_executor = "portal_itself".',
        )


def portal_cannot_release(subject: Subject) -> Iterator[Clash]:
    """D10: a portal without a call for it cannot be told to pay."""
    can = subject.systems.portal_can
    if subject.refund_executor is RefundExecutor.PORTAL and can is not None and "release" not in can:
        yield Clash(
            code="portal_cannot_release",
            sentence="The portal is to pay when we say so, but it has no call by which to say it.",
            settings=(subject.axis("refund_executor"), subject.at(("portal",))),
            fact=f"{subject.systems.portal} offers no release of refunds",
            cure='Set refund_executor = "portal_itself" (and a gate it keeps by itself), "erp" or "gateway".',
        )


def early_refund_without_advance(subject: Subject) -> Iterator[Clash]:
    """D3 against the ERP's refund-in-advance preference: the credit could not exist when the money leaves."""
    erp = subject.read.document.attested.erp
    funded = subject.refund_executor is RefundExecutor.COUNTERPARTY
    if subject.refund_gate in _EARLY and erp.refund_in_advance is False and not funded:
        yield Clash(
            code="early_gate_without_advance",
            sentence="Money would leave before the goods come, but the ERP credits only what was received.",
            settings=(subject.axis("refund_gate"), _stated(subject, "erp", "refund_in_advance")),
            fact=f"{subject.systems.erp} does not refund in advance of the return",
            cure='Set refund_gate = "receipt" or stricter, or switch the preference on in the ERP.',
        )


def grading_from_a_portal_that_has_none(subject: Subject) -> Iterator[Clash]:
    """D7: the disposition cannot come from a portal that knows none."""
    can = subject.systems.portal_can
    if subject.disposition_source is DispositionSource.PORTAL and can is not None and "grading" not in can:
        yield Clash(
            code="portal_has_no_dispositions",
            sentence="The portal's disposition is to move stock, but the portal keeps none.",
            settings=(subject.axis("disposition_source"), subject.at(("portal",))),
            fact=f"{subject.systems.portal} offers no grades or dispositions",
            cure='Set disposition_source = "warehouse".',
        )


def stock_on_a_word_nobody_vouches_for(subject: Subject) -> Iterator[Clash]:
    """D1: without an attestor the receipt goes to the holding location, so there has to be one."""
    loose = subject.stock_on in _ON_THE_PORTALS_WORD
    stated = subject.read.document.attested.erp.holding_depot
    nowhere = stated is False and subject.systems.holding_depot is None
    if loose and not subject.attestor and nowhere:
        yield Clash(
            code="stock_without_attestor",
            sentence="Stock would rise on the portal's word, with nobody who saw the goods and nowhere to hold them.",
            settings=(subject.axis("stock_on"), _stated(subject, "erp", "holding_depot")),
            fact="no attestor is named, and there is no holding depot",
            cure="Name the attestor who sees the goods, or set up a holding depot and state it.",
        )


def gateway_nobody_connected(subject: Subject) -> Iterator[Clash]:
    """D10: a gateway that pays has to tell us of the money."""
    if subject.refund_executor is RefundExecutor.GATEWAY and subject.systems.gateway_connected is False:
        yield Clash(
            code="gateway_not_connected",
            sentence="The gateway is to pay, but no gateway is connected to tell that it did.",
            settings=(subject.axis("refund_executor"), subject.at(("brand",))),
            fact="the brand has no connection to a shop or a payment gateway",
            cure='Connect the gateway, or set refund_executor = "portal".',
        )


def unnamed_money(subject: Subject) -> Iterator[Clash]:
    """D2 with D10: money paid outside the portal before a credit exists names no return."""
    outside = subject.refund_executor in (RefundExecutor.ERP, RefundExecutor.GATEWAY)
    if outside and subject.credit_order is CreditOrder.REFUND_THEN_CREDIT:
        yield Clash(
            code="money_names_no_return",
            sentence="Money paid outside the portal before its credit exists could not be told from any other refund.",
            settings=(subject.axis("refund_executor"), subject.axis("credit_order")),
            fact="such a payment is recognised by the order and the amount its credit note agreed to",
            cure='Set credit_order = "credit_then_refund".',
        )


def _stated(subject: Subject, system: str, word: str) -> Setting:
    return subject.at(("attested", system, word))


CHECKS = (
    portal_pays_by_itself,
    portal_cannot_release,
    early_refund_without_advance,
    grading_from_a_portal_that_has_none,
    stock_on_a_word_nobody_vouches_for,
    gateway_nobody_connected,
    unnamed_money,
)

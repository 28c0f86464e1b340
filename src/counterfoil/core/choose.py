"""Which policy holds for a return: the edition by its day, then the one rule that fits its country, goods and customer."""

from __future__ import annotations

from fnmatch import fnmatchcase

from counterfoil.core.case import ReturnCase, Unit
from counterfoil.core.policy import Agreement, Conditions, Edition, FlowPolicy, RefundGate

_CARE = (RefundGate.INSTANT, RefundGate.CARRIER_SCAN, RefundGate.RECEIPT, RefundGate.RECEIPT_INSPECTION)


def choose(agreement: Agreement, case: ReturnCase) -> FlowPolicy:
    """The policy this return follows. A switch of policies never changes a return that was already authorised."""
    edition = edition_of(agreement, case)
    if edition is None:
        return agreement.policy
    if not edition.overrides:
        return edition.policy
    found = {category: _for(edition, case, category) for category in categories_of(edition, case) or ("",)}
    return max(found.values(), key=lambda policy: _CARE.index(policy.refund_gate))  # mixed goods: the strictest gate


def edition_of(agreement: Agreement, case: ReturnCase) -> Edition | None:
    """The newest edition that had started when the return was authorised, or asked for."""
    shown = case.portal_return
    day = (case.authorised_at or (shown.created_at if shown is not None else None) or "9999-12-31")[:10]
    return in_force(agreement, day)


def in_force(agreement: Agreement, day: str) -> Edition | None:
    """The newest edition that had started on a day (YYYY-MM-DD); None while none had."""
    started = [edition for edition in agreement.editions if edition.starts_on <= day]
    return started[-1] if started else None


def category_of(edition: Edition, unit: Unit) -> str:
    """The category of a unit's goods by its SKU, "" when none names it. The first category that does counts."""
    sku = unit.sku or ""
    for category, patterns in edition.categories.items():
        if any(fnmatchcase(sku, pattern) for pattern in patterns):
            return category
    return ""


def categories_of(edition: Edition, case: ReturnCase) -> tuple[str, ...]:
    """The categories of all units, each once."""
    return tuple(dict.fromkeys(category_of(edition, unit) for unit in case.units))


def tier_of(edition: Edition, case: ReturnCase) -> str:
    """The customer's tier by the shop's words for the customer, "" when none fits."""
    tags = {tag.casefold() for tag in (case.order.customer_tags if case.order is not None else ())}
    return next((tier for tier, words in edition.tiers.items() if tags & {word.casefold() for word in words}), "")


def country_of(case: ReturnCase) -> str:
    """Where the customer is: as the portal says, else as the order was sold."""
    shown = case.portal_return.country if case.portal_return is not None else None
    return (shown or (case.order.country if case.order is not None else None) or "").upper()


def value_of(case: ReturnCase) -> int | None:
    """What the returned goods are worth by the portal, in minor units of the case's currency; None when unsaid."""
    lines = case.portal_return.lines if case.portal_return is not None else ()
    values = [line.line_value for line in lines]
    return None if not values or None in values else sum(value or 0 for value in values)


def _for(edition: Edition, case: ReturnCase, category: str) -> FlowPolicy:
    for override in edition.overrides:
        if _fits(override.when, edition, case, category):
            return override.policy
    return edition.policy


def _fits(when: Conditions, edition: Edition, case: ReturnCase, category: str) -> bool:
    if when.countries and country_of(case) not in when.countries:
        return False
    if when.categories and category not in when.categories:
        return False
    if when.tiers and tier_of(edition, case) not in when.tiers:
        return False
    return _in_band(when, case)


def _in_band(when: Conditions, case: ReturnCase) -> bool:
    """A band is in its own currency; a return in another, or of unknown value, is in no band."""
    if when.value_from is None and when.value_below is None:
        return True
    value = value_of(case)
    if value is None or (when.currency is not None and when.currency != case.currency):
        return False
    return value >= (when.value_from or 0) and (when.value_below is None or value < when.value_below)

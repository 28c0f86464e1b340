"""Policies: what each brand agreed for each portal, as a page to read, its drawn sequence, its versions and its faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from markupsafe import Markup

from counterfoil.catalog import vendor
from counterfoil.core.choose import in_force
from counterfoil.core.money import to_text
from counterfoil.core.policy import Agreement, Conditions, Edition, FlowPolicy
from counterfoil.flow.world import Setup
from counterfoil.policy.compiler import Report, compile_policy
from counterfoil.policy.drawing import draw
from counterfoil.policy.explain import explain
from counterfoil.policy.reading import UnreadableError, read
from counterfoil.policy.systems import as_shipped
from counterfoil.policy.versions import edition_of
from counterfoil.store import policies
from counterfoil.store.database import Transaction
from counterfoil.store.policies import Kept
from counterfoil.web.access import page
from counterfoil.web.system import current

_AXES = (
    ("D1", "Stock rises on", "stock_on"),
    ("D2", "First comes", "credit_order"),
    ("D3", "The refund waits for", "refund_gate"),
    ("D4", "People agree", "approval"),
    ("D5", "The amount is", "amount_authority"),
    ("D6", "The RMA is made when the return is", "rma_on"),
    ("D7", "The disposition is told by", "disposition_source"),
    ("D9", "Stock is posted", "stock_posting"),
    ("D9", "Credit notes are posted", "money_posting"),
    ("D10", "The refund is paid by", "refund_executor"),
    ("D11", "The financial document", "credit_document"),
    ("D12", "An exchange ships", "exchange_release"),
    ("D13", "One RMA stands for", "rma_granularity"),
)


@page("returns.view")
@require_safe
def policies_list(request: HttpRequest) -> HttpResponse:
    """Every brand and portal with what holds there today."""
    with current().database.read() as tx:
        pairs = sorted({*_setups(), *policies.pairs(tx)})
        rows = [{"brand": brand, "portal": portal, **_today(tx, brand, portal)} for brand, portal in pairs]
    return render(request, "policies.html", {"rows": rows})


@page("returns.view")
@require_safe
def policy_page(request: HttpRequest, brand: str, portal: str) -> HttpResponse:
    """One policy."""
    with current().database.read() as tx:
        kept = policies.versions(tx, brand, portal)
    agreement = _agreement(brand, portal, kept)
    if agreement is None:
        raise Http404(f"No policy is known for {brand} and {portal}.")
    edition = in_force(agreement, _day())
    policy = edition.policy if edition is not None else agreement.policy
    shown = explain(msgspec.structs.replace(agreement, policy=policy, editions=()))
    context = {
        "brand": brand,
        "portal": portal,
        "policy": policy,
        "axes": [(code, words, _said(policy, name)) for code, words, name in _AXES],
        "overrides": _overrides(edition, policy),
        "explanation": shown,
        "drawing": Markup(draw(shown)),  # noqa: S704 - our own drawing, whose texts are escaped
        "versions": [_version(item, policy) for item in reversed(kept)],
        "report": _report(policy, kept),
    }
    return render(request, "policy.html", context)


def _setups() -> Mapping[tuple[str, str], Setup]:
    """The settings' own agreements, where the running system knows them."""
    found: Mapping[tuple[str, str], Setup] = getattr(current(), "setups", {})
    return found


def _day() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _agreement(brand: str, portal: str, kept: tuple[Kept, ...]) -> Agreement | None:
    """Settings and kept versions together; None when neither knows the pair."""
    setup = _setups().get((brand, portal))
    if setup is None and not kept:
        return None
    editions = tuple(edition_of(item.content) for item in kept)
    if setup is None:
        can = frozenset({"release", "draft_credit"})
        return Agreement(policy=editions[0].policy, portal_can=can, erp_can=can, editions=editions)
    return msgspec.structs.replace(setup.agreement, editions=(*setup.agreement.editions, *editions))


def _today(tx: Transaction, brand: str, portal: str) -> dict[str, Any]:
    kept = policies.versions(tx, brand, portal)
    agreement = _agreement(brand, portal, kept)
    assert agreement is not None, "the pair comes from one of the two"
    edition = in_force(agreement, _day())
    policy = edition.policy if edition is not None else agreement.policy
    coming = [item for item in kept if item.starts_on > _day()]
    return {"policy": policy, "versions": len(kept), "coming": coming[0] if coming else None}


def _said(policy: FlowPolicy, axis: str) -> str:
    value = getattr(policy, axis)
    return str(getattr(value, "value", value))


def _overrides(edition: Edition | None, base: FlowPolicy) -> list[dict[str, Any]]:
    """Each override with its conditions in words, and the axes that differ."""
    found = []
    for override in edition.overrides if edition is not None else ():
        conditions = list(_conditions(override.when))
        names = [f for f in base.__struct_fields__ if f != "rule" and getattr(base, f) != getattr(override.policy, f)]
        axes = [(name.replace("_", " "), _said(base, name), _said(override.policy, name)) for name in names]
        found.append({"name": override.name, "conditions": conditions, "axes": axes})
    return found


def _conditions(when: Conditions) -> Iterator[str]:
    """What a return must be for the override to hold, in words."""
    for words, values in (("country", when.countries), ("goods", when.categories), ("customer", when.tiers)):
        if values:
            yield f"{words}: {', '.join(values)}"
    for words, amount in (("from", when.value_from), ("below", when.value_below)):
        if amount is not None and when.currency is not None:
            yield f"{words} {to_text(amount, when.currency)} {when.currency}"


def _version(item: Kept, in_force_now: FlowPolicy) -> dict[str, Any]:
    now = (item.name, item.version) == (in_force_now.name, in_force_now.version)
    state = "in force" if now else "to come" if item.starts_on > _day() else "past"
    return {"kept": item, "state": state}


def _report(policy: FlowPolicy, kept: tuple[Kept, ...]) -> Report | None:
    """What the compiler says of the kept version in force; None where the settings hold or a vendor is unknown."""
    item = next((item for item in kept if (item.name, item.version) == (policy.name, policy.version)), None)
    if item is None:
        return None
    try:
        written = read(item.content, f"{item.name} {item.version}")
        return compile_policy(written, as_shipped(written, vendor))
    except UnreadableError:
        return None

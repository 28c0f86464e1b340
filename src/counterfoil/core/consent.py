"""Which approvals a refund needs, on which terms, and which of them people have given (D4, R75–R77, R86).

Pure, and the only place that counts voices: whatever door an answer came through, it counts only here, only for the
terms it was given on, and never when its giver shaped the return.
"""

from __future__ import annotations

import msgspec

from counterfoil.core.approvals import Terms, Voice, same_person
from counterfoil.core.credit.note import CannotValueError, credited_units, promised, value_return
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.policy import Approval, ApprovalRule
from counterfoil.core.returns import Disposition

APPROVERS = ("finance",)
"""Who approves where a rule names nobody (R129)."""

DAMAGE_WORDS = ("damag", "defect", "broken", "faulty")
"""Stems of declared reasons, or of the codes they map to, that make a return a damage claim (R76)."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One approval that is needed: the rule's name, why it applies, the terms, who may give it, who has.

    `given` and `refused` hold only voices that count.
    """

    rule: str
    because: str
    terms: Terms
    approvers: tuple[str, ...]
    people: int
    given: tuple[Voice, ...] = ()
    refused: tuple[Voice, ...] = ()

    @property
    def met(self) -> bool:
        """Enough people agree, and nobody refuses."""
        return not self.refused and len(self.given) >= self.people

    @property
    def missing(self) -> int:
        """How many more people have to agree."""
        return max(0, self.people - len(self.given))


def wanted(look: Look) -> tuple[Wanted, ...]:
    """Every approval the refund needs now, met or not. Nothing while the return is not worth anything yet."""
    terms = terms_of(look)
    if terms is None:
        return ()
    found = []
    for rule in _rules(look):
        because = _applies(look, rule, terms)
        if because:
            found.append(_counted(look, rule, because, terms))
    return tuple(found)


def terms_of(look: Look) -> Terms | None:
    """What would be paid if the gate opened now; None while that is unknown. Raises nothing for a return without value.

    The greater of our figure and the portal's counts: an approval for less never covers more.
    """
    try:
        value = value_return(look)
    except CannotValueError:
        value = None
    due = promised(look.case)
    if value is None and due is None:
        return None
    amount = max(value.total if value is not None else 0, due or 0)
    units = tuple(sorted(unit.unit_id for unit in credited_units(look.case)))
    return Terms(amount=amount, currency=look.case.currency, method=_method(look), units=units)


def why_not(look: Look, wish: Wanted, by: str, roles: tuple[str, ...]) -> str:
    """Why this person's answer would not count, as a sentence; "" when it would."""
    if not by.strip():
        return "An approval needs a name."
    if any(same_person(by, maker) for maker in look.case.makers):
        return f"{by} shaped this return, and who asks for money may not approve it; somebody else has to."
    if not set(roles) & set(wish.approvers):
        return f"{by} may not approve this: it takes {' or '.join(wish.approvers)}."
    return ""


def name_of(rule: ApprovalRule) -> str:
    """A rule's name in the log and on screen, made of its own conditions: the same rule has the same name."""
    parts = []
    if rule.value_above is not None:
        parts.append(f"value above {rule.value_above} {rule.currency or 'minor units'}")
    elif rule.currency:
        parts.append(rule.currency)
    named = (("category", rule.categories), ("tier", rule.tiers), ("country", rule.countries), ("risk", rule.risk))
    parts += [f"{word} {' or '.join(values)}" for word, values in named if values]
    if rule.method:
        parts.append(rule.method.replace("_", " "))
    return ", ".join(parts) or "every refund"


def _rules(look: Look) -> tuple[ApprovalRule, ...]:
    """The policy's rules, and what its older axis D4 says in the same words."""
    policy = look.policy
    match policy.approval:
        case Approval.ALWAYS:
            return (ApprovalRule(), *policy.approvals)
        case Approval.ABOVE_THRESHOLD:
            return (ApprovalRule(value_above=policy.approval_threshold or 0), *policy.approvals)
        case Approval.AUTOMATIC:
            return policy.approvals


def _applies(look: Look, rule: ApprovalRule, terms: Terms) -> str:
    """Why the rule asks for people, or "" when it does not. What cannot be known counts against the refund."""
    share = _share(look, rule.method, terms)
    if share <= 0:
        return ""
    checks = (
        _by_value(look, rule, share),
        _by_category(look, rule),
        _by_place(look, rule),
        _by_risk(look, rule, terms),
    )
    if "" in checks:
        return ""
    return "; ".join(reason for reason in checks if reason and reason != _NOT_ASKED) or "the policy asks for it always"


_NOT_ASKED = "-"  # a condition the rule does not name


def _by_value(look: Look, rule: ApprovalRule, share: int) -> str:
    """A threshold of another currency says nothing; where no rule speaks of this currency, people must look."""
    currency = look.case.currency
    if rule.currency is not None and rule.currency != currency:
        spoken = {other.currency for other in _rules(look) if other.value_above is not None}
        silent = rule.value_above is not None and currency not in spoken and None not in spoken
        return f"no threshold is agreed for {currency}" if silent else ""
    if rule.value_above is None:
        return _NOT_ASKED
    if share <= rule.value_above:
        return ""
    return f"{to_text(share, currency)} {currency} is more than {to_text(rule.value_above, currency)}"


def _by_category(look: Look, rule: ApprovalRule) -> str:
    if not rule.categories:
        return _NOT_ASKED
    for unit in look.case.units:
        category = look.mapping.categories.get(unit.sku or "")
        if category is None:
            return f"nobody said which category {unit.sku or 'an item'} is"
        if category in rule.categories:
            return f"{unit.sku} is {category}"
    return ""


def _by_place(look: Look, rule: ApprovalRule) -> str:
    reasons = []
    if rule.countries:
        shown = look.case.portal_return
        country = (shown.country if shown else None) or (look.case.order.country if look.case.order else None)
        if country is not None and country not in rule.countries:
            return ""
        reasons.append(f"the customer's country is {country or 'unknown'}")
    if rule.tiers:
        tier = look.case.risk.tier if look.case.risk is not None else None
        if tier is not None and tier not in rule.tiers:
            return ""
        reasons.append(f"the customer's tier is {tier or 'unknown'}")
    return "; ".join(reasons) or _NOT_ASKED


def _by_risk(look: Look, rule: ApprovalRule, terms: Terms) -> str:
    if not rule.risk:
        return _NOT_ASKED
    seen = signals(look, terms)
    return "; ".join(seen[name] for name in rule.risk if name in seen)


def signals(look: Look, terms: Terms) -> dict[str, str]:
    """Risk signals that hold (R86), each with its reason. One that cannot be worked out holds."""
    found = {}
    risk, policy = look.case.risk, look.policy
    earlier = risk.earlier_returns if risk is not None else None
    if earlier is None:
        found["repeat_returns"] = "the customer's earlier returns are unknown"
    elif earlier >= policy.repeat_returns_from:
        found["repeat_returns"] = f"the customer returned {earlier} times before"
    if policy.high_value_above is None:
        found["high_value"] = "nobody said what a high value is"
    elif terms.amount > policy.high_value_above:
        found["high_value"] = f"{to_text(terms.amount, terms.currency)} {terms.currency} is a high value"
    mismatch = risk.address_mismatch if risk is not None else None
    if mismatch is not False:
        found["address_mismatch"] = "billing and delivery address differ" if mismatch else "the addresses are unknown"
    claim = _damage_claim(look)
    if claim:
        found["damage_claim"] = claim
    return found


def _damage_claim(look: Look) -> str:
    for unit in look.case.units:
        words = f"{unit.reason or ''} {look.mapping.reason(unit.reason) or ''}".casefold()
        if any(stem in words for stem in DAMAGE_WORDS):
            return f"the customer says “{unit.reason}”"
        if unit.disposition is Disposition.DAMAGED:
            return f"{unit.sku or unit.unit_id} came back damaged"
    return ""


def _share(look: Look, method: str | None, terms: Terms) -> int:
    """The part of the money that goes out by this method (R77)."""
    shown = look.case.portal_return
    credit = (shown.tenders.store_credit or 0) if shown is not None else 0
    if method == "store_credit":
        return min(credit, terms.amount)
    return terms.amount - min(credit, terms.amount) if method == "original" else terms.amount


def _method(look: Look) -> str:
    shown = look.case.portal_return
    if shown is None or not shown.tenders.store_credit:
        return "original"
    return "both" if shown.tenders.refund else "store_credit"


def _counted(look: Look, rule: ApprovalRule, because: str, terms: Terms) -> Wanted:
    approvers = rule.approvers or APPROVERS
    wish = Wanted(rule=name_of(rule), because=because, terms=terms, approvers=approvers, people=max(1, rule.people))
    heard = [v for v in look.case.voices if v.rule == wish.rule and v.terms == terms]
    newest = [v for n, v in enumerate(heard) if not any(same_person(v.by, later.by) for later in heard[n + 1 :])]
    counting = [v for v in newest if not why_not(look, wish, v.by, v.roles)]
    given = tuple(v for v in counting if v.agreed)
    return msgspec.structs.replace(wish, given=given, refused=tuple(v for v in counting if not v.agreed))

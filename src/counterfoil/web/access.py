"""Who may do what: roles and permissions, and how a view declares what it asks for.

Roles are groups; a change counts from the next request on. `gate.py` enforces what is declared here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import rules as untyped_rules
from django.http import HttpRequest, HttpResponseBase

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

rules: Any = untyped_rules  # the package carries no annotations

ROLES = ("finance", "ops", "cx", "integration", "auditor", "admin")

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

PUBLIC = "public"
SIGNED_IN = "signed in"
CLOSED = "closed"

ACCOUNT_ROUTES = {
    "account_login": PUBLIC,
    "account_logout": SIGNED_IN,
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "mfa_authenticate": PUBLIC,  # half signed in: allauth keeps the pending login in the session
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
}
"""What we offer of the account package's routes. Routes of its folders that are not named here are closed."""

ACCOUNT_FOLDER = "account/"


def _in_groups(*names: str) -> Any:
    return rules.is_group_member(*names) if len(names) == 1 else _any_of([rules.is_group_member(n) for n in names])


def _any_of(predicates: list[Any]) -> Any:
    found = predicates[0]
    for predicate in predicates[1:]:
        found = found | predicate
    return found


@rules.predicate  # type: ignore[untyped-decorator]
def owns_problem(user: AbstractBaseUser, problem: Any) -> bool:
    """Whether the user's team owns the problem. Without a problem the question is about the page alone."""
    return problem is None or bool(rules.is_group_member(problem["owner"])(user))


PERMISSIONS: dict[str, tuple[Any, str]] = {
    "returns.view": (_in_groups(*ROLES), "anyone with a role"),
    "audit.view": (_in_groups("auditor", "finance", "integration", "admin"), "finance, integration or an auditor"),
    "refunds.approve": (
        _in_groups("finance", "ops", "cx", "integration", "admin"),
        "whoever the approval rule names",
    ),
    "problems.retry": (_in_groups("finance", "ops", "integration", "admin"), "finance, operations or integration"),
    "problems.accept": (_in_groups("finance", "admin"), "finance"),
    "problems.settle": (_in_groups("finance", "ops", "admin"), "finance or operations"),
    "problems.resolve": (
        _in_groups("admin") | (_in_groups("finance", "ops", "cx", "integration") & owns_problem),
        "the team that owns it",
    ),
    "proof.comment": (
        _in_groups("finance", "ops", "cx", "integration", "auditor", "admin"),
        "anyone with a role",
    ),
    "proof.decide": (_in_groups("finance", "ops", "admin"), "finance or operations"),
    "proof.approve": (_in_groups("finance", "admin"), "finance"),
    "problems.work": (
        _in_groups("finance", "ops", "cx", "integration", "admin"),
        "finance, operations, customer experience or integration",
    ),
    "steps.edit": (_in_groups("finance", "ops", "integration", "admin"), "finance, operations or integration"),
    "words.change": (
        _in_groups("finance", "ops", "cx", "integration", "admin"),
        "finance, operations, customer experience or integration",
    ),
    "connections.pause": (_in_groups("finance", "ops", "integration", "admin"), "finance, operations or integration"),
    "connections.resume": (_in_groups("integration", "admin"), "integration"),
    "deliveries.view": (_in_groups("integration", "admin", "auditor"), "integration or an auditor"),
    "deliveries.requeue": (_in_groups("integration", "admin"), "integration"),
    "people.view": (_in_groups("auditor", "admin"), "an administrator or an auditor"),
    "people.change": (_in_groups("admin"), "an administrator"),
}
"""Each permission: its predicate, and who has it in words, for the sentence beside an action that is not offered."""

MOVES_MONEY = frozenset({"refunds.approve", "problems.accept", "problems.settle"})
"""Permissions whose use may let money go: they ask for a fresh sign-in first (R78)."""

SCOPES = {
    "read": frozenset({"returns.view", "audit.view", "deliveries.view", "people.view"}),
    "work": frozenset(
        {"problems.work", "problems.retry", "problems.resolve", "steps.edit", "proof.comment", "proof.decide"}
    ),
    "money": MOVES_MONEY | {"proof.approve"},
    "words": frozenset({"words.change"}),
    "connections": frozenset({"connections.pause", "connections.resume", "deliveries.requeue"}),
    "people": frozenset({"people.change"}),
}
"""What a token may be given: each permission is in exactly one scope. A token never does more than its owner may."""

for _name, (_predicate, _) in PERMISSIONS.items():
    if not rules.perm_exists(_name):
        rules.add_perm(_name, _predicate)


def page(permission: str) -> Callable[[View], View]:
    """Declare what a view asks for: a permission, or PUBLIC, or SIGNED_IN."""
    assert permission in PERMISSIONS or permission in (PUBLIC, SIGNED_IN), permission

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare


def who_may(permission: str) -> str:
    """Who has a permission, in words."""
    return PERMISSIONS[permission][1]


def scope_of(permission: str) -> str:
    """The scope a permission is in."""
    return next(scope for scope, permissions in SCOPES.items() if permission in permissions)


def declared(view: Any, route_name: str | None, route: str) -> str | None:
    """The permission a resolved route asks for, or None when it declares none."""
    permission = getattr(view, "permission", None)
    if permission is not None:
        return str(permission)
    if route.startswith(ACCOUNT_FOLDER):
        return ACCOUNT_ROUTES.get(route_name or "", CLOSED)
    return None


def may(request: HttpRequest, permission: str, about: Any = None) -> bool:
    """Whether the person asking has a permission, for the page or for one thing on it."""
    user: Any = request.user
    return bool(user.has_perm(permission, about))

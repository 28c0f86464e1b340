"""People: who may have an account, and making one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an administrator; nobody signs up by themselves."""

    def is_open_for_signup(self, request: Any) -> bool:
        """Never."""
        return False


def ensure_user(username: str, password: str, roles: Iterable[str]) -> None:
    """A user with exactly these roles and this password, made or brought up to date."""
    from django.contrib.auth.models import Group, User

    user, _ = User.objects.get_or_create(username=username)
    if not user.has_usable_password() or not user.check_password(password):
        user.set_password(password)
        user.save()
    user.groups.set(Group.objects.filter(name__in=list(roles)))


def proven_roles(username: str, password: str) -> tuple[str, ...]:
    """See `counterfoil.web.roles_of`."""
    from allauth.mfa.utils import is_mfa_enabled
    from django.contrib.auth.models import User

    user = User.objects.filter(username=username, is_active=True).first()
    if user is None or not user.check_password(password):
        raise PermissionError("Name and password do not fit together.")
    if is_mfa_enabled(user):
        raise PermissionError(f"{username} has a second factor: answer on the console, which can ask for it.")
    return tuple(sorted(user.groups.values_list("name", flat=True)))

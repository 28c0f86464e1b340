"""Accounts as an administrator sees and changes them. What is changed counts from the next request on, at every door.

Every change is written to the log with who made it. The last administrator cannot be closed or lose the role.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from counterfoil.ports.actions import ActionError
from counterfoil.store import access as stored
from counterfoil.web.access import ROLES
from counterfoil.web.system import current

PEOPLE_MAX = 1_000
SESSIONS_MAX = 20_000
NAME_MAX = 150


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account, as the page and the access review tell it."""

    id: int
    username: str
    roles: tuple[str, ...]
    active: bool
    second_factor: bool
    last_sign_in: str | None
    sessions: int
    tokens: int


def accounts() -> list[Account]:
    """Every account, by name."""
    sessions = _sessions_by_user()
    factors = set(Authenticator.objects.values_list("user_id", flat=True))
    with current().database.read() as tx:
        tokens = {row["user_id"]: row["tokens"] for row in tx.rows("tokens_living", now=_now_ms())}
    found = User.objects.prefetch_related("groups").order_by("username")[:PEOPLE_MAX]
    return [
        Account(
            id=user.pk,
            username=user.username,
            roles=tuple(sorted(group.name for group in user.groups.all() if group.name in ROLES)),
            active=user.is_active,
            second_factor=user.pk in factors,
            last_sign_in=user.last_login.strftime("%Y-%m-%dT%H:%M:%SZ") if user.last_login else None,
            sessions=len(sessions.get(str(user.pk), [])),
            tokens=tokens.get(user.pk, 0),
        )
        for user in found
    ]


def add(username: str, password: str, roles: Iterable[str], by: str) -> None:
    """A new account. Raises ActionError when the name is taken or the password too weak."""
    wanted = _known(roles)
    if not username or len(username) > NAME_MAX or not username.isprintable() or "," in username:
        raise ActionError(f"A name has 1 to {NAME_MAX} signs and no comma.")
    if User.objects.filter(username__iexact=username).exists():
        raise ActionError(f"There is an account called {username} already.")
    user = User(username=username)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ActionError(" ".join(error.messages)) from error
    user.set_password(password)
    with transaction.atomic():
        user.save()
        user.groups.set(Group.objects.filter(name__in=wanted))
        _note("AccountMade.v1", by, {"of": username, "roles": wanted})


def give_roles(number: int, roles: Iterable[str], by: str) -> None:
    """Exactly these roles, from the next request on."""
    wanted = _known(roles)
    with transaction.atomic():
        user = _held(number)
        if "admin" not in wanted:
            _not_the_last(user)
        before = sorted(user.groups.values_list("name", flat=True))
        user.groups.set(Group.objects.filter(name__in=wanted))
        _note("RolesGiven.v1", by, {"of": user.username, "before": before, "roles": wanted})


def close(number: int, by: str) -> None:
    """Nobody signs in with it any more; its sessions and tokens end at once."""
    with transaction.atomic():
        user = _held(number)
        _not_the_last(user)
        user.is_active = False
        user.save(update_fields=["is_active"])
        _note("AccountClosed.v1", by, {"of": user.username})
    end_sessions(number, by)
    with current().database.write() as tx:
        stored.end_tokens(tx, number, by)


def reopen(number: int, by: str) -> None:
    """It may sign in again. Ended sessions and tokens stay ended."""
    with transaction.atomic():
        user = _held(number)
        user.is_active = True
        user.save(update_fields=["is_active"])
        _note("AccountReopened.v1", by, {"of": user.username})


def end_sessions(number: int, by: str, besides: str | None = None) -> int:
    """End a person's sessions, all or all but one; how many."""
    keys = [key for key in _sessions_by_user().get(str(number), []) if key != besides]
    Session.objects.filter(session_key__in=keys).delete()
    _note("SessionsEnded.v1", by, {"person": number, "sessions": len(keys)})
    return len(keys)


def _sessions_by_user() -> dict[str, list[str]]:
    """The living sessions of each person. A session keeps its owner inside, so each is opened."""
    found: dict[str, list[str]] = {}
    for session in Session.objects.filter(expire_date__gt=timezone.now())[:SESSIONS_MAX]:
        owner = session.get_decoded().get("_auth_user_id")
        if owner is not None:
            found.setdefault(str(owner), []).append(str(session.session_key))
    return found


def _known(roles: Iterable[str]) -> list[str]:
    wanted = sorted(set(roles))
    unknown = [role for role in wanted if role not in ROLES]
    if unknown:
        raise ActionError(f"There is no role {unknown[0]}; there are {', '.join(ROLES)}.")
    return wanted


def _held(number: int) -> User:
    user = User.objects.select_for_update().filter(pk=number).first()
    if user is None:
        raise ActionError("There is no such account.")
    return user


def _not_the_last(user: User) -> None:
    others = User.objects.filter(is_active=True, groups__name="admin").exclude(pk=user.pk)
    if user.is_active and user.groups.filter(name="admin").exists() and not others.exists():
        raise ActionError(f"{user.username} is the last administrator; give somebody else the role first.")


def _note(name: str, by: str, what: dict[str, Any]) -> None:
    with current().database.write() as tx:
        stored.note(tx, name, by, what)


def _now_ms() -> int:
    return int(timezone.now().timestamp() * 1000)

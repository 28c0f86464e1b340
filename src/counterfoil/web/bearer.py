"""Who calls the JSON API: a token stands for its owner, within its scopes, at a measured pace.

Called by the gate, which every door passes. Whatever a token says, its owner needs the permission now: a role taken
away or an account closed counts from the next call on.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from counterfoil.store import access as stored
from counterfoil.store.database import Row, now_ms
from counterfoil.web.access import PERMISSIONS, SIGNED_IN, may, scope_of, who_may
from counterfoil.web.refusals import Refusal
from counterfoil.web.system import current

CALLS_PER_S = 20.0
BURST = 100.0
REMEMBERED_MAX = 10_000


class Pace:
    """So many calls a second for each token, with a burst; kept in this process, so several processes allow more."""

    def __init__(self, per_s: float = CALLS_PER_S, burst: float = BURST) -> None:
        self._per_s, self._burst = per_s, burst
        self._left: OrderedDict[int, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, token: int, now: float) -> float:
        """Zero when the call may go on, otherwise how long to wait."""
        with self._lock:
            left, at = self._left.pop(token, (self._burst, now))
            left = min(self._burst, left + max(0.0, now - at) * self._per_s)
            allowed = left >= 1
            self._left[token] = (left - 1 if allowed else left, now)
            if len(self._left) > REMEMBERED_MAX:
                self._left.popitem(last=False)
            return 0.0 if allowed else (1 - left) / self._per_s


PACE = Pace()


def refusal(request: HttpRequest, permission: str | None) -> HttpResponse | None:
    """None lets the endpoint run, with the token's owner as the person asking."""
    try:
        _admit(request, permission)
    except Refusal as refused:
        return refused.answer()
    return None


def _admit(request: HttpRequest, permission: str | None) -> None:
    token, user = _identified(request)
    wait = PACE.wait_s(token["id"], time.monotonic())
    if wait:
        text = "Too many calls with this token; wait as long as Retry-After says."
        raise Refusal(429, "too-many-calls", text, Retry_After=str(int(wait) + 1))
    request.user = user
    if permission == SIGNED_IN:
        return
    if permission not in PERMISSIONS:
        raise Refusal(403, "not-allowed", "The address declares no permission, so it stays shut.")
    scope = scope_of(permission)
    if scope not in token["scopes"].split(","):
        raise Refusal(403, "scope-missing", f"This token was not given the scope “{scope}”.")
    if not may(request, permission):
        raise Refusal(403, "not-allowed", f"Your account may not do this; {who_may(permission)} can.")


def _identified(request: HttpRequest) -> tuple[Row, User]:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        text = "Send a token: “Authorization: Bearer cfk_…”. People make theirs on the console, under Tokens."
        raise Refusal(401, "token-missing", text, WWW_Authenticate="Bearer")
    database, now = current().database, now_ms()
    with database.read() as tx:
        token = stored.find(tx, given.strip(), now)
    user = User.objects.filter(pk=token["user_id"], is_active=True).first() if token else None
    if token is None or user is None:
        text = "This token is unknown, has ended, or its owner's account is closed."
        raise Refusal(401, "token-unknown", text, WWW_Authenticate='Bearer error="invalid_token"')
    if (token["last_used_ms"] or 0) < now - stored.USED_EVERY_MS:
        with database.write() as tx:
            tx.run("token_used", id=token["id"], now=now, before=now - stored.USED_EVERY_MS)
    return token, user

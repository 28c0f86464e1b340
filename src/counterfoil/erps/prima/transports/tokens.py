"""OAuth2 client-credentials tokens for the REST gateway (Prima sheet §5): fetched when needed, kept until they age."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlencode

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import UnreadableError, read_object
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.ports.outcomes import Busy, LockedOut, Unknown

LIFETIME_S_DEFAULT = 300  # when the server does not say
EARLY_S = 30  # fetched anew this long before the end, so that no request carries a dying token


class TokenSource:
    """The current bearer token of one connection. Safe for several threads; `clock` counts seconds, monotonic."""

    def __init__(self, http: Http, config: PrimaConfig, clock: Callable[[], float]) -> None:
        self._http = http
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def token(self, *, fresh: bool) -> str | Busy | LockedOut:
        """A token to send now; `fresh` asks for a new one because the last was refused."""
        with self._lock:
            if self._token and not fresh and self._clock() < self._ends:
                return self._token
            return self._fetch()

    def _fetch(self) -> str | Busy | LockedOut:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret,
        }
        answer = self._http.call(
            "POST",
            self._config.token_url,
            writes=False,
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        if not isinstance(answer, Answered):
            return _busy(answer)
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            message = "Prima's token server refused our client id or secret, or is not at this address."
            return LockedOut(message=message, code=str(answer.status))
        try:
            found = read_object(answer.body)
            token, lifetime_s = found.need("access_token"), found.whole("expires_in") or LIFETIME_S_DEFAULT
        except UnreadableError as trouble:
            return Busy(message="Prima's token server did not give a token.", detail=f"{answer.status}: {trouble}")
        self._token, self._ends = token, self._clock() + max(lifetime_s - EARLY_S, 0)
        return token


def _busy(failed: Busy | Unknown) -> Busy:
    return Busy(message=failed.message, detail=failed.detail)

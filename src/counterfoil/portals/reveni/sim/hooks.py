"""Webhooks of the simulated Reveni: registrations per store, thin envelopes, no signature by default (sheet §3)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from counterfoil.portals.reveni.sim.intake import Ids
from counterfoil.portals.reveni.sim.records import Json, Return
from counterfoil.portals.reveni.sim.views import Writer
from counterfoil.simkit.amounts import encode
from counterfoil.simkit.outbox import Outbox

TOPICS = ("return.created", "return.updated")
VARIANTS = ("normal", "duplicate", "empty", "truncated", "unknown_event", "foreign_id", "extra_keys", "signed")


class Hooks:
    """Sends events to whoever registered."""

    def __init__(self, settings: Json, outbox: Outbox, writer: Writer, ids: Ids) -> None:
        self._settings = settings
        self._outbox = outbox
        self._writer = writer
        self._ids = ids
        self.registrations: list[Json] = []  # {id, url, event_types}, and `sandbox`, which the API does not show

    def register(self, given: Any, sandbox: bool = False) -> Json:
        """Register an address for some topics. Raises ValueError with the field's complaint."""
        made = {"id": self._ids.new("webhook"), **checked(given), "sandbox": sandbox}
        self.registrations.append(made)
        return made

    def announce(self, name: str, made: Return, at: datetime) -> None:
        """Tell everybody registered for the topic; one envelope id per event, the same for all."""
        body = encode(self._writer.event(made, name, self._ids.new("event"), at))
        for url in self._addresses(name, made):
            self._outbox.post(url, body, name, made.id, self._signature(body))

    def again(self, name: str, made: Return, at: datetime, variant: str, url: str | None) -> int:
        """Send an event again, in one of the ways deliveries go wrong; returns how many went out."""
        addresses = [url] if url else self._addresses(name, made)
        body = self._writer.event(made, name, self._ids.new("event"), at)
        for address in addresses:
            if variant == "duplicate" and self._outbox.again(address, name, made.id):
                continue
            raw = _spoiled(body, variant)
            headers = self._signature(raw, "example-secret" if variant == "signed" else None)
            self._outbox.post(address, raw, name, made.id, headers)
        return len(addresses)

    def _addresses(self, name: str, made: Return) -> list[str]:
        rows = [row for row in self.registrations if row["sandbox"] == made.sandbox and name in row["event_types"]]
        return [row["url"] for row in rows]

    def _signature(self, body: bytes, secret: str | None = None) -> Json:
        """No header at all, unless a secret is set: nobody has seen one (§3)."""
        secret = secret or self._settings["signature_secret"]
        if not secret:
            return {}
        return {self._settings["signature_header"]: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def checked(given: Any) -> Json:
    """Address and topics of a registration. Raises ValueError."""
    if not isinstance(given, dict) or not str(given.get("url", "")).startswith(("http://", "https://")):
        raise ValueError("url: enter a valid URL.")
    topics = given.get("event_types")
    if not isinstance(topics, list) or not topics or not set(topics) <= set(TOPICS):
        raise ValueError(f"event_types: a list of {', '.join(TOPICS)}.")
    return {"url": given["url"], "event_types": list(topics)}


def _spoiled(body: Json, variant: str) -> bytes:
    match variant:
        case "empty":
            return b""
        case "unknown_event":
            body = {**body, "event": "return.something_new"}
        case "foreign_id":
            body = {**body, "data": {**body["data"], "resource_id": "0" * 32}}
        case "extra_keys":
            body = {"version": "v0", **body, "data": {"store": {"tags": []}, **body["data"]}}
    raw = encode(body)
    return raw[: len(raw) // 2] if variant == "truncated" else raw

"""Reveni's webhook subscriptions: making sure ours exists (Reveni sheet §2).

Only making and deleting one is known. Whether they can be listed is not, so the list is asked for and may be missing; a
second subscription would only send us every event twice, and each event only makes us read a return again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.portals.reveni.translate import TOPICS
from counterfoil.portals.reveni.transport import Heard, Transport
from counterfoil.ports.outcomes import Done, Outcome, Refused

PATH = "/webhooks"


def ensure(reveni: Transport, url: str) -> Outcome:
    """Subscribe `url` to what is missing. `url` ends in a webhook secret; it is never part of a message."""
    heard = reveni.get(PATH)
    if not isinstance(heard, Heard | Refused):
        return heard
    there = set(_subscribed(heard.value, url)) if isinstance(heard, Heard) else set()
    missing = [topic for topic in TOPICS if topic not in there]
    if not missing:
        return Done(message="Every webhook was already there.")
    made = reveni.post(PATH, {"event_types": missing, "url": url})
    if not isinstance(made, Heard):
        return made
    return Done(ref=_id(made.value), message=f"Webhooks set up: {', '.join(missing)}.")


def _subscribed(value: Any, url: str) -> Iterator[str]:
    """Topics that already come to this address; nothing when the list cannot be read."""
    listed = value.get("results", value.get("webhooks")) if isinstance(value, Mapping) else value
    try:
        for one in Fields({"webhooks": listed}).each("webhooks"):
            topics = one.raw("event_types")
            if one.text("url") == url and isinstance(topics, list):
                yield from (topic for topic in topics if isinstance(topic, str))
    except UnreadableError:
        return


def _id(value: Any) -> str | None:
    try:
        return Fields(value).text("id") if isinstance(value, Mapping) else None
    except UnreadableError:
        return None

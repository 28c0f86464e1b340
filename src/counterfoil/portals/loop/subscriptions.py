"""Loop's webhook subscriptions: which ones we need, and making sure they exist and are awake (Loop sheet §6.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.portals.loop.transport import Heard, Transport
from counterfoil.ports.outcomes import Busy, Done, Outcome

PATH = "/webhooks"

# Topic and trigger (§3). Happy Returns shipments and label requests say nothing we act on, so they are not asked for.
WANTED: tuple[tuple[str, str], ...] = (
    ("return", "return.created"),
    ("return", "return.updated"),
    ("return", "return.closed"),
    ("return.processing", "return.processing.failed"),
    ("label", "label.created"),
    ("label", "label.updated"),
    ("restock", "restock.requested"),
    ("giftcard", "giftcard.requested"),
)


def ensure(loop: Transport, url: str) -> Outcome:
    """Create what is missing and wake what sleeps; stops at the first call that fails, and may be repeated."""
    heard = loop.get(PATH)
    if not isinstance(heard, Heard):
        return heard
    try:
        known = {
            (one.text("topic"), one.text("trigger")): one for one in _listed(heard.value) if one.text("url") == url
        }
    except UnreadableError as error:
        return Busy(message="Loop's list of webhooks could not be read.", detail=str(error))
    written: list[str] = []
    for topic, trigger in WANTED:
        call = _needed(known.get((topic, trigger)))
        if call is None:
            continue
        # Always with a status: its default is inactive in one text and active in another.
        made = loop.write(*call, {"topic": topic, "trigger": trigger, "url": url, "status": "active"})
        if not isinstance(made, Heard):
            return made
        written.append(trigger)
    return Done(message=f"Webhooks set up: {', '.join(written)}." if written else "Every webhook was already there.")


def _needed(known: Fields | None) -> tuple[str, str] | None:
    """The method and path that make a subscription active, or None when it is."""
    if known is None:
        return "POST", PATH
    if (known.text("status") or "").lower() == "active":
        return None
    return "PUT", f"{PATH}/{quote(known.need('id'), safe='')}"


def _listed(value: Any) -> Iterator[Fields]:
    """The subscriptions of an answer: under `webhooks`, or a bare array."""
    yield from Fields(value if isinstance(value, Mapping) else {"webhooks": value}).each("webhooks")

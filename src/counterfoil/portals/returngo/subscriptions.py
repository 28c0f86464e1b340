"""Registering webhooks: one registration for each event, to one secret address (ReturnGO sheet §5)."""

from __future__ import annotations

from counterfoil.portals.returngo.config import Template
from counterfoil.portals.returngo.transport import Heard, Transport
from counterfoil.portals.returngo.words import EVENTS
from counterfoil.ports.outcomes import Busy, Done, Outcome

LIST_PATH = "/webhooks"
ADD_PATH = "/webhook"


def filled(template: Template, **values: str) -> dict[str, str | bool]:
    """A body from its template: `{name}` stands for a value (the bodies of ReturnGO's writes are inferred, §2)."""
    body: dict[str, str | bool] = {}
    for field, pattern in template.items():
        text = pattern
        for name, value in values.items():
            if pattern == f"{{{name}}}":
                text = value
        body[field] = text
    return body


def ensure(returngo: Transport, url: str, template: Template) -> Outcome:
    """Make every event point to `url`. Registrations to other addresses are somebody else's and stay."""
    listed = returngo.get(LIST_PATH)
    if not isinstance(listed, Heard):
        return listed
    if not isinstance(listed.value, list):
        return Busy(message="ReturnGO's list of webhooks was no list.")
    known = {row.get("eventName") for row in listed.value if isinstance(row, dict) and row.get("url") == url}
    missing = [event for event in EVENTS if event not in known]
    for event in missing:
        added = returngo.write("POST", ADD_PATH, filled(template, url=url, event=event))
        if not isinstance(added, Heard):
            return added
    told = f"Added: {', '.join(missing)}." if missing else "Every event was registered already."
    return Done(message=told)

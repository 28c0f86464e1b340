"""A return's log as a story: what was reported, what we asked for and why, what came of it, who stepped in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from counterfoil.store.database import Row
from counterfoil.web import words
from counterfoil.web.formats import amount_text, counted


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story. `tone` is fact, asked, done, refused or person."""

    seq: int
    at_ms: int
    tone: str
    title: str
    actor: str
    detail: str = ""
    why: str = ""
    rule: str = ""
    number: str = ""
    url: str = ""


def entries(rows: Iterable[Row], steps: Mapping[str, str]) -> list[Entry]:
    """The story of these log rows, in their order. `steps` gives each step's command name."""
    return [_entry(row, steps) for row in rows]


def _entry(row: Row, steps: Mapping[str, str]) -> Entry:
    name = words.base_name(row["name"])
    fact = payload(row["payload"])
    tell = _TELLERS.get(name, _plain_fact)
    told = tell(fact, name, steps)
    return Entry(
        seq=row["seq"],
        at_ms=row["at_ms"],
        actor=words.actor(row["actor"]),
        **{"tone": "fact", "title": words.fact(name), **told},
    )


def payload(text: str) -> dict[str, Any]:
    """A log row's fact as plain values; an unreadable one is shown as having nothing to say."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain_fact(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    return {"detail": str(fact.get("reason") or "")}


def _house(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    """What people did to a connection, a delivery or a loose exception: which one, and why."""
    which = fact.get("name") or fact.get("delivery") or fact.get("problem")
    parts = [str(part) for part in (which, fact.get("reason")) if part]
    return {"tone": "person", "detail": ": ".join(parts)}


def _proof(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    """What was decided about which records, and why."""
    told = [str(record.get("record_id", "")) for record in fact.get("records") or ()] or [str(fact.get("record") or "")]
    number = f"decision {fact['decision']}" if fact.get("decision") else ""
    what = str(fact.get("what") or fact.get("state") or "").replace("_", " ")
    why = str(fact.get("because") or fact.get("reason") or fact.get("words") or "")
    return {"tone": "person", "detail": ", ".join(filter(None, [number, what, *told])), "why": why}


def _portal(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    shown = fact.get("portal_return") or {}
    units = sum(line.get("qty", 1) for line in shown.get("lines") or ())
    order = shown.get("order_name") or shown.get("order_ref")
    parts = [counted(units, "unit") if units else "", f"order {order}" if order else ""]
    return {"detail": ", ".join(part for part in parts if part)}


def _label(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    title = words.LABEL.get(str(fact.get("label_status")), words.fact(name))
    parts = [fact.get("carrier"), fact.get("tracking")]
    return {"title": title, "detail": " ".join(str(part) for part in parts if part)}


def _warehouse(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    receipt = fact.get("receipt") or {}
    lines = receipt.get("lines") or ()
    units = sum(line.get("received_quantity", 0) for line in lines)
    found: dict[str, int] = {}
    for line in lines:
        for part in line.get("dispositions") or ():
            word = words.DISPOSITION.get(part["disposition"], words.plain(part["disposition"]))
            found[word] = found.get(word, 0) + part["quantity"]
    detail = counted(units, "unit") + (f" at {receipt['warehouse_code']}" if receipt.get("warehouse_code") else "")
    if found:
        detail += ": " + ", ".join(f"{quantity} {word}" for word, quantity in found.items())
    return {
        "title": words.WAREHOUSE.get(str(receipt.get("event_type")), words.fact(name)),
        "detail": detail,
        "number": str(receipt.get("receipt_id") or ""),
    }


def _money(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    amount = fact.get("amount", fact.get("issued"))
    state = words.REFUND_STATE.get(str(fact.get("status")), "")
    through = f"through {fact['gateway']}" if fact.get("gateway") else ""
    shown = amount_text(amount, fact.get("currency"))
    return {
        "detail": ", ".join(part for part in (shown, through, state) if part),
        "number": str(fact.get("refund_ref") or fact.get("ref") or ""),
    }


def _order(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    order = fact.get("order") or {}
    return {"detail": str(order.get("order_name") or order.get("name") or order.get("order_ref") or "")}


def _asked(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    because = words.spoken(str(fact.get("because") or ""))
    again = f"asked for the {_ordinal(fact['edition'])} time" if fact.get("edition", 1) > 1 else ""
    return {
        "tone": "asked",
        "title": words.asked(str(fact.get("name"))),
        "detail": again,
        "why": because[:1].upper() + because[1:] + ("." if because and because[-1] not in ".!?" else ""),
        "rule": words.plain(str(fact.get("rule") or "")),
    }


def _ordinal(edition: int) -> str:
    return {2: "second", 3: "third"}.get(edition, f"{edition}th")


def _done(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    return {
        "tone": "done",
        "title": words.done(steps.get(str(fact.get("step")), str(fact.get("step")))),
        "detail": str(fact.get("message") or ""),
        "number": str(fact.get("number") or fact.get("ref") or ""),
        "url": web_address(fact.get("url")),
    }


def _refused(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    step = steps.get(str(fact.get("step")), str(fact.get("step")))
    return {
        "tone": "refused",
        "title": f"Refused: {words.asked(step)[:1].lower()}{words.asked(step)[1:]}",
        "detail": str(fact.get("message") or ""),
    }


def _edits(fact: dict[str, Any]) -> str:
    """What a person changed in a command: "credit date 2026-10-31 → 2026-11-02"."""
    changes = [
        f"{words.plain(str(edit.get('path', '')).rsplit('.', 1)[-1])} {edit.get('before') or 'nothing'} → "
        f"{edit.get('after') or 'nothing'}"
        for edit in fact.get("edits") or []
        if isinstance(edit, dict)
    ]
    return f"Changed: {'; '.join(changes)}." if changes else ""


def _person(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    step = steps.get(str(fact.get("step")))
    about = words.asked(step) if step else words.plain(str(fact.get("kind") or "")).capitalize()
    title = {
        "RetryAsked": f"Asked to try again: {about[:1].lower()}{about[1:]}",
        "StepSettled": f"Done by hand: {about[:1].lower()}{about[1:]}",
        "DifferenceAccepted": f"Accepted as it is: {about[:1].lower()}{about[1:]}",
    }.get(name, words.fact(name))
    return {
        "tone": "person",
        "title": title,
        "detail": " ".join(filter(None, (str(fact.get("reason") or ""), _edits(fact)))),
        "number": str(fact.get("number") or fact.get("ref") or ""),
    }


def _answered(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    """Who agreed or refused, to how much, and why."""
    terms = fact.get("terms") or {}
    shown = amount_text(terms.get("amount"), terms.get("currency"))
    detail = f"{shown}: {fact.get('reason') or ''}"
    return {"tone": "person", "detail": detail, "rule": str(fact.get("rule") or "")}


def _dispute(fact: dict[str, Any], name: str, steps: Mapping[str, str]) -> dict[str, str]:
    shown = amount_text(fact.get("amount"), fact.get("currency"))
    word = {"opened": "Disputed", "won": "Dispute won", "lost": "Dispute lost"}.get(str(fact.get("status")), "Dispute")
    return {"title": f"{word}: {shown}", "detail": str(fact.get("reason") or ""), "number": str(fact.get("ref") or "")}


def web_address(value: object) -> str:
    """A link's target when it is one a browser may follow, else nothing."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else ""


_TELLERS = {
    "ReturnRequested": _portal,
    "ReturnAuthorised": _portal,
    "ReturnProcessed": _portal,
    "ReturnCancelled": _portal,
    "ReturnExpired": _portal,
    "LabelMoved": _label,
    "WarehouseReported": _warehouse,
    "RefundMoved": _money,
    "RefundReported": _money,
    "StoreCreditIssued": _money,
    "OrderSeen": _order,
    "StepRequested": _asked,
    "StepDone": _done,
    "StepRefused": _refused,
    "RetryAsked": _person,
    "StepSettled": _person,
    "DifferenceAccepted": _person,
    "RefundAdopted": _person,
    "ApprovalGiven": _answered,
    "ApprovalRefused": _answered,
    "ChargebackMoved": _dispute,
    "ProblemResolved": _house,
    "ProofDecided": _proof,
    "ProofDecisionMoved": _proof,
    "ProofCommented": _proof,
    "ConnectionPaused": _house,
    "ConnectionResumed": _house,
    "DeliveryRequeued": _house,
}

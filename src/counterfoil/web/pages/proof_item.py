"""One open record of the proof: both sides, its candidates, the rule or why, its history, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.closing.decided import SHAPES
from counterfoil.closing.desk import locked
from counterfoil.core.money import MoneyError, to_minor
from counterfoil.core.reconcile.legs import BY_NAME, Leg
from counterfoil.ports.actions import ActionError
from counterfoil.store import workbench
from counterfoil.store.database import Row, Transaction
from counterfoil.web import proofwords
from counterfoil.web.access import page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.pages.act import back_to
from counterfoil.web.system import current

REASON_MAX = 500
FIELD = {
    "refund_id": "Refund",
    "gateway_txn_id": "Gateway's id",
    "credit_note_id": "Credit note",
    "return_line_id": "Return line",
    "receipt_id": "Receipt",
    "movement_id": "Movement",
    "store_id": "Shop",
    "return_id": "Return",
    "order_no": "Order",
    "external_id": "Our reference",
    "rma_ref": "RMA given",
    "line_type": "Kind",
    "movement_type": "Kind",
    "erp": "ERP",
    "sku": "Article",
    "refund_date": "Refunded",
    "created_date": "Moved",
    "posted_date": "Posted",
    "authorised_date": "Authorised",
    "received_date": "Received",
    "shipping_minor": "of this shipping",
}
HIDDEN = frozenset({"amount_minor", "qty", "qty_received", "currency", "base_currency"})


@page("returns.view")
@require_safe
def item_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    leg, left_id, right_id = _asked(request.GET)
    with current().database.read() as tx:
        item = workbench.item_of(tx, leg.name, left_id, right_id)
        pairs = workbench.pairs_of(tx, leg.name, left_id, right_id)
        own = _record(tx, leg.left_file if left_id else leg.right_file, left_id or right_id)
        if own is None:
            raise Http404
        partners = [_partner(tx, leg, row, from_left=bool(left_id)) for row in pairs]
        found = workbench.candidates(tx, item) if item else []
        history = _history(tx, own)
        waiting = workbench.decision(tx, item["decision_id"]) if item and item["decision_id"] else None
        period = own["day"][:7]
        shut = locked(tx, period)
    context = {
        "leg": leg,
        "item": item,
        "own": own,
        "partners": [row for row in partners if row["record"] is not None],
        "candidates": [_candidate(row) for row in found],
        "history": history,
        "waiting": waiting,
        "proof": proofwords,
        "desk": current().proof_desk.rules,
        "limit": current().proof_desk.rules.limit(own["unit"], money=leg.money),
        "locked_period": period if shut else "",
        "left_id": left_id,
        "right_id": right_id,
    }
    return render(request, "proof_item.html", context)


@page("proof.decide")
@require_POST
def match(request: HttpRequest) -> HttpResponse:
    """Match with what was chosen, or accept what was proposed."""
    leg, left_id, right_id = _asked(request.POST)

    def work(by: str, because: str) -> str:
        if request.POST.get("proposed"):
            number = current().proof_desk.accept(leg.name, request.POST["proposed"], by, because)
            return f"Accepted as decision {number}; it applies with the next run."
        chosen = []
        for other in filter(None, map(str.strip, request.POST.getlist("with"))):
            sides = (left_id, other) if left_id else (other, right_id)
            chosen.append((*sides, _amount(request.POST.get(f"amount-{other}", ""), leg, request.POST.get("unit", ""))))
        number = current().proof_desk.match(leg.name, chosen, by, because)
        return f"Matched as decision {number}; it applies with the next run."

    return _do(request, work)


@page("proof.decide")
@require_POST
def reject(request: HttpRequest) -> HttpResponse:
    """Reject what was proposed."""
    leg, _, _ = _asked(request.POST)

    def work(by: str, because: str) -> str:
        current().proof_desk.reject(leg.name, request.POST.get("proposed", ""), by, because)
        return "Rejected; from the next run on both records are open, and it is not proposed again."

    return _do(request, work)


@page("proof.decide")
@require_POST
def write_off(request: HttpRequest) -> HttpResponse:
    """Ask for the difference to be written off."""
    leg, left_id, right_id = _asked(request.POST)

    def work(by: str, because: str) -> str:
        account = request.POST.get("account", "")
        number = current().proof_desk.write_off(leg.name, left_id, right_id, account, by, because)
        return f"Asked for as decision {number}; it counts once a second person approves."

    return _do(request, work)


@page("proof.decide")
@require_POST
def adopt(request: HttpRequest) -> HttpResponse:
    """Assign a payment nobody claimed to a return (R85)."""
    leg, _, right_id = _asked(request.POST)
    if leg.name != "refund_gateway" or not right_id:
        raise Http404

    def work(by: str, because: str) -> str:
        case_id = request.POST.get("return", "").strip()
        current().actions.adopt_refund(case_id, right_id, by, because)
        return f"Assigned to {case_id}; the return settles, and the next run follows it."

    return _do(request, work)


@page("proof.comment")
@require_POST
def comment(request: HttpRequest) -> HttpResponse:
    """Say something about the record."""
    leg, left_id, right_id = _asked(request.POST)

    def work(by: str, because: str) -> str:
        current().proof_desk.comment(leg.name, left_id, right_id, by, request.POST.get("words", ""))
        return "Comment kept."

    return _do(request, work)


@page("proof.approve")
@require_POST
def move(request: HttpRequest) -> HttpResponse:
    """Approve or refuse a write-off somebody else asked for, or take a decision back."""
    number = int(text) if (text := request.POST.get("decision", "")).isdigit() else 0
    moves: dict[str, tuple[Callable[[int, str, str], None], str]] = {
        "approve": (current().proof_desk.approve, "Approved; it applies with the next run."),
        "refuse": (current().proof_desk.refuse, "Refused; the difference stays open."),
        "undo": (current().proof_desk.undo, "Taken back; from the next run on the rules judge again."),
    }
    chosen = moves.get(request.POST.get("do", ""))
    if chosen is None:
        return unprocessable(request, "Choose what to do with the decision.", reverse("proof_decisions"))

    def work(by: str, because: str) -> str:
        chosen[0](number, by, because)
        return chosen[1]

    return _do(request, work)


# --- reading --------------------------------------------------------------------------------------------------------


def _asked(query: Any) -> tuple[Leg, str, str]:
    leg = BY_NAME.get(query.get("leg", ""))
    left, right = query.get("left", ""), query.get("right", "")
    if leg is None or not (left or right) or "\0" in left + right:
        raise Http404
    return leg, left, "" if left else right


def _do(request: HttpRequest, work: Callable[[str, str], str]) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()[:REASON_MAX]
    try:
        messages.success(request, work(request.user.get_username(), reason))
    except ActionError as error:
        return unprocessable(request, str(error), back_to(request))
    return see_other(back_to(request))


def _amount(text: str, leg: Leg, unit: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    try:
        return to_minor(text, unit) if leg.money else int(text)
    except (MoneyError, ValueError):
        raise ActionError(f"“{text}” is not an amount; write it like {'12.50' if leg.money else '2'}.") from None


def _record(tx: Transaction, file: str, record_id: str) -> dict[str, Any] | None:
    row = tx.one("proof_record_one", file=file, record_id=record_id)
    if row is None:
        return None
    body = msgspec.json.decode(row["body"])
    shape = SHAPES[file]
    shown = [
        (FIELD.get(name, name.replace("_", " ").capitalize()), value)
        for name, value in body.items()
        if name not in HIDDEN and name != shape.id and value not in ("", None, 0)
    ]
    return {**row, "fields": shown}


def _partner(tx: Transaction, leg: Leg, pair: Row, *, from_left: bool) -> dict[str, Any]:
    file, other = (leg.right_file, pair["right_id"]) if from_left else (leg.left_file, pair["left_id"])
    return {**pair, "record": _record(tx, file, other), "other": other}


def _candidate(row: Row) -> dict[str, Any]:
    query = urlencode({"leg": row["leg"], "left": row["left_id"], "right": row["right_id"]})
    return {**row, "other": row["left_id"] or row["right_id"], "url": f"{reverse('proof_item')}?{query}"}


def _history(tx: Transaction, own: Row) -> list[dict[str, Any]]:
    """What was said and decided about the record, in order."""
    notes = tx.rows("proof_notes_of", file=own["file"], record_id=own["record_id"])
    return [{**row, "title": proofwords.NOTE.get(row["what"], row["what"])} for row in notes]

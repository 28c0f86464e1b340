"""Exceptions the nightly proof opens and ends by itself: what each leg's open records are called, and what to do.

They are named after what a clerk would say, not after the class; `KIND_OF` leads from leg and class to the name.
"""

from __future__ import annotations

from counterfoil.core.problems import Owner, ProblemKind, Severity

_CX, _FINANCE, _OPS, _INTEGRATION = Owner.CX, Owner.FINANCE, Owner.OPS, Owner.INTEGRATION

_ENDS = "The exception ends by itself when the next proof finds both sides."


def _kind(kind: str, owner: Owner, title: str, *runbook: str, hours: int = 48) -> ProblemKind:
    steps = (*runbook, _ENDS)
    return ProblemKind(kind=kind, owner=owner, title=title, runbook=steps, severity=Severity.WATCH, target_hours=hours)


_TABLE: dict[tuple[str, str], ProblemKind] = {
    ("refund_gateway", "missing_right"): _kind(
        "refund_without_payment",
        _CX,
        "Refund in the portal, no money at the gateway",
        "Look the order up at the gateway: the refund may have failed or be pending.",
        "If it failed, start it again in the portal and tell the customer.",
    ),
    ("refund_gateway", "missing_left"): _kind(
        "payment_without_refund",
        _FINANCE,
        "Money left without a refund in the portal",
        "Find out who refunded it, and why, in the shop's own history of the order.",
        "Let the return adopt it, or write it off with a reason and a second person.",
        hours=24,
    ),
    ("refund_gateway", "variance"): _kind(
        "payment_differs",
        _FINANCE,
        "Money that left differs from the portal's refund",
        "Open the two records side by side; the reason names the part that explains it, where one does.",
        "Correct the side that is wrong, or write the difference off within the tolerance.",
    ),
    ("refund_gateway", "duplicate"): _kind(
        "refund_paid_twice",
        _FINANCE,
        "The same refund left twice",
        "Check at the gateway whether both movements settled.",
        "Ask for the second one back, or agree with the customer.",
        hours=8,
    ),
    ("refund_credit_note", "missing_right"): _kind(
        "refund_without_credit_note",
        _FINANCE,
        "Refund without a credit note in the ERP",
        "Open the return: its timeline says what the credit note waits for, or who refused it.",
        "Mend that cause; the credit note follows by itself.",
        hours=24,
    ),
    ("refund_credit_note", "missing_left"): _kind(
        "credit_note_without_refund",
        _FINANCE,
        "Credit note without a refund",
        "Look at the credit note's order: it may have been typed by hand for another reason.",
        "If money is still owed, refund it; if not, cancel the note in the ERP.",
    ),
    ("refund_credit_note", "variance"): _kind(
        "credit_note_differs",
        _FINANCE,
        "Credit note differs from the refund",
        "Open the two records side by side; the reason names the part that explains it, where one does.",
        "Correct the note, or write the difference off within the tolerance.",
    ),
    ("refund_credit_note", "duplicate"): _kind(
        "credit_note_twice",
        _FINANCE,
        "The same credit note twice",
        "Compare both notes in the ERP and keep the one that names the return.",
        "Cancel the other.",
        hours=8,
    ),
    ("line_receipt", "missing_right"): _kind(
        "goods_not_arrived",
        _OPS,
        "Authorised goods never arrived",
        "Follow the parcel's tracking; ask the carrier when it says delivered.",
        "If it is lost, close the return in the portal and claim it from the carrier.",
        hours=120,
    ),
    ("line_receipt", "missing_left"): _kind(
        "receipt_without_return",
        _OPS,
        "Goods came without a return",
        "Look for the sender by the label, the order inside, or the serial number.",
        "Have the return opened in the portal; the parcel is adopted by it.",
    ),
    ("line_receipt", "variance"): _kind(
        "units_differ",
        _OPS,
        "Other units came than were authorised",
        "Ask the warehouse to count again.",
        "Accept the count on the return, with a reason.",
    ),
    ("line_receipt", "duplicate"): _kind(
        "receipt_twice",
        _OPS,
        "The same receipt twice",
        "Ask the warehouse which count is right and have the other one reversed.",
    ),
    ("receipt_stock", "missing_right"): _kind(
        "receipt_not_booked",
        _INTEGRATION,
        "Received goods are not in the ERP's stock",
        "Open the return: its timeline says what the booking waits for, or who refused it.",
        "Mend that cause; the booking follows by itself.",
        hours=24,
    ),
    ("receipt_stock", "missing_left"): _kind(
        "stock_without_receipt",
        _OPS,
        "Stock was booked without a receipt",
        "Ask the warehouse whether the goods are on the shelf.",
        "If they are not, reverse the booking in the ERP: it is phantom stock.",
        hours=24,
    ),
    ("receipt_stock", "variance"): _kind(
        "booked_units_differ",
        _OPS,
        "Booked units differ from the receipt",
        "Compare the warehouse's count with the ERP's receipt line by line.",
        "Correct the ERP's receipt, or have the warehouse send a new revision.",
    ),
    ("receipt_stock", "duplicate"): _kind(
        "stock_booked_twice",
        _INTEGRATION,
        "The same receipt was booked twice",
        "Compare both bookings in the ERP and reverse the one without our reference.",
        hours=8,
    ),
}

KIND_OF: dict[tuple[str, str], str] = {place: kind.kind for place, kind in _TABLE.items()}
PROOF_KINDS: tuple[ProblemKind, ...] = tuple(_TABLE.values())

"""The proof's words on screen: legs, lines of the roll-forward, causes and decisions."""

from __future__ import annotations

from counterfoil.core.reconcile.legs import BY_NAME

LEG = {
    "refund_gateway": "Refunds and money that left",
    "refund_credit_note": "Refunds and credit notes",
    "line_receipt": "Goods authorised and received",
    "receipt_stock": "Receipts and stock bookings",
}
SIDES = {
    "refund_gateway": ("Portal refunds", "Gateway lines"),
    "refund_credit_note": ("Portal refunds", "Credit notes"),
    "line_receipt": ("Return lines", "Receipts"),
    "receipt_stock": ("Receipts", "Stock movements"),
}
ROLL = (
    ("opening", "Open before", ""),
    ("new", "New", "+"),
    ("matched", "Matched", "−"),
    ("adjusted", "Written off", "−"),
    ("withdrawn", "Withdrawn at the source", "−"),
    ("closing", "Open now", "="),
)
CLASS = {
    "missing_right": "missing on the right",
    "missing_left": "missing on the left",
    "in_transit": "still in time",
    "variance": "different",
    "duplicate": "there twice",
    "timing": "matched late",
}
REASON = {
    "tax_rounding": "tax rounding",
    "shipping": "the shipping",
    "discount": "the discount",
    "fx": "exchange rates",
    "qty": "quantity",
    "other": "unexplained",
}
BUCKET = {"0-7": "up to a week", "8-30": "8 to 30 days", "31-60": "31 to 60 days", "61+": "over 60 days"}
DECIDED = {"yes": "decided", "no": "not decided"}
WHAT = {"match": "Matched by hand", "reject": "Proposal rejected", "write_off": "Written off"}
STATE = {
    "asked": "waits for a second person",
    "in_force": "in force",
    "refused": "refused",
    "undone": "undone",
    "reopened": "reopened",
}
NOTE = {
    "comment": "Comment",
    "match": "Matched by hand",
    "reject": "Proposal rejected",
    "write_off": "Write-off asked for",
    "approve": "Write-off approved",
    "refuse": "Write-off refused",
    "undo": "Decision undone",
    "reopen": "Reopened",
    "adopt": "Assigned to a return",
}
RULE = {
    "key": "its own reference",
    "gateway_id": "the gateway's id",
    "normalised_key": "the reference, written differently",
    "return_key": "the return's number",
    "order_amount": "order and amount",
    "group_sum": "several that add up",
    "reference_typo": "a mistyped reference",
    "amount_date_window": "amount and date alone",
    "order_only": "the order alone",
    "repeated": "a repeat",
    "group_subset": "the only selection that adds up",
}


def kind(name: str, leg: str) -> str:
    """What is wrong with a record, in the words of its two systems."""
    sides = BY_NAME.get(leg)
    if sides is not None and name == "missing_right":
        return f"no {sides.right_word}"
    if sides is not None and name == "missing_left":
        return f"no {sides.left_word}"
    return CLASS.get(name) or name.replace("_", " ")


def cause(line: str, leg: str) -> str:
    """A cause as people read it: the reason of a difference, else the class."""
    return REASON.get(line) or kind(line, leg)


def cause_query(line: str) -> str:
    """The part of an address that lists the records of a cause."""
    return f"reason={line}" if line in REASON else f"class={line}"

"""What a test can turn on and off in this Prima, in the world's `settings` or over `POST /__sim/settings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Switches:
    """Every switch with its default; unknown names are ignored."""

    # Policy of the company
    receipt_before_credit: bool = False  # RETURN_NOT_RECEIVED for a credit of units the depot has not booked
    receipt_before_exchange: bool = False  # the same for an exchange order
    period_covers_receipts: bool = False  # a closed period also refuses stock receipts (sheet §3 Q9 leaves it open)
    return_raises_credit: bool = False  # a fully received return makes its own posted credit note (sheet §3 Q3)
    # Misbehaviour, REST and everywhere
    total_off_by_one: bool = False  # a credit note is stored and answered 0.01 lower than sent (sheet §8 R)
    delay_s: float = 0.0  # every answer comes this much later
    # Each {"code", "times", "match": part of "METHOD path", "after_commit": bool}; answers any code of the table.
    refuse_next: list[dict[str, Any]] = field(default_factory=list)
    # SOAP order manager (sheet §8 S)
    non_xml_502: bool = False  # an HTML page of a proxy; nothing was done
    non_xml_502_after_commit: bool = False  # the same page after the work was done
    name_case: str = "recorded"  # recorded, lower or upper: spelling of names in answers
    status_at: str = "data"  # data or root: where RequestStatus of an order answer stands
    dev_mode: bool = True  # append a stack trace to messages
    # File drop (sheet §8 F)
    ack_delay_s: float = 0.0
    resp_delay_s: float = 0.0
    reject_file: bool | str = False  # the next files are REJECTED with this code (True: BAD_FORMAT)
    reject_document: dict[str, str] = field(default_factory=dict)  # external_ref or "*" -> code
    hold_document: list[str] = field(default_factory=list)  # external_refs, or "*", answered HELD until released
    duplicate_answers: bool = False
    swap_order: bool = False
    drop_answer: bool | str = False  # True, "ack" or "resp"
    no_trailer: bool = False
    leave_tmp: bool = False
    encoding: str = "utf-8"  # or windows-1252, for reading and writing
    date_format: str = "YYYY-MM-DD"  # or dd/mm/yyyy, for reading

    def apply(self, values: Mapping[str, Any]) -> None:
        """Set the switches that are named."""
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            if name in known:
                setattr(self, name, _full(name, value))

    def values(self) -> dict[str, Any]:
        """All switches as they stand."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def take_refusal(self, target: str, after_commit: bool) -> str | None:
        """The code a scheduled refusal answers to this request, if any; one of its times is spent."""
        for spec in self.refuse_next:
            fits = str(spec.get("match") or "") in target and bool(spec.get("after_commit")) == after_commit
            if fits and int(spec.get("times", 1)) > 0:
                spec["times"] = int(spec.get("times", 1)) - 1
                return str(spec.get("code", "ERP_TIMEOUT"))
        return None


def _full(name: str, value: Any) -> Any:
    """Short forms: true or a code for every document, one reference or one refusal instead of a list."""
    if name == "refuse_next":
        return [value] if isinstance(value, Mapping) else list(value or [])
    if name == "hold_document":
        return ["*"] if value is True else [value] if isinstance(value, str) else list(value or [])
    if name == "reject_document" and not isinstance(value, Mapping):
        if isinstance(value, list):
            return dict.fromkeys(value, "UNKNOWN_SKU")
        return {"*": value if isinstance(value, str) else "UNKNOWN_SKU"} if value else {}
    return value

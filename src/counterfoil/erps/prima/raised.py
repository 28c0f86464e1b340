"""Where finishing a return makes Prima raise the credit itself, posting becomes finding and verifying (sheet §3 Q3).

Pure: the credit notes of the return are handed in.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import PostCreditNote
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.prima.config import PrimaConfig, document_url
from counterfoil.erps.prima.transports import Failure
from counterfoil.ports.outcomes import AlreadyDone, NotYet, Outcome, Refused

LOOK_AGAIN_S = 900.0


def raised_credit(
    command: PostCreditNote, held: list[Fields] | Failure, config: PrimaConfig, today: date | None = None
) -> Outcome:
    """The posted note Prima made of this return, when it is worth what we agreed to the last minor unit.

    A different worth is finance's; no note after the days agreed is finance's too. Nothing is ever posted here.
    """
    if not isinstance(held, list):
        return held
    posted = [row for row in held if str(row.data.get("status", "")).lower() == "posted"]
    if not posted:
        return _missing(command, config, today or datetime.now(UTC).date())
    try:
        totals = [_total(row, command) for row in posted]
        numbers = [row.need("credit_number") for row in posted]
    except UnreadableError as trouble:
        message = f"Prima's credit note for {command.rma.number} could not be read exactly: {trouble}."
        return Refused(kind="unreadable_erp_record", owner=Owner.INTEGRATION, message=message)
    number, total = numbers[0], sum(totals)
    if total != command.credit.total_gross or len(posted) > 1:
        return _differs(command, numbers, total)
    url = document_url(config, "sales-credit-notes", number)
    message = f"Prima raised {number} by itself; its total agrees."
    return AlreadyDone(ref=number, number=number, total=total, url=url, message=message)


def _total(row: Fields, command: PostCreditNote) -> int:
    currency = row.text("currency") or command.credit.currency
    if currency != command.credit.currency:
        raise UnreadableError(f"it is in {currency}, the return in {command.credit.currency}")
    total = row.amount("total_gross", currency)
    if total is None:
        raise UnreadableError("total_gross is missing")
    return total


def _missing(command: PostCreditNote, config: PrimaConfig, today: date) -> NotYet | Refused:
    last = date.fromisoformat(command.credit_date[:10]) + timedelta(days=config.credit_wait_days)
    if today <= last:
        message = f"Prima raises the credit for {command.rma.number} itself and has not done so yet."
        return NotYet(message=message, after_s=LOOK_AGAIN_S)
    message = (
        f"Prima was to raise the credit for {command.rma.number} itself and has not done so by {last.isoformat()}."
    )
    return Refused(kind="credit_note_not_found", owner=Owner.FINANCE, message=message)


def _differs(command: PostCreditNote, numbers: list[str], total: int) -> Refused:
    currency = command.credit.currency
    ours, theirs = to_text(command.credit.total_gross, currency), to_text(total, currency)
    message = f"Prima raised {', '.join(numbers)} over {theirs} {currency} for {command.rma.number}; {ours} was agreed."
    return Refused(
        kind="totals_mismatch", owner=Owner.FINANCE, message=message, ref=numbers[0], number=", ".join(numbers)
    )

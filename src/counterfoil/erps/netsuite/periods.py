"""Accounting periods: what to do with a document whose date lies in a closed one (NetSuite sheet §8).

Nothing is moved into another period by itself. A refusal names the next open period; once a person agreed, the
document keeps the date on which it happened and names that period as its posting period. Where an account wants both
to agree, `closed_period_date = "first_day"` dates it on the first day of that period instead, and the memo keeps the
day it happened.
"""

from __future__ import annotations

from typing import Any

import msgspec

from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.post import Desk
from counterfoil.ports.outcomes import Outcome, Refused

RECEIVABLES = frozenset({"creditMemo", "cashRefund", "customerRefund"})  # stopped by a lock on receivables as well
COLUMNS = (
    "id, periodname, TO_CHAR(startdate, 'YYYY-MM-DD') AS first_day, TO_CHAR(enddate, 'YYYY-MM-DD') AS last_day, "
    "closed, arlocked, alllocked"
)
MONTHS = "isyear = 'F' AND isquarter = 'F' AND isadjust = 'F'"
MEMO_MAX = 999  # longer memos are cut; the limit of the account is not documented
PERIODS_MAX = 60  # five years ahead


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One month of the books; days are `YYYY-MM-DD`."""

    ref: str
    name: str
    first_day: str
    last_day: str
    open: bool


def dated(desk: Desk, record_type: str, day: str, memo: str, *, later: bool) -> dict[str, Any]:
    """Date fields and memo of a posting document that happened on `day`; `later` is a person's agreement."""
    fields: dict[str, Any] = {"tranDate": day[:10], "memo": memo[:MEMO_MAX]}
    if not later:
        return fields
    period = next_open(desk, record_type, day[:10])
    if period is None or period.first_day <= day[:10]:
        return fields
    fields["postingPeriod"] = wire.ref(period.ref)
    if desk.config.closed_period_date == "first_day":
        fields |= {"tranDate": period.first_day, "memo": f"Of {day[:10]}. {memo}"[:MEMO_MAX]}
    return fields


def explained(desk: Desk, outcome: Outcome, record_type: str, day: str) -> Outcome:
    """A refusal for a closed period, with the period a person may agree to; any other outcome as it is."""
    if not isinstance(outcome, Refused) or outcome.kind != "period_closed":
        return outcome
    try:
        period = next_open(desk, record_type, day[:10])
    except StoppedError:
        return outcome  # the refusal itself is what must be told
    if period is None:
        told = f"{outcome.message} NetSuite shows no open period after {day[:10]}."
    else:
        told = (
            f"{outcome.message} The next open period is {period.name} ({period.first_day} to {period.last_day}): "
            "accept this to post there, or open the period and retry."
        )
    return msgspec.structs.replace(outcome, message=told)


def next_open(desk: Desk, record_type: str, day: str) -> Period | None:
    """The period of this day when it is open, else the first open one after it."""
    rows = desk.session.rows(
        f"SELECT {COLUMNS} FROM accountingperiod WHERE enddate >= TO_DATE({wire.quoted([wire.date(day)])}, "
        f"'YYYY-MM-DD') AND {MONTHS} ORDER BY startdate, id",
        limit=PERIODS_MAX,
    )
    periods = (
        Period(
            ref=row.need("id"),
            name=row.text("periodname") or row.need("id"),
            first_day=row.need("first_day"),
            last_day=row.need("last_day"),
            open=not (
                row.flag("closed") or row.flag("alllocked") or (record_type in RECEIVABLES and row.flag("arlocked"))
            ),
        )
        for row in rows
    )
    return next((period for period in periods if period.open), None)

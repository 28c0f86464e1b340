"""Making documents so that each exists once: send, read back and compare, or find what an earlier attempt made.

The external id is ours and unique; what is found under it is compared like a fresh document, never taken on trust
(NetSuite sheet §7).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import queue, wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.errors import Meaning, Verdict, outcome_of
from counterfoil.erps.netsuite.session import Session
from counterfoil.ports.outcomes import AlreadyDone, Done, NotYet, Outcome, Refused, Unknown

QUEUED_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One document to be made: where it is sent, what it says, and how a document is recognised as this one."""

    record_type: str
    external_id: str
    path: str
    body: dict[str, Any]
    check: Callable[[Fields], Outcome]  # Done when the record says what was asked, Refused otherwise
    params: dict[str, str] = field(default_factory=dict)
    created_from: str = ""  # the source of a transform, for accounts that only take it as a field of a POST

    def posted(self) -> Plan:
        """The same document as a POST that names its source (§6; which accounts need it is inferred)."""
        body = {**self.body, "createdFrom": wire.ref(self.created_from)}
        return replace(self, path=f"{wire.RECORDS}/{self.record_type}", body=body, created_from="")


class Desk:
    """What every command of one connection works with: the session, the configuration, what was seen so far."""

    def __init__(self, session: Session, config: NetSuiteConfig) -> None:
        self.session = session
        self.config = config
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._owners: dict[str, tuple[str, str]] | None = None

    def url(self, record_id: str) -> str:
        """The document in NetSuite's own pages, for people."""
        return self.config.link(record_id)

    def deliver(self, plan: Plan, or_else: Plan | None = None) -> Outcome:
        """Send the plan once; read back what was made and compare it.

        `or_else` is another way to the same document, for accounts that do not offer the first.
        """
        verdict = self._send(plan)
        if verdict.meaning is Meaning.DUPLICATE:
            return self._ours(plan, verdict)
        if verdict.meaning is Meaning.UNSUPPORTED and or_else is not None:
            return self.deliver(or_else)
        if verdict.meaning is Meaning.UNSUPPORTED and plan.created_from:
            return self.deliver(plan.posted())
        if verdict.meaning is Meaning.ACCEPTED:
            return NotYet(message=verdict.message, detail=plan.external_id, after_s=QUEUED_PAUSE_S)
        if verdict.meaning not in (Meaning.CREATED, Meaning.OK):
            return outcome_of(verdict, writes=True)
        try:
            return self._read_back(plan, verdict)
        except (StoppedError, UnreadableError) as error:
            # It was written. Anything that only went wrong in looking must not let it be sent again blindly.
            return Unknown(
                message="NetSuite made the document, but reading it back failed.",
                detail=f"{plan.record_type} {verdict.record_id}: {error}",
            )

    def preview(self, plan: Plan) -> Fields | None:
        """The document as NetSuite would fill it in, not saved (§1); None where the account has no such answer.

        An account that saved it all the same has saved it under our external id, and the real call finds it.
        """
        answer = self.session.call(
            "POST",
            plan.path,
            writes=True,
            params={**plan.params, **wire.EXPANDED},
            body=plan.body,
            headers={**wire.WRITE_HEADERS, "accept": wire.CREATE_FORM},
        )
        if answer.status != 200:
            return None
        try:
            return read_object(answer.body)
        except UnreadableError:
            return None

    def _send(self, plan: Plan) -> Verdict:
        if self.config.async_writes:
            wait_s = float(self.config.async_wait_s)
            return queue.send(self.session, plan.path, plan.body, plan.params, plan.external_id, wait_s)
        return self.session.write("POST", plan.path, body=plan.body, params=plan.params)

    def _read_back(self, plan: Plan, verdict: Verdict) -> Outcome:
        if verdict.record_id is None:  # no Location: resolve by external id (§3)
            found = self.session.by_external_id(plan.record_type, plan.external_id)
            if found is None:
                return Unknown(message="NetSuite said yes but names no document.", detail=plan.external_id)
        else:
            found = self.session.record(plan.record_type, verdict.record_id)
        self.saw(plan.record_type)
        return plan.check(found)

    def _ours(self, plan: Plan, verdict: Verdict) -> Outcome:
        found = self.lookup(plan)
        if found is None:
            return Refused(
                message="NetSuite says that our external id is taken, but shows no such document.",
                detail=f"{plan.record_type} {plan.external_id}: {verdict.detail}",
                code=verdict.code,
                kind="permission_missing",
                owner=Owner.INTEGRATION,
            )
        return already(found)

    def peek(self, plan: Plan) -> Outcome | None:
        """The document of this plan if it shows itself at once. None proves nothing; the external id still guards."""
        found = self.session.by_external_id(plan.record_type, plan.external_id)
        return None if found is None else plan.check(found)

    def lookup(self, plan: Plan) -> Outcome | None:
        """What an earlier attempt at this plan made; None when there is surely nothing."""
        found = self.find(plan.record_type, plan.external_id)
        if isinstance(found, Fields):
            return plan.check(found)
        return found

    def find(self, record_type: str, external_id: str) -> Fields | Outcome | None:
        """The record with this external id, None when surely absent, or why that cannot be said.

        Two ways are asked, by address and by SuiteQL; nothing found counts only where such records are known to be
        visible to us (§2.4).
        """
        found = self.session.by_external_id(record_type, external_id)
        if found is not None:
            self.saw(record_type)
            return found
        rows = self.session.rows(
            f"SELECT id, type, tranid, externalid, status FROM transaction WHERE externalid = "
            f"{wire.quoted([external_id])} ORDER BY id"
        )
        if not rows:
            return None if self.sees(record_type) else self.blind(record_type)
        if len(rows) == 1 and rows[0].text("type") == wire.SUITEQL_TYPES[record_type]:
            return self.session.record(record_type, rows[0].need("id"))
        return Refused(
            message=f"The external id {external_id} is on another document than ours, or on several.",
            detail=", ".join(f"{row.text('type')} {row.text('id')}" for row in rows),
            kind="document_differs",
            owner=Owner.FINANCE,
            ref=rows[0].text("id"),
            number=rows[0].text("tranid"),
        )

    def saw(self, record_type: str) -> None:
        """Remember that records of this type are visible to our role."""
        with self._lock:
            self._seen.add(record_type)

    def sees(self, record_type: str) -> bool:
        """The positive control: some record of this type can be read both ways, or none can exist yet."""
        if record_type in self._seen:
            return True
        if self.control(record_type) is not None:
            return True
        return self.config.new_account and record_type != "salesOrder"

    def control(self, record_type: str) -> str | None:
        """The id of a record of this type that SuiteQL shows and the record service reads; None if there is none."""
        suiteql_type = wire.quoted([wire.SUITEQL_TYPES[record_type]])
        rows = self.session.rows(f"SELECT id FROM transaction WHERE type = {suiteql_type} ORDER BY id DESC", limit=1)
        if not rows:
            return None
        record_id = rows[0].need("id")
        if self.session.seek(f"{wire.RECORDS}/{record_type}/{record_id}") is None:
            return None
        self.saw(record_type)
        return record_id

    def stranger(self, location: str, company: str | None, what: str) -> Refused | None:
        """Why a location cannot take goods of this subsidiary, if so; None where either is not known."""
        owner = self._location_owners().get(location) if company is not None else None
        if owner is None or owner[0] == company:
            return None
        return Refused(
            message=f"Location {location} belongs to {owner[1]}, but {what} to another subsidiary ({company}): "
            "map its depot for that subsidiary.",
            kind="depot_not_mapped",
            owner=Owner.OPS,
        )

    def _location_owners(self) -> dict[str, tuple[str, str]]:
        """Location to its subsidiary, id and name; read once. Accounts with one subsidiary have none."""
        with self._lock:
            if self._owners is not None:
                return self._owners
        try:
            rows = self.session.rows("SELECT id, subsidiary, BUILTIN.DF(subsidiary) AS owner FROM location ORDER BY id")
        except StoppedError as error:
            if not isinstance(error.outcome, Refused):
                raise
            rows = []  # the column is inferred (§12): without it NetSuite itself has to refuse
        owners = {
            row.need("id"): (row.need("subsidiary"), row.text("owner") or row.need("subsidiary"))
            for row in rows
            if row.text("subsidiary")
        }
        with self._lock:
            self._owners = owners
        return owners

    def blind(self, record_type: str) -> Refused:
        """Why absence cannot be believed."""
        return Refused(
            message=f"NetSuite shows us no {record_type} at all. Either our role may not see them, or none exists yet "
            "(then set new_account); until that is clear nothing is sent again.",
            detail=f"positive control failed for {record_type}",
            kind="permission_missing",
            owner=Owner.INTEGRATION,
        )


def already(outcome: Outcome) -> Outcome:
    """A document found under our key and equal in content counts as done before."""
    if type(outcome) is Done:
        return AlreadyDone(**{name: getattr(outcome, name) for name in outcome.__struct_fields__})
    return outcome


def differs(record: Fields, what: str, *, kind: str = "document_differs") -> Refused:
    """A document exists but does not say what was asked: park it with its id, never make another (§6)."""
    number = record.text("tranId") or record.text("id")
    return Refused(
        message=f"NetSuite's document {number} differs from what was asked: {what}.",
        kind=kind,
        owner=Owner.FINANCE,
        ref=record.text("id"),
        number=record.text("tranId"),
    )


def with_note(outcome: Outcome, note: str) -> Outcome:
    """The same outcome with a sentence added for the person who reads it."""
    return msgspec.structs.replace(outcome, message=f"{outcome.message} {note}".strip())

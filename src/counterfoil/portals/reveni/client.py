"""The live connection to one store at Reveni: reading returns, telling verdicts, polling, webhooks (Reveni sheet §2, §6).

Telling a verdict is the only write. Whether it is idempotent is not known, so the return is read before every verdict,
only what it does not show yet is sent, and after a lost answer it is read again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

from counterfoil.adapterkit.http import Http
from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import (
    AnyCommand,
    CancelReturn,
    CloseReturn,
    FlagReturn,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
    SendNote,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Stage
from counterfoil.portals.reveni import polling, subscriptions, verdicts
from counterfoil.portals.reveni.config import Acceptance, ReveniConfig
from counterfoil.portals.reveni.doubts import doubts
from counterfoil.portals.reveni.facts import facts_of
from counterfoil.portals.reveni.mapping import Move, RefundStep
from counterfoil.portals.reveni.pace import Pace
from counterfoil.portals.reveni.snapshot import Seen, read_details, tidy_id
from counterfoil.portals.reveni.transport import Heard, Transport
from counterfoil.portals.reveni.verdicts import Told
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, Outcome, Refused, Unsupported
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Probe

NO_RETURN = "0" * 32  # an id nobody has, to see whether the key is accepted

# What to do instead of a call that is not known (§2).
_BY_HAND = {
    SendNote: "Reveni has no known call for notes; write it in Reveni's dashboard.",
    FlagReturn: "Reveni has no known call for a review; mark the return in Reveni's dashboard.",
    CancelReturn: "Reveni has no known call for cancelling; cancel the return in Reveni's dashboard. "
    "Refusing its goods would be something else: Reveni would then claim from the shopper.",
    CloseReturn: "Reveni has no known call for closing; reject the return in Reveni's dashboard.",
}


class ReveniClient:
    """One connection; its calls block, and several threads may share it. Clock and sleep are given for tests."""

    def __init__(
        self,
        config: ReveniConfig,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {config.api_key}", "Accept": "application/json"}
        base_url = f"{config.base_url.rstrip('/')}/merchants/v0/stores/{quote(config.store_id, safe='')}"
        self._config = config
        self._mapping = config.mapping
        self._reveni = Transport(Http(base_url, headers, config.timeout_s), Pace(clock, config.calls_per_second), sleep)

    def perform(self, command: AnyCommand) -> Outcome:
        """Try once. What Reveni already shows is AlreadyDone, and nothing is sent."""
        match command:
            case ReadReturn():
                return self._read(command.case.return_id)
            case ReportInspection():
                return self._report(command)
            case ReleaseRefund():
                return self._release(command)
        return Unsupported(
            message=_BY_HAND.get(type(command), f"Reveni has no such action as {type(command).__name__}.")
        )

    def find(self, command: AnyCommand) -> Outcome | None:
        """Whether the return shows that the command was carried out; None when it surely does not."""
        match command:
            case ReportInspection():
                return self._shows(command, lambda seen: self._reported(command, seen))
            case ReleaseRefund():
                return self._shows(command, _released)
            case CancelReturn():
                return self._shows(command, lambda seen: seen.move is Move.CANCELLED)
            case CloseReturn():
                return self._shows(command, lambda seen: seen.portal_return.stage.final)
        return None

    def changes(self, since: str, until: str) -> Iterator[Translation]:
        """Every return created or changed between two RFC 3339 moments. Raises PollStoppedError when cut short."""
        return polling.changes(self._reveni.get_patiently, self._reveni.base_url, self._mapping, since, until)

    def ensure_webhooks(self, url: str) -> Outcome:
        """Make Reveni send its events to `url`, which ends in one of the webhook secrets."""
        return subscriptions.ensure(self._reveni, url)

    def probe(self) -> Probe:
        """Whether the key may read this store. Writes nothing."""
        if self._config.list_returns:
            heard = self._reveni.get(polling.LIST_PATH, {"page": "1", "page_size": "1"})
            good = isinstance(heard, Heard)
        else:
            heard = self._reveni.get(polling.return_path(NO_RETURN))
            good = isinstance(heard, Heard) or (isinstance(heard, Refused) and "HTTP 404" in heard.detail)
        why = "" if isinstance(heard, Heard) else heard.message
        sentence = "The key may read this store." if good else f"The store cannot be read: {why}"
        return Probe(ok=good, checks=((good, sentence),))

    def close(self) -> None:
        """Release sockets."""
        self._reveni.close()

    # --- reading ----------------------------------------------------------------------------------------------------

    def _see(self, return_id: str) -> Seen | Outcome:
        heard = self._reveni.get(polling.return_path(return_id))
        if not isinstance(heard, Heard):
            return heard
        if not isinstance(heard.value, dict):
            return Busy(message="Reveni's details of the return were not a return.")
        try:
            seen = read_details(Fields(heard.value), self._mapping)
        except UnreadableError as error:
            message = f"Return {return_id} could not be read: {error}."
            return Refused(kind="unreadable_delivery", owner=Owner.INTEGRATION, message=message)
        if seen.return_id != tidy_id(return_id):
            message = f"Reveni answered for another return than {return_id}."
            return Refused(kind="unreadable_delivery", owner=Owner.INTEGRATION, message=message)
        return seen

    def _read(self, return_id: str) -> Outcome:
        """The facts of a return, and what a person should know about it."""
        seen = self._see(return_id)
        return self._shown(seen) if isinstance(seen, Seen) else seen

    def _shows(self, command: AnyCommand, holds: Callable[[Seen], bool]) -> Outcome | None:
        """Done when the return, read again, is as the command wants it; None when not; else why it cannot be said."""
        seen = self._see(command.case.return_id)
        if not isinstance(seen, Seen):
            return seen
        return self._shown(seen) if holds(seen) else None

    def _shown(self, seen: Seen) -> Done:
        state = seen.portal_return.state
        return Done(
            ref=seen.return_id,
            number=seen.portal_return.order_name,
            message=f"Reveni shows the return as {state}." if state else "Reveni shows the return without a status.",
            facts=facts_of(seen, self._mapping),
            findings=tuple(doubts(seen, self._mapping)),
        )

    # --- verdicts ---------------------------------------------------------------------------------------------------

    def _report(self, command: ReportInspection) -> Outcome:
        """What was found, as far as it may be told now: acceptance that makes Reveni pay waits for the release."""
        seen = self._see(command.case.return_id)
        if not isinstance(seen, Seen):
            return seen
        told = self._told(command, seen)
        if isinstance(told, Refused):
            return told
        against = next((one for one in told if one.contradicted), None)
        if against is not None:
            return _contradicted(against)
        unsaid = [one.unsaid for one in told if not one.shown]
        if not unsaid:
            return _as_already(self._shown(seen)) if told else _nothing_to_tell(seen)
        return self._tell(command, seen, unsaid)

    def _told(self, command: ReportInspection, seen: Seen) -> tuple[Told, ...] | Refused:
        told = verdicts.wanted(command.units, seen, self._mapping)
        if isinstance(told, Refused) or not self._waits_for_release(seen):
            return told
        return tuple(one for one in told if not one.accepted_whole)

    def _reported(self, command: ReportInspection, seen: Seen) -> bool:
        told = self._told(command, seen)
        return not isinstance(told, Refused) and all(one.shown for one in told)

    def _waits_for_release(self, seen: Seen) -> bool:
        """Whether acceptance would make Reveni pay before our gates are open; instant returns are paid already."""
        return self._config.acceptance is Acceptance.ON_RELEASE and seen.instant is not True

    def _release(self, command: ReleaseRefund) -> Outcome:
        """Accept what nobody has decided: there is no other way to make Reveni pay (§5)."""
        seen = self._see(command.case.return_id)
        if not isinstance(seen, Seen):
            return seen
        if _released(seen):
            return _as_already(self._shown(seen))
        if any(payment.step is RefundStep.PENDING for payment in seen.payments) and not seen.undecided:
            message = "The return is accepted, but its refund is withheld at Reveni; issue it in Reveni's dashboard."
            return Refused(kind="refund_withheld_in_portal", owner=Owner.FINANCE, message=message)
        if _in_review(seen):
            message = "Somebody put the return into review at Reveni; decide there, then release again."
            return Refused(kind="return_flagged_in_portal", owner=Owner.CX, message=message)
        return self._tell(command, seen, verdicts.acceptance(seen))

    def _tell(self, command: AnyCommand, seen: Seen, told: Sequence[Told]) -> Outcome:
        """Send verdicts to a return that still takes them. A refusal is no refusal when the return shows them."""
        if not seen.undecided or not told:
            message = f"Reveni shows the return as {seen.portal_return.state}; it takes no more verdicts."
            return Refused(kind="portal_refused", owner=Owner.OPS, message=message)
        path = f"{polling.return_path(command.case.return_id)}/partial_validate"
        heard = self._reveni.post(path, verdicts.body(told, self._mapping))
        if isinstance(heard, Refused):
            found = self.find(command)
            return _as_already(found) if isinstance(found, Done) else heard
        if not isinstance(heard, Heard):
            return heard
        units = sum(share.units for one in told for share in one.shares)
        return Done(ref=seen.return_id, message=f"Reveni has the verdict on {units} units.")


def _released(seen: Seen) -> bool:
    """Whether the money is on its way or needs no more from us: paid at once, issued, or everything accepted."""
    if seen.instant is True or any(payment.issued for payment in seen.payments):
        return True
    if seen.portal_return.stage is Stage.CANCELLED:
        return False
    withheld = any(payment.step is RefundStep.PENDING for payment in seen.payments)
    decided = bool(seen.items) and all(not item.undecided for item in seen.items)
    accepted = any(item.accepted for item in seen.items)
    return (seen.move is Move.PROCESSED or (decided and accepted)) and not withheld


def _in_review(seen: Seen) -> bool:
    return seen.portal_return.state == "for_review" or any(item.review for item in seen.items)


def _contradicted(told: Told) -> Refused:
    item = told.item
    message = (
        f"Reveni has already accepted {item.accepted} and rejected {item.rejected} of {item.quantity} units of "
        f"{item.sku or item.item_id}; the warehouse found otherwise."
    )
    return Refused(kind="verdict_differs_in_portal", owner=Owner.FINANCE, message=message)


def _nothing_to_tell(seen: Seen) -> Done:
    message = "Every unit is to be accepted; Reveni is told when the refund is released, because it pays upon it."
    return Done(ref=seen.return_id, message=message)


def _as_already(found: Done) -> AlreadyDone:
    return AlreadyDone(**{name: getattr(found, name) for name in found.__struct_fields__})

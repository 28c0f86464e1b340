"""What a story's policy comes to between a portal and an ERP that can do certain things."""

from __future__ import annotations

from counterfoil.core.policy import Agreement
from counterfoil.testing.story_obedient import ERP_CAN
from counterfoil.testing.story_world import Given

PORTAL_CAN = frozenset({"release", "notes", "grading"})


def agreement_of(given: Given, *, drafts: bool) -> Agreement:
    """The agreement of a story, with an ERP that drafts credit notes or one that records refunds."""
    cannot = {f"{verb}_exchange" for verb in given.by_hand} | (
        {"create_exchange"} if given.without_exchanges else set()
    )
    erp = (ERP_CAN - cannot) | ({"draft_credit"} if drafts else {"record_refund", "store_tracking"})
    return Agreement(policy=given.policy(), portal_can=PORTAL_CAN, erp_can=frozenset(erp))

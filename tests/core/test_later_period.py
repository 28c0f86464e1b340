"""What a closed period stopped goes into the next open one, once a person agreed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from scenes import look_after, with_case

from counterfoil.core.commands import PostCreditNote, ReceiveStock, RecordRefund
from counterfoil.core.decide import decide

ONE = "the portal authorises 1 x A"
CAME = "the warehouse receives 1 x A sellable"


@pytest.mark.parametrize("name", ["ReceiveStock", "PostCreditNote", "RecordRefund"])
def test_an_agreement_to_post_later_travels_with_every_posting_request(name: str) -> None:
    done = look_after(ONE, CAME, drafts=False)
    booked = name != "ReceiveStock"
    late = {"ReceiveStock": ("rma-1",), "PostCreditNote": ("rma-1", "receipt-1"), "RecordRefund": ()}[name]
    before = with_case(
        done,
        steps={
            step: known for step, known in done.case.steps.items() if step in late or not (late or known.name == name)
        },
        units=tuple(
            replace(unit, credited_by=None, posted_by=unit.posted_by if booked else None) for unit in done.case.units
        ),
    )
    for agreed in (True, False):
        accepted = {"period_closed": "robin: December"} if agreed else {}
        asked = [request.command for request in decide(with_case(before, accepted_differences=accepted)).requests]
        [posting] = [one for one in asked if isinstance(one, ReceiveStock | PostCreditNote | RecordRefund)]
        assert type(posting).__name__ == name
        assert posting.post_in_open_period is agreed

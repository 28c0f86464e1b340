"""A refused command is changed in words, dates or places and asked for anew; money, items and the old command stay."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from counterfoil.core.edits import places
from counterfoil.flow.desk import Desk
from counterfoil.ports.actions import ActionError
from counterfoil.ports.outcomes import Refused
from counterfoil.store.log import verify
from counterfoil.testing.builders import portal_return
from counterfoil.testing.road import Road

CASE = "north/acme-portal/R1"
OPEN = "OpenReturnAuthorisation"


@pytest.fixture
def desk(road: Road) -> Desk:
    """A return whose RMA was refused for its reason code."""
    road.outside.plan[OPEN] = [Refused(kind="reason_not_mapped", message="FIT is not known.")]
    road.outside.show(portal_return())
    road.settle()
    return Desk(road.world)


def bodies(road: Road) -> list[tuple[int, str, Any]]:
    rows = road.rows("select edition, state, body from commands where name = :name order by edition", name=OPEN)
    return [(row["edition"], row["state"], msgspec.json.decode(row["body"])) for row in rows]


def test_the_new_command_carries_the_change_and_the_old_one_stays(road: Road, desk: Desk) -> None:
    (edit,) = desk.edits(CASE, "rma-1", {"lines.0.reason_code": "SIZE"})
    assert (edit.before, edit.after) == ("FIT", "SIZE")
    desk.retry_edited(CASE, "rma-1", {"lines.0.reason_code": "SIZE"}, "robin", "the code was renamed")
    road.settle()
    (first, dead, old), (second, done, new) = bodies(road)
    assert (first, dead, old["lines"][0]["reason_code"]) == (1, "dead", "FIT")
    assert (second, done, new["lines"][0]["reason_code"]) == (2, "done", "SIZE")
    assert {k: v for k, v in old.items() if k != "lines"} == {k: v for k, v in new.items() if k != "lines"}
    assert road.case().rma_lines[0].reason_code == "SIZE"
    assert road.problems() == [] and verify(road.world.database).faults == ()
    (made,) = road.outside.documents(OPEN)
    assert made.command.lines[0].reason_code == "SIZE"  # type: ignore[union-attr]


def test_only_words_dates_and_places_can_be_changed(road: Road, desk: Desk) -> None:
    paths = {place.path for place in desk.editable(CASE, "rma-1")}
    assert paths == {"memo", "lines.0.reason_code", "lines.0.expected_depot"}
    assert desk.edits(CASE, "rma-1", {"lines.0.quantity": "9", "lines.0.sku": "X", "step": "credit-1"}) == ()
    with pytest.raises(ActionError, match="Nothing was changed"):
        desk.retry_edited(CASE, "rma-1", {"lines.0.quantity": "9"}, "robin", "more")
    assert len(bodies(road)) == 1


@pytest.mark.parametrize(
    ("step", "wanted", "reason", "sentence"),
    [
        ("rma-1", {"memo": "x" * 201}, "why", "at most 200 signs"),
        ("rma-1", {"memo": "two\nlines"}, "why", "on one line"),
        ("rma-1", {"memo": "new"}, " ", "Say why"),
        ("erp-order-1", {"memo": "new"}, "why", "Only a refused step"),
        ("nothing-1", {}, "why", "Only a refused step"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_a_sentence(
    road: Road, desk: Desk, step: str, wanted: dict[str, str], reason: str, sentence: str
) -> None:
    with pytest.raises(ActionError, match=sentence):
        desk.retry_edited(CASE, step, wanted, "robin", reason)
    assert len(bodies(road)) == 1


def test_a_plain_retry_later_forgets_the_change(road: Road, desk: Desk) -> None:
    road.outside.plan[OPEN] = [Refused(kind="period_closed", message="Closed.")]
    desk.retry_edited(CASE, "rma-1", {"lines.0.reason_code": "SIZE"}, "robin", "renamed")
    road.settle()
    from counterfoil.flow.resolve import People

    People(road.world).retry(CASE, "rma-1", "robin", "as decided")
    road.settle()
    assert [body["lines"][0]["reason_code"] for _, _, body in bodies(road)] == ["FIT", "SIZE", "FIT"]


def test_a_date_must_be_one() -> None:
    from counterfoil.core.commands import CaseRef, PostCreditNote
    from counterfoil.core.documents import CreditNote, DocumentRef, ErpOrder
    from counterfoil.core.edits import EditError, edited, edits_of

    command = PostCreditNote(
        case=CaseRef(brand="n", portal="p", return_id="1", order_ref=None, order_name=None),
        step="credit-1",
        rma=DocumentRef(ref="1", number="R"),
        order=ErpOrder(ref="1", number="S", currency="GBP"),
        credit=CreditNote(currency="GBP", lines=(), charges=(), refund_refs=(), explanation=()),
        credit_date="2026-10-31",
    )
    assert [place.path for place in places(command)] == ["credit_date"]
    with pytest.raises(EditError, match="a date such as"):
        edits_of(command, {"credit_date": "tomorrow"})
    edits = edits_of(command, {"credit_date": "2026-11-02"})
    changed = edited(command, edits)
    assert isinstance(changed, PostCreditNote) and changed.credit_date == "2026-11-02"
    assert edited(changed, edits) == changed  # the place no longer says what it said

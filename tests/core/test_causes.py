"""Problems one fix would end share a cause; others do not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.core.case import ReturnCase, Step, StepState
from counterfoil.core.causes import cause_of, held_by, is_shared, kind_and_words, word_missing
from counterfoil.core.commands import CaseRef
from counterfoil.core.mapping import MapKind, Mapping, from_words
from counterfoil.core.problems import Problem
from counterfoil.core.returns import PortalReturn, Stage, Tenders


def case(return_id: str, message: str = "", kind: str = "tax_code_rejected", refund: int | None = 4000) -> ReturnCase:
    ref = CaseRef(brand="north", portal="acme", return_id=return_id, order_ref="9001", order_name=f"#1{return_id}")
    step = Step(step="credit-1", name="PostCreditNote", state=StepState.REFUSED, problem=kind, message=message)
    seen = PortalReturn(
        portal="acme",
        return_id=return_id,
        order_ref="9001",
        order_name=f"#1{return_id}",
        state="open",
        stage=Stage.AUTHORISED,
        currency="GBP",
        tenders=Tenders(refund=refund),
    )
    return ReturnCase(case=ref, currency="GBP", stage=Stage.AUTHORISED, steps={"credit-1": step}, portal_return=seen)


def refusal(return_id: str, message: str, kind: str = "tax_code_rejected") -> str:
    return cause_of(Problem(kind=kind, subject="credit-1", message=message), case(return_id, message, kind))


def test_one_missing_word_is_one_cause_whichever_return_brings_it() -> None:
    found = {cause_of(Problem(kind="reason_not_mapped", subject="Smoke", message=f"on {n}")) for n in range(3)}
    assert found == {"reason_not_mapped:Smoke"}
    assert word_missing("reason_not_mapped:Smoke") == (MapKind.REASON, "Smoke")
    assert word_missing("sku_not_found:A:B") == (MapKind.SKU, "A:B")


def test_equal_refusals_of_different_returns_are_one_cause_and_different_ones_are_not() -> None:
    first = refusal("501", "Code S21 unknown on return 501 of #1501, total 12.50")
    second = refusal("777", "Code S21 unknown on return 777 of #1777, total 8.00")
    assert first == second == "tax_code_rejected:“Code S21 unknown on return … of …, total …”"
    assert refusal("501", "Code S22 unknown on return 501 of #1501, total 12.50") != first


def test_a_refusal_is_no_missing_word_even_when_its_kind_is() -> None:
    cause = refusal("501", "Reason QUAL is not known.", "reason_not_mapped")
    assert cause == "reason_not_mapped:“Reason QUAL is not known.”"
    assert word_missing(cause) is None and is_shared(cause)


def test_what_each_return_needs_its_own_look_for_is_grouped_by_kind_alone() -> None:
    cause = cause_of(Problem(kind="refund_value_differs", message="0.50 too much"), case("1"))
    assert (cause, is_shared(cause), kind_and_words(cause)) == (
        "refund_value_differs",
        False,
        ("refund_value_differs", ""),
    )


@pytest.mark.parametrize(
    ("problem", "held"),
    [
        (Problem(kind="refund_value_differs", message="", amount=50, currency="GBP"), (50, "GBP")),
        (Problem(kind="reason_not_mapped", subject="x", message=""), (4000, "GBP")),
        (Problem(kind="portal_signs_webhooks", message=""), (None, None)),
    ],
)
def test_a_stopped_return_holds_what_its_customer_waits_for(
    problem: Problem, held: tuple[int | None, str | None]
) -> None:
    assert held_by(problem, case("1")) == held


def test_what_nobody_promised_is_unknown_and_not_zero() -> None:
    assert held_by(Problem(kind="reason_not_mapped", subject="x", message=""), case("1", refund=None)) == (None, None)


def test_a_mapping_and_its_words_are_the_same_thing() -> None:
    mapping = Mapping(
        version="7",
        sku_identity=False,
        skus={"A": "B"},
        reasons={"Too small": "FIT"},
        depots={"LEEDS/damaged": ""},
        quarantine_depot="HOLD",
        tax_codes={"S20": "V20"},
        tenders={"card": "CARD"},
        order_types={"exchange": "EXC"},
        dispositions={"sellable": "A1"},
    )
    assert from_words(mapping.words(), "7") == mapping
    assert mapping.changed(MapKind.SKU, "A", None).sku("A") is None
    assert mapping.changed(MapKind.RULE, "sku_identity", "yes").sku("C") == "C"
    assert (
        replace(mapping).tax_code("S20") == "V20" and mapping.tax_code("S5") == "S5" and mapping.tax_code(None) is None
    )


def test_without_rules_a_sku_stands_for_itself() -> None:
    assert from_words([], "1").sku("SHIRT") == "SHIRT"

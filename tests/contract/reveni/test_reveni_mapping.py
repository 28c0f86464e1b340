"""What a real account may change without changing code: places of fields, words, and the account they are booked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.adapterkit.parse import read_json
from counterfoil.core.events import RefundMoved, RefundReported, ReturnAuthorised, ReturnProcessed
from counterfoil.core.returns import Disposition
from counterfoil.portals import reveni
from counterfoil.portals.reveni import SPEC
from counterfoil.portals.reveni.config import Acceptance, ReveniConfig
from counterfoil.portals.reveni.mapping import FIELDS, USUAL, Move, PaidBy, ReveniMapping, Verdict
from counterfoil.portals.reveni.translate import translate_details, translate_row
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.translation import Kind, Translation

FIXTURES = Path(reveni.__file__).parent / "fixtures"


def whole(name: str, **fields: Any) -> dict[str, Any]:
    return {**read_json((FIXTURES / f"answer_200_return_{name}.json").read_bytes()), **fields}


def read(value: dict[str, Any], **mapping: Any) -> Translation:
    return translate_details(value, msgspec.convert(mapping, ReveniMapping))


def test_a_field_can_stand_anywhere() -> None:
    value = whole("in_progress")
    value["basket"] = {"rows": value.pop("return_items")}
    for row in value["basket"]["rows"]:
        row["cost"] = {"unit": row.pop("price")}
    found = read(value, fields={"items": ["basket.rows"], "item_price": ["cost.unit"]})
    assert found.events == translate_details(whole("in_progress"), USUAL).events


def test_the_first_place_that_holds_something_wins() -> None:
    value = whole("in_progress", state="received", status=None)
    found = read(value, fields={"status": ["status", "state"]}).portal_return
    assert found is not None and found.state == "received"


@pytest.mark.parametrize("fields", [{"colour": ["color"]}, {"items": [""]}])
def test_a_field_nobody_reads_or_an_empty_place_is_refused(fields: dict[str, list[str]]) -> None:
    with pytest.raises(msgspec.ValidationError, match="fields"):
        msgspec.convert({"fields": fields}, ReveniMapping)


def test_a_status_can_be_given_another_meaning() -> None:
    found = read(whole("expired"), statuses={"Expired": "processed"})
    assert [fact for fact in found.events if isinstance(fact, ReturnProcessed)]
    assert found.problems == ()


def test_an_unknown_meaning_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="vanished"):
        msgspec.convert({"statuses": {"EXPIRED": "vanished"}}, ReveniMapping)


def test_words_for_items_refunds_and_reasons_can_be_added() -> None:
    value = whole("refund_unknown_words")
    value["return_items"][0] |= {"status": "nok", "reject_reason": "Smells of smoke"}
    found = read(
        value,
        item_statuses={"NOK": "rejected"},
        refund_methods={"Bizum": "provider"},
        refund_statuses={"on its way": "pending"},
        reject_words={"smells": "refurbish"},
    )
    assert found.portal_return is not None
    assert found.portal_return.lines[0].disposition is Disposition.REFURBISH
    assert [fact.gateway for fact in found.events if isinstance(fact, RefundReported)] == ["reveni_clearing"]
    assert "unknown_portal_word" not in [one.kind for one in found.problems]


def test_the_clearing_account_can_be_named() -> None:
    found = read(whole("instant_bank_transfer"), clearing="provider_eu")
    assert {fact.gateway for fact in found.events if isinstance(fact, RefundMoved | RefundReported)} == {"provider_eu"}


def test_the_days_to_decide_can_be_changed() -> None:
    found = read(whole("instant_bank_transfer"), decide_within_days=14)
    assert "2026-11-16T09:15:00Z" in found.problems[0].message


def test_details_whose_items_are_not_found_are_unreadable_and_a_row_is_not() -> None:
    value = whole("in_progress")
    del value["return_items"]
    assert translate_details(value, USUAL).kind is Kind.UNREADABLE
    assert translate_row(value, USUAL).kind is Kind.RETURN


def test_every_field_has_a_place_and_every_disposition_a_verdict() -> None:
    assert all(all(paths) for paths in FIELDS.values())
    assert {USUAL.verdict(disposition) for disposition in Disposition} == {Verdict.ACCEPTED, Verdict.REJECTED}


@pytest.mark.parametrize("word", list(Move))
def test_every_meaning_of_a_status_can_be_written_in_a_settings_file(word: Move) -> None:
    assert msgspec.convert({"statuses": {"X": word.value}}, ReveniMapping).status("x") is word


@pytest.mark.parametrize("word", list(PaidBy))
def test_every_payer_can_be_written_in_a_settings_file(word: PaidBy) -> None:
    assert msgspec.convert({"refund_methods": {"Y": word.value}}, ReveniMapping).method("y") is word


def test_capabilities_follow_the_configuration() -> None:
    usual = ReveniConfig(api_key="k", store_id="s")
    assert SPEC.capabilities(usual) == {Cap.WEBHOOKS, Cap.POLL, Cap.GRADING, Cap.EXCHANGES, Cap.RELEASE}
    other = ReveniConfig(api_key="k", store_id="s", acceptance=Acceptance.ON_INSPECTION, list_returns=False)
    assert SPEC.capabilities(other) == {Cap.WEBHOOKS, Cap.GRADING, Cap.EXCHANGES}


def test_a_connection_is_filled_from_a_table_with_its_own_words() -> None:
    table = {"api_key": "k", "store_id": "s", "acceptance": "on_inspection", "mapping": {"clearing": "c"}}
    config = msgspec.convert(table, ReveniConfig)
    assert (config.acceptance, config.mapping.clearing) == (Acceptance.ON_INSPECTION, "c")


def test_an_edit_of_the_rows_is_a_new_authorisation() -> None:
    fewer = whole("in_progress")
    fewer["return_items"] = fewer["return_items"][:1]
    keys = {
        fact.key
        for value in (whole("in_progress"), fewer)
        for fact in translate_details(value, USUAL).events
        if isinstance(fact, ReturnAuthorised)
    }
    assert len(keys) == 2

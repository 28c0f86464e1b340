"""What NetSuite's answers mean (NetSuite sheet §8, outputs §1): every fixture has one stated reading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.problems import Owner
from counterfoil.erps import netsuite
from counterfoil.erps.netsuite.errors import classify, outcome_of
from counterfoil.erps.netsuite.translate import translate
from counterfoil.ports.outcomes import Busy, LockedOut, Refused, Unknown
from counterfoil.ports.translation import Answer, Kind, Signature
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(netsuite.__file__).parent / "fixtures"


def delivery(name: str) -> Delivery:
    """A fixture with its status and headers."""
    [path] = [each for each in FIXTURES.glob(f"{name}_*") if not each.name.endswith(".headers.json")]
    headers = FIXTURES / f"{path.stem}.headers.json"
    found = re.search(r"_(\d{3})$", path.stem)
    assert found is not None
    return Delivery(
        body=path.read_bytes(),
        headers=msgspec.json.decode(headers.read_bytes(), type=dict[str, str]) if headers.exists() else {},
        status=int(found.group(1)),
    )


def answer(name: str) -> Answer:
    """The answer a fixture is read as."""
    read = translate(delivery(name))
    assert read.kind is Kind.ANSWER
    assert read.answer is not None
    return read.answer


class Row(NamedTuple):
    """What is expected of one fixture."""

    name: str
    result: str
    code: str | None
    retryable: bool = False
    owner: Owner | None = None
    then: str | None = None
    after_s: float | None = None
    problem: str | None = None


PARK = "park"
TABLE = (
    Row("invalid_login", "rejected", "INVALID_LOGIN", False, Owner.INTEGRATION, PARK, None, "permission_missing"),
    Row(
        "permission_violation",
        "rejected",
        "INSUFFICIENT_PERMISSION",
        False,
        Owner.INTEGRATION,
        PARK,
        None,
        "permission_missing",
    ),
    Row("invalid_item", "rejected", "INVALID_CONTENT", False, Owner.OPS, PARK, None, "sku_not_found"),
    Row("invalid_location", "rejected", "INVALID_CONTENT", False, Owner.OPS, PARK, None, "depot_not_mapped"),
    Row("malformed_request", "rejected", "INVALID_CONTENT", False, Owner.INTEGRATION, PARK, None, "field_rejected"),
    Row("unknown_field", "rejected", "NONEXISTENT_FIELD", False, Owner.INTEGRATION, PARK, None, "field_rejected"),
    Row("mandatory_field", "rejected", "USER_ERROR", False, Owner.INTEGRATION, PARK, None, "field_rejected"),
    Row("already_exists", "duplicate", "DUP_RCRD", then="read_back"),
    Row("duplicate_record", "duplicate", "DUP_RCRD", then="read_back"),
    Row("closed_period", "rejected", "PERIOD_CLOSED", False, Owner.FINANCE, PARK, None, "period_closed"),
    Row("wrong_transaction_type", "not_found", "USER_ERROR"),
    Row("idempotency_conflict", "duplicate", "IDEMPOTENCY_ERROR", then="read_back"),
    Row("invalid_query", "rejected", "INVALID_PARAMETER", False, Owner.INTEGRATION, PARK, None, "permission_missing"),
    Row("nonexistent_id", "not_found", "NONEXISTENT_ID"),
    Row(
        "unknown_record_type",
        "rejected",
        "INVALID_REQUEST",
        False,
        Owner.INTEGRATION,
        PARK,
        None,
        "configuration_rejected",
    ),
    Row("record_changed", "retry", "RCRD_HAS_BEEN_CHANGED", True, then="read_back", after_s=2.0),
    Row("concurrency_limit", "retry", "CONCURRENCY_LIMIT_EXCEEDED", True, then="resend", after_s=1.0),
    Row("frequency_limit", "retry", "USER_ERROR", True, then="resend", after_s=60.0),
    Row("unexpected_error", "retry", "UNEXPECTED_ERROR", True, then="read_back", after_s=5.0),
    Row("maintenance_page", "retry", None, True, then="read_back", after_s=30.0),
    Row("gateway_page", "retry", None, True, Owner.INTEGRATION, "read_back", 30.0, "unmapped_erp_error"),
    Row("unmapped_refusal", "rejected", "USER_ERROR", False, Owner.INTEGRATION, PARK, None, "unmapped_erp_error"),
    Row("two_reasons", "rejected", "PERIOD_CLOSED", False, Owner.FINANCE, PARK, None, "period_closed"),
    Row("invalid_grant", "rejected", "invalid_grant", False, Owner.INTEGRATION, PARK, None, "permission_missing"),
    Row("access_token", "ok", None),
    Row("suiteql_page", "ok", None),
    Row("suiteql_empty", "ok", None),
    Row("suiteql_shared_external_id", "ambiguous", None, False, Owner.INTEGRATION, PARK),
    Row("credit_memo_read", "ok", None),
    Row("created", "created", None, then="read_back"),
    Row("deleted", "ok", None, then="read_back"),
    Row("queued", "accepted", None, then="read_back"),
    Row("too_many_units", "rejected", "USER_ERROR", False, Owner.OPS, PARK, None, "quantity_exceeds_authorised"),
    Row("transform_missing", "rejected", "USER_ERROR", False, Owner.INTEGRATION, PARK, None, "configuration_rejected"),
    Row("locked_period", "rejected", "PERIOD_CLOSED", False, Owner.FINANCE, PARK, None, "period_closed"),
    Row("stale_reference", "rejected", "INVALID_KEY_OR_REF", False, Owner.OPS, PARK, None, "depot_not_mapped"),
    Row("restlet_limit", "retry", "SSS_REQUEST_LIMIT_EXCEEDED", True, then="resend", after_s=1.0),
    Row("not_there_new_type", "not_found", "NONEXISTENT_ID"),
    Row("space_in_url", "rejected", "INVALID_CONTENT", False, Owner.INTEGRATION, PARK, None, "field_rejected"),
    Row("edited_meanwhile", "retry", "RCRD_HAS_BEEN_CHANGED", True, then="read_back", after_s=2.0),
    Row("customer_inactive", "rejected", "INVALID_CONTENT", False, Owner.FINANCE, PARK, None, "customer_not_found"),
    Row("invalid_client", "rejected", "invalid_client", False, Owner.INTEGRATION, PARK, None, "permission_missing"),
    Row("bad_gateway", "retry", None, True, then="read_back", after_s=30.0),
    Row("job_running", "accepted", None, then="read_back"),
    Row("job_finished", "accepted", None, then="read_back"),
    Row("suiteql_kit_members", "ok", None),
    Row("suiteql_periods", "ok", None),
    Row("deposit_refund_read", "ok", None),
    Row("exchange_order_read", "ok", None),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_answer_has_one_reading(row: Row) -> None:
    read = translate(delivery(row.name))
    found = answer(row.name)
    problem = read.problems[0].kind if read.problems else None
    got = Row(
        row.name, found.result, found.primary_code, found.retryable, found.owner, found.then, found.after_s, problem
    )
    assert got == row


def test_every_fixture_is_read_in_a_test_and_has_its_origin_stated() -> None:
    names = {re.sub(r"_\d{3}(\.headers)?\.\w+$", "", path.name) for path in FIXTURES.iterdir() if path.suffix != ".md"}
    assert names == {row.name for row in TABLE} | {"cut_off"}
    told = (FIXTURES / "PROVENANCE.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if name not in told] == []


def test_a_created_document_is_named_by_the_end_of_its_location() -> None:
    assert answer("created").erp_number == "6001"
    assert answer("queued").erp_number is None


def test_a_read_document_is_listed_under_our_reference() -> None:
    [part] = answer("credit_memo_read").per_document
    assert (part.ref, part.erp_number, part.result) == ("cf-acme-loop-77-credit", "6001", "ok")
    assert answer("credit_memo_read").erp_number == "6001"


def test_several_documents_under_one_reference_are_all_named() -> None:
    assert [part.erp_number for part in answer("suiteql_shared_external_id").per_document] == ["6001", "6007"]


def test_no_rows_are_not_called_absence() -> None:
    assert "proves nothing" in answer("suiteql_empty").message


def test_an_answer_cut_off_is_unreadable_not_an_exception() -> None:
    read = translate(delivery("cut_off"))
    assert read.kind is Kind.UNREADABLE
    assert [problem.kind for problem in read.problems] == ["unreadable_delivery"]
    assert read.answer is None


def test_the_field_at_fault_is_named() -> None:
    [problem] = translate(delivery("invalid_item")).problems
    assert problem.subject == "item.items[0].item"
    assert "9999" in problem.message


def test_messages_are_one_line_without_a_stack_trace_or_a_token() -> None:
    for row in TABLE:
        message = answer(row.name).message
        assert "\n" not in message
        assert "com.example" not in message
        assert "invented-token" not in message
        assert message.endswith((".", "…"))


def test_answers_are_not_signed() -> None:
    assert translate(delivery("created")).signature is Signature.NOT_SIGNED


def test_the_status_may_be_left_out() -> None:
    for name in ("created", "credit_memo_read", "closed_period", "invalid_grant"):
        given_status = delivery(name)
        assert translate(msgspec.structs.replace(given_status, status=None)).answer == answer(name)


def test_type_and_title_of_an_error_change_nothing() -> None:
    body = (FIXTURES / "closed_period_400.json").read_bytes()
    renamed = body.replace(b'"Bad Request"', b'"Conflict"').replace(b"www.w3.org", b"www.rfc-editor.org")
    assert translate(Delivery(body=renamed, status=400)).answer == answer("closed_period")


def test_a_retry_after_is_honoured_where_there_is_one() -> None:
    told = translate(Delivery(body=b"", headers={"retry-after": "17"}, status=429)).answer
    assert told is not None
    assert told.after_s == 17.0


@given(
    st.binary(max_size=200) | st.from_regex(rb'\{"o:errorDetails":\[\{"detail":"[a-z ]{0,40}"\}\]\}', fullmatch=True),
    st.sampled_from([None, 200, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503]),
)
def test_no_bytes_make_translate_raise(body: bytes, status: int | None) -> None:
    read = translate(Delivery(body=body, status=status))
    assert read.vendor == "netsuite"
    assert (read.answer is None) == (read.kind is Kind.UNREADABLE)


# --- what a call ends in ----------------------------------------------------------------------------------------------


def outcome(name: str, *, writes: bool) -> object:
    """The outcome of a call with this answer."""
    got = delivery(name)
    return outcome_of(classify(got.status or 0, got.headers, got.body), writes=writes)


@pytest.mark.parametrize("name", ["unexpected_error", "maintenance_page", "gateway_page"])
def test_a_write_that_may_have_arrived_is_looked_up_and_a_read_is_repeated(name: str) -> None:
    assert isinstance(outcome(name, writes=True), Unknown)
    assert isinstance(outcome(name, writes=False), Busy)


@pytest.mark.parametrize("name", ["concurrency_limit", "frequency_limit", "record_changed"])
def test_what_was_surely_not_carried_out_is_simply_asked_again(name: str) -> None:
    assert isinstance(outcome(name, writes=True), Busy)


@pytest.mark.parametrize("name", ["invalid_login", "permission_violation", "invalid_grant"])
def test_bad_credentials_pause_the_connection(name: str) -> None:
    assert isinstance(outcome(name, writes=True), LockedOut)


def test_a_refusal_carries_kind_owner_and_code() -> None:
    refused = outcome("closed_period", writes=True)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.owner, refused.code) == ("period_closed", Owner.FINANCE, "PERIOD_CLOSED")

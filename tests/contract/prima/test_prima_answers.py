"""What answers of Prima mean, by every transport: each fixture of the vendor folder, read by `translate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.core.problems import Owner
from counterfoil.erps.prima import SPEC
from counterfoil.erps.prima.errors import CODES, Treatment
from counterfoil.erps.prima.translate import translate
from counterfoil.ports.translation import Answer, Kind, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(SPEC.translate.__code__.co_filename).parent / "fixtures"

# fixture: result, retryable, then, primary code, ERP number, owner
MEANINGS = {
    "rest_201_sales_return.json": ("created", False, None, None, "SR000412", None),
    "rest_200_no_such_return.json": ("not_found", False, None, None, None, None),
    "rest_200_sales_orders.json": ("ok", False, None, None, "SO10001", None),
    "rest_200_replayed_credit_note.json": ("ok", False, None, None, "CN000077", None),
    "rest_422_unknown_sku.json": ("rejected", False, "park", "UNKNOWN_SKU", None, Owner.OPS),
    "rest_423_period_closed.json": ("rejected", False, "park", "PERIOD_CLOSED", None, Owner.FINANCE),
    "rest_409_duplicate_ref.json": ("duplicate", False, "read_back", "DUPLICATE_REF", None, None),
    "rest_429_rate_limited.json": ("retry", True, "resend", "RATE_LIMITED", None, None),
    "rest_504_timeout.json": ("ambiguous", True, "read_back", "ERP_TIMEOUT", None, None),
    "rest_422_code_nobody_mapped.json": ("rejected", False, "park", "WARDROBE_LOCKED", None, Owner.OPS),
    "rest_502_proxy_page.html": ("ambiguous", True, "read_back", None, None, None),
    "soap_orders_made.xml": ("created", False, None, None, "EX-70001-1", None),
    "soap_order_exists.xml": ("duplicate", False, "read_back", "E:21", "EX-70001-1", None),
    "soap_follow_on_errors_first.xml": ("rejected", False, "park", "E:548", None, Owner.FINANCE),
    "soap_only_follow_on_errors.xml": ("rejected", False, "park", "E:194", None, Owner.OPS),
    "soap_code_nobody_mapped.xml": ("rejected", False, "park", "E:901", None, Owner.OPS),
    "soap_sax_failure.xml": ("rejected", False, "park", None, None, Owner.INTEGRATION),
    "soap_one_made_one_refused.xml": ("mixed", False, "park", "E:194", None, Owner.OPS),
    "soap_order_status.xml": ("ok", False, None, None, "EX-70001-1", None),
    "soap_stock.xml": ("ok", False, None, None, None, None),
    "soap_enveloped.xml": ("created", False, None, None, "EX-70005-1", None),
    "soap_fault.xml": ("ambiguous", True, "read_back", None, None, None),
    "file_ack_accepted.csv": ("accepted", False, None, None, None, None),
    "file_ack_rejected.csv": ("rejected", False, "park", "BAD_CONTROL_TOTAL", None, Owner.INTEGRATION),
    "file_resp_mixed.csv": ("mixed", False, "park", "UNKNOWN_SKU", None, Owner.OPS),
    "file_resp_duplicate.csv": ("duplicate", False, "read_back", "DUPLICATE_REF", "CN000077", None),
    "file_resp_held.csv": ("accepted", False, None, None, "GR000051", None),
    "file_resp_without_trailer.csv": ("incomplete", True, None, None, None, None),
    "file_resp_created.xml": ("created", False, None, None, "CN000078", None),
    "file_resp_rejected_line.xml": ("rejected", False, "park", "CREDIT_EXCEEDS_LINE_VALUE", None, Owner.FINANCE),
    "file_resp_still_written.xml": ("incomplete", True, None, None, None, None),
}
UNREADABLE = {"rest_201_cut_in_half.json", "file_with_document_type.xml"}


def status_of(name: str) -> int | None:
    """The status in a fixture's name."""
    return int(name.split("_")[1]) if name.startswith("rest_") else None


def read(name: str, **headers: str) -> Translation:
    """One fixture, translated."""
    return translate(Delivery(body=(FIXTURES / name).read_bytes(), status=status_of(name), headers=headers))


def answer(body: bytes, status: int | None = None, **headers: str) -> Answer:
    """The answer in a body, which must be readable."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found = translate(Delivery(body=body, status=status, headers=named)).answer
    assert found is not None
    return found


def test_every_fixture_has_a_stated_meaning_and_a_provenance() -> None:
    names = {path.name for path in FIXTURES.iterdir()} - {"PROVENANCE.md"}
    assert names == {*MEANINGS, *UNREADABLE}
    provenance = (FIXTURES / "PROVENANCE.md").read_text()
    # Groups such as `file_ack_*.csv` are named by their pattern.
    unnamed = [n for n in names if n not in provenance and not n.startswith(("file_ack_", "file_resp_"))]
    assert unnamed == []


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_an_answer_means_what_the_sheet_says(name: str) -> None:
    found = read(name)
    assert found.kind is Kind.ANSWER
    said = found.answer
    assert said is not None
    assert (
        said.result,
        said.retryable,
        said.then,
        said.primary_code,
        said.erp_number,
        said.owner,
    ) == MEANINGS[name]
    assert said.message
    assert "DEV MODE" not in said.message
    assert "\n" not in said.message


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_what_cannot_be_read_is_kept_as_unreadable_with_a_finding(name: str) -> None:
    found = read(name)
    assert found.kind is Kind.UNREADABLE
    assert [finding.kind for finding in found.problems] == ["unreadable_delivery"]


def test_half_an_answer_to_a_write_says_to_read_back_before_sending_again() -> None:
    said = read("rest_201_cut_in_half.json").answer
    assert said is not None
    assert (said.result, said.then) == ("ambiguous", "read_back")


def test_a_replayed_write_is_a_duplicate() -> None:
    said = read("rest_200_replayed_credit_note.json", **{"idempotent-replayed": "true"}).answer
    assert said is not None
    assert (said.result, said.erp_number) == ("duplicate", "CN000077")


@pytest.mark.parametrize("code", sorted(code for code in CODES if not code.startswith("E:")))
def test_every_code_of_the_table_has_a_treatment_that_fits_its_owner(code: str) -> None:
    status = {"PERIOD_CLOSED": 423, "RATE_LIMITED": 429, "ERP_UNAVAILABLE": 503, "ERP_TIMEOUT": 504}.get(code, 422)
    said = answer(b'{"error":{"code":"%s","message":"No."}}' % code.encode(), status)
    assert said.primary_code == code
    assert (said.owner is not None) == (said.then == "park")
    assert said.retryable == (CODES[code].treatment in (Treatment.THROTTLED, Treatment.AMBIGUOUS))


@pytest.mark.parametrize(
    ("status", "result", "then", "owner"),
    [
        (400, "rejected", "park", Owner.INTEGRATION),
        (401, "rejected", "park", Owner.INTEGRATION),
        (403, "rejected", "park", Owner.INTEGRATION),
        (404, "not_found", None, None),
        (423, "rejected", "park", Owner.FINANCE),
        (429, "retry", "resend", None),
        (500, "ambiguous", "read_back", None),
        (502, "ambiguous", "read_back", None),
        (503, "ambiguous", "read_back", None),
        (504, "ambiguous", "read_back", None),
    ],
)
def test_a_status_alone_is_enough_to_know_what_to_do(status: int, result: str, then: str | None, owner: str) -> None:
    said = answer(b"<html>no</html>", status)
    assert (said.result, said.then, said.owner) == (result, then, owner)


def test_a_throttled_answer_says_when_to_come_back() -> None:
    assert answer(b"{}", 429, retry_after="12").after_s == 12
    assert answer(b"{}", 429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT").after_s is None


def test_the_error_body_alone_is_read_without_a_status() -> None:
    said = answer(b'{"error":{"code":"ERP_TIMEOUT","message":"Late."}}')
    assert (said.result, said.then) == ("ambiguous", "read_back")


def test_the_subject_of_a_refusal_is_the_field_it_names() -> None:
    [finding] = read("rest_422_unknown_sku.json").problems
    assert (finding.kind, finding.owner, finding.subject) == ("sku_not_found", Owner.OPS, "lines[0].sku")


def test_a_code_nobody_mapped_keeps_its_text() -> None:
    [finding] = read("soap_code_nobody_mapped.xml").problems
    assert finding.kind == "unmapped_erp_error"
    assert "being archived" in finding.message


def test_each_document_of_a_mixed_answer_has_its_own_result() -> None:
    said = read("soap_one_made_one_refused.xml").answer
    assert said is not None
    assert [(d.ref, d.result, d.erp_number, d.primary_code) for d in said.per_document] == [
        ("AAAA0001", "created", "EX-70003-1", None),
        ("AAAA0002", "rejected", None, "E:194"),
    ]


def test_a_document_is_not_blamed_for_the_error_of_its_neighbour() -> None:
    error = '<RequestError UniqueID="B" Error="(E:194) There were no Valid Order Lines found"/>'
    rows = '<Data UniqueID="A" OrderNumber="1"/><Data UniqueID="B" OrderNumber="2"/>'
    said = answer(f'<Result RequestType="MultiNewOrder" RequestStatus="ERROR">{rows}{error}</Result>'.encode())
    assert [document.result for document in said.per_document] == ["ambiguous", "rejected"]
    assert (said.result, said.retryable, said.then) == ("mixed", False, "park")
    assert (said.primary_code, said.owner) == ("E:194", Owner.OPS)


def test_latin_text_is_read_with_and_without_a_declaration() -> None:
    text = '<Result RequestType="NewOrder" RequestStatus="ERROR" Error="(E:901) Größe unbekannt"/>'
    declared = ('<?xml version="1.0" encoding="ISO-8859-1"?>' + text).encode("iso-8859-1")
    for body in (declared, text.encode("iso-8859-1"), text.encode("utf-8"), text.encode("utf-8-sig")):
        assert "Größe unbekannt" in answer(body).message


def test_a_body_that_is_not_in_its_declared_encoding_is_unreadable() -> None:
    body = '<?xml version="1.0" encoding="UTF-8"?><Result RequestStatus="OK" Note="Größe"/>'.encode("iso-8859-1")
    assert translate(Delivery(body=body)).kind is Kind.UNREADABLE


def test_a_write_whose_status_word_is_unknown_is_looked_up_not_believed() -> None:
    body = b'<Result RequestType="NewOrder"><Data UniqueID="X" OrderNumber="9" RequestStatus="QUEUED"/></Result>'
    assert answer(body).result == "ambiguous"
    assert answer(body).then == "read_back"


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_names_are_matched_whatever_their_case(spelling: object) -> None:
    change = spelling if callable(spelling) else str
    names = ["Result", "RequestType", "RequestStatus", "Data", "UniqueID", "OrderNumber"]
    body = '<Result RequestType="NewOrder"><Data UniqueID="X" OrderNumber="SO9" RequestStatus="OK"/></Result>'
    for name in names:
        body = body.replace(name, str(change(name)))
    said = answer(body.encode())
    assert (said.result, said.erp_number) == ("created", "SO9")


def test_an_answer_file_with_a_wrong_count_is_not_applied() -> None:
    whole = (FIXTURES / "file_resp_mixed.csv").read_bytes()
    said = answer(whole.replace(b"FT,2", b"FT,3"))
    assert (said.result, said.per_document) == ("incomplete", ())


@pytest.mark.parametrize("name", ["file_ack_accepted.csv", "file_resp_mixed.csv", "file_resp_created.xml"])
def test_an_answer_file_cut_anywhere_is_never_taken_for_a_whole_one(name: str) -> None:
    whole = (FIXTURES / name).read_bytes()
    for end in range(1, len(whole.rstrip())):
        found = translate(Delivery(body=whole[:end]))
        assert found.answer is None or found.answer.result == "incomplete"


def test_answer_files_are_read_with_either_line_end() -> None:
    whole = (FIXTURES / "file_ack_accepted.csv").read_bytes()
    assert b"\r\n" in whole
    assert answer(whole.replace(b"\r\n", b"\n")) == answer(whole)


def test_an_answer_file_may_begin_with_a_byte_mark_and_be_in_windows_1252() -> None:
    body = 'FH,RESP,CF1,1,2026-03-04,1,1\r\nD,A-1,REJECTED,,UNKNOWN_SKU,"Größe, unbekannt",\r\nFT,1\r\n'
    for data in (body.encode("utf-8-sig"), body.encode("windows-1252")):
        assert answer(data).message == "Größe, unbekannt"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"[1,2]",
        b"[" * 100_000,
        b'{"error":{"code":"\\ud800","message":"\\ud800"}}',
        b'{"return_number":{"a":1}}',
        b'{"items":[1]}',
        b'{"a":1,"a":2}',
        b"<",
        b"<a><b></a>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>",
        "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><Result/>".encode("utf-16"),
        b"<Result/>",
        b"<Result><Data/></Result>",
        b"<PrimaFile type='SRET'><Trailer documents='0'/></PrimaFile>",
        b"FH\x00,ACK",
        b"FH,SRET,CF1,1,now,1,1\nFT,0",
        b"FH,ACK,CF1,1,now,1,1\nA,x,PERHAPS,,,\nFT,1",
        b"FH,ACK,CF1,1,now,1,1\nZ,x\nFT,1",
        b"\xff\xfe\xff",
        b"\x00" * 50,
    ],
)
@pytest.mark.parametrize("status", [None, 200, 422, 503])
def test_nothing_a_guest_sends_raises(body: bytes, status: int | None) -> None:
    found = translate(Delivery(body=body, status=status))
    assert found.kind in (Kind.ANSWER, Kind.UNREADABLE)
    for finding in found.problems:
        finding.message.encode()
    if found.answer is not None:
        found.answer.message.encode()


def test_entities_are_never_fetched_or_expanded() -> None:
    body = b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><Result RequestStatus='OK'>&x;</Result>"
    found = translate(Delivery(body=body))
    assert found.kind is Kind.UNREADABLE
    assert "document type" in found.problems[0].message

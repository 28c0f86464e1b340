"""Our references on Prima's documents: deterministic, short, of allowed characters, and never shared."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.commands import CaseRef
from counterfoil.erps.prima.refs import external_ref


def case(return_id: str, portal: str = "loop") -> CaseRef:
    """A return of an invented brand."""
    return CaseRef(brand="acme", portal=portal, return_id=return_id)


def test_a_plain_reference_reads_as_the_sheet_writes_it() -> None:
    assert external_ref("SRET", case("70001"), "rma") == "SRET-LOOP-70001"
    assert external_ref("GRN", case("70001"), "receipt-2") == "GRN-LOOP-70001-2"


def test_the_brand_is_in_it_only_where_that_is_wanted() -> None:
    assert external_ref("SRET", case("70001"), "rma", with_brand=True) == "SRET-ACME-LOOP-70001"


def test_a_draft_and_its_posting_have_one_reference_and_other_credits_another() -> None:
    draft = external_ref("SCRN", case("70001"), "credit-draft-1")
    assert draft == external_ref("SCRN", case("70001"), "credit-1")
    assert draft != external_ref("SCRN", case("70001"), "credit-2")
    assert draft != external_ref("SCRN", case("70001"), "credit-goodwill-1")


def test_a_long_id_is_cut_and_told_apart_by_a_hash() -> None:
    first = external_ref("SRET", case("0b6d2c1e-5a55-4a0e-9a7e-1f2d3c4b5a69", "reveni"), "rma")
    second = external_ref("SRET", case("0b6d2c1e-5a55-4a0e-9a7e-1f2d3c4b5a68", "reveni"), "rma")
    assert len(first) <= 40
    assert first != second
    assert first.startswith("SRET-REVENI-0B6D2C1E")


def test_ids_that_clean_to_the_same_text_stay_apart() -> None:
    refs = [external_ref("SRET", case(i), "rma") for i in ("RMA_1", "RMA-1", "Rma-1", "RMA 1", "RMA--1")]
    assert len(set(refs)) == len(refs)


def test_an_id_that_ends_like_a_sequence_does_not_meet_that_sequence() -> None:
    assert external_ref("GRN", case("12-1"), "receipt") != external_ref("GRN", case("12"), "receipt-1")


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=30))
def test_every_reference_fits_the_sheet(return_id: str, step: str) -> None:
    ref = external_ref("SCRN", case(return_id), step)
    assert re.fullmatch(r"[A-Z0-9-]{1,40}", ref)
    assert ref == external_ref("SCRN", case(return_id), step)


@given(st.lists(st.text(min_size=1, max_size=60), min_size=2, max_size=2, unique_by=str.lower))
def test_two_returns_never_share_a_reference(ids: list[str]) -> None:
    assert external_ref("SRET", case(ids[0]), "rma") != external_ref("SRET", case(ids[1]), "rma")

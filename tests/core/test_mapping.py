"""One system's words for another's: what is not mapped is nobody's guess."""

from __future__ import annotations

import pytest

from counterfoil.core.mapping import Mapping

WORDS = Mapping(
    reasons={"Too small": "SIZE", " Changed my mind ": "MIND"},
    skus={"TEE-M": "100-M"},
    depots={
        "LEEDS/sellable": "MAIN",
        "sellable": "ANY",
        "reason:SIZE": "SIZES",
        "LEEDS/*": "YARD",
        "dispose": "",
    },
)
KEYS = ("received_at+disposition", "disposition", "reason")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Too small", "SIZE"),
        ("too SMALL ", "SIZE"),
        ("changed my mind", "MIND"),
        ("Too", None),
        ("", None),
        (None, None),
    ],
)
def test_reasons_are_found_whatever_their_case_and_blanks_and_never_guessed(said: str | None, code: str | None) -> None:
    assert WORDS.reason(said) == code


def test_a_sku_stands_for_itself_only_where_that_was_agreed() -> None:
    strict = Mapping(sku_identity=False, skus={"TEE-M": "100-M"})
    assert (WORDS.sku("TEE-M"), WORDS.sku("HAT"), WORDS.sku(None)) == ("100-M", "HAT", None)
    assert (strict.sku("TEE-M"), strict.sku("HAT")) == ("100-M", None)


@pytest.mark.parametrize(
    ("warehouse", "disposition", "reason", "keys", "depot"),
    [
        ("LEEDS", "sellable", "SIZE", KEYS, "MAIN"),
        ("YORK", "sellable", "SIZE", KEYS, "ANY"),
        ("YORK", "damaged", "SIZE", KEYS, "SIZES"),
        ("YORK", "damaged", "MIND", KEYS, None),
        ("YORK", "dispose", "SIZE", KEYS, ""),
        ("LEEDS", "damaged", None, KEYS, None),
        ("LEEDS", "damaged", None, (*KEYS, "received_at"), "YARD"),
        ("LEEDS", "sellable", "SIZE", ("reason", "disposition"), "SIZES"),
        ("LEEDS", "sellable", "SIZE", ("a key nobody knows",), None),
        ("LEEDS", "sellable", "SIZE", (), None),
    ],
)
def test_depots_are_found_by_the_agreed_keys_in_their_order(
    warehouse: str, disposition: str, reason: str | None, keys: tuple[str, ...], depot: str | None
) -> None:
    assert WORDS.depot(keys, warehouse=warehouse, disposition=disposition, reason_code=reason) == depot


def test_every_kind_of_word_survives_the_store_form() -> None:
    from counterfoil.core.mapping import MapKind, Mapping, from_words

    full = Mapping(
        version="3",
        skus={"a": "b"},
        reasons={"a": "b"},
        depots={"a": ""},
        tax_codes={"a": "b"},
        dispositions={"a": "b"},
        tenders={"a": "b"},
        order_types={"a": "b"},
        categories={"a": "b"},
        expected={"a": ("b", "c")},
        quarantine_depot="Q",
        sku_identity=False,
    )
    assert from_words(full.words(), "3") == full
    assert {kind for kind, _, _ in full.words()} == set(MapKind)
    empty = [name for name in Mapping.__struct_fields__ if getattr(full, name) == getattr(Mapping(), name)]
    assert empty == []  # a field added to the mapping must be added here, and to the store's form

"""The conformance kit over the catalogue: the same suites `counterfoil conformance` runs, one test a suite and vendor."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.catalog import VENDORS, vendor
from counterfoil.conformance.evidence import Evidence, gather
from counterfoil.conformance.kit import SUITES, run
from counterfoil.conformance.mutants import campaign
from counterfoil.conformance.shelf import SHELF
from counterfoil.conformance.verdict import State
from counterfoil.core.events import RefundMoved
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery, Hook, Reply, VendorSpec

SENDS_NOTHING = {(erp, suite) for erp in ("netsuite", "prima") for suite in ("signatures", "duplicates", "reordering")}
ONLY_SENDS = {
    (name, suite)
    for name in ("signed", "stripe", "adyen", "warehouse", "shipbob", "shiphero")
    for suite in ("lost acknowledgement", "throttling")
}
NOT_APPLICABLE = SENDS_NOTHING | ONLY_SENDS | {("shopify", "lost acknowledgement"), ("shipbob", "reordering")}
MUTANTS = 400


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", VENDORS)
def test_every_vendor_passes_every_suite_that_applies_to_it(name: str, suite: str) -> None:
    verdict = run(suite, vendor(name))
    assert verdict.state is not State.FAILED, "\n".join(verdict.wrongs)
    assert ((name, suite) in NOT_APPLICABLE) == (verdict.state is State.NOT_APPLICABLE), verdict.detail


@pytest.mark.parametrize("name", VENDORS)
def test_damaged_payloads_are_answered_and_never_lie_about_money(name: str) -> None:
    tried = campaign(vendor(name), MUTANTS, seed=2026)
    assert tried.mutants == MUTANTS
    assert not tried.findings, "\n".join(tried.findings)


# --- the kit itself can fail ----------------------------------------------------------------------------------------


def broken(name: str, translate: Callable[[Delivery], Translation]) -> VendorSpec:
    """A vendor with another translation in place of its own; its evidence is still found."""
    translate.__module__ = vendor(name).translate.__module__
    return spec_with(name, translate=translate)


def spec_with(name: str, **changes: Any) -> VendorSpec:
    from dataclasses import replace

    return replace(vendor(name), **changes)


def hook_with(name: str, **changes: Any) -> Hook:
    from dataclasses import replace

    hook = vendor(name).hook
    assert hook is not None
    return replace(hook, **changes)


def failing(suite: str, spec: VendorSpec) -> str:
    verdict = run(suite, spec)
    assert verdict.state is State.FAILED, verdict.detail
    assert verdict.cure, "a failing row says what to do"
    return " / ".join(verdict.wrongs)


def test_a_translation_that_raises_fails_the_fixtures() -> None:
    def raising(delivery: Delivery) -> Translation:
        raise KeyError("refund")

    assert "raised KeyError" in failing("fixtures", broken("stripe", raising))


def test_a_translation_that_says_nothing_fails_the_fixtures() -> None:
    def silent(delivery: Delivery) -> Translation:
        return Translation(vendor="stripe", kind=Kind.OTHER)

    assert "read as nothing" in failing("fixtures", broken("stripe", silent))


def test_a_hook_that_trusts_everybody_fails_the_signatures() -> None:
    hook = hook_with("shopify", verify=lambda delivery, secrets: Signature.VALID)
    assert "under another secret" in failing("signatures", spec_with("shopify", hook=hook))


def test_a_hook_that_forgets_older_secrets_fails_the_signatures() -> None:
    true = hook_with("shopify")
    hook = hook_with("shopify", verify=lambda delivery, secrets: true.verify(delivery, secrets[:1]))
    assert "while a new secret is brought in" in failing("signatures", spec_with("shopify", hook=hook))


def test_a_hook_that_refuses_true_deliveries_fails_the_signatures() -> None:
    hook = hook_with("shopify", refuse=lambda delivery, signature: Reply(status=401))
    assert "is refused" in failing("signatures", spec_with("shopify", hook=hook))


def test_a_vendor_without_a_signed_example_fails_the_signatures_and_hears_how_to_make_one(tmp_path: Path) -> None:
    evidence = gather(vendor("shopify"), _copied("shopify", tmp_path, signed=[]))
    verdict = SUITES["signatures"](evidence)
    assert verdict.state is State.FAILED
    assert "kit.json" in verdict.cure


def test_keys_made_from_the_clock_fail_the_duplicates() -> None:
    hook = hook_with("shopify", delivery_key=lambda delivery: f"{delivery.arrived_at}")
    assert "another delivery key a minute later" in failing("duplicates", spec_with("shopify", hook=hook))


def test_one_key_for_every_delivery_fails_the_duplicates() -> None:
    hook = hook_with("shopify", delivery_key=lambda delivery: "the same")
    assert "share a delivery key" in failing("duplicates", spec_with("shopify", hook=hook))


def test_a_rubbish_body_taken_for_a_fact_fails_the_unreadable_input() -> None:
    true = vendor("stripe").translate
    fact = RefundMoved(
        key="k", source="stripe", ref="re_1", order_ref=None, amount=0, currency="GBP", status="confirmed"
    )  # type: ignore[arg-type]

    def guessing(delivery: Delivery) -> Translation:
        found = true(delivery)
        return found if found.events else msgspec.structs.replace(found, events=(fact,))

    assert "instead of being refused" in failing("unreadable input", broken("stripe", guessing))


def test_an_amount_that_is_off_by_a_penny_fails_the_money_totals(tmp_path: Path) -> None:
    folder = _copied("stripe", tmp_path, totals={"refund_created_succeeded.json": {"refunds": "25.51"}})
    verdict = SUITES["money totals"](gather(vendor("stripe"), folder))
    assert verdict.state is State.FAILED
    assert "'25.50'" in verdict.detail


def test_an_undeclared_address_fails_the_personal_fields() -> None:
    assert "shipping_address" in failing("personal fields declared", spec_with("shopify", personal_fields=()))


def test_money_read_as_nothing_is_found_by_damaged_payloads() -> None:
    true = vendor("stripe").translate

    def zeroing(delivery: Delivery) -> Translation:
        found = true(delivery)
        if found.kind is not Kind.UNREADABLE or b"re_3Example" not in delivery.body:
            return found
        zero = RefundMoved(
            key="z", source="stripe", ref="re_3Example0001", order_ref=None, amount=0, currency="GBP", status="failed"
        )  # type: ignore[arg-type]
        return Translation(vendor="stripe", kind=Kind.REFUND, events=(zero,))

    tried = campaign(broken("stripe", zeroing), MUTANTS, seed=1)
    assert any("is read as 0" in finding for finding in tried.findings)


def test_the_shelf_holds_every_awkward_thing_the_goals_name() -> None:
    named = ("nested", "NaN", "1e400", "twice", "not UTF-8", "byte order mark", "entity", "ISO-8859-1")
    assert all(any(word in name for name in SHELF) for word in named)


def test_a_file_named_in_the_sheet_that_is_no_fixture_is_told(tmp_path: Path) -> None:
    folder = _copied("stripe", tmp_path, totals={"gone.json": {"refunds": "1.00"}})
    verdict = SUITES["money totals"](gather(vendor("stripe"), folder))
    assert "no fixture" in verdict.detail


def test_an_exempted_suite_is_shown_with_its_reason_and_never_as_passed(tmp_path: Path) -> None:
    folder = _copied("stripe", tmp_path, exempt={"reordering": "it keeps no order"})
    verdict = run("reordering", vendor("stripe"), folder)
    assert (verdict.state, verdict.detail) == (State.NOT_APPLICABLE, "it keeps no order")


def _copied(name: str, folder: Path, **changes: Any) -> Path:
    """A vendor's fixtures with another sheet beside them."""
    found: Evidence = gather(vendor(name))
    shutil.copytree(found.folder, folder / "fixtures")
    (folder / "NOTES.md").write_text("As the true one.")
    sheet = msgspec.to_builtins(found.sheet) | changes
    (folder / "kit.json").write_bytes(msgspec.json.encode(sheet))
    return folder

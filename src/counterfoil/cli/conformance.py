"""`counterfoil conformance`: the kit's table, for one adapter or for all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from counterfoil.catalog import VENDORS
from counterfoil.cli import fail
from counterfoil.conformance.find import NoVendorError, announced, named
from counterfoil.conformance.kit import Conformance, conform
from counterfoil.conformance.mutants import Campaign, campaign
from counterfoil.conformance.verdict import State
from counterfoil.ports.vendors import VendorSpec

LONG_MUTANTS = 20_000
_WORDS = {State.PASSED: "passed", State.FAILED: "FAILED", State.NOT_APPLICABLE: "n/a"}


def run(vendor: str | None, as_json: bool, long: bool) -> int:
    """0 when everything that could be tried held, 1 when something failed, 2 when there is no such vendor."""
    try:
        specs = _specs(vendor)
    except NoVendorError as error:
        fail(str(error))
    results = [conform(spec) for spec in specs]
    campaigns = [campaign(spec, LONG_MUTANTS, seed=1) for spec in specs] if long else []
    if as_json:
        document = {"vendors": results, **({"mutants": campaigns} if long else {})}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    else:
        _print(results, campaigns)
    return 0 if all(one.conforms for one in results) and not any(one.findings for one in campaigns) else 1


def _specs(vendor: str | None) -> Sequence[VendorSpec]:
    if vendor is None:
        return [*VENDORS.values(), *(spec for name, spec in announced().items() if name not in VENDORS)]
    return [VENDORS[vendor]] if vendor in VENDORS else [named(vendor)]


def _print(results: Sequence[Conformance], campaigns: Sequence[Campaign]) -> None:
    for one in results:
        print(f"{one.title} ({one.vendor}, {one.family})")
        for verdict in one.verdicts:
            print(f"  {verdict.suite:<26} {_WORDS[verdict.state]:<7} {verdict.detail}")
            for wrong in verdict.wrongs[1:]:
                print(f"  {'':<34} {wrong}")
            if verdict.cure and verdict.state is State.FAILED:
                print(f"  {'':<34} → {verdict.cure}")
        print()
    for tried in campaigns:
        print(f"{tried.vendor:<12} {tried.mutants} mutants, {tried.found} findings")
        for finding in tried.findings:
            print(f"  {finding}")
    failed = [f"{one.vendor}: {v.suite}" for one in results for v in one.verdicts if v.state is State.FAILED]
    print(f"{len(results)} adapters, {len(failed)} suites failed" + (f" ({'; '.join(failed)})" if failed else ""))

"""The table: every suite over one vendor. The command line prints it; the tests run it suite by suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from counterfoil.conformance import reading
from counterfoil.conformance.calling import LOST, THROTTLING, lost_acknowledgement, throttling
from counterfoil.conformance.evidence import Evidence, EvidenceError, gather
from counterfoil.conformance.hooks import DUPLICATES, REORDERING, SIGNATURES, duplicates, reordering, signatures
from counterfoil.conformance.money import MONEY, money
from counterfoil.conformance.personal import PERSONAL, personal
from counterfoil.conformance.verdict import State, Verdict, failed, not_applicable
from counterfoil.ports.vendors import VendorSpec

SUITES: Mapping[str, Callable[[Evidence], Verdict]] = {
    reading.FIXTURES: reading.fixtures,
    SIGNATURES: signatures,
    DUPLICATES: duplicates,
    REORDERING: reordering,
    LOST: lost_acknowledgement,
    THROTTLING: throttling,
    reading.UNREADABLE: reading.unreadable,
    MONEY: money,
    PERSONAL: personal,
}
"""In the order of the table."""


class Conformance(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's rows."""

    vendor: str
    title: str
    family: str
    verdicts: tuple[Verdict, ...]

    @property
    def conforms(self) -> bool:
        """Whether nothing failed."""
        return all(verdict.state is not State.FAILED for verdict in self.verdicts)


def conform(spec: VendorSpec) -> Conformance:
    """Run every suite over one vendor."""
    verdicts = tuple(run(suite, spec) for suite in SUITES)
    return Conformance(vendor=spec.name, title=spec.title, family=spec.family.value, verdicts=verdicts)


def run(suite: str, spec: VendorSpec, folder: Path | None = None) -> Verdict:
    """One suite over one vendor (its evidence may lie in another `folder`); whatever goes wrong in it is a failure with a sentence, never an exception."""
    try:
        evidence = gather(spec, folder)
        if suite in evidence.sheet.exempt:
            return not_applicable(suite, evidence.sheet.exempt[suite])
        return SUITES[suite](evidence)
    except EvidenceError as error:
        return failed(suite, str(error), "Give the adapter a folder `fixtures` with payloads and a readable kit.json.")
    except Exception as error:  # an adapter that raises where it must not is the finding itself
        cure = "An adapter never raises for what a vendor or the network does; find the place and answer in words."
        return failed(suite, f"{type(error).__name__}: {error}", cure)

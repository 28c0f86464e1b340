"""The compiler: one policy against itself, the portal and the ERP. Nothing is saved that contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.core.policy import CreditDocument, RmaGranularity
from counterfoil.policy import against_systems, within, written
from counterfoil.policy.clashes import Clash, Subject, Systems, subjects
from counterfoil.policy.money_paths import MoneyPath, gate_that_never_opens, money_paths
from counterfoil.policy.reading import Policy

NOT_CARRIED = (
    ("credit_document", CreditDocument.CREDIT_MEMO),
    ("credit_document", CreditDocument.CASH_REFUND),
    ("rma_granularity", RmaGranularity.PER_ORDER),
    ("rma_granularity", RmaGranularity.PER_SHIPMENT),
)
"""Values of axes that this version does not act on. A policy that asks for one is refused, not silently ignored."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the compiler found. `paths` are open in a sound policy too: each is caught by the exception it names."""

    policy: str
    version: str
    hash: str
    contradictions: tuple[Clash, ...]
    paths: tuple[MoneyPath, ...]
    notes: tuple[str, ...] = ()


def compile_policy(read: Policy, systems: Systems) -> Report:
    """Everything there is to say about a policy."""
    found: dict[tuple[object, ...], Clash] = {}
    for clash in _clashes(read, systems):
        found.setdefault((clash.code, *(setting.line for setting in clash.settings)), clash)
    paths = dict.fromkeys(path for subject in subjects(read, systems) for path in money_paths(subject))
    return Report(
        policy=read.document.name,
        version=read.document.version,
        hash=read.hash,
        contradictions=tuple(found.values()),
        paths=tuple(paths),
        notes=tuple(_legal_notes(read)),
    )


def _legal_notes(read: Policy) -> Iterator[str]:
    """Where each chosen deadline comes from, and that nobody here vouches for it."""
    legal = read.edition.policy.legal
    for rule in legal.rules if legal is not None else ():
        counted = "the customer's notice" if rule.counts_from == "notice" else "the goods or the evidence of posting"
        yield (
            f"{rule.country}: {rule.days} {rule.days_are} days from {counted}, by {rule.source}, "
            f"as read on {rule.dated}. Have it checked."
        )


def _clashes(read: Policy, systems: Systems) -> Iterator[Clash]:
    for check in written.CHECKS:
        yield from check(read)
    for subject in subjects(read, systems):
        clear = True
        for judge in (*within.CHECKS, *against_systems.CHECKS, _not_carried):
            for clash in judge(subject):
                clear = False
                yield clash
        if clear:  # a policy that contradicts itself needs no play to show it
            yield from gate_that_never_opens(subject)


def _not_carried(subject: Subject) -> Iterator[Clash]:
    for axis, value in NOT_CARRIED:
        if getattr(subject.policy, axis) == value and subject.own(axis):
            yield Clash(
                code="axis_not_carried",
                sentence=f"{axis} = {value.value!r} asks for something this version does not do.",
                settings=(subject.axis(axis),),
                fact="it would be ignored without a word",
                cure="Leave the axis at its default.",
            )


def as_text(report: Report) -> str:
    """The findings for a terminal."""
    lines = [f"{report.policy} {report.version} ({report.hash[:12]})"]
    for clash in report.contradictions:
        lines += ["", f"CONTRADICTION  {clash.sentence}"]
        lines += [f"  {setting}" for setting in clash.settings]
        lines += [f"  fact: {clash.fact}", f"  cure: {clash.cure}"]
    if not report.contradictions:
        lines += ["", "No contradiction: the policy can be kept."]
    lines += ["", "Paths by which money and credit could come apart:"]
    lines += [f"  {_path(path)}" for path in report.paths] or ["  none"]
    if report.notes:
        lines += ["", "Legal values chosen:", *(f"  {note}" for note in report.notes)]
    return "\n".join(lines)


def _path(path: MoneyPath) -> str:
    told = f"{path.told} tells {path.owner}" if path.told else "NOBODY is told"
    after = f" after {path.after_hours} h" if path.after_hours else " at once" if path.told else ""
    return f"when {path.when}: {path.unpaired}; {told}{after}"

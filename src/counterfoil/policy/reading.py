"""From a policy's text to the policy: parsed, every word known, amounts in minor units; or a sentence that says why not."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

import msgspec
from msgspec.structs import replace

from counterfoil.core.legal import LegalClock, LegalRule
from counterfoil.core.money import to_minor
from counterfoil.core.policy import PRESETS, ApprovalRule, Conditions, Cover, Edition, FlowPolicy, Override
from counterfoil.policy.document import (
    ApprovalText,
    Axes,
    CoverText,
    OverrideText,
    PolicyDocument,
    chosen,
)
from counterfoil.policy.places import Path, Place, nearest, scan


class UnreadableError(ValueError):
    """The document is no policy; the message names file, line and cure."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that was read: as written, as the program uses it, and where each word of it stands."""

    file: str
    text: str
    document: PolicyDocument
    edition: Edition
    places: Mapping[Path, Place]

    @property
    def hash(self) -> str:
        """SHA-256 of the text as written."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read(text: str, file: str) -> Policy:
    """Read one policy. UnreadableError for the first thing that cannot be understood."""
    places = scan(text)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"{file}: this is no TOML: {error}") from None
    try:
        document = msgspec.convert(raw, PolicyDocument)
    except msgspec.ValidationError as error:
        raise UnreadableError(_said(str(error), raw, file, places)) from None
    edition = _edition(document, file, places)
    return Policy(file=file, text=text, document=document, edition=edition, places=places)


# --- what the parser complains about, in the writer's terms


_AT = re.compile(r"^(.*?)(?: - at `\$(.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[\.\.\.\]")


def _said(message: str, raw: Any, file: str, places: Mapping[Path, Place]) -> str:
    parts = _AT.match(message)
    assert parts is not None, "every message has a first half"
    path: Path = tuple(int(index) if index else name for name, index in _STEP.findall(parts[2] or "") if name or index)
    unknown = re.search(r"unknown field `(.+)`", parts[1])
    if unknown is not None:
        return _unknown(unknown[1], path, file, places)
    missing = re.search(r"missing required field `(.+)`", parts[1])
    if missing is not None:
        where = nearest(places, path)
        return f"{file}:{max(1, where.line)}: {_named(path)} names no {missing[1]!r}; write one"
    where = nearest(places, path)
    word = re.search(r"Invalid enum value (.+)", parts[1])
    if word is not None:
        return f"{file}:{where.line}: {where.text}: {word[1]} is no {path[-1]}{_choice(str(path[-1]), word[1].strip(chr(39)))}"
    if "regex" in parts[1]:
        return f"{file}:{where.line}: {where.text}: {_form(path)}"
    return f"{file}:{where.line}: {where.text}: {parts[1][0].lower()}{parts[1][1:]}"


def _unknown(word: str, path: Path, file: str, places: Mapping[Path, Place]) -> str:
    """An unknown word, with the nearest known one."""
    where = nearest(places, (*path, word))
    known = _known_words(path)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    cure = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
    kind = "axis of the policy" if path and path[-1] == "axes" else f"word of {_named(path)}"
    return f"{file}:{where.line}: {where.text}: {word!r} is no {kind}; {cure}"


def _known_words(path: Path) -> list[str]:
    """The words a table of the document may hold."""
    kind: Any = PolicyDocument
    for step in path:
        if isinstance(step, str):
            field = next((f for f in msgspec.structs.fields(kind) if f.encode_name == step), None)
            kind = _table_of(field.type) if field is not None else None
        if kind is None:
            return []
    return sorted(kind.__struct_encode_fields__)


def _table_of(kind: Any) -> Any:
    """The struct inside `X | None` or `tuple[X, ...]`."""
    for inner in (kind, *getattr(kind, "__args__", ())):
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return inner
    return None


def _choice(axis: str, word: str) -> str:
    """The values an axis has, the nearest first when there is one."""
    field = next((f for f in msgspec.structs.fields(FlowPolicy) if f.name == axis), None)
    values = [item.value for item in field.type] if field is not None and hasattr(field.type, "__members__") else []
    values = list(PRESETS) if axis == "preset" else values
    near = difflib.get_close_matches(word, values, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; choose from {', '.join(values)}" if values else ""


def _form(path: Path) -> str:
    if path and path[-1] == "currency":
        return "a currency is three capital letters, such as GBP"
    if "countries" in path:
        return "a country is two capital letters, such as DE"
    return 'an amount is written with its currency, such as "250.00 GBP"'


def _named(path: Path) -> str:
    return ".".join(str(step) for step in path) if path else "the policy"


# --- into the program's terms


def _edition(document: PolicyDocument, file: str, places: Mapping[Path, Place]) -> Edition:
    reader = _Reader(document, file, places)
    policy = reader.policy()
    return Edition(
        policy=policy,
        overrides=tuple(reader.override(policy, number) for number in range(len(document.override))),
        categories=document.categories,
        tiers=document.tiers,
        starts_on=document.starts_on.isoformat(),
    )


class _Reader:
    """One document under way; every fault names its line."""

    def __init__(self, document: PolicyDocument, file: str, places: Mapping[Path, Place]) -> None:
        self._document = document
        self._file = file
        self._places = places

    def policy(self) -> FlowPolicy:
        """The preset with the document's own axes on top."""
        document = self._document
        over = document.thresholds.approval_above
        tolerance = document.thresholds.tolerance
        high = document.thresholds.high_value_above
        base = replace(PRESETS[document.preset], name=document.name, version=document.version)
        policy = replace(
            base,
            **self._checked(document.axes, ("axes",)),
            approvals=tuple(self._approval(rule, n) for n, rule in enumerate(document.approval)),
            approval_threshold=self._amount(over, ("thresholds", "approval_above")),
            tolerance=self._amount(tolerance, ("thresholds", "tolerance")) or 0,
            cover=self._cover(document.cover, ("cover",)) or base.cover,
            legal=self._legal(),
        )
        named = {field: value for field, value in (("high_value_above", high),) if field in policy.__struct_fields__}
        return replace(policy, **{field: self._amount(value, ("thresholds", field)) for field, value in named.items()})

    def override(self, policy: FlowPolicy, number: int) -> Override:
        """One override: its conditions, and the whole policy under it."""
        text = self._document.override[number]
        path: Path = ("override", number)
        axes = self._checked(text.axes, (*path, "axes"))
        cover = self._cover(text.cover, (*path, "cover")) or policy.cover
        return Override(
            name=text.name,
            when=self._conditions(text, path),
            policy=replace(policy, rule=text.name, cover=cover, **axes),
        )

    def _conditions(self, text: OverrideText, path: Path) -> Conditions:
        banded = text.value_from is not None or text.value_below is not None
        return Conditions(
            countries=text.countries,
            categories=text.categories,
            tiers=text.tiers,
            currency=self._document.currency if banded else None,
            value_from=self._amount(text.value_from, (*path, "value_from")),
            value_below=self._amount(text.value_below, (*path, "value_below")),
        )

    def _checked(self, axes: Any, path: Path) -> dict[str, Any]:
        found = chosen(axes)
        for name, value in found.items():
            hours = isinstance(value, int) and not isinstance(value, bool)
            if hours and value < (1 if name.endswith("_hours") else 0):
                self._fail((*path, name), f"{value} is too little; write at least {int(name.endswith('_hours'))}")
        return found

    def _approval(self, text: ApprovalText, number: int) -> ApprovalRule:
        above = self._amount(text.value_above, ("approval", number, "value_above"))
        return ApprovalRule(
            value_above=above,
            currency=self._document.currency if above is not None else None,
            categories=text.categories,
            tiers=text.tiers,
            countries=text.countries,
            risk=text.risk,
            method=text.method,
            approvers=text.approvers,
            people=text.people,
            waives_gate=text.waives_gate,
        )

    def _cover(self, text: CoverText | None, path: Path) -> Cover | None:
        if text is None:
            return None
        limit = self._amount(text.value_max, (*path, "value_max"))
        return Cover(
            value_max=limit,
            currency=self._document.currency if limit is not None else None,
            categories=text.categories,
            tiers=text.tiers,
            counterparty=text.counterparty,
        )

    def _amount(self, text: str | None, path: Path) -> int | None:
        """Minor units. The currency written beside it is checked by the compiler, which knows more to say."""
        if text is None:
            return None
        value, _, currency = text.partition(" ")
        try:
            return to_minor(value, currency)
        except (ValueError, LookupError) as error:
            self._fail(path, f"{error}")

    def _legal(self) -> LegalClock | None:
        text = self._document.legal
        if text is None:
            return None
        for country in text.countries:
            if country not in legal_rules():
                known = ", ".join(sorted(legal_rules()))
                self._fail(("legal", "countries"), f"there are no legal values for {country!r}; there are {known}")
        rules = tuple(legal_rules()[country] for country in text.countries)
        return LegalClock(rules=rules, warn_business_days=text.warn_business_days, opens_gate=text.opens_gate)

    def _fail(self, path: Path, sentence: str) -> NoReturn:
        where = nearest(self._places, path)
        raise UnreadableError(f"{self._file}:{where.line}: {where.text}: {sentence}")


@cache
def legal_rules() -> Mapping[str, LegalRule]:
    """The countries whose values are delivered with the program. They are offered, not vouched for."""
    folder = files("counterfoil.policy").joinpath("legal")
    rules = [
        msgspec.convert(tomllib.loads(item.read_text("utf-8")), LegalRule)
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    ]
    return {rule.country: rule for rule in sorted(rules, key=lambda rule: rule.country)}


__all__ = ["Axes", "Policy", "UnreadableError", "legal_rules", "read"]

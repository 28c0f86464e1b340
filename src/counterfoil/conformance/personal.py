"""Suite: every field of a payload that holds personal data is declared, so that it can be masked and erased."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.conformance.evidence import Evidence
from counterfoil.conformance.verdict import Verdict, judged

PERSONAL = "personal fields declared"
_NAMES = re.compile(
    r"^(e?_?mail(_?address)?|contact_?email|receipt_?email|customer_?email|phone(_?number)?|mobile"
    r"|first_?name|last_?name|fore_?name|sur_?name|full_?name|given_?name|family_?name|customer_?name"
    r"|address(_?line)?_?[123]|street(_?address)?|post(al)?_?code|zip(_?code)?|date_?of_?birth|ip(_?address)?|browser_ip"
    r"|iban|account_?holder|card_?holder(_?name)?|bank_?account(_?details)?|user_?details|customer_?address"
    r"|(shipping|billing|ship|bill)_?address|customer)$",
    re.IGNORECASE,
)
_VALUES = re.compile(r"@example\.|\bRobin\b|\bExample Street\b", re.IGNORECASE)


def personal(evidence: Evidence) -> Verdict:
    """Names of fields and values of invented people are looked for in every fixture; each must be declared."""
    declared = evidence.spec.personal_fields
    harmless = evidence.sheet.not_personal
    found: dict[str, str] = {}
    looked = 0
    for one in evidence.situations:
        try:
            body = read_json(one.delivery.body)
        except UnreadableError:
            continue
        looked += 1
        for path, value in _leaves(body, ""):
            key = re.split(r"[.\]]", path)[-1]
            said = _NAMES.match(key) is not None or (isinstance(value, str) and _VALUES.search(value) is not None)
            leaf = value not in (None, "") and not isinstance(value, dict | list)
            if said and leaf and not _covered(path, declared):
                found.setdefault(path, one.name)
    wrongs = [
        f"{path} (in {file}) looks personal and is not declared"
        for path, file in found.items()
        if not any(fnmatchcase(path.replace("[]", ""), pattern.replace("[]", "")) for pattern in harmless)
    ]
    return judged(
        PERSONAL,
        wrongs if looked or evidence.situations else ["there is no payload to search"],
        f"{len(declared)} paths declared; {looked} payloads searched",
        "Name the path in SPEC.personal_fields (a prefix covers what is below it), or, when it is nobody's data, in "
        "kit.json under `not_personal` with the reason.",
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every path with its value; places in lists are `[]`, for a rule holds for all of them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else str(name)
            yield below, inner
            yield from _leaves(inner, below)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")


def _covered(path: str, declared: tuple[str, ...]) -> bool:
    """By the path itself or one above it. A leading list marker is the same object in a list answer."""
    bare = path.removeprefix("[].")
    return any(
        bare == one or bare.startswith((f"{one}.", f"{one}[")) or path == one or path.startswith((f"{one}.", f"{one}["))
        for one in declared
    )

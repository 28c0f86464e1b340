"""Lists that must stay whole: exceptions, rules, statements, fixtures."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import house
import pytest

from counterfoil.core.problem_kinds import KINDS, kind_of
from counterfoil.core.problems import Severity
from counterfoil.core.rules.gate import RULES

RULE_FILES = tuple(
    path.stem
    for path in sorted((house.CORE / "rules").glob("*.py"))
    if path.stem not in ("__init__", "gate", "verdict")
)
QUERIES = house.PACKAGE / "store" / "queries"
FIXTURES = tuple(sorted(path for path in house.PACKAGE.rglob("fixtures") if path.is_dir() and any(path.glob("*.json"))))


def kinds_used() -> dict[str, str]:
    """Every kind named where a problem, a finding or a refusal is made, and where."""
    found = {}
    for path in house.sources():
        for call in house.calls(path, "Problem", "Finding", "Refused", "UnexpectedUnits"):
            for word in call.keywords:
                if word.arg == "kind" and isinstance(word.value, ast.Constant):
                    found[str(word.value.value)] = f"{house.named(path)}:{call.lineno}"
    return found


def test_every_kind_of_exception_that_is_raised_is_in_the_catalogue() -> None:
    assert {kind: where for kind, where in kinds_used().items() if kind not in KINDS} == {}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_exception_has_an_owner_a_title_and_something_to_do(kind: str) -> None:
    known = KINDS[kind]
    assert known.kind == kind
    assert known.owner.value in ("ops", "finance", "cx", "integration")
    assert known.severity in set(Severity)
    assert known.title and len(known.title) <= 60 and not known.title.endswith(".")
    assert known.runbook and all(step.endswith((".", "?")) for step in known.runbook)
    assert 0 < known.target_hours <= 14 * 24


def test_every_kind_in_the_catalogue_can_happen() -> None:
    elsewhere = {value for path in house.sources() if path.stem != "problem_kinds" for value in house.strings(path)}
    assert sorted(set(KINDS) - elsewhere) == []


def test_a_kind_nobody_described_still_reaches_somebody() -> None:
    unknown = kind_of("moon_in_the_wrong_phase")
    assert unknown.owner.value == "integration" and unknown.runbook


def test_every_rule_file_is_in_the_gate_under_its_own_name() -> None:
    assert sorted(name for name, _ in RULES) == sorted(RULE_FILES)


@pytest.mark.parametrize("rule", RULE_FILES)
def test_every_rule_has_a_test_that_names_it(rule: str) -> None:
    tests = (house.ROOT / "tests" / "core").rglob("test_*.py")
    assert any(rule in house.text(path) for path in tests), f"no test under tests/core speaks of {rule}"


def statements_written() -> set[str]:
    return {
        name for path in QUERIES.glob("*.sql") for name in re.findall(r"^-- name: (\w+)", house.text(path), flags=re.M)
    }


def statements_used() -> dict[str, str]:
    """Names given to a transaction's `run`, `one` and `rows`, and to `statement`."""
    found = {}
    for path in house.sources():
        for call in house.calls(path, "run", "one", "rows", "statement", "run_many", "each"):
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = f"{house.named(path)}:{call.lineno}"
    return found


def test_every_statement_that_is_asked_for_is_written() -> None:
    written = statements_written()
    asked = {name: where for name, where in statements_used().items() if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name)}
    assert {name: where for name, where in asked.items() if name not in written and "store" in where} == {}


def test_every_statement_that_is_written_is_asked_for() -> None:
    named = {value for path in house.sources() for value in house.strings(path)}
    assert sorted(statements_written() - named) == []


def test_every_statement_is_explained_by_a_sentence() -> None:
    bare = []
    for path in sorted(QUERIES.glob("*.sql")):
        lines = house.text(path).splitlines()
        for number, line in enumerate(lines):
            if line.startswith("-- name:") and not lines[number + 1].startswith("-- "):
                bare.append(f"{house.named(path)}:{number + 1}")
    assert bare == []


@pytest.mark.parametrize("folder", FIXTURES, ids=house.named)
def test_every_fixture_says_where_it_comes_from(folder: Path) -> None:
    provenance = folder / "PROVENANCE.md"
    assert provenance.exists(), f"{house.named(folder)} has no PROVENANCE.md"
    words = {word.strip("`|()") for word in re.split(r"[\s,]+", provenance.read_text("utf-8"))}
    files = {path.name for path in folder.rglob("*") if path.is_file() and path.name != "PROVENANCE.md"}
    assert sorted(name for name in files if not any(_stands_for(word, name) for word in words)) == []


def _stands_for(word: str, name: str) -> bool:
    """`label_*` and `return_created` name files: as they are, without their ending, or without their HTTP status."""
    if not re.fullmatch(r"[\w*][\w.*-]{2,}", word) or word == "***":
        return False
    return any(fnmatch(name, form) for form in (word, f"{word}.*", f"{word}_[0-9][0-9][0-9].*"))

"""What is written: British spelling, links that lead somewhere, no unfinished work, nothing of any one machine."""

from __future__ import annotations

import re
from pathlib import Path

import house
import pytest

LINES_MAX = 520
TABLES = {"problem_kinds.py"}  # a table may be long

# Written in two parts, so that this file does not find itself.
UNFINISHED = re.compile(
    "|".join((rf"\b{'TO'}DO\b", rf"\b{'FIX'}ME\b", rf"\b{'X'}XX\b", rf"\b{'Not'}ImplementedError\b"))
)
PLACES = re.compile("|".join((r"(?<![\w.-])/(?:" + "ro" + r"ot|ho" + r"me|Us" + r"ers|wo" + r"rk)/\w",)))
REGISTRIES = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.", "proxy" + r"\.golang")))
AMERICAN = re.compile(
    r"\b(authoriz\w+|cancel(?:ed|ing)|colors?|behaviors?|normaliz\w+|recogniz\w+|summariz\w+|organiz\w+|favor\w*|"
    r"initializ\w+|serializ\w+|catalogs|labeled|fulfill?ments? centers?|license[ds]? under)\b"
)
ABSTRACT = {"simkit/server.py"}  # the frame of a simulator: subclasses fill it

TEXTS = house.texts()
OWN = [
    path for path in TEXTS if path.suffix in (".py", ".md", ".toml", ".sql", ".js", ".css", ".html") or not path.suffix
]


def hits(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{house.named(path)}:{number}: {found[0]}"
        for path in paths
        for number, line in enumerate(house.text(path).splitlines(), start=1)
        if (found := pattern.search(line))
    ]


def test_no_work_is_left_unfinished() -> None:
    allowed = tuple(ABSTRACT)
    assert [hit for hit in hits(UNFINISHED, OWN) if not any(place in hit for place in allowed)] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert hits(PLACES, list(TEXTS)) == []


def test_no_file_names_a_package_registry() -> None:
    assert hits(REGISTRIES, list(TEXTS)) == []


def test_prose_is_spelled_the_british_way() -> None:
    wrong = []
    for path in [path for path in TEXTS if path.suffix in (".py", ".md")]:
        for number, line in house.prose(path):
            wrong += [f"{house.named(path)}:{number}: {found}" for found in AMERICAN.findall(line)]
    assert wrong == []


def test_no_source_file_has_grown_into_two_ideas() -> None:
    long = {
        house.named(path): lines
        for path in house.sources()
        if (lines := house.text(path).count("\n")) > LINES_MAX and path.name not in TABLES
    }
    assert long == {}


def test_every_module_opens_with_a_sentence() -> None:
    silent = []
    for path in house.sources():
        first = house.text(path).lstrip()
        doc = re.match(r'r?"""(.+?)"""', first, flags=re.S)
        if doc is None or not re.search(r"[.!?]($|\s)", doc[1]):
            silent.append(house.named(path))
    assert silent == []


@pytest.mark.parametrize("path", [path for path in TEXTS if path.suffix == ".md"], ids=house.named)
def test_every_internal_link_leads_somewhere(path: Path) -> None:
    body = re.sub(r"```.*?```|`[^`\n]*`", "", house.text(path), flags=re.S)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", body):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, heading = target.partition("#")
        there = path if not place else (path.parent / place)
        if not there.exists() or (heading and there.suffix == ".md" and heading not in headings(there)):
            broken.append(target)
    assert broken == []


def headings(path: Path) -> set[str]:
    """Anchors of a Markdown file, as they are made from its headings."""
    found = re.findall(r"^#+ (.+)$", house.text(path), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in found}

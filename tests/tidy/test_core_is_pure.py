"""Inside the core there is no binary float, no clock, no chance and no outside system's name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import house
import pytest

CORE = tuple(path for path in house.sources() if house.CORE in path.parents)
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}


@pytest.mark.parametrize("path", CORE, ids=house.named)
def test_no_binary_float_is_in_the_core(path: Path) -> None:
    for node in house.nodes(path):
        where = f"{house.named(path)}:{getattr(node, 'lineno', 0)}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"{where}: a float constant"
        assert not (isinstance(node, ast.Name) and node.id == "float"), f"{where}: float"
        divides = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        assert not divides, f"{where}: / makes a float of integers; use // or a named rounding"


@pytest.mark.parametrize("path", CORE, ids=house.named)
def test_no_clock_and_no_chance_is_read_in_the_core(path: Path) -> None:
    for node in house.nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            where = f"{house.named(path)}:{node.lineno}"
            assert node.func.attr not in CLOCKS, f"{where}: {node.func.attr}() reads a clock; time is an argument"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"random", "time", "uuid", "secrets", "os"}, f"{house.named(path)} imports {names}"


# The catalogue is the place for names; the demonstration and the simulation play some; the command line gives examples; simulated
# portals call the simulated shop, whose header carries its name.
FREE = {*house.FAMILIES, "catalog.py", "demo", "simulate", "cli", "simkit/shopside.py"}


def vendor_names() -> set[str]:
    """Folder names of all vendors; our own warehouse message and the mapped portal are no vendors."""
    found = set()
    for family in house.FAMILIES:
        found |= {path.name for path in (house.PACKAGE / family).iterdir() if (path / "__init__.py").exists()}
    return found - {"canonical", "signed"}


def test_vendors_are_named_only_in_their_folders_the_catalogue_and_the_demonstration() -> None:
    # Only strings count: `loop` is a word of Python, and docstrings may give examples.
    names = vendor_names()
    word = re.compile(rf"(?<![a-z])({'|'.join(sorted(names))})(?![a-z])", re.IGNORECASE)
    guilty = []
    for path in house.sources():
        parts = path.relative_to(house.PACKAGE).parts
        if parts[0] in FREE or "/".join(parts) in FREE:
            continue
        docs = {id(node.value) for node in house.nodes(path) if isinstance(node, ast.Expr)}
        for node in house.nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                found = word.search(node.value)
                if found and not node.value.startswith("counterfoil."):
                    guilty.append(f"{house.named(path)}:{node.lineno}: {found[1]}")
    assert not guilty, guilty

"""The shape of the house: everything is imported by somebody, layers know every package, locks are locks."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import house
import pytest

PYPROJECT = tomllib.loads((house.ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = PYPROJECT["tool"]["importlinter"]["contracts"]
LOCKS = tuple(sorted((house.ROOT / "requirements").glob("*.lock")))

# Public or started from outside: nobody in the package imports them, and that is what they are for.
ENTRIES = {"counterfoil", "counterfoil.__main__"}
PUBLIC = ("counterfoil.testing",)
LOADED_BY_NAME = ".rehearsal"  # the conformance kit finds it beside the adapter
SOURCES = frozenset(house.sources())


def imports(path: Path) -> set[str]:
    """Modules a file imports, and those it names in strings (settings, lazy imports, simulators)."""
    found: set[str] = set()
    for node in house.nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("counterfoil."):
            found.add(node.value)
            found.add(node.value.rsplit(".", 1)[0])
    return found


def test_every_module_is_imported_by_somebody_or_is_an_entry() -> None:
    wanted = set().union(*(imports(path) - {house.module(path)} for path in house.sources()))
    wanted |= set().union(*(imports(path) for path in house.texts() if path.suffix == ".py" and path not in SOURCES))
    packages = {house.module(path) for path in house.sources() if path.name == "__init__.py"}
    # A package is reached by any of its modules.
    wanted |= {name.rsplit(".", depth)[0] for name in wanted for depth in range(1, name.count(".") + 1)}
    lonely = [
        name
        for name in (house.module(path) for path in house.sources())
        if name not in wanted | ENTRIES
        and not name.startswith(PUBLIC)
        and not name.endswith(LOADED_BY_NAME)
        and not (name in packages and _is_folder(name))
    ]
    assert lonely == []


def _is_folder(name: str) -> bool:
    """Whether a package only holds others."""
    path = house.PACKAGE.parent.joinpath(*name.split("."), "__init__.py")
    return not any(isinstance(node, ast.Import | ast.ImportFrom) for node in house.tree(path).body)


def test_the_layers_know_every_package() -> None:
    layers = next(contract for contract in CONTRACTS if contract["type"] == "layers")
    assert layers["exhaustive"] is True
    named = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    there = {path.stem for path in house.PACKAGE.iterdir() if path.suffix == ".py" and path.stem != "__init__"}
    there |= {path.name for path in house.PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert named == there


@pytest.mark.parametrize("family", house.FAMILIES)
def test_every_family_of_vendors_is_kept_apart_from_the_others(family: str) -> None:
    pattern = f"counterfoil.{family}.*"
    kept = [contract for contract in CONTRACTS if contract["type"] == "independence"]
    guarded = [contract for contract in CONTRACTS if contract["type"] == "protected"]
    assert any(pattern in contract["modules"] for contract in kept)
    assert any(pattern in contract["protected_modules"] for contract in guarded)
    translate = next(contract for contract in CONTRACTS if contract["name"] == "translation is pure")
    assert f"counterfoil.{family}.*.translate" in translate["source_modules"]


@pytest.mark.parametrize("family", house.FAMILIES)
def test_every_vendor_has_the_files_a_reader_expects(family: str) -> None:
    folders = [path for path in (house.PACKAGE / family).iterdir() if (path / "__init__.py").exists()]
    for folder in folders:
        missing = [name for name in ("config.py", "translate.py", "fixtures") if not (folder / name).exists()]
        sim = (folder / "sim.py").exists() or (folder / "sim" / "__init__.py").exists()
        sim = sim or not (folder / "client.py").exists()  # one that only sends is played by the canonical warehouse
        assert not missing and sim, f"{house.named(folder)} lacks {missing or 'a simulator'}"


@pytest.mark.parametrize("lock", LOCKS, ids=house.named)
def test_every_line_of_a_lock_is_pinned_and_hashed_and_names_no_address(lock: Path) -> None:
    text = house.text(lock)
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry.strip() and not entry.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", entry), entry.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


def test_everything_the_program_needs_is_locked() -> None:
    locked = set(
        re.findall(r"^([A-Za-z0-9._-]+)", house.text(house.ROOT / "requirements" / "runtime.lock"), flags=re.M)
    )
    wanted = {re.split(r"[\[><=;!~ ]", need)[0] for need in PYPROJECT["project"]["dependencies"]}
    assert {name.lower() for name in wanted} - {name.lower() for name in locked} == set()


def test_the_lint_says_why_each_rule_is_switched_off() -> None:
    lines = (house.ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    start = lines.index("ignore = [")
    rules = [line for line in lines[start + 1 : lines.index("]", start)] if line.strip()]
    explained = [line for line in rules if "#" in line]
    assert len(explained) >= len(rules) * 3 // 4

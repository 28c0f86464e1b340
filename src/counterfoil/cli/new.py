"""`counterfoil new`: a vendor's folder to start from, and what to do with it."""

from __future__ import annotations

from pathlib import Path

from counterfoil.cli import fail
from counterfoil.conformance.skeleton import SkeletonError, package_of, write


def run(kind: str, name: str, into: Path) -> int:
    """Write the folder and say what comes next."""
    try:
        made = write(kind, name, into)
    except SkeletonError as error:
        fail(str(error))
    for path in made:
        print(path)
    spec = f"{package_of(into, name)}:SPEC"
    print(f"Next: counterfoil conformance {spec} (from a folder it can be imported from). Each row says what it lacks.")
    print("When every row holds, add one line to catalog.py, or announce it under the entry point counterfoil.vendors.")
    return 0

"""Damaged payloads by the thousand: `python benchmarks/mutants.py --vendor loop --mutants 20000 --seed 1`.

Prints a line per vendor: mutants tried, findings, seconds. Exit status 1 when something was found.
"""

from __future__ import annotations

import argparse
import sys
import time

from counterfoil.catalog import VENDORS
from counterfoil.conformance.mutants import campaign


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--vendor", action="append", choices=sorted(VENDORS), help="default: every vendor")
    asked.add_argument("--mutants", type=int, default=20_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    found = 0
    for name in given.vendor or VENDORS:
        start = time.monotonic()
        tried = campaign(VENDORS[name], given.mutants, seed=given.seed)
        found += tried.found
        took = time.monotonic() - start
        print(f"{name:<10} {tried.mutants:>8} mutants {tried.found:>5} findings {took:>7.1f} s", flush=True)
        for finding in tried.findings:
            print(f"  {finding}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

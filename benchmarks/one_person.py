"""Search everything one person can do to a return for money above the threshold (G16), and say how much was searched.

python benchmarks/one_person.py            # sequences of up to six actions
python benchmarks/one_person.py --depth 8
"""

from __future__ import annotations

import argparse
import sys
import time

from counterfoil.testing.one_person import SITUATIONS, search


def main() -> int:
    """One line for each situation; exit status 1 when a sequence pays."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--depth", type=int, default=6, help="the most actions in a sequence")
    depth = parser.parse_args().depth
    began, states, sequences, breaches = time.perf_counter(), 0, 0, 0
    for situation in SITUATIONS:
        found = search(situation, depth)
        states, sequences = states + found.states, sequences + found.sequences
        breaches += bool(found.breach)
        said = f"BREACH: {' → '.join(found.breach)}" if found.breach else "none pays"
        print(f"{situation.name:60} {found.states:6} states {found.sequences:12} sequences  {said}")
    seconds = time.perf_counter() - began
    print(f"{len(SITUATIONS)} situations, depth {depth}: {states} states, {sequences} sequences, {seconds:.1f} s")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

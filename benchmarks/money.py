"""Random orders and sequences of partial returns: parts are the whole, credit is never more than was paid.

    nice python benchmarks/money.py [--orders 1000000] [--seed 0]

Exit status 1 at the first order that does not hold; it is printed with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from counterfoil.testing.money_trials import trial


def main() -> int:
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--orders", type=int, default=1_000_000)
    reading.add_argument("--seed", type=int, default=0, help="of the first order; the others follow it")
    asked = reading.parse_args()
    started = time.monotonic()
    for number in range(asked.seed, asked.seed + asked.orders):
        wrong = trial(number)
        if wrong:
            print("\n".join(wrong), file=sys.stderr)
            return 1
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({"orders": asked.orders, "first_seed": asked.seed, "violations": 0, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

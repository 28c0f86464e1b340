"""Precision and recall of a run against a folder with truth: edges, rules, and every class with its reason.

    python benchmarks/reconcile_quality.py DIR [--wrong N]

`DIR` comes from `reconcile_data.py` or `reconcile_variant.py`; `--wrong` lists that many wrong and missed edges a leg.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from counterfoil.reconcile.proof import Run, Settings, prove
from counterfoil.reconcile.run import exports

EDGES = """
select coalesce(t.leg, g.leg) as leg, count(*) filter (g.leg is not null and t.leg is not null) as hit,
  count(g.leg) as found, count(t.leg) as truth
from (select leg, left_id, right_id, class from edges) g full join truth_edges t using (leg, left_id, right_id, class) group by 1 order by 1
"""
RULES = """
select g.leg, g.rule, g.class, count(*) as found, count(*) filter (t.leg is null) as wrong
from edges g left join truth_edges t using (leg, left_id, right_id) group by all order by all
"""
CLASSES = """
with g as (select leg, coalesce(left_id, right_id) as id, left_id is null as alone, class, coalesce(reason, '') as reason from classes),
t as (select leg, coalesce(left_id, right_id) as id, left_id is null as alone, class, coalesce(reason, '') as reason from truth_classes)
select leg, class, reason, count(*) filter (g.id is not null and t.id is not null) as hit, count(g.id) as found, count(t.id) as truth
from g full join t using (leg, id, alone, class, reason) group by all order by all
"""
ASTRAY = """
select 'wrong' as what, g.leg, g.left_id, g.right_id, g.rule, g.class from edges g anti join truth_edges t using (leg, left_id, right_id, class)
union all
select 'missed', t.leg, t.left_id, t.right_id, '', t.class from truth_edges t anti join edges g using (leg, left_id, right_id, class)
order by 1, 2, 3, 4
"""


def measure(run: Run, truth: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The three tables of hits; each row ends in hit, found and truth (rules: found and wrong)."""
    run.query(f"create or replace temp table truth_edges as from read_parquet('{truth / 'edges.parquet'}')")
    run.query(f"create or replace temp table truth_classes as from read_parquet('{truth / 'classes.parquet'}')")
    run.query("create or replace temp table found as from edges")
    edges = EDGES.replace("from edges)", "from found)")
    return {
        "edges": run.query(edges),
        "rules": run.query(RULES.replace("edges g", "found g", 1)),
        "classes": run.query(CLASSES),
        "astray": run.query(ASTRAY.replace("from edges g", "from found g").replace("join edges g", "join found g")),
    }


def share(part: int, whole: int) -> str:
    """A share with six digits; a dash for nothing."""
    return f"{part / whole:.6f}" if whole else "-"


def main() -> None:
    """Command line of the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wrong", type=int, default=0)
    given = parser.parse_args()
    meta = json.loads((given.folder / "meta.json").read_text("utf-8"))
    settings = Settings(as_of=date.fromisoformat(meta["as_of"]), late_after_days=meta["late_after_days"])
    with prove(exports(given.folder), settings) as run:
        found = measure(run, given.folder / "truth")
        print(f"balanced {run.balanced}, open {run.open}, complaints {[c.sentence for c in run.findings.complaints]}")
    print(f"{'leg':<20} {'':<34} {'precision':>10} {'recall':>10} {'truth':>9}")
    for leg, hit, got, truth in found["edges"]:
        print(f"{leg:<20} {'edges':<34} {share(hit, got):>10} {share(hit, truth):>10} {truth:>9}")
    for leg, kind, reason, hit, got, truth in found["classes"]:
        print(f"{leg:<20} {kind + ' ' + reason:<34} {share(hit, got):>10} {share(hit, truth):>10} {truth:>9}")
    for leg, rule, kind, got, wrong in found["rules"]:
        print(f"{leg:<20} rule {rule + ' ' + kind:<29} {share(got - wrong, got):>10} {'':>10} {got:>9}")
    seen: dict[tuple[str, str], int] = {}
    for row in found["astray"]:
        key = (row[0], row[1])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= given.wrong:
            print(*row)


if __name__ == "__main__":
    main()

"""One leg proven in DuckDB: the key for everybody, the cascade for the few, then classes and sums (matching §2).

The tables of a leg are named after it where the writer needs them later (`pairs_…`, `further_…`, `edges_…`,
`classes_…`); the others are replaced by the next leg.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

import duckdb

from counterfoil.core.money import MoneyError, exponent
from counterfoil.core.reconcile import rules
from counterfoil.core.reconcile.classes import FX_BAND_PERMILLE, TAX_ROUNDING_MINOR_MAX
from counterfoil.core.reconcile.legs import NOT_REFUNDS, NOT_RETURNS, Leg, without_right
from counterfoil.core.reconcile.pools import Open, pick
from counterfoil.core.reconcile.rules import Rule
from counterfoil.reconcile.files import literal
from counterfoil.reconcile.problems import Findings
from counterfoil.reconcile.sources import Source, drop_repeats
from counterfoil.reconcile.statements import perform, statement

Fields = dict[str, str | int]
SMALL_FILE = 5_000  # lefts; below this the density of open records says nothing about luck


@dataclass(slots=True)
class Proof:
    """What one leg gave, as sums: the rows themselves are in the leg's tables."""

    leg: Leg
    fields: Fields
    left_totals: list[tuple[Any, ...]]
    right_totals: list[tuple[Any, ...]]
    plain: list[tuple[Any, ...]]
    early: list[tuple[Any, ...]]
    judged: list[tuple[Any, ...]]
    edges: list[tuple[Any, ...]]
    orphans: list[tuple[Any, ...]]
    aside: list[tuple[Any, ...]]


def connect(memory: str | None, threads: int | None, spill: str, path: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """A database in this process; what does not fit into `memory` (such as "2GB") is spilled to the folder."""
    run = duckdb.connect(path)
    run.execute("set preserve_insertion_order=false")
    run.execute(f"set temp_directory={literal(spill)}")
    if memory:
        run.execute(f"set memory_limit={literal(memory)}")
    if threads:
        run.execute(f"set threads={int(threads)}")
    return run


class Keeper(Protocol):
    """What a store does between the steps of a leg, so that plain pairs need not be found again (see store.py)."""

    def begin(self, leg: Leg, fields: Fields) -> None:
        """Both sides are there: say in the fields which of their rows are in the pool."""

    def paired(self, fields: Fields) -> None:
        """The pool is paired by its keys: keep what is plain, and show it with what was kept."""

    def early(self, fields: Fields) -> None:
        """The early rules are done and their records still in the pool: keep what they found."""

    def left(self, fields: Fields) -> None:
        """The early records have left the pool: show those kept before as well."""

    def end(self, fields: Fields) -> None:
        """The leg is proven: what stays open is the next run's pool."""


def prove_leg(
    run: duckdb.DuckDBPyConnection,
    leg: Leg,
    sources: dict[str, Source],
    findings: Findings,
    *,
    as_of: int,
    late: int,
    keeper: Keeper | None = None,
) -> Proof:
    """Prove one leg; both of its sources must be there. Leaves its tables and gives its sums.

    With a keeper only its pool is paired again; without one the pool is everything.
    """
    fields = _fields(leg, as_of, late)
    perform(run, "macros", fields)
    _shown(run, leg, sources)
    fields["sign"] = _sign(run, leg, sources)
    perform(run, f"sides_{leg.name}", fields)
    if keeper is None:
        _pair(run, leg, sources, findings, fields)
    else:
        keeper.begin(leg, fields)
        _pair_pool(run, fields)
        keeper.paired(fields)
    _expected(run, leg, fields, findings)
    _cascade(run, leg, fields, sources, keeper)
    _classify(run, leg, fields, sources, findings)
    if keeper is not None:
        keeper.end(fields)
    return _sums(run, leg, fields)


def _fields(leg: Leg, as_of: int, late: int) -> Fields:
    return {
        "leg": leg.name,
        "pairs": f"pairs_{leg.name}",
        "fresh": f"pairs_{leg.name}",
        "left_pool": "lhs",
        "right_pool": "rhs",
        "further": f"further_{leg.name}",
        "edges": f"edges_{leg.name}",
        "classes": f"classes_{leg.name}",
        "words": f"words_{leg.name}",
        "early": f"early_{leg.name}",
        "several": f"several_{leg.name}",
        "and_unit": "" if leg.money else "and r.unit = l.unit",
        "late": late,
        "as_of": as_of,
        "money": int(leg.money),
        "rounding": TAX_ROUNDING_MINOR_MAX if leg.money else 0,
        "fx_band": FX_BAND_PERMILLE,
        "key_why": _inside(rules.KEY.why),
        "repeat_why": _inside(rules.REPEATED.why),
        "first_why": "The first of records that repeat each other.",
        "parts_why": "The open records of the order make its amount together.",
        "key_length": rules.KEY_LENGTH_MIN,
        "edits_max": rules.TYPO_EDITS_MAX,
        "early_days": rules.EARLY_DAYS_MAX,
        "window": rules.WINDOW_DAYS_AFTER,
        "plausible": rules.PLAUSIBLE_PERCENT if leg.money else 100,
        "luck": rules.LUCK_MAX_PERMILLE,
        "rival_odds": rules.RIVAL_ODDS,
        "slip_length": rules.KEY_LENGTH_MIN if leg.money else rules.SLIP_LENGTH_MIN_UNITS,
        "small": SMALL_FILE,
        "left_word": leg.left_word,
        "right_word": leg.right_word,
        "owner_right": leg.owner_missing_right,
        "owner_left": leg.owner_missing_left,
        "owner_variance": leg.owner_variance,
        "not_refunds": _listed(NOT_REFUNDS),
        "not_returns": _listed(NOT_RETURNS),
        "optional": _optional(leg),
        "left_unit": "unit" if leg.money else "'units'",
        "own_unit": "own_unit" if leg.money else "'units'",
        "early_unit": "unit" if leg.money else "'units'",
        "pair_unit": "lu" if leg.money else "'units'",
    }


def _inside(text: str) -> str:
    """Text as it stands between quotation marks of SQL."""
    return text.replace("'", "''")


def _listed(words: frozenset[str]) -> str:
    return ", ".join(literal(word) for word in sorted(words))


def _one(run: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = run.execute(query).fetchone()
    return row[0] if row else None


def _shown(run: duckdb.DuckDBPyConnection, leg: Leg, sources: dict[str, Source]) -> None:
    """A macro that writes an amount with the digits of its currency, for the sentences."""
    cases = ""
    if leg.money:
        codes: set[str] = set()
        for name in (leg.left_file, leg.right_file):
            codes |= {
                str(row[0]) for row in run.execute(f"select distinct currency from {sources[name].view}").fetchall()
            }
        cases = " ".join(f"when {literal(code)} then {_digits(code)}" for code in sorted(codes))
    digits = f"(case u {cases} else 2 end)" if cases else "0"
    sign = "case when m < 0 then '-' else '' end"
    text = f"abs(m) // (10 ** {digits})::bigint || case when {digits} > 0 then '.' || lpad((abs(m) % (10 ** {digits})::bigint)::varchar, {digits}, '0') else '' end"
    unit = " || ' ' || u" if leg.money else ""
    run.execute(f"create or replace temp macro shown(m, u) as {sign} || {text}{unit}")


def _digits(code: str) -> int:
    try:
        return exponent(code)
    except MoneyError:
        return 2


def _sign(run: duckdb.DuckDBPyConnection, leg: Leg, sources: dict[str, Source]) -> int:
    """-1 when a system writes most of its refunds as negative amounts, as gateways do for money that leaves.

    The others are then refunds that failed and came back.
    """
    column = {"erp_stock_movements": "qty", "warehouse_receipts": "qty_received"}.get(leg.right_file, "amount")
    where = f" where lower(line_type) not in ({_listed(NOT_REFUNDS)})" if leg.right_file == "gateway_refunds" else ""
    balance = _one(run, f"select sum(sign({column}))::bigint from {sources[leg.right_file].view}{where}")
    return -1 if balance is not None and balance < 0 else 1


def _pair(
    run: duckdb.DuckDBPyConnection, leg: Leg, sources: dict[str, Source], findings: Findings, fields: Fields
) -> None:
    """Join on the key as sent. A join that multiplies rows, or one id twice, means an export loaded twice."""
    perform(run, "pairs", fields)
    if _repeats(run, fields):
        for name in (leg.left_file, leg.right_file):
            sources[name] = drop_repeats(run, sources[name], findings)
        perform(run, f"sides_{leg.name}", fields)
        perform(run, "pairs", fields)
        if _multiplied(run, fields):
            perform(run, "shared_keys", fields)
        perform(run, "exceptions", fields)


def _pair_pool(run: duckdb.DuckDBPyConnection, fields: Fields) -> None:
    """The same for a pool, whose ids are known to be unique."""
    perform(run, "pairs", fields)
    run.execute("create or replace temp table meeting (r bigint, g bigint)")
    if _multiplied(run, fields):
        perform(run, "shared_keys", fields)
    perform(run, "exceptions", fields)


def _multiplied(run: duckdb.DuckDBPyConnection, fields: Fields) -> bool:
    pairs, rights = fields["fresh"], fields["right_pool"]
    return bool(_one(run, f"select count(r) from {pairs}") != _one(run, f"select count(*) from {rights}"))


def _repeats(run: duckdb.DuckDBPyConnection, fields: Fields) -> bool:
    """Whether an id may be there twice: more pairs than rights, or one id twice among what is not plain."""
    if _multiplied(run, fields):
        return True
    perform(run, "exceptions", fields)
    pairs = fields["pairs"]
    for side, other in (("lid", "r"), ("rid", "l")):
        own = "l" if side == "lid" else "r"
        query = f"select {side} from {pairs} where {other} is null and {own} is not null group by {side} having count(*) > 1 limit 1"
        if run.execute(query).fetchone():
            return True
    query = f"select 1 from {pairs} where r is not null and l in (select l from ex) group by rid having count(*) > 1 limit 1"
    return run.execute(query).fetchone() is not None


def _expected(run: duckdb.DuckDBPyConnection, leg: Leg, fields: Fields, findings: Findings) -> None:
    """Take the details of what goes further; refunds by methods that leave no right record stand aside.

    Whether a shop's export carries store credit, say, is asked of the files: when most refunds of the method have
    their right record, the others lack theirs.
    """
    methods = sorted(without_right(leg.name))
    unneeded: list[int] = []
    for number, without, lefts in run.execute(statement("optional_shares", fields)).fetchall():
        if 2 * without > lefts:
            unneeded.append(number)
            findings.note(
                f"{without} refunds by {methods[number - 1]} have no {leg.right_word} and need none; they are counted apart"
            )
    fields["unneeded"] = ", ".join(str(number) for number in unneeded) or "-1"
    run.execute(
        "create or replace temp table aside_left as select lu as unit, la as amount "
        f"from {fields['pairs']} where r is null and l is not null and optional in ({fields['unneeded']})"
    )
    perform(run, "details", fields)


def _optional(leg: Leg) -> str:
    """The number of a method that needs no right, 0 for the others."""
    methods = sorted(without_right(leg.name))
    cases = " ".join(f"when {literal(method)} then {number}" for number, method in enumerate(methods, start=1))
    return f"case l.method {cases} else 0 end::tinyint" if methods else "0::tinyint"


def _cascade(
    run: duckdb.DuckDBPyConnection, leg: Leg, fields: Fields, sources: dict[str, Source], keeper: Keeper | None
) -> None:
    """The rules in order; each sees only what those before it left open."""
    fields["lefts"] = int(_one(run, "select count(*) from lhs"))
    _early(run, leg, fields, keeper)
    _rates(run, fields, sources)
    perform(run, "opened", fields)
    perform(run, "reopen", fields)
    perform(run, "loosen", fields)
    perform(run, "reopen", fields)

    def apply(name: str, rule: Rule, take: str = "take_all", kind: str = "match") -> None:
        if not _both_open(run):
            return
        own: Fields = {**fields, "rule": rule.name, "why": _inside(rule.why), "standing": rule.standing, "class": kind}
        perform(run, name, own)
        if not _one(run, "select exists (from cand)"):
            return
        perform(run, take, own)
        perform(run, "touched", fields)
        perform(run, "reopen", fields)

    def apply_to_loose() -> None:
        own: Fields = {**fields, "rule": rules.KEY.name, "why": "", "standing": rules.KEY.standing, "class": "match"}
        for name in ("reattach", "take_all", "touched", "reopen"):
            perform(run, name, own if name in ("reattach", "take_all") else fields)

    if leg.name == "refund_gateway":
        apply("gateway_id", rules.GATEWAY_ID)
    apply("normalised_key", rules.NORMALISED_KEY)
    if not leg.money:
        apply("normalised_shared", rules.NORMALISED_KEY)
    apply("return_key", rules.RETURN_KEY)
    apply("order_amount", rules.ORDER_AMOUNT, "take")
    apply("order_sum", rules.GROUP_SUM)
    if _both_open(run):
        _order_pools(run, fields)
    apply("typo_amount", rules.REFERENCE_TYPO, "take")
    apply("typo_parts", rules.REFERENCE_TYPO)
    apply("typo_alone", rules.REFERENCE_TYPO, "take")
    if _one(run, "select exists (from opened where got > 0)"):
        apply("typo_amount", rules.REFERENCE_TYPO, "take")
    apply("amount_date", rules.AMOUNT_DATE, "take")
    if not leg.money:
        apply("unit_parts", rules.UNIT_PARTS)
        apply("unit_date", rules.UNIT_DATE)
    if _one(run, "select exists (from orr)"):
        perform(run, "around", fields)
    apply("order_only", rules.ORDER_ONLY, "take")
    if _one(run, "select exists (from loose)"):
        apply_to_loose()
    if _one(run, "select exists (from orr)"):
        perform(run, "repeated", {**fields, "why": _inside(rules.REPEATED.why)})
        perform(run, "take_repeats", {**fields, "rule": rules.REPEATED.name})
    if leg.name == "refund_gateway" and _both_open(run):
        _batches(run, fields)


def _both_open(run: duckdb.DuckDBPyConnection) -> bool:
    """Whether both sides still have something; without that no rule can find a pair."""
    return bool(_one(run, "select exists (from opened) and exists (from orr)"))


def _early(run: duckdb.DuckDBPyConnection, leg: Leg, fields: Fields, keeper: Keeper | None) -> None:
    """What is decided by its own key alone leaves the pool before anything is weighed."""
    perform(run, "early", fields)
    steps = [("early_gateway_id", rules.GATEWAY_ID)] if leg.name == "refund_gateway" else []
    steps += [("early_normalised_key", rules.NORMALISED_KEY)]
    if leg.money:
        steps += [("early_order_amount", rules.ORDER_AMOUNT), ("early_order_sum", rules.GROUP_SUM)]
    for name, rule in steps:
        perform(run, name, {**fields, "rule": rule.name, "why": _inside(rule.why)})
    if keeper is not None:
        keeper.early(fields)
    perform(run, "early_leaves", fields)
    if keeper is not None:
        keeper.left(fields)


def _rates(run: duckdb.DuckDBPyConnection, fields: Fields, sources: dict[str, Source]) -> None:
    """Rates by day; a rate serves the ten days after it, and nothing when the next ones are missing."""
    if "fx_rates" in sources:
        query = "select from_currency, to_currency, rate_date, minor_rate_e6 from src_fx_rates where minor_rate_e6 > 0"
    else:
        query = "select '' as from_currency, '' as to_currency, 0 as rate_date, 1::bigint as minor_rate_e6 where false"
    run.execute(f"create or replace temp table given as {query}")
    run.execute(
        "create or replace temp table fx as select * from given union all select from_currency, to_currency, ended, null from ("
        "select *, rate_date + 11 as ended, lead(rate_date) over (partition by from_currency, to_currency order by rate_date) as following "
        "from given) where following is null or following > ended"
    )
    perform(run, "rates", fields)


def _order_pools(run: duckdb.DuckDBPyConnection, fields: Fields) -> None:
    """One note for some of an order's open refunds: the only selection that makes its amount."""
    found: list[tuple[int, int, int]] = []
    used: set[int] = set()
    for right, amount, pool in run.execute(statement("order_pools", fields)).fetchall():
        free = [(item["l"], item["want"]) for item in pool if item["l"] not in used]
        choices = [
            chosen
            for size in range(2, len(free))
            for chosen in combinations(free, size)
            if sum(want for _, want in chosen) == amount
        ]
        if len(choices) == 1:
            used |= {left for left, _ in choices[0]}
            found += [(left, right, want) for left, want in choices[0]]
    _keep(run, found, rules.GROUP_SUM, fields)


def _batches(run: duckdb.DuckDBPyConnection, fields: Fields) -> None:
    """One gateway line for several refunds without a name: see core/reconcile/pools.py for what is believed.

    Each line that finds its refunds clears the pool for the others, so the lines are asked again until none does.
    """
    lines = run.execute(statement("batch_lines", fields)).fetchall()
    pools: dict[tuple[str, str], list[Open]] = {}
    for left, day, want, store, unit in run.execute(statement("batch_pool", fields)).fetchall() if lines else ():
        pools.setdefault((store, unit), []).append(Open(left, day, want))
    found: dict[Rule, list[tuple[int, int, int]]] = {rules.GROUP_SUM: [], rules.GROUP_SUBSET: []}
    asked = len(lines) + 1
    while lines and len(lines) < asked:
        asked = len(lines)
        lines = [line for line in lines if not _batch(line, pools, found, int(fields["late"]))]
    for rule, edges in found.items():
        _keep(run, edges, rule, fields)


def _batch(
    line: tuple[Any, ...],
    pools: dict[tuple[str, str], list[Open]],
    found: dict[Rule, list[tuple[int, int, int]]],
    days_before: int,
) -> bool:
    """Whether the line's refunds were found; they are taken from their pool."""
    right, store, unit, amount, day = line
    pool = pools.get((store, unit), [])
    near = [item for item in pool if day - days_before <= item.day <= day]
    picked = pick(near, amount, day, days_before)
    if picked is None:
        return False
    keys = set(picked.keys)
    rule = rules.GROUP_SUM if picked.certain else rules.GROUP_SUBSET
    found[rule] += [(item.key, right, item.amount) for item in near if item.key in keys]
    pools[store, unit] = [item for item in pool if item.key not in keys]
    return True


def _keep(run: duckdb.DuckDBPyConnection, found: list[tuple[int, int, int]], rule: Rule, fields: Fields) -> None:
    if not found:
        return
    run.execute("create or replace temp table cand (l bigint, r bigint, allocated bigint, why varchar)")
    values = ", ".join(f"({left}, {right}, {amount}, {literal(rule.why)})" for left, right, amount in found)
    run.execute(f"insert into cand values {values}")
    perform(run, "take_all", {**fields, "rule": rule.name, "standing": rule.standing, "class": "match"})
    perform(run, "touched", fields)
    perform(run, "reopen", fields)


def _classify(
    run: duckdb.DuckDBPyConnection, leg: Leg, fields: Fields, sources: dict[str, Source], findings: Findings
) -> None:
    steps: tuple[Callable[[], None], ...] = tuple(
        (lambda name=name: perform(run, name, fields))  # type: ignore[misc]  # the default binds the loop's value
        for name in ("one_currency", "unneeded", "settle", "no_rate")
    )
    for step in steps:
        step()
    run.execute(
        "delete from orr; insert into orr select * from rx where rn not in (select r from e) and rn not in (select r from aside_right)"
    )
    _say_unrated(run, leg, sources, findings)
    for name in ("mark_repeats", "judge", "candidates", "classes", "edges", "words"):
        perform(run, name, fields)
    run.execute(f"create or replace temp table {fields['further']} as select l from further")
    run.execute(f"create or replace temp table {fields['several']} as select l from ex where n > 1")


def _say_unrated(run: duckdb.DuckDBPyConnection, leg: Leg, sources: dict[str, Source], findings: Findings) -> None:
    rows = run.execute("select own_unit, unit, count(*), min(id) from unrated group by all order by all").fetchall()
    for own, other, count, example in rows:
        left, right = sources[leg.left_file].file, sources[leg.right_file].file
        findings.complain(
            left,
            f"{left} is in {own} and {right} in {other} for {count} record{'' if count == 1 else 's'} (first {example}), and no "
            f"rate from {own} to {other} is given for those days: add fx_rates.csv; they stand aside",
            rows=count,
        )


def _sums(run: duckdb.DuckDBPyConnection, leg: Leg, fields: Fields) -> Proof:
    def rows(name: str) -> list[tuple[Any, ...]]:
        return run.execute(statement(name, fields)).fetchall()

    return Proof(
        leg=leg,
        fields=fields,
        left_totals=rows("left_totals"),
        right_totals=rows("right_totals"),
        plain=rows("plain_totals"),
        early=rows("early_totals"),
        judged=rows("judged_totals"),
        edges=rows("edge_totals"),
        orphans=rows("orphan_totals"),
        aside=rows("aside_totals"),
    )

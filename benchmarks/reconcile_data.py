"""Seeded exports with their truth: the six files and the rates of the file contract, for measuring the proof.

Everything is a pure function of the seed and the record's number, written as DuckDB expressions, so ten million
refunds take seconds. Beside the exports it writes `truth/edges.parquet` and `truth/classes.parquet` (what belongs
together, and what a careful person would say about the rest). Troubles are those the file contract §1 lists: references
written differently, typed wrongly or lost, split tenders, batch lines, consolidated and hand-typed credit notes, notes in
the base currency, parcels in two parts, duplicates, late postings and records without a counterpart.

    python benchmarks/reconcile_data.py --out DIR --refunds 100000 --seed 7 [--no-stock] [--format csv]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import duckdb

LATE = {"refund_gateway": 7, "refund_credit_note": 5, "line_receipt": 21, "receipt_stock": 3}
DAY0, DAYS = 20666, 61  # 2026-08-01 as a day number; two months

REFUNDS = """
create table base as
with numbered as (select i, u('sibling', i) < 80000 and i > 0 as sibling from range($n) t(i)),
ordered as (select i, case when sibling then i - 1 else i end as o from numbered),
stored as (select i, o, (u('store', o) * u('store2', o) // 1000000 * greatest(40, $n // 10000) // 1000000)::int as s from ordered),
priced as (
  select i, o, s, ['GBP', 'EUR', 'USD'][s % 3 + 1] as base_currency,
    case when u('cur', o) < 80000 then ['GBP', 'EUR', 'USD'][(s + 1 + u('cur2', o) % 2) % 3 + 1]
         else ['GBP', 'EUR', 'USD'][s % 3 + 1] end as currency,
    600 + (u('p', i) * u('p2', i) // 1000000) * 24 // 1000 + u('p3', i) % 100 as items_minor,
    $day0 + least($days - 1, i * $days // $n) as day, u('sec', i) % 86400 as sec,
    case when u('method', i) < 800000 then 'original_payment' when u('method', i) < 920000 then 'store_credit'
         else 'exchange' end as method
  from stored),
valued as (
  select *, case when u('disc', i) < 350000 then items_minor * (5 + u('disc2', i) % 16) // 100 else 0 end as discount_minor,
    case when u('ship', i) < 300000 then [395, 495, 795, 1250][u('ship2', i) % 4 + 1] else 0 end as shipping_minor
  from priced),
taxed as (select *, (items_minor - discount_minor) * 20 // 100 as tax_minor from valued)
select *, items_minor - discount_minor + tax_minor + shipping_minor as amount_minor,
  case s % 3 when 0 then 'LR-' || (20000000 + i) when 1 then 'RG_' || lpad(to_hex(i * 7919 + 65536), 8, '0')
             else 'rv/' || lpad(((i * 48271) % 2147483647)::varchar, 10, '0') end as refund_id,
  ['loop', 'returngo', 'reveni'][s % 3 + 1] as portal, 'store-' || lpad(s::varchar, greatest(2, length(s::varchar))::int, '0') as store_id,
  'RET' || (5000000 + i * 3) as return_id, '#' || (1000 + o) as order_no,
  'gw_' || lpad(to_hex(hash($seed, 'gw', i) % 1152921504606846976), 15, '0') as txn,
  count(*) over (partition by o) as of_order
from taxed;
create table fx as
select f as from_currency, t as to_currency, make_date(2026, 8, 1) + d::int as rate_date,
  (case f || t when 'GBPEUR' then 1170000 when 'EURGBP' then 854700 when 'GBPUSD' then 1300000 when 'USDGBP' then 769230
               when 'EURUSD' then 1110000 else 900900 end + u('fx' || f || t, d) % 20000 - 10000)::bigint as minor_rate_e6
from (values ('GBP'), ('EUR'), ('USD')) a(f), (values ('GBP'), ('EUR'), ('USD')) b(t), range(-5, 70) c(d) where f <> t;
"""

# One situation for each refund on each money leg; `u` draws are independent by their tag.
SITUATIONS = """
create table {leg}_case as
with drawn as (
  select b.*, u('{leg}', i) as draw, u('{leg}mag', i) as mag,
    {expected} as expected, {special} as special
  from base b)
select *, case
    when not expected then 'none'
    when special is not null then special
    when day >= $as_of - 2 and draw % 2 = 0 then 'in_transit'
    when draw < 4000 then case when day + {late} < $as_of then 'missing' else 'in_transit' end
    when draw < 12000 and day + {late} + 21 < $as_of then 'late'
    when draw < 16000 then 'dup'
    when draw < 21000 then 'tax_rounding'
    when draw < 25000 then case when shipping_minor > 5 then 'shipping' else 'ok' end
    when draw < 29000 then case when discount_minor > 5 then 'discount' else 'ok' end
    when draw < 33000 then 'other'
    when draw < 58000 and '{leg}' = 'refund_gateway' then 'split'
    else 'ok' end as kind,
  case when u('{leg}ref', i) < {lost} then 'lost' when u('{leg}ref', i) < {typo} then 'typo'
       when u('{leg}ref', i) < {styled} then 'styled' else 'exact' end as written,
  {compared} as compared
from drawn;
create table {leg}_row as
with valued as (
  select *, (case kind when 'tax_rounding' then compared + [-2, -1, 1, 2][mag % 4 + 1]
      when 'shipping' then compared - {ship} when 'discount' then compared + {disc}
      when 'other' then compared + greatest(7, compared * (4 + mag % 9) // 100) * (1 - 2 * (mag % 2))
      when 'fx' then compared + greatest(3, compared * (3 + mag % 18) // 1000) * (1 - 2 * (mag % 2))
      else compared end)::bigint as paid
  from {leg}_case where kind not in ('none', 'missing', 'in_transit', 'batch', 'merged', 'skip'))
select i, 0 as part, case when kind = 'split' then paid - paid * 3 // 10 else paid end as paid, 'card' as tender,
  least($as_of, day + case when kind = 'late' then {late} + 1 + mag % 20 else u('{leg}lag', i) % 3 end) as rday, kind, 'match' as class from valued
union all
select i, 1, paid * 3 // 10, 'gift_card', least($as_of, day + u('{leg}lag', i) % 3), kind, 'match' from valued where kind = 'split'
union all
select i, 2, paid, 'card', least($as_of, day + 2 + u('{leg}lag2', i) % 2), kind, 'duplicate' from valued where kind = 'dup';
"""

WRITTEN = """
create macro styled(t, i) as case i % 5 when 0 then lower(replace(replace(replace(t, '-', ''), '_', ''), '/', ''))
  when 1 then 'REF ' || t when 2 then '#' || upper(t) when 3 then 'refund-' || replace(t, '-', '_') else ' ' || upper(replace(t, '/', '-')) end;
create macro slipped(t, a, i) as left(t, a) || chr((48 + (ascii(substr(t, a + 1, 1)) + 3 + i % 5) % 10)::int) || substr(t, a + 2);
create macro typed(t, i) as case i % 3
  when 0 then slipped(t, 5 + i % 4, i) when 1 then left(t, 5 + i % 4) || substr(t, 7 + i % 4) else slipped(slipped(t, 5, i), 8, i) end;
create macro reference(w, t, i) as case w when 'lost' then '' when 'typo' then typed(t, i) when 'styled' then styled(t, i) else t end;
"""

GATEWAY = """
create table gateway as
select case when part = 0 then b.txn else 'gw_' || lpad(to_hex(hash($seed, 'gwx', r.i, part) % 1152921504606846976), 15, '0') end as gateway_txn_id,
  b.store_id, ['psp_one', 'psp_two'][b.s % 2 + 1] as gateway, 'refund' as line_type, 'po_' || b.s || '_' || rday as payout_id,
  reference(c.written, b.refund_id, r.i) as reference, case when u('gword', r.i) < 100000 then '' else b.order_no end as order_no,
  tender, b.currency, paid as amount_minor, rday, b.refund_id as left_id, r.class
from refund_gateway_row r join base b using (i) join refund_gateway_case c using (i)
union all
select 'gwb_' || min(b.txn), b.store_id, 'psp_one', 'payout_batch', 'pob_' || min(b.i), '', '', 'card', b.currency, sum(b.amount_minor)::bigint,
  max(b.day) + 1, null, 'batch'
from refund_gateway_case b where kind = 'batch' group by b.store_id, b.currency, b.block
union all
select 'gwo_' || i, store_id, 'psp_one', 'refund', 'po_x', case when i % 100 < unnamed() then '' else 'MAN-' || (i * 31 % 1000003) end, '', 'card', currency, items_minor + 1 + i % 7, day, null, 'missing_left'
from base where u('gwonly', i) < 2000;
create table batch_edge as
select 'gwb_' || min(txn) over (partition by store_id, currency, block) as right_id, refund_id as left_id
from refund_gateway_case where kind = 'batch';
"""

NOTES = """
create table notes as
select 'CN' || (700000 + r.i * 4 + part) as credit_note_id, 'prima' as erp, b.store_id,
  reference(c.written, b.refund_id, r.i) as external_id, b.order_no, c.note_currency as currency, paid as amount_minor, rday,
  b.refund_id as left_id, r.class
from refund_credit_note_row r join base b using (i) join refund_credit_note_case c using (i)
union all
select 'CNM' || min(i), 'prima', store_id, case when u('mref', o) < 300000 then min(refund_id) else '' end, '#' || (1000 + o), currency,
  sum(amount_minor)::bigint, max(day) + 1, null, 'merged'
from refund_credit_note_case where kind = 'merged' group by o, store_id, currency
union all
select 'CNX' || i, 'prima', store_id, '', '#' || (90000000 + i), currency, items_minor + 3, day, null, 'missing_left' from base where u('cnonly', i) < 2000;
create table merged_edge as
select 'CNM' || min(i) over (partition by o) as right_id, refund_id as left_id from refund_credit_note_case where kind = 'merged';
"""

STOCK = """
create table line as
select b.i * 3 + k as j, 'RL' || (b.i * 3 + k) as return_line_id, return_id, order_no, store_id,
  'SKU-' || lpad(((hash($seed, 'sku', b.i) + k * 7) % 4000)::varchar, 4, '0') as sku, 1 + (u('qty', b.i * 3 + k) % 10 // 7) as qty,
  items_minor // 2 as unit_price_minor, currency, day - 8 as day, 'WH' || s % 4 as warehouse
from base b, range(3) t(k) where k = 0 or u('lines', b.i) < 200000 * (3 - k) // 2;
create table line_case as
select *, u('wl', j) as draw, u('wlmag', j) as mag, case
    when day >= $as_of - 15 and draw % 3 = 0 then 'in_transit'
    when draw < 6000 then case when day + {lr} < $as_of then 'missing' else 'in_transit' end
    when draw < 14000 and day + {lr} + 21 < $as_of then 'late'
    when draw < 18000 then 'dup' when draw < 26000 and qty > 1 then 'short' when draw < 30000 then 'more'
    when draw < 80000 and qty > 1 then 'parcels' else 'ok' end as kind,
  case when u('wlref', j) < {lost} then 'lost' when u('wlref', j) < 10000 + {lost} then 'typo' when u('wlref', j) < 60000 then 'styled' else 'exact' end as written
from line;
create table receipt as
select 'RC' || (j * 4) as receipt_id, j, 0 as part, (case kind when 'short' then qty - 1 when 'more' then qty + 1 when 'parcels' then qty - 1 else qty end)::bigint as qty,
  least($as_of, day + case when kind = 'late' then {lr} + 1 + mag % 20 else 5 + mag % 5 end) as rday, 'match' as class
from line_case where kind not in ('missing', 'in_transit')
union all select 'RC' || (j * 4 + 1), j, 1, 1, least($as_of, day + 11), 'match' from line_case where kind = 'parcels'
union all select 'RC' || (j * 4 + 2), j, 2, qty, least($as_of, day + 12), 'duplicate' from line_case where kind = 'dup';
create table receipts as
select receipt_id, reference(written, return_id, j) as rma_ref, store_id, warehouse, sku, r.qty as qty_received, rday,
  return_line_id as left_id, r.class, j
from receipt r join line_case using (j)
union all
select 'RCX' || i, case when i % 100 < unnamed() then '' else 'walk-in ' || i end, store_id, 'WH0', 'SKU-' || (5000 + i % 900), 1, day, null, 'missing_left', -i from base where u('blind', i) < 1500;
create table receipt_case as
select *, u('mv', j * 2 + part(receipt_id)) as draw, u('mvmag', j * 2 + part(receipt_id)) as mag, case
    when rday >= $as_of - 1 and draw % 2 = 0 then 'in_transit'
    when draw < 5000 then case when rday + {rs} < $as_of then 'missing' else 'in_transit' end
    when draw < 12000 and rday + {rs} + 11 < $as_of then 'late'
    when draw < 16000 then 'dup' when draw < 20000 then 'more' when draw < 60000 and qty_received > 1 then 'split' else 'ok' end as kind,
  case when u('mvref', j * 2 + part(receipt_id)) < 10000 then 'typo' when u('mvref', j * 2 + part(receipt_id)) < 40000 then 'styled' else 'exact' end as written
from receipts;
create table movement as
select 'MV-' || receipt_id as movement_id, * exclude (qty_received), (case kind when 'more' then qty_received + 1 when 'split' then qty_received - 1 else qty_received end)::bigint as qty,
  least($as_of, rday + case when kind = 'late' then {rs} + 1 + mag % 9 else mag % 2 end) as mday, 'match' as mclass
from receipt_case where kind not in ('missing', 'in_transit')
union all select 'MV-' || receipt_id || '-2', * exclude (qty_received), 1, least($as_of, rday + 1), 'match' from receipt_case where kind = 'split'
union all select 'MV-' || receipt_id || '-D', * exclude (qty_received), qty_received, least($as_of, rday + 2), 'duplicate' from receipt_case where kind = 'dup';
"""

TRUTH_MONEY = """
create table truth_edges as
select 'refund_gateway' as leg, left_id, gateway_txn_id as right_id, class from gateway where left_id is not null
union all select 'refund_gateway', left_id, right_id, 'match' from batch_edge
union all select 'refund_credit_note', left_id, credit_note_id, class from notes where left_id is not null
union all select 'refund_credit_note', left_id, right_id, 'match' from merged_edge;
create table truth_classes as
with cases as (
  select 'refund_gateway' as leg, refund_id as left_id, null::varchar as right_id, kind from refund_gateway_case
  union all select 'refund_credit_note', refund_id, null, kind from refund_credit_note_case
  union all select 'refund_gateway', null, gateway_txn_id, class from gateway where class = 'missing_left'
  union all select 'refund_credit_note', null, credit_note_id, class from notes where class = 'missing_left')
select leg, left_id, right_id, case kind when 'missing' then 'missing_right' when 'late' then 'timing' when 'dup' then 'duplicate'
    when 'in_transit' then kind when 'missing_left' then kind else 'variance' end as class,
  case when kind in ('tax_rounding', 'shipping', 'discount', 'other', 'fx') then kind end as reason
from cases where kind not in ('ok', 'none', 'split', 'batch', 'merged', 'skip');
"""

TRUTH_STOCK = """
insert into truth_edges
select 'line_receipt', left_id, receipt_id, class from receipts where left_id is not null
union all select 'receipt_stock', receipt_id, movement_id, mclass from movement;
insert into truth_classes
with cases as (
  select 'line_receipt' as leg, return_line_id as left_id, null::varchar as right_id, kind from line_case
  union all select 'receipt_stock', receipt_id, null, kind from receipt_case
  union all select 'line_receipt', null, receipt_id, 'missing_left' from receipts where left_id is null)
select leg, left_id, right_id, case kind when 'missing' then 'missing_right' when 'late' then 'timing' when 'dup' then 'duplicate'
    when 'in_transit' then kind when 'missing_left' then kind else 'variance' end as class,
  case when kind in ('short', 'more') then 'qty' end as reason
from cases where kind not in ('ok', 'parcels', 'split');
"""

DATE = "(date '1970-01-01' + ({0})::int)"
FILES = {
    "portal_refunds": "select refund_id, portal, store_id, return_id, order_no, case when u('known', i) < 700000 then txn else '' end as "
    "gateway_txn_id, method, currency, base_currency, amount_minor::bigint as amount_minor, items_minor::bigint as items_minor, "
    "discount_minor::bigint as discount_minor, tax_minor::bigint as tax_minor, shipping_minor::bigint as shipping_minor, 1 as n_lines, "
    f"{DATE.format('day')} as refund_date, (day * 86400 + sec)::bigint as refunded_at from base",
    "gateway_refunds": "select gateway_txn_id, store_id, gateway, line_type, payout_id, reference, order_no, tender, currency, amount_minor, "
    f"{DATE.format('rday')} as created_date, {DATE.format('rday + 2')} as payout_date from gateway",
    "erp_credit_notes": "select credit_note_id, erp, store_id, external_id, order_no, currency, amount_minor, "
    f"{DATE.format('rday')} as posted_date, strftime({DATE.format('rday')}, '%Y-%m') as period from notes",
    "fx_rates": "select * from fx",
    "portal_return_lines": "select return_line_id, return_id, order_no, store_id, sku, qty, unit_price_minor, currency, "
    f"{DATE.format('day')} as authorised_date, warehouse from line",
    "warehouse_receipts": "select receipt_id, rma_ref, store_id, warehouse, sku, qty_received, "
    f"{DATE.format('rday')} as received_date from receipts",
    "erp_stock_movements": "select movement_id, 'prima' as erp, reference(written, receipt_id, j) as external_id, store_id, warehouse, sku, "
    f"'return_receipt' as movement_type, qty, {DATE.format('mday')} as posted_date from movement",
}
MONEY_FILES = ("portal_refunds", "gateway_refunds", "erp_credit_notes", "fx_rates")


def _money(run: duckdb.DuckDBPyConnection, lost: int) -> None:
    """The situations of both money legs, their right-hand records and their truth."""
    run.execute(
        """create table blocks as select *, hash($seed, store_id, currency, block) % 1000 < 6 and n_block > 2 as batched from (
        select *, count(*) over (partition by store_id, currency, block) as n_block from (
        select i, store_id, currency, day // 2 * 1000 + (row_number() over (partition by store_id, currency, day // 2 order by day, sec, refund_id) - 1) // 5 as block
        from base where method <> 'exchange'))""".replace("$seed", "seed()")
    )
    gateway = {
        "leg": "refund_gateway",
        "late": LATE["refund_gateway"],
        "expected": "method <> 'exchange'",
        "lost": 15000 * lost,
        "typo": 20000 + 15000 * lost,
        "styled": 70000 + 15000 * lost,
        "special": "case when i in (select i from blocks where batched) and day < $as_of - 4 then 'batch' end",
        "compared": "amount_minor",
        "ship": "shipping_minor",
        "disc": "discount_minor",
    }
    run.execute(_bound(SITUATIONS.format(**gateway)))
    run.execute(
        "create or replace table refund_gateway_case as select c.*, b.block from refund_gateway_case c left join blocks b using (i)"
    )
    rate = "(select any_value(minor_rate_e6) from fx where from_currency = currency and to_currency = base_currency and rate_date = date '1970-01-01' + day::int)"
    crossed = "(currency <> base_currency and u('booked', i) < 600000)"
    run.execute(
        "create or replace table base as select b.*, f.minor_rate_e6 as rate from base b left join fx f on f.from_currency = b.currency "
        "and f.to_currency = b.base_currency and f.rate_date = date '1970-01-01' + b.day::int"
    )

    def convert(amount: str) -> str:
        return f"(case when {crossed} then ({amount} * rate + 500000) // 1000000 else {amount} end)"

    notes = {
        "leg": "refund_credit_note",
        "late": LATE["refund_credit_note"],
        "expected": "true",
        "lost": 30000 * lost,
        "typo": 15000 + 30000 * lost,
        "styled": 55000 + 30000 * lost,
        "special": f"case when of_order = 2 and u('merge', o) < 500000 and day < $as_of - 3 and not {crossed} then 'merged' "
        f"when {crossed} and u('fxvar', i) < 60000 then 'fx' end",
        "compared": convert("amount_minor"),
        "ship": convert("shipping_minor"),
        "disc": convert("discount_minor"),
    }
    run.execute(_bound(SITUATIONS.format(**notes)))
    run.execute(
        f"create or replace table refund_credit_note_case as select *, case when {crossed} then base_currency else currency end as note_currency from refund_credit_note_case"
    )
    del rate
    for script in (WRITTEN, GATEWAY, NOTES, TRUTH_MONEY):
        run.execute(_bound(script))


def _bound(script: str) -> str:
    return (
        script.replace("$as_of", str(DAY0 + DAYS))
        .replace("$seed", "seed()")
        .replace("$n", "size()")
        .replace("$day0", str(DAY0))
        .replace("$days", str(DAYS))
    )


def generate(
    out: Path,
    refunds: int,
    seed: int,
    *,
    stock: bool = True,
    form: str = "parquet",
    shuffle: bool = True,
    lost: int = 1,
    unnamed: int = 0,
) -> None:
    """Write the exports, `meta.json` and the truth below `out`.

    `shuffle` puts rows in an order that tells nothing;
    `lost` times as many references are lost, and `unnamed` per cent of the records that belong to none have no reference.
    """
    run = duckdb.connect()
    run.execute("set preserve_insertion_order=false")
    run.execute(f"create macro seed() as {seed}::bigint; create macro size() as {refunds}::bigint")
    run.execute("create macro u(tag, i) as (hash(seed(), tag, i::bigint) % 1000000)::bigint")
    run.execute(f"create macro unnamed() as {unnamed}")
    run.execute("create macro part(id) as ascii(right(id, 1)) % 4")
    run.execute(_bound(REFUNDS))
    _money(run, lost)
    if stock:
        run.execute(_bound(STOCK.format(lr=LATE["line_receipt"], rs=LATE["receipt_stock"], lost=4000 * lost)))
        run.execute(_bound(TRUTH_STOCK))
    (out / "truth").mkdir(parents=True, exist_ok=True)
    option = "(format csv, header)" if form == "csv" else "(format parquet)"
    for name, query in FILES.items():
        if stock or name in MONEY_FILES:
            first = query.split(",", 1)[0].removeprefix("select ")
            order = f" order by hash({first}, 3)" if shuffle and name != "fx_rates" else ""
            run.execute(f"copy (select * from ({query}){order}) to '{out / name}.{form}' {option}")
    for name in ("truth_edges", "truth_classes"):
        run.execute(f"copy {name} to '{out}/truth/{name.removeprefix('truth_')}.parquet' (format parquet)")
    meta = {"as_of": "2026-10-01", "late_after_days": LATE}
    (out / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", "utf-8")


def main() -> None:
    """Command line of the generator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--refunds", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--no-stock", action="store_true")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--lost", type=int, default=1, help="so many times as many lost references")
    parser.add_argument("--unnamed", type=int, default=0, help="per cent of foreign records without a reference")
    given = parser.parse_args()
    generate(
        given.out,
        given.refunds,
        given.seed,
        stock=not given.no_stock,
        form=given.format,
        lost=given.lost,
        unnamed=given.unnamed,
    )


if __name__ == "__main__":
    main()

-- The key for everybody (matching §2 step 2): one join over all rows, its sums, and the few that go further.

-- name: pairs
-- Every record of both sides once: pairs that agree on the key as sent, lefts without a right, rights without a left.
-- `optional` numbers the methods that need no right.
create or replace temp table {fresh} as
select l.rn as l, l.id as lid, l.unit as lu, l.amount as la, l.day as ld, {optional} as optional, l.unit = r.unit as same,
    r.rn as r, r.id as rid, r.amount as ra, r.day as rd
from {left_pool} l full join {right_pool} r on r.key = l.key and r.store = l.store {and_unit};

-- name: exceptions
-- Paired lefts that are not plainly one to one, equal and in time. `plain` marks those that add up all the same.
create or replace temp table ex as
select l, count(*) as n,
    sum(ra)::bigint = any_value(la) and bool_and(same) and max(rd) - any_value(ld) <= {late} as plain
from {fresh} where l is not null and r is not null group by l
having count(*) > 1 or sum(ra) <> any_value(la) or not bool_and(same) or max(rd) - any_value(ld) > {late};
create or replace temp table further as select l from ex where not plain;

-- name: shared_keys
-- Several lines of one return and SKU share their key: units are handed out in order of line and of arrival, and what
-- is left over goes to the last line.
create or replace temp table meeting as
select r, min(l) as g from {fresh} where l is not null and r is not null group by r having count(*) > 1;
create or replace temp table shared as
with both_sides as (select p.*, m.g from {fresh} p join meeting m using (r) where l is not null),
lefts as (
    select g, l, lid, lu, la, ld, optional, coalesce(sum(la) over before, 0) as from_unit,
        case when row_number() over (partition by g order by lid desc) = 1 then 1000000000000 else sum(la) over upto end as to_unit
    from (select distinct g, l, lid, lu, la, ld, optional from both_sides)
    window before as (partition by g order by lid rows between unbounded preceding and 1 preceding),
        upto as (partition by g order by lid rows between unbounded preceding and current row)),
rights as (
    select g, r, rid, rd, coalesce(sum(ra) over before, 0) as from_unit, sum(ra) over upto as to_unit
    from (select distinct g, r, rid, ra, rd from both_sides)
    window before as (partition by g order by rd, rid rows between unbounded preceding and 1 preceding),
        upto as (partition by g order by rd, rid rows between unbounded preceding and current row))
select l.l, l.lid, l.lu, l.la, l.ld, l.optional, true as same, r.r, r.rid,
    (least(l.to_unit, r.to_unit) - greatest(l.from_unit, r.from_unit))::bigint as ra, r.rd, l.g
from lefts l join rights r on r.g = l.g and least(l.to_unit, r.to_unit) > greatest(l.from_unit, r.from_unit);
create or replace temp table {fresh} as
select * from {fresh} where r is null or l is null or r not in (select r from meeting)
union all select * exclude (g) from shared
union all
select distinct p.l, p.lid, p.lu, p.la, p.ld, p.optional, null::boolean, null::bigint, null::varchar, null::bigint, null::int
from {fresh} p join meeting m using (r) where p.l not in (select l from shared);

-- name: optional_shares
-- How many lefts of each method that needs no right have one all the same.
select optional, count(*) filter (r is null) as without, count(*) as lefts from {pairs} where l is not null and optional > 0 group by 1 order by 1;

-- name: details
-- What goes further, with everything the rules ask: ol are lefts, rx are rights, e are the edges known so far.
create or replace temp table ol as
select l.*, plain(l.key) as nk, order_key(l.ord) as o, null::bigint as base_amount, null::bigint as base_ship,
    null::bigint as base_disc
from {left_pool} l where l.rn in (select l from further union all select l from {pairs} where r is null and l is not null and optional not in ({unneeded}));
create or replace temp table rx as
select r.*, plain(r.key) as nk, order_key(r.ord) as o
from {right_pool} r where r.rn in (select r from {pairs} where l is null and r is not null union all select p.r from {pairs} p join further using (l));
create or replace temp table e as
select p.l, p.r, 'key' as rule, p.ra as allocated, 'match' as class, '{key_why}' as why, 'final' as standing
from {pairs} p join further using (l);
create or replace temp table orr as select * from rx where rn not in (select r from e);
create or replace temp table loose (l bigint, r bigint);

-- name: rates
-- Amounts of cross-currency lefts in their base currency, by the latest rate of the ten days before their own day.
create or replace temp table ol as
select o.* replace (
    case when f.minor_rate_e6 is not null then (o.amount * f.minor_rate_e6 + 500000) // 1000000 end as base_amount,
    case when f.minor_rate_e6 is not null then (o.ship * f.minor_rate_e6 + 500000) // 1000000 end as base_ship,
    case when f.minor_rate_e6 is not null then (o.disc * f.minor_rate_e6 + 500000) // 1000000 end as base_disc)
from ol o asof left join fx f
    on o.unit = f.from_currency and o.base = f.to_currency and o.day >= f.rate_date
where o.base <> o.unit
union all select * from ol where base = unit;

-- name: opened
-- Lefts that still want something, one row per currency it may come in. Partly paid ones want the rest, in that currency.
create or replace temp table touched as select rn as l from ol;
create or replace temp table opened (l bigint, id varchar, nk varchar, alt varchar, gate varchar, store varchar, unit varchar, want bigint,
    ship bigint, disc bigint, crossed boolean, day int, at_s bigint, o varchar, got bigint);

-- name: touched
-- The lefts the last rule may have changed.
create or replace temp table touched as select distinct l from cand;

-- name: reopen
-- What the touched lefts want now.
delete from opened where l in (select l from touched);
insert into opened
with got as (
    select e.l, sum(e.allocated)::bigint as got, min(r.unit) as unit from e join touched using (l) join rx r on r.rn = e.r group by e.l)
select o.rn as l, o.id, o.nk, o.alt, o.gate, o.store, o.unit, o.amount - coalesce(g.got, 0) as want, o.ship, o.disc, false as crossed,
    o.day, o.at_s, o.o, coalesce(g.got, 0) as got
from ol o join touched t on t.l = o.rn left join got g on g.l = o.rn
where (g.unit is null or g.unit = o.unit) and o.amount > coalesce(g.got, 0)
union all
select o.rn, o.id, o.nk, o.alt, o.gate, o.store, o.base, o.base_amount, o.base_ship, o.base_disc, true, o.day, o.at_s, o.o, 0
from ol o join touched t on t.l = o.rn left join got g on g.l = o.rn where g.l is null and o.base <> o.unit and o.base_amount > 0;

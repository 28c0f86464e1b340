-- Before the cascade: what needs no weighing. Each of these pairs is decided by the records that share its key alone, is
-- equal and in time, and has no rival; so they leave the pool at once, and the nightly run may keep them.

-- name: early
-- `known` are rights the portal recorded somewhere: the other rules wait for the one that reads the record.
create or replace temp table {early} (l bigint, lid varchar, unit varchar, la bigint, r bigint, rid varchar, ra bigint, rd int, rule varchar, why varchar);
create or replace temp table bare as
select rn, id, nk, gate, store, unit, amount, day, o from ol where rn not in (select l from further);
create or replace temp table known as select rn from bare where gate <> '' and gate in (select id from rx);
create or replace temp table claimed as select rn from orr where id in (select gate from ol where gate <> '');

-- name: early_gateway_id
insert into {early}
select l.rn, l.id, l.unit, l.amount, r.rn, r.id, r.amount, r.day, '{rule}', '{why}'
from bare l join orr r on r.id = l.gate and r.store = l.store and r.unit = l.unit
where l.rn in (select rn from known) and r.amount = l.amount and r.day between l.day - {early_days} and l.day + {late}
    and (l.o = '' or r.o = '' or l.o = r.o)
qualify count(*) over (partition by r.rn) = 1 and count(*) over (partition by l.rn) = 1;

-- name: early_normalised_key
insert into {early}
with lefts as (select store, unit, nk, max(rn) as rn from ol where nk <> '' group by all having count(*) = 1),
rights as (select store, unit, nk, max(rn) as rn from rx where nk <> '' group by all having count(*) = 1)
select l.rn, l.id, l.unit, l.amount, r.rn, r.id, r.amount, r.day, '{rule}', '{why}'
from lefts a join rights b using (store, unit, nk) join bare l on l.rn = a.rn join orr r on r.rn = b.rn
where r.amount = l.amount and r.day between l.day - {early_days} and l.day + {late}
    and (l.o = '' or r.o = '' or l.o = r.o) and l.rn not in (select rn from known) and r.rn not in (select rn from claimed)
    and l.rn not in (select l from {early}) and r.rn not in (select r from {early});

-- name: early_order_amount
-- A right without a reference, alone with one left of its order.
insert into {early}
with lefts as (select store, o, max(rn) as rn from ol where o <> '' group by all having count(*) = 1),
rights as (select store, o, max(rn) as rn from rx where o <> '' group by all having count(*) = 1)
select l.rn, l.id, l.unit, l.amount, r.rn, r.id, r.amount, r.day, '{rule}', '{why}'
from lefts a join rights b using (store, o) join bare l on l.rn = a.rn join orr r on r.rn = b.rn
where r.nk = '' and r.unit = l.unit and r.amount = l.amount and r.day between l.day - {early_days} and l.day + {late}
    and l.rn not in (select rn from known) and r.rn not in (select rn from claimed)
    and l.rn not in (select l from {early}) and r.rn not in (select r from {early});

-- name: early_order_sum
-- A right without a reference, alone with all the lefts of its order, which make its amount together.
insert into {early}
with lefts as (
    select store, o, sum(amount)::bigint as amount, min(unit) as unit, min(day) as first_day, max(day) as last_day
    from ol where o <> '' group by all
    having count(*) > 1 and count(distinct unit) = 1 and bool_and(rn in (select rn from bare)) and not bool_or(rn in (select rn from known))
        and not bool_or(rn in (select l from {early}))),
rights as (select store, o, max(rn) as rn from rx where o <> '' group by all having count(*) = 1)
select l.rn, l.id, l.unit, l.amount, r.rn, r.id, l.amount, r.day, '{rule}', '{why}'
from lefts a join rights b using (store, o) join orr r on r.rn = b.rn join bare l on l.store = a.store and l.o = a.o
where r.nk = '' and r.unit = a.unit and r.amount = a.amount and r.day between a.last_day - {early_days} and a.first_day + {late}
    and r.rn not in (select rn from claimed) and r.rn not in (select r from {early});

-- name: early_leaves
-- The pools anew: cheaper than deleting from them.
create or replace temp table ol as select * from ol where rn not in (select l from {early});
create or replace temp table rx as select * from rx where rn not in (select r from {early});
create or replace temp table orr as select * from orr where rn not in (select r from {early});

-- name: early_totals
select {early_unit} as unit, rule, count(*) as records, count(distinct l) as lefts, coalesce(sum(ra), 0)::bigint as amount
from {early} group by all having count(*) > 0 order by all;

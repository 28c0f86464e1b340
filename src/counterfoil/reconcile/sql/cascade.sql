-- The cascade (matching §6): each rule fills cand(l, r, allocated, edits, days, why) from what is open; `take` keeps
-- what is unique from both sides. No row order, no surrogate and no thread decides anything.

-- name: take
-- Of rights alike in everything that names them only the first is a candidate: the others repeat it.
insert into e
with twins as (
    select rn, row_number() over (partition by store, unit, amount, nk, o, tender order by day, id) as place
    from orr where nk <> '' or o <> '' or {money} = 0),
ranked as (
    select *, rank() over (partition by l order by edits, days) as by_l, rank() over (partition by r order by edits, days) as by_r
    from cand where r not in (select rn from twins where place > 1)),
counted as (
    select *, count(*) filter (by_l = 1) over (partition by l) as rivals_l, count(*) filter (by_r = 1) over (partition by r) as rivals_r
    from ranked)
select l, r, '{rule}', allocated, 'match', why, '{standing}' from counted
where by_l = 1 and by_r = 1 and rivals_l = 1 and rivals_r = 1;
delete from orr where rn in (select r from e);

-- name: take_all
-- For rules whose candidates are decided already.
insert into e select l, r, '{rule}', allocated, '{class}', why, '{standing}' from cand;
delete from orr where rn in (select r from e);

-- name: loosen
-- A mistyped reference may be another record's own. A right goes down the cascade again, and comes back at the end if
-- nothing else wants it, when its left does not add up and: its order contradicts the left's; or the left has its exact
-- right beside it, or is exact without it; or the portal recorded another gateway line, or this one elsewhere; or the amount is unexplained and
-- an open left a slip away wants exactly that (of two alike, the one from before its left may be meant).
insert into loose
with sums as (select l, sum(allocated)::bigint as got, count(*) as n from e group by l),
told as (
    select e.l, e.r, e.allocated, o.amount, o.ship, o.disc, s.got, s.n, r.unit <> o.unit as crossed, r.nk, r.store, r.unit, r.day,
        r.unit = o.base and abs(e.allocated - o.base_amount) * 1000 <= o.base_amount * {fx_band} as converts,
        o.o <> '' and r.o <> '' and o.o <> r.o as contradicts, o.day as left_day,
        o.gate <> '' and o.gate <> r.id and exists (from orr g where g.id = o.gate and g.store = o.store) as elsewhere,
        exists (from opened g where g.gate = r.id and g.store = r.store and g.l <> e.l) as claimed,
        count(*) over (partition by e.l, e.allocated, r.tender) as alike,
        count(*) filter (e.allocated = o.amount) over (partition by e.l) as exact,
        s.got - e.allocated = o.amount as fits_without
    from e join ol o on o.rn = e.l join rx r on r.rn = e.r join sums s on s.l = e.l),
suspect as (
    select *, count(*) filter (fits_without and alike = 1) over (partition by l) as choices from told
    where case when crossed then not coalesce(converts, false) else got <> amount end),
wanted as (
    select s.l, s.r from suspect s join opened o on o.store = s.store and o.unit = s.unit and o.want = s.allocated and o.l <> s.l
    where not s.crossed and (s.alike = 1 or s.day < s.left_day and o.day <= s.day) and s.nk <> '' and abs(s.got - s.amount) > {rounding} and abs(s.got - s.amount) not in (s.ship, s.disc)
        and not o.crossed and o.got = 0 and s.day between o.day - {early_days} and o.day + {window}
        and levenshtein(s.nk, o.nk) <= {edits_max}
    group by all having count(*) = 1)
select l, r from suspect
where contradicts or claimed or (not crossed and (elsewhere and allocated <> amount or exact = 1 and n > 1 and allocated <> amount
    or choices = 1 and fits_without and alike = 1))
union
select l, r from wanted;
delete from e using loose where e.l = loose.l and e.r = loose.r;
insert into orr select * from rx where rn in (select r from loose);
create or replace temp table touched as select distinct l from loose;

-- name: reattach
-- What came loose and found no better place belongs where its key says, unless its order says otherwise and the left
-- has what it wants.
create or replace temp table cand as
select x.l, x.r, r.amount as allocated, 0 as edits, 0 as days, '{key_why}' as why
from loose x join orr r on r.rn = x.r join ol o on o.rn = x.l
where o.o = '' or r.o = '' or o.o = r.o or x.l not in (select l from e);

-- name: gateway_id
-- The portal recorded the gateway's own id; one line recorded by several refunds must be their sum.
create or replace temp table cand as
with met as (
    select o.l, r.rn as r, o.want, r.amount, count(*) over (partition by r.rn) as several, sum(o.want) over (partition by r.rn) as wanted
    from opened o join orr r on r.id = o.gate and r.store = o.store and r.unit = o.unit where o.gate <> '')
select l, r, case when several = 1 then amount else want end as allocated, 0 as edits, 0 as days, '{why}' as why
from met where several = 1 or wanted = amount;

-- name: normalised_key
-- The same letters and digits, or the left's id at the end of a longer text after a letter, or the other way round. The
-- left must be the only one of that spelling; it may have several rights.
create or replace temp table spelt as
with ends as (select distinct length(nk) as n from opened where length(nk) >= 3),
spelled as (
    select rn as r, store, unit, amount, day, nk, o, 0 as cut from orr where nk <> ''
    union all
    select rn, store, unit, amount, day, right(nk, n), o, 1 from orr, ends
    where length(nk) > n and substr(nk, length(nk) - n, 1) between 'A' and 'Z'),
ids as (select l, store, unit, nk, count(distinct l) over (partition by store, unit, nk) as alike, want, day, o from opened),
tails as (select distinct length(nk) as n from orr where length(nk) >= {key_length}),
shorter as (
    select l, store, unit, right(nk, n) as nk, count(distinct l) over (partition by store, unit, right(nk, n)) as alike, o
    from opened, tails where length(nk) > n and substr(nk, length(nk) - n, 1) between 'A' and 'Z'),
met as (
    select i.l, s.r, s.amount, s.cut, length(s.nk) as n, s.o <> '' and i.o <> '' and s.o <> i.o as contradicts
    from spelled s join ids i on i.store = s.store and i.unit = s.unit and i.nk = s.nk
    where i.alike = 1 and (s.cut = 0 or length(s.nk) >= {key_length} or s.amount = i.want and s.day between i.day - {early_days} and i.day + {window})
    union all
    select h.l, s.r, s.amount, 2, length(s.nk), s.o <> '' and h.o <> '' and s.o <> h.o from spelled s join shorter h on h.store = s.store and h.unit = s.unit and h.nk = s.nk
    where h.alike = 1 and s.cut = 0)
select * from met
qualify row_number() over (partition by r order by cut, n desc) = 1 and count(*) over (partition by r, cut, n) = 1;
insert into loose select l, r from spelt where contradicts and (l, r) not in (select (l, r) from loose);
create or replace temp table cand as
select l, r, amount as allocated, 0 as edits, 0 as days, '{why}' as why from spelt where not contradicts;

-- name: normalised_shared
-- Lines that share a spelling hand out units in order, one receipt each.
create or replace temp table cand as
with lefts as (select *, row_number() over (partition by store, unit, nk order by id) as place,
        count(*) over (partition by store, unit, nk) as alike from opened),
rights as (select *, row_number() over (partition by store, unit, nk order by day, id) as place from orr where nk <> '')
select l.l, r.rn as r, r.amount as allocated, 0 as edits, 0 as days, '{why}' as why
from lefts l join rights r on r.store = l.store and r.unit = l.unit and r.nk = l.nk and least(r.place, l.alike) = l.place
where l.alike > 1;

-- name: return_key
-- The reference names another id of the left that only one open left has.
create or replace temp table cand as
with named as (select l, store, unit, plain(alt) as nalt from opened where length(alt) >= {key_length}),
ids as (select *, count(distinct l) over (partition by store, unit, nalt) as alike from named where length(nalt) >= {key_length})
select i.l, r.rn as r, r.amount as allocated, 0 as edits, 0 as days, '{why}' as why
from ids i join orr r on r.store = i.store and r.unit = i.unit and r.nk = i.nalt where i.alike = 1;

-- name: order_amount
create or replace temp table cand as
select o.l, r.rn as r, r.amount as allocated, 0 as edits, abs(r.day - o.day) as days, '{why}' as why
from opened o join orr r on r.store = o.store and r.unit = o.unit and r.o = o.o
where o.o <> '' and r.day between o.day - {early_days} and o.day + {window}
    and case when o.crossed then abs(r.amount - o.want) * 1000 <= o.want * {fx_band} else r.amount = o.want end;

-- name: order_sum
-- One right for all open lefts of an order, one left for all open rights of it, or a right too large for the left its
-- key names by exactly the order's other open lefts.
create or replace temp table cand as
with lefts as (
    select *, sum(want) over every as wanted, count(*) over every as n from opened where o <> '' and not crossed and got = 0
    window every as (partition by store, unit, o)),
rights as (
    select *, sum(amount) over every as given, count(*) over every as n from orr where o <> ''
    window every as (partition by store, unit, o)),
single as (
    select l, max(r) as r, sum(allocated) as got from e group by l having count(*) = 1),
generous as (
    select s.l, s.r, a.amount as want, s.got - a.amount as more, a.store, a.unit, a.o
    from single s join ol a on a.rn = s.l join rx r on r.rn = s.r where a.o <> '' and r.unit = a.unit and s.got > a.amount)
select l.l, r.rn as r, l.want as allocated, 0 as edits, 0 as days, '{why}' as why
from lefts l join rights r on r.store = l.store and r.unit = l.unit and r.o = l.o
where l.n > 1 and r.n = 1 and l.wanted = r.amount
union all
select l.l, r.rn, r.amount, 0, 0, '{parts_why}'
from lefts l join rights r on r.store = l.store and r.unit = l.unit and r.o = l.o
where l.n = 1 and r.n > 1 and r.given = l.want
union all
select l.l, g.r, l.want, 0, 0, '{why}'
from generous g join lefts l on l.store = g.store and l.unit = g.unit and l.o = g.o where l.wanted = g.more
qualify count(*) over (partition by l.l) = 1;
update e set allocated = o.amount, rule = '{rule}', why = '{why}' from ol o
where e.l = o.rn and e.allocated > o.amount and e.r in (select r from cand) and e.r not in (select rn from orr);

-- name: order_pools
-- Orders with more open lefts than one right pays: for the bounded search.
select r.rn, r.amount, list({'l': l.l, 'want': l.want} order by l.at_s, l.id)
from orr r join opened l on l.store = r.store and l.unit = r.unit and l.o = r.o
where r.o <> '' and not l.crossed and l.got = 0 group by r.rn, r.amount, r.id having count(*) between 3 and 10 and sum(l.want) > r.amount order by r.id;

-- name: typo_amount
-- Same amount, and a reference at most two edits away.
create or replace temp table cand as
select * exclude (nk), '{why} (' || edits || case when edits = 1 then ' character' else ' characters' end || '); the amount is the same.' as why from (
    select o.l, r.rn as r, r.amount as allocated, edits(r.nk, o.nk) as edits, abs(r.day - o.day) as days, o.nk
    from opened o join orr r on r.store = o.store and r.unit = o.unit and r.amount = o.want
    where not o.crossed and r.nk <> '' and length(o.nk) >= 4 and (o.o = '' or r.o = '' or o.o = r.o) and r.day between o.day - {early_days} and o.day + {window})
where edits <= case when length(nk) < {slip_length} then 1 else {edits_max} end;

-- name: typo_parts
-- Several rights with one and the same mistyped reference that make the amount together.
create or replace temp table cand as
with parts as (select store, unit, nk, sum(amount)::bigint as given, min(day) as day from orr where nk <> '' group by all having count(*) > 1),
near as (
    select o.l, p.nk, p.store, p.unit, edits(p.nk, o.nk) as edits
    from opened o join parts p on p.store = o.store and p.unit = o.unit and p.given = o.want
    where not o.crossed and length(o.nk) >= {key_length} and p.day between o.day - {early_days} and o.day + {window}),
sure as (
    select * from near where edits <= {edits_max}
    qualify count(*) over (partition by l) = 1 and count(*) over (partition by nk, store, unit) = 1)
select s.l, r.rn as r, r.amount as allocated, s.edits, 0 as days, '{why}; its parts make the amount.' as why
from sure s join orr r on r.store = s.store and r.unit = s.unit and r.nk = s.nk;

-- name: typo_alone
-- A mistyped reference and another amount: two edits only when the difference explains itself, one edit within a band.
create or replace temp table cand as
with amounts as (
    select l, nk, store, unit, day, o, unnest(list_distinct([want - 2, want - 1, want + 1, want + 2, want - ship, want + disc])) as amount
    from opened where not crossed and got = 0 and length(nk) >= {key_length}),
explained as (
    select a.l, r.rn as r, r.amount as allocated, edits(r.nk, a.nk) as edits, abs(r.day - a.day) as days
    from amounts a join orr r on r.store = a.store and r.unit = a.unit and r.amount = a.amount
    where r.nk <> '' and (a.o = '' or r.o = '' or a.o = r.o) and r.day between a.day - {early_days} and a.day + {window}),
abroad as (
    select o.l, r.rn as r, r.amount as allocated, edits(r.nk, o.nk) as edits, abs(r.day - o.day) as days
    from opened o join orr r on r.store = o.store and r.unit = o.unit
    where o.crossed and r.nk <> '' and (o.o = '' or r.o = '' or o.o = r.o) and length(o.nk) >= {key_length} and abs(r.amount - o.want) * 1000 <= o.want * {fx_band}
        and r.day between o.day - {early_days} and o.day + {window}),
ordered as (
    select o.l, r.rn as r, r.amount as allocated, edits(r.nk, o.nk) as edits, abs(r.day - o.day) as days
    from opened o join orr r on r.store = o.store and r.unit = o.unit and r.o = o.o
    where o.o <> '' and o.got = 0 and r.nk <> '' and length(o.nk) >= {key_length} and abs(r.amount - o.want) * 100 <= o.want * {plausible}),
shorn_l as (
    select l, store, unit, day, nk, o, want, unnest([left(nk, i - 1) || substr(nk, i + 1) for i in range(1, length(nk) + 1)] || [nk]) as cut
    from opened where not crossed and got = 0 and length(nk) >= {key_length}),
shorn_r as (
    select rn, store, unit, day, nk, o, amount, unnest([left(nk, i - 1) || substr(nk, i + 1) for i in range(1, length(nk) + 1)] || [nk]) as cut
    from orr where length(nk) >= {key_length}),
close as (
    select distinct o.l, r.rn as r, r.amount as allocated, 1 as edits, abs(r.day - o.day) as days
    from shorn_l o join shorn_r r on r.store = o.store and r.unit = o.unit and r.cut = o.cut
    where levenshtein(r.nk, o.nk) <= 1 and (o.o = '' or r.o = '' or o.o = r.o) and r.day between o.day - {early_days} and o.day + {window}
        and abs(r.amount - o.want) * 100 <= o.want * {plausible})
select l, r, any_value(allocated) as allocated, min(edits) as edits, min(days) as days,
    '{why} (' || min(edits) || case when min(edits) = 1 then ' character' else ' characters' end || '); the amount differs.' as why
from (select * from explained union all select * from abroad union all select * from ordered union all select * from close)
where edits <= {edits_max} group by l, r;

-- name: amount_date
-- No reference on the right and no order that says otherwise: the only two of this amount in these days, and only while
-- an accidental partner is unlikely: share of nameless rights without any partner x share of lefts that are open in
-- these days x the other lefts of this amount in them, or how many there are to a minor unit of amounts of its size (of units:
-- how many others of its SKU a line of the shop has on average).
-- Of several partners only those count whose days are usual: a partner five hundred times less likely than the best one,
-- by the days that pairs with a reference take in these very files, is no rival.
create or replace temp table pace as
select rd - ld as days, count(*) as n from {pairs} where r is not null and l is not null group by 1;
create or replace temp table nameless as
select * from orr where nk = '' and kind in ('', 'refund', 'return', 'return_receipt');
create or replace temp table cand as
with near as (
    select o.l, r.rn as r, r.amount as allocated, r.store, r.unit, r.day as rday, coalesce(p.n, 0) + 0.5 as usual
    from opened o join nameless r on r.store = o.store and r.unit = o.unit and r.amount = o.want
    left join pace p on p.days = r.day - o.day
    where not o.crossed and (o.got = 0 or o.want > {rounding} and o.want not in (o.ship, o.disc) and o.want * 10 >= o.got)
        and (r.o = '' or o.o = '' or r.o = o.o) and r.day between o.day - {early_days} and o.day + {late}
    qualify usual * {rival_odds} >= max(usual) over (partition by r.rn) and usual * {rival_odds} >= max(usual) over (partition by o.l)),
crowd as (
    select n.r, n.l, count(a.rn) as alike from near n left join lhs a on a.store = n.store and a.unit = n.unit and a.amount = n.allocated
        and n.rday between a.day - {early_days} and a.day + {late} group by n.r, n.l),
shops as (
    select store, case when {money} = 1 then unit end as unit, case when {money} = 1 then size(amount) end as size,
        case when {money} = 1 then sum(n) else sum(n * (n - 1)) + 1 end as of_size,
        case when {money} = 1 then 10 ** (any_value(length(amount::varchar)) - 1) else sum(n) end::hugeint as sizes
    from (select store, unit, case when {money} = 1 then amount end as amount, count(*)::hugeint as n from lhs
        where store in (select store from near) group by all) group by 1, 2, 3),
each_day as (select day, count(*) as lefts from lhs group by day),
each_open as (select day, count(distinct l) as opens from opened group by day),
share as (
    select d.rday, coalesce(sum(p.opens), 0) as opens, greatest(1, sum(a.lefts)) as lefts
    from (select distinct rday from near) d join each_day a on d.rday between a.day - {early_days} and a.day + {late}
    left join each_open p on p.day = a.day group by d.rday),
alone as (
    select count(*) as nameless, count(*) filter (rn not in (select r from near)) as orphans from nameless)
select n.l, n.r, n.allocated, 0 as edits, 0 as days, '{why}' as why
from near n join crowd c on c.r = n.r and c.l = n.l join share s on s.rday = n.rday
left join shops h on h.store = n.store and (h.unit = n.unit and h.size = size(n.allocated) or {money} = 0), alone a
where greatest((c.alike - 1) * coalesce(h.sizes, 1) * {lefts}, coalesce(h.of_size, 0) * s.lefts) * s.opens * (a.orphans + 1) * 1000
    <= coalesce(h.sizes, 1) * {lefts} * s.lefts * (a.nameless + 2) * {luck} or c.alike = 1 and {lefts} <= {small};

-- name: unit_parts
-- Units of one SKU without a reference: the only open line of the SKU in its shop, and all of them together make it.
create or replace temp table cand as
with near as (
    select o.l, r.rn as r, r.amount as allocated, o.want
    from opened o join orr r on r.store = o.store and r.unit = o.unit
    where o.got = 0 and r.nk = '' and r.day between o.day - {early_days} and o.day + {late}),
sure as (
    select l from near where r in (select r from near group by r having count(*) = 1)
    group by l having count(*) = any_value((select count(*) from near n where n.l = near.l)) and sum(allocated) = any_value(want) and count(*) > 1)
select l, r, allocated, 0 as edits, 0 as days, '{why}' as why from near where l in (select l from sure);

-- name: unit_date
-- Other units than the line's, or later than allowed: only when the SKU is open once on both sides and, as with amounts,
-- a partner by accident is unlikely.
create or replace temp table cand as
with near as (
    select o.l, r.rn as r, r.amount as allocated, r.store, r.unit, r.day as rday
    from opened o join orr r on r.store = o.store and r.unit = o.unit
    where o.got = 0 and r.nk = '' and r.day between o.day - {early_days} and o.day + {window}),
single as (
    select * from near qualify count(*) over (partition by l) = 1 and count(*) over (partition by r) = 1),
crowd as (
    select n.l, n.r, count(*) - 1 as others from single n join lhs a on a.store = n.store and a.unit = n.unit
        and n.rday between a.day - {early_days} and a.day + {window} group by all),
shops as (
    select store, sum(n * (n - 1)) + 1 as more, sum(n) as lefts from (
        select store, unit, count(*) as n from lhs where store in (select store from single) group by all) group by store),
alone as (select count(*) as nameless, count(*) filter (rn in (select rn from orr)) as orphans from rx where nk = ''),
share as (select count(distinct l) as opens from opened)
select n.l, n.r, n.allocated, 0 as edits, 0 as days, '{why}' as why
from single n join crowd c using (l, r) join shops s using (store), alone a, share h
where greatest(c.others * s.lefts, s.more) * h.opens * (a.orphans + 1) * 1000 <= s.lefts * {lefts} * (a.nameless + 2) * {luck};

-- name: around
-- The lefts of the shop, currency and amount of an open right, and those paid in parts: read once, narrow before wide.
create or replace temp table around as
select * from lhs where rn in (
    select rn from lhs a semi join orr r on r.store = a.store and r.unit = a.unit and r.amount = a.amount
    union all select l from ex where plain);

-- name: order_only
-- Not when the right repeats another left of the order to the minor unit.
create or replace temp table cand as
with lefts as (select *, count(distinct l) over (partition by store, o) as n from opened where o <> ''),
rights as (select *, count(*) over (partition by store, o) as n from orr where o <> '')
select l.l, r.rn as r, r.amount as allocated, 0 as edits, 0 as days, '{why}' as why
from lefts l join rights r on r.store = l.store and r.unit = l.unit and r.o = l.o
where l.n = 1 and r.n = 1 and l.got = 0 and abs(r.amount - l.want) * 100 <= l.want * {plausible};
delete from cand where r in (
    select r.rn from cand c join orr r on r.rn = c.r join around a on a.store = r.store and a.unit = r.unit and a.amount = r.amount
    where order_key(a.ord) = r.o and a.rn <> c.l);

-- name: repeated
-- What repeats a right of a left that has what it wants: same order or same reference but for two edits, same amount.
-- In three steps, so that nothing is ever joined by its store alone.
create or replace temp table paid as
select p.l, p.ra as amount, p.lu as unit, min(p.rd) as day from {pairs} p semi join around a on a.rn = p.l
where p.r is not null and p.l not in (select l from further) group by all
union all
select l, ra, unit, min(rd) from {early} where l in (select rn from around) group by all
union all
select e.l, e.allocated, r.unit, min(r.day) from e join rx r on r.rn = e.r where e.class = 'match' group by all;
create or replace temp table paid as
with spelt_out as (
    select rn, store, plain(key) as nk, order_key(ord) as o from around where rn not in (select rn from ol)
    union all select rn, store, nk, o from ol where rn in (select l from e))
select p.*, a.store, a.nk, a.o from paid p join spelt_out a on a.rn = p.l;
create or replace temp table unnamed as select e.l from e join rx r on r.rn = e.r where r.nk = '' group by e.l having count(*) = 1;
create or replace temp table cand as
with near as (
    select a.l, r.rn as r, r.amount as allocated, abs(r.day - a.day) as days,
        case when r.nk <> '' then edits(r.nk, a.nk) else 99 end as apart, r.o <> '' and r.o = a.o as same_order,
        r.o <> '' and a.o <> '' and r.o <> a.o as contradicts,
        {money} = 0 and r.nk = '' and r.day between a.day and a.day + {late} and a.l in (select l from unnamed)
            and not exists (from opened w where w.store = r.store and w.unit = r.unit and w.day <= r.day) as alike
    from paid a join orr r on r.store = a.store and r.unit = a.unit and r.amount = a.amount
    where abs(r.day - a.day) <= {window})
select l, r, any_value(allocated) as allocated, min(case when apart <= {edits_max} then apart else 50 end) as edits, min(days) as days,
    '{why}' as why
from near where same_order or (apart <= {edits_max} and not contradicts) or alike group by l, r;

-- name: take_repeats
-- A left may be repeated more than once; a repeat must belong to one left only.
insert into e
with ranked as (select *, rank() over (partition by r order by edits, days) as by_r from cand),
counted as (select *, count(*) filter (by_r = 1) over (partition by r) as rivals from ranked)
select l, r, '{rule}', allocated, 'duplicate', why, 'final' from counted where by_r = 1 and rivals = 1;
delete from orr where rn in (select r from e);
create or replace temp table newly as
select distinct l from e where class = 'duplicate' and l not in (select l from further);
insert into further select l from newly;
insert into ol
select a.*, plain(a.key), order_key(a.ord), null, null, null from around a
where a.rn in (select l from newly) and a.rn not in (select rn from ol);
insert into rx (rn, id, key, store, unit, amount, day, ord, tender, kind, nk, o)
select p.r, p.rid, o.key, o.store, o.unit, p.ra, p.rd, '', r.tender, '', o.nk, ''
from {pairs} p join newly using (l) join ol o on o.rn = p.l
join (select e.l, min(r.tender) as tender from e join rx r on r.rn = e.r where e.class = 'duplicate' group by e.l) r on r.l = p.l
where p.r is not null;
insert into rx (rn, id, key, store, unit, amount, day, ord, tender, kind, nk, o)
select p.r, p.rid, o.key, o.store, o.unit, p.ra, p.rd, '', r.tender, '', o.nk, ''
from {early} p join newly using (l) join ol o on o.rn = p.l
join (select e.l, min(r.tender) as tender from e join rx r on r.rn = e.r where e.class = 'duplicate' group by e.l) r on r.l = p.l
where p.r not in (select rn from rx);
insert into e
select p.l, p.r, 'key', p.ra, 'match', '{key_why}', 'final' from {pairs} p join newly using (l) where p.r is not null
union all
select p.l, p.r, p.rule, p.ra, 'match', p.why, 'final' from {early} p join newly using (l);
delete from {early} where l in (select l from newly);

-- name: batch_lines
-- Rights that name no order and no refund: they may pay several.
select rn, store, unit, amount, day from orr where o = '' and (nk = '' or kind not in ('', 'refund')) order by day, id;

-- name: batch_pool
select l, day, want, store, unit from opened where got = 0 and not crossed order by store, unit, at_s, id;

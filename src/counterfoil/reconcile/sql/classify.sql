-- What the open and the unequal are (matching §2 steps 5 and 7), and the sums that must add up.

-- name: one_currency
-- A left is compared in one currency: its own when a right has it, else its base, else the first.
create or replace temp table compared as
select e.l, arg_min(r.unit, case when r.unit = o.unit then '0' when r.unit = o.base then '1' else '2' || r.unit end) as unit
from e join ol o on o.rn = e.l join rx r on r.rn = e.r group by e.l;
delete from e using compared c, rx r where e.l = c.l and e.r = r.rn and r.unit <> c.unit;

-- name: unneeded
-- What a slip had joined to a refund that needs no right: without it the refund stands aside like its kind.
insert into aside_left
select unit, amount from ol l where {optional} in ({unneeded}) and rn not in (select l from e);
delete from ol l where {optional} in ({unneeded}) and rn not in (select l from e);

-- name: settle
-- Every left that went further, with what came for it. Across currencies both days' rates are tried: an ERP books at one
-- of them, and the run takes the one that explains more documents to the cent.
create or replace temp table sums as
select e.l, sum(e.allocated)::bigint as got, count(*) as n, c.unit, max(r.day) as last_day
from e join rx r on r.rn = e.r join compared c on c.l = e.l group by e.l, c.unit;
create or replace temp table crossing as
with mine as (
    select s.l, s.got, o.amount, o.ship, o.disc, o.unit, s.unit as into_unit, o.day, s.last_day
    from sums s join ol o on o.rn = s.l where s.unit <> o.unit)
select m.*, a.minor_rate_e6 as rate_left, b.minor_rate_e6 as rate_right
from mine m asof left join fx a on m.unit = a.from_currency and m.into_unit = a.to_currency and m.day >= a.rate_date
asof left join fx b on m.unit = b.from_currency and m.into_unit = b.to_currency and m.last_day >= b.rate_date;
create or replace temp table basis as
select coalesce(sum((abs(got - (amount * rate_right + 500000) // 1000000) <= 2)::int)
    > sum((abs(got - (amount * rate_left + 500000) // 1000000) <= 2)::int), false) as by_right from crossing;
create or replace temp table fl as
with rated as (select *, case when (select by_right from basis) then rate_right else rate_left end as rate from crossing)
select o.rn as l, o.id, o.unit as own_unit, coalesce(s.unit, o.unit) as unit, o.amount, o.day, coalesce(s.got, 0) as got, coalesce(s.n, 0) as n,
    x.l is not null as crossed, s.last_day,
    case when x.l is null then o.amount else (o.amount * x.rate + 500000) // 1000000 end as want,
    case when x.l is null then o.ship else (o.ship * x.rate + 500000) // 1000000 end as ship,
    case when x.l is null then o.disc else (o.disc * x.rate + 500000) // 1000000 end as disc
from ol o left join sums s on s.l = o.rn left join rated x on x.l = o.rn;

-- name: no_rate
-- Pairs of two currencies without a rate prove nothing; they stand aside and are said.
create or replace temp table unrated as select l, unit, own_unit, id from fl where want is null;
create or replace temp table aside_right as
select e.r, r.id, r.unit, e.allocated as amount from e join rx r on r.rn = e.r where e.l in (select l from unrated);
delete from e where l in (select l from unrated);

-- name: mark_repeats
-- Of several rights alike in amount and tender, those are repeats without which the rest fits within the rounding.
create or replace temp table repeats as
with alike as (
    select e.l, e.r, e.allocated, f.got - f.want as over, count(*) over same as copies,
        row_number() over (partition by e.l, e.allocated, r.tender order by r.day desc, length(r.id) desc, r.id desc) as place
    from e join fl f on f.l = e.l join rx r on r.rn = e.r where e.class = 'match' and f.got > f.want and e.allocated > 0
    window same as (partition by e.l, e.allocated, r.tender)),
fitting as (select *, (over + allocated // 2) // allocated as extra from alike where copies > 1)
select l, r, place, extra from fitting
where extra between 1 and copies - 1 and abs(over - extra * allocated) <= {rounding} and place <= extra
qualify dense_rank() over (partition by l order by allocated desc) = 1;
update e set class = 'duplicate', why = '{repeat_why}' where (l, r) in (select (l, r) from repeats);
-- Whichever way they were found, of records alike the one the portal recorded is the match, else the first (on one day the
-- lower id, as a number that grows is lower); the others repeat it.
create or replace temp table places as
select e.l, e.r, e.class as before,
    case when row_number() over latest <= count(*) filter (e.class = 'duplicate') over same then 'duplicate' else 'match' end as class
from e join rx r on r.rn = e.r join ol o on o.rn = e.l where e.l in (select l from e where class = 'duplicate')
window same as (partition by e.l, e.allocated, r.tender),
    latest as (partition by e.l, e.allocated, r.tender order by r.id = o.gate, r.day desc, length(r.id) desc, r.id desc);
update e set class = p.class, why = case when p.class = 'duplicate' then '{repeat_why}' else '{first_why}' end
from places p where e.l = p.l and e.r = p.r and p.class <> p.before;

-- name: judge
-- One row per left that is not plainly matched.
create or replace temp table judged as
with paid as (
    select e.l, count(*) filter (e.class = 'duplicate') as repeats, max(r.day) filter (e.class = 'match') as met_day
    from e join rx r on r.rn = e.r group by e.l)
select f.*, coalesce(p.repeats, 0) as repeats, f.got - f.want as variance, coalesce(p.met_day, f.last_day) - f.day as lag, {as_of} - f.day as age,
    case when f.n = 0 then case when {as_of} - f.day <= {late} then 'in_transit' else 'missing_right' end
        when coalesce(p.repeats, 0) > 0 then 'duplicate'
        when f.got <> f.want then 'variance'
        when coalesce(p.met_day, f.last_day) - f.day > {late} then 'timing' else 'matched' end as class,
    case when f.n = 0 or coalesce(p.repeats, 0) > 0 or f.got = f.want then null when {money} = 0 then 'qty'
        when abs(f.got - f.want) <= {rounding} then 'tax_rounding'
        when f.ship <> 0 and abs(abs(f.got - f.want) - f.ship) <= f.crossed::int then 'shipping'
        when f.disc <> 0 and abs(abs(f.got - f.want) - f.disc) <= f.crossed::int then 'discount'
        when f.crossed and abs(f.got - f.want) * 1000 <= abs(f.want) * {fx_band} then 'fx' else 'other' end as reason
from fl f left join paid p on p.l = f.l where f.want is not null;

-- name: candidates
-- For each open record the three likeliest partners that could not be told apart or did not fit well enough.
create or replace temp table maybe as
select o.l, o.id as left_id, r.rn as r, r.id as right_id, min(abs(r.day - o.day)) as days
from opened o join orr r on r.store = o.store and r.unit = o.unit
where o.got = 0 and r.day between o.day - {window} and o.day + {window}
    and (r.amount = o.want and r.day between o.day - {early_days} and o.day + {late} + {early_days} or r.o <> '' and r.o = o.o)
group by all;
create or replace temp table maybe_right as
select l, string_agg(right_id, ', ' order by place) as ids from (
    select *, row_number() over (partition by l order by days, right_id) as place from maybe) where place <= 3 group by l;
create or replace temp table maybe_left as
select r, string_agg(left_id, ', ' order by place) as ids from (
    select *, row_number() over (partition by r order by days, left_id) as place from maybe) where place <= 3 group by r;

-- name: classes
create or replace temp table {classes} as
with rows as (
    select j.id as left_id, null::varchar as right_id, j.class, j.reason,
        (case when j.n = 0 then -j.amount else j.variance end)::bigint as variance, j.age::bigint as age_days,
        case j.class when 'missing_right' then '{owner_right}' when 'in_transit' then '{owner_right}' else '{owner_variance}' end as owner,
        case j.class
            when 'in_transit' then 'No {right_word} yet; it is ' || j.age || ' days old and {late} are allowed.'
            when 'missing_right' then 'No {right_word} after ' || j.age || ' days.'
            when 'duplicate' then shown(j.got, j.unit) || ' came for ' || shown(j.want, j.unit) || ': ' || j.repeats || ' record(s) too many.'
            when 'timing' then 'Matched ' || j.lag || ' days later; {late} are allowed.'
            else shown(j.got, j.unit) || ' against ' || shown(j.want, j.unit) || case j.reason
                when 'tax_rounding' then ': a rounding difference.' when 'shipping' then ': exactly the shipping.'
                when 'discount' then ': exactly the discount.' when 'fx' then ': within what rates of other days explain.'
                when 'qty' then ': the quantity differs.' else ': nothing of the refund explains it.' end end
        || coalesce(' Candidates: ' || m.ids || '.', '') as why,
        j.unit, j.want as amount
    from judged j left join maybe_right m on m.l = j.l where j.class <> 'matched'
    union all
    select null, r.id, 'missing_left', null, r.amount, ({as_of} - r.day)::bigint, '{owner_left}',
        'A {right_word} of ' || shown(r.amount, r.unit) || ' without a {left_word}.' || coalesce(' Candidates: ' || m.ids || '.', ''), r.unit, r.amount
    from orr r left join maybe_left m on m.r = r.rn)
select '{leg}' as leg, left_id, right_id, class, reason, variance, age_days,
    case when age_days <= 7 then '0-7' when age_days <= 30 then '8-30' when age_days <= 60 then '31-60' else '61+' end as bucket,
    owner, why, unit, amount
from rows;

-- name: edges
create or replace temp table {edges} as
select o.id as left_id, r.id as right_id, e.rule, e.class, e.allocated, e.why, e.standing, r.unit
from e join ol o on o.rn = e.l join rx r on r.rn = e.r;

-- name: write_order
-- The words of an edge travel through the sort as one small number, and a second id only where the first does not decide.
select '{leg}' as leg, left_id, right_id, w.rule[said] as rule, w.class[said] as class, allocated, w.why[said] as why, w.standing[said] as standing
from (
    select lid as left_id, rid as right_id, 1::utinyint as said, ra as allocated, case when l in (select l from {several}) then rid else '' end as place
    from {pairs} where l is not null and r is not null and l not in (select l from {further})
    union all
    select lid, rid, w.said, ra, '' from {early} p join {words} w on (w.rule, w.class, w.why, w.standing) = (p.rule, 'match', p.why, 'final')
    union all
    select left_id, right_id, w.said, allocated, right_id from {edges} e join {words} w on (w.rule, w.class, w.why, w.standing) = (e.rule, e.class, e.why, e.standing)
    order by left_id, place),
(select list(rule order by said) as rule, list(class order by said) as class, list(why order by said) as why, list(standing order by said) as standing
    from {words}) w

-- name: words
create or replace temp table {words} as
select (row_number() over (order by plain desc, rule, class, why, standing))::utinyint as said, rule, class, why, standing from (
    select 1 as plain, 'key' as rule, 'match' as class, '{key_why}' as why, 'final' as standing
    union
    select 0, rule, 'match', why, 'final' from {early}
    union
    select 0, rule, class, why, standing from {edges} where (rule, class, why, standing) <> ('key', 'match', '{key_why}', 'final'));

-- name: plain_totals
-- Plainly matched records by currency: rights, their amount, and the lefts (splits count once).
with plain as (
    select {pair_unit} as unit, l, ra from {pairs} where l is not null and r is not null and l not in (select l from {further})),
splits as (select l from ex where plain and l not in (select l from {further}))
select unit, count(*) - count(*) filter (l in (select l from splits)) + count(distinct l) filter (l in (select l from splits)) as lefts,
    count(*) as rights, coalesce(sum(ra), 0)::bigint as amount
from plain group by unit order by unit;

-- name: left_totals
-- Every left of the leg as read, by its own currency.
select {left_unit} as unit, count(*) as records, coalesce(sum(amount), 0)::bigint as amount from lhs group by 1 order by 1;

-- name: right_totals
select {left_unit} as unit, count(*) as records, coalesce(sum(amount), 0)::bigint as amount from rhs group by 1 order by 1;

-- name: judged_totals
-- Lefts that went further, by their own currency, by the compared one, and by class and reason.
select {own_unit} as own_unit, {left_unit} as unit, class, coalesce(reason, '') as reason, count(*) as records, sum(amount)::bigint as own_amount,
    sum(want)::bigint as amount, sum(got)::bigint as got, sum(variance)::bigint as variance
from judged group by all order by all;

-- name: edge_totals
select {left_unit} as unit, rule, class, standing, count(*) as records, sum(allocated)::bigint as amount from {edges} group by all order by all;

-- name: orphan_totals
-- A constant unit makes one group even of nothing.
select {left_unit} as unit, count(*) as records, sum(amount)::bigint as amount from orr group by all having count(*) > 0 order by all;

-- name: aside_totals
select side, {left_unit} as unit, count(*) as records, sum(amount)::bigint as amount from (
    select 'left' as side, unit, amount from aside_left
    union all select 'left', o.own_unit, o.amount from fl o where o.want is null
    union all select 'right', unit, amount from aside_right) group by all order by all;

-- What the nightly run keeps between runs (matching §3), by number: pairs one to one, equal and in time by their key, and
-- what the early rules found. A pair stays while no record that shares a key, a spelling, an order or a gateway id with
-- it has changed; everything else goes through the cascade again, so that the answer cannot depend on the order in which
-- records came. Hashes that meet by accident only reopen a pair too many.

-- name: keep_tables
create table if not exists kept_terms (leg varchar primary key, terms varchar);
create table if not exists kept_{leg} (l bigint, lid varchar, lu varchar, la bigint, ld int, optional tinyint, same boolean,
    r bigint, rid varchar, ra bigint, rd int, key_hash ubigint);
create table if not exists kept_early_{leg} (l bigint, lid varchar, unit varchar, la bigint, r bigint, rid varchar, ra bigint, rd int, rule varchar, why varchar);
create table if not exists kept_blocks_{leg} (l bigint, block ubigint);
create table if not exists pool_left_{leg} as select * from lhs;
create table if not exists pool_right_{leg} as select * from rhs;

-- name: keep_forget
drop table if exists kept_{leg}; drop table if exists kept_early_{leg}; drop table if exists kept_blocks_{leg};
drop table if exists pool_left_{leg}; drop table if exists pool_right_{leg};

-- name: keep_touch
-- The hashes of all that changed, as it was and as it is.
create or replace temp table touched_key as
select hash(store, key) as h from came_left union select hash(store, key) from gone_left
union select hash(store, key) from came_right union select hash(store, key) from gone_right;
create or replace temp table opened_l (l bigint);
create or replace temp table opened_r (r bigint);
insert into opened_l select l from kept_{leg} where key_hash in (select h from touched_key);
insert into opened_r select r from kept_{leg} where key_hash in (select h from touched_key);
delete from kept_{leg} where key_hash in (select h from touched_key);
create or replace temp table back_left as select * from lhs where rn in (select l from opened_l);
create or replace temp table back_right as select * from rhs where rn in (select r from opened_r);
create or replace temp table touched_block as
select hash('k', store, plain(key)) as block from (from came_left union all from gone_left union all from back_left)
union select hash('o', store, order_key(ord)) from (from came_left union all from gone_left union all from back_left) where ord <> ''
union select hash('g', store, gate) from (from came_left union all from gone_left union all from back_left) where gate <> ''
union select hash('k', store, plain(key)) from (from came_right union all from gone_right union all from back_right) where key <> ''
union select hash('o', store, order_key(ord)) from (from came_right union all from gone_right union all from back_right) where ord <> ''
union select hash('g', store, id) from (from came_right union all from gone_right union all from back_right);

-- name: keep_reopen
-- Early pairs in a touched block come back, and touch their own blocks; again until none does.
create or replace temp table reopened as
select distinct l from kept_blocks_{leg} where block in (select block from touched_block);

-- name: keep_spread
create or replace temp table touched_block as
from touched_block union select block from kept_blocks_{leg} where l in (select l from reopened);
insert into opened_l select l from reopened;
insert into opened_r select distinct r from kept_early_{leg} where l in (select l from reopened);
delete from kept_early_{leg} where l in (select l from reopened);
delete from kept_blocks_{leg} where l in (select l from reopened);

-- name: keep_pool
-- The pool: what was open, without what is gone, with what came and what was reopened.
delete from pool_left_{leg} where rn in (select rn from gone_left);
delete from pool_right_{leg} where rn in (select rn from gone_right);
insert into pool_left_{leg} from came_left;
insert into pool_right_{leg} from came_right;
insert into pool_left_{leg} select * from lhs where rn in (select l from opened_l) and rn not in (select rn from pool_left_{leg});
insert into pool_right_{leg} select * from rhs where rn in (select r from opened_r) and rn not in (select rn from pool_right_{leg});

-- name: keep_pairs
-- The plain pairs of this run join those kept; together they are the leg's pairs.
create or replace temp table keeping as
select p.l, p.r from {fresh} p
where p.l is not null and p.r is not null and p.l not in (select l from ex) and p.r not in (select r from meeting);
insert into kept_{leg}
select p.l, p.lid, p.lu, p.la, p.ld, p.optional, p.same, p.r, p.rid, p.ra, p.rd, hash(a.store, a.key)
from {fresh} p join keeping k on k.l = p.l join {left_pool} a on a.rn = p.l where p.r is not null;
create or replace temp table {fresh} as select * from {fresh} where l is null or l not in (select l from keeping);
create or replace temp view {pairs} as
select l, lid, lu, la, ld, optional, same, r, rid, ra, rd from {fresh}
union all select l, lid, lu, la, ld, optional, same, r, rid, ra, rd from kept_{leg};

-- name: keep_early
insert into kept_blocks_{leg}
select e.l, block from {early} e join ol o on o.rn = e.l join rx r on r.rn = e.r, unnest(list_distinct([
    hash('k', o.store, o.nk), hash('o', o.store, o.o), hash('g', o.store, o.gate),
    hash('k', r.store, r.nk), hash('o', r.store, r.o), hash('g', r.store, r.id)])) b(block);
insert into keeping select l, r from {early};
insert into kept_early_{leg} from {early};

-- name: keep_early_all
create or replace temp table {early} as from kept_early_{leg};

-- name: keep_rest
-- What is left of the pool for the next run.
create or replace table pool_left_{leg} as select * from pool_left_{leg} where rn not in (select l from keeping);
create or replace table pool_right_{leg} as select * from pool_right_{leg} where rn not in (select r from keeping);

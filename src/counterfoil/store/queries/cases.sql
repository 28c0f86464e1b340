-- name: case_get
-- One return's state.
select * from cases where case_id = :case_id;

-- name: case_lock [postgresql]
-- The same, locked until the transaction ends.
select * from cases where case_id = :case_id for update;

-- name: case_lock [sqlite]
-- The same; the one writer needs no row lock.
select * from cases where case_id = :case_id;

-- name: order_lock [postgresql]
-- Serialise decisions about one order: its units are claimed once.
select pg_advisory_xact_lock(hashtextextended(:lock, 0));

-- name: order_lock [sqlite]
-- The one writer needs no lock.
select 1;

-- name: case_insert
-- A new return; nothing when it exists already.
insert into cases (case_id, brand, portal, return_id, order_ref, order_name, currency, stage, progress, state, seq, chain,
                   opened_ms, updated_ms)
values (:case_id, :brand, :portal, :return_id, :order_ref, :order_name, :currency, :stage, 'open', :state, 0, '',
        :now, :now)
on conflict (case_id) do nothing;

-- name: case_save
-- State and what lists show of it, after a decision.
update cases set order_ref = :order_ref, order_name = :order_name, stage = :stage, progress = :progress,
    waits_for = :waits_for, state = :state, seq = :seq, chain = :chain, updated_ms = :now, look_again_ms = :look_again_ms,
    problems_open = :problems_open, units_returned = :units_returned, units_received = :units_received,
    value_minor = :value_minor, refunded_minor = :refunded_minor, credited_minor = :credited_minor,
    rma_number = :rma_number, credit_number = :credit_number
where case_id = :case_id and seq = :seq_before;

-- name: case_key_put
-- A reference that leads to this return.
insert into case_keys (brand, kind, value, case_id) values (:brand, :kind, :value, :case_id)
on conflict (brand, kind, value, case_id) do nothing;

-- name: case_by_key
-- Returns a reference leads to.
select case_id from case_keys where brand = :brand and kind = :kind and value = :value order by case_id limit 50;

-- name: cases_of_order
-- Every return of an order, with its state.
select c.case_id, c.state, c.progress from case_keys k join cases c on c.case_id = k.case_id
where k.brand = :brand and k.kind = 'order' and k.value = :order_ref order by c.case_id;

-- name: cases_to_look_at
-- Returns whose decision may change by time alone.
select case_id from cases where look_again_ms is not null and look_again_ms <= :now order by look_again_ms limit :limit;

-- name: case_postpone
-- Its decision could not be made; look again later, others go first.
update cases set look_again_ms = :until where case_id = :case_id and look_again_ms < :until;

-- name: log_append
-- One entry of a stream.
insert into log (stream, seq, fact_key, name, actor, at_ms, payload, hash)
values (:stream, :seq, :fact_key, :name, :actor, :at_ms, :payload, :hash);

-- name: log_has
-- Whether a stream knows this fact.
select 1 as found from log where stream = :stream and fact_key = :fact_key;

-- name: log_last
-- The end of a stream.
select seq, hash from log where stream = :stream order by seq desc limit 1;

-- name: log_after
-- Entries after a number, over all streams.
select * from log where id > :last order by id limit :limit;

-- name: seal_last
-- The newest seal.
select * from seals order by id desc limit 1;

-- name: seals_all
-- Every seal, oldest first.
select * from seals order by id;

-- name: seal_put
-- A new seal.
insert into seals (at_ms, last_id, entries, hash) values (:at_ms, :last_id, :entries, :hash);

-- name: log_sealable
-- The newest entry that may be sealed: older than the transactions that may still be open.
select max(id) as last_id from log where at_ms < :before;

-- name: order_put
-- The newest view of an order.
insert into orders (brand, order_ref, order_name, fact, updated_ms) values (:brand, :order_ref, :order_name, :fact, :now)
on conflict (brand, order_ref) do update set order_name = excluded.order_name, fact = excluded.fact,
    updated_ms = excluded.updated_ms;

-- name: order_get
-- An order by the shop's id.
select fact from orders where brand = :brand and order_ref = :order_ref;

-- name: claim_put
-- Take up one unit of an order line; a unit is taken once.
insert into order_claims (brand, order_ref, order_line_ref, order_unit, case_id, step)
values (:brand, :order_ref, :order_line_ref, :order_unit, :case_id, :step);

-- name: claims_of_order
-- What other returns took up.
select order_line_ref, max(order_unit) as highest from order_claims
where brand = :brand and order_ref = :order_ref and case_id <> :case_id group by order_line_ref;

-- name: loose_put
-- A fact that belongs to no return yet. The same fact told with more references replaces the poorer telling.
insert into loose_facts (brand, fact_key, fact, keys, arrived_ms, delivery_id)
values (:brand, :fact_key, :fact, :keys, :now, :delivery_id)
on conflict (brand, fact_key) do update set fact = excluded.fact, keys = excluded.keys
where loose_facts.state = 'waiting' and length(excluded.keys) > length(loose_facts.keys)
returning id;

-- name: loose_key_put
-- A reference under which it may be asked for.
insert into loose_keys (brand, kind, value, loose_id) values (:brand, :kind, :value, :loose_id)
on conflict (brand, kind, value, loose_id) do nothing;

-- name: loose_by_key
-- Waiting facts a reference leads to, in order of arrival.
select f.id, f.fact, f.fact_key, f.keys from loose_keys k join loose_facts f on f.id = k.loose_id
where k.brand = :brand and k.kind = :kind and k.value = :value and f.state = 'waiting' order by f.id limit 200;

-- name: loose_adopt
-- A return has taken the fact up.
update loose_facts set state = 'adopted', case_id = :case_id where id = :id and state = 'waiting';

-- name: loose_blind_from
-- From when on a waiting parcel counts as blind.
update loose_facts set blind_from_ms = :due where brand = :brand and fact_key = :fact_key and state = 'waiting';

-- name: loose_blind_due
-- Parcels that waited long enough for their return.
select id, brand, fact, delivery_id from loose_facts
where state = 'waiting' and blind_from_ms is not null and blind_from_ms <= :now order by blind_from_ms limit :limit;

-- name: loose_blind_said
-- An exception says so now.
update loose_facts set blind_from_ms = null where id = :id;

-- name: loose_old
-- Refunds nobody asked for in time and nobody was told of yet.
select f.id, f.brand, f.fact, f.fact_key, f.arrived_ms from loose_facts f
where f.state = 'waiting' and f.arrived_ms < :before
  and f.fact like '{"type":"RefundMoved.%'
  and not exists (select 1 from problems p where p.brand = f.brand and p.subject = f.fact_key)
order by f.arrived_ms limit :limit;

-- name: cases_troubled
-- Open returns with a problem.
select distinct case_id from problems where state = 'open' and case_id is not null order by case_id;

-- name: cases_after
-- Returns in order of their key, a page at a time.
select case_id, state, progress from cases where case_id > :last order by case_id limit 500;

-- name: cases_progress
-- How many returns are how far.
select progress, count(*) as n from cases group by progress;

-- name: loose_waiting_after
-- Facts that belong to no return, a page at a time.
select id, brand, fact from loose_facts where state = 'waiting' and id > :last order by id limit 1000;

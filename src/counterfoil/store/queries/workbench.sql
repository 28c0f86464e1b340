-- name: proof_item_of_left
-- The open item of a left record.
select * from proof_items where leg = :leg and left_id = :record_id;

-- name: proof_item_of_right
-- The open item of a right record that is alone.
select * from proof_items where leg = :leg and right_id = :record_id and left_id = '';

-- name: proof_record_one
-- A record as the newest run read it.
select * from proof_records where file = :file and record_id = :record_id;

-- name: proof_pairs_of_left
-- The pairs of a left record.
select * from proof_pairs where leg = :leg and left_id = :record_id order by right_id;

-- name: proof_pairs_of_right
-- The pairs of a right record.
select * from proof_pairs where leg = :leg and right_id = :record_id order by left_id;

-- name: proof_near_above
-- Open records of a class that could be the partner: the next larger ones.
select * from proof_items where leg = :leg and brand = :brand and unit = :unit and class = :class
    and amount_minor >= :amount order by amount_minor, left_id, right_id limit :rows;

-- name: proof_near_below
-- The next smaller ones.
select * from proof_items where leg = :leg and brand = :brand and unit = :unit and class = :class
    and amount_minor < :amount order by amount_minor desc, left_id, right_id limit :rows;

-- name: proof_pairs_proposed
-- Proposed matches, oldest first.
select * from proof_pairs where standing = 'proposed' and (day, leg, left_id, right_id) > (:day, :leg, :left_id, :right_id)
order by day, leg, left_id, right_id limit :rows;

-- name: proof_pairs_proposed_count
-- How many matches wait to be accepted or rejected.
select count(*) as pairs from proof_pairs where standing = 'proposed' and decision_id is null;

-- name: proof_decision_put
-- A new decision.
insert into proof_decisions (what, state, leg, brand, unit, minor, account, by_whom, because, at_ms)
values (:what, :state, :leg, :brand, :unit, :minor, :account, :by_whom, :because, :at_ms)
returning id;

-- name: proof_decision_part_put
-- Which left takes how much of which right.
insert into proof_decision_parts (decision_id, left_id, right_id, minor) values (:decision_id, :left_id, :right_id, :minor);

-- name: proof_decision_record_put
-- A record as it was when it was decided.
insert into proof_decision_records (decision_id, file, record_id, fingerprint, shown, day)
values (:decision_id, :file, :record_id, :fingerprint, :shown, :day);

-- name: proof_decision_one
-- One decision.
select * from proof_decisions where id = :id;

-- name: proof_decision_parts_of
-- Its parts.
select left_id, right_id, minor from proof_decision_parts where decision_id = :id order by left_id, right_id;

-- name: proof_decision_records_of
-- Its records.
select file, record_id, fingerprint, shown, day from proof_decision_records where decision_id = :id order by file, record_id;

-- name: proof_decisions_in
-- Decisions in a state, oldest first.
select * from proof_decisions where state = :state and id > :last order by id limit :rows;

-- name: proof_decision_move
-- A decision changes its state; nobody else may have moved it meanwhile.
update proof_decisions set state = :state, decided_by = :by_whom, decided_because = :because, decided_ms = :now
where id = :id and state = :was;

-- name: proof_decision_end
-- A decision that does not hold any more, and why.
update proof_decisions set state = :state, ended_because = :because where id = :id and state = :was;

-- name: proof_decision_applied
-- The run that applied a decision first.
update proof_decisions set first_run = :run_id where id = :id and first_run is null;

-- name: proof_taken_of_record
-- How much of a record matches by hand already take, on one leg.
select coalesce(sum(p.minor), 0) as minor from proof_decision_records r
join proof_decisions d on d.id = r.decision_id and d.state in ('asked', 'in_force') and d.what = 'match' and d.leg = :leg
join proof_decision_parts p on p.decision_id = d.id and (p.left_id = :record_id or p.right_id = :record_id)
where r.file = :file and r.record_id = :record_id;

-- name: proof_item_decided
-- The decision that will be applied to an open item.
update proof_items set decision_id = :decision_id
where leg = :leg and ((left_id = :left_id and left_id <> '') or (left_id = '' and right_id = :right_id));

-- name: proof_item_undecided
-- No decision waits for these items any more.
update proof_items set decision_id = null where decision_id = :decision_id;

-- name: proof_pair_decided
-- The decision about a proposed pair.
update proof_pairs set decision_id = :decision_id where leg = :leg and left_id = :left_id and right_id = :right_id;

-- name: proof_pair_undecided
-- No decision about these pairs any more.
update proof_pairs set decision_id = null where decision_id = :decision_id;

-- name: proof_note_put
-- Something said or done about a record.
insert into proof_notes (file, record_id, at_ms, by_whom, what, words)
values (:file, :record_id, :at_ms, :by_whom, :what, :words);

-- name: proof_notes_of
-- What was said and done about a record, in order.
select * from proof_notes where file = :file and record_id = :record_id order by id;

-- name: proof_decisions_newest
-- Decisions in a state, newest first.
select * from proof_decisions where state = :state order by id desc limit :rows;

-- name: proof_decisions_asked_count
-- How many write-offs wait for a second person.
select count(*) as decisions from proof_decisions where state = 'asked';

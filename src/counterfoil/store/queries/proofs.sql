-- name: proof_run_put
-- Keep a finished run.
insert into proof_runs (as_of, since, started_ms, finished_ms, balanced, open_records, summary, trouble)
values (:as_of, :since, :started_ms, :finished_ms, :balanced, :open_records, :summary, :trouble)
returning id;

-- name: proof_turn
-- One worker at a time does the run of the day.
update proof_turn set worker = :worker, until_ms = :until where until_ms < :now;

-- name: proof_run_last
-- The newest run.
select * from proof_runs order by id desc limit 1;

-- name: proof_item_put
-- An open record of the newest run; the day it was first open is kept.
insert into proof_items (brand, leg, left_id, right_id, class, reason, variance_minor, amount_minor, unit, age_days,
                         bucket, owner, why, case_id, run_id, first_as_of, day, open_minor, difference_minor)
values (:brand, :leg, :left_id, :right_id, :class, :reason, :variance_minor, :amount_minor, :unit, :age_days,
        :bucket, :owner, :why, :case_id, :run_id, :first_as_of, :day, :open_minor, :difference_minor)
on conflict (leg, left_id, right_id) do update set class = excluded.class, reason = excluded.reason,
    variance_minor = excluded.variance_minor, amount_minor = excluded.amount_minor, unit = excluded.unit,
    age_days = excluded.age_days, bucket = excluded.bucket, owner = excluded.owner, why = excluded.why,
    case_id = excluded.case_id, run_id = excluded.run_id, day = excluded.day, open_minor = excluded.open_minor,
    difference_minor = excluded.difference_minor, decision_id = null;

-- name: proof_items_drop
-- What the newest run did not find open any more.
delete from proof_items where run_id <> :run_id;

-- name: proof_items_all
-- Everything open, in a fixed order.
select * from proof_items order by leg, class, left_id, right_id;

-- name: proof_problems_open
-- Open exceptions of these kinds outside any return.
select id, brand, kind, subject from problems where state = 'open' and case_id is null and kind = :kind;

-- name: proof_items_before
-- What was open before this run, for what moved.
select leg, left_id, right_id, class, unit, difference_minor from proof_items;

-- name: proof_figure_put
-- A line of a run's figures.
insert into proof_figures (run_id, leg, unit, line, records, minor) values (:run_id, :leg, :unit, :line, :records, :minor);

-- name: proof_figures_of
-- The figures of one run.
select leg, unit, line, records, minor from proof_figures where run_id = :run_id order by leg, unit, line;

-- name: proof_record_put
-- A record behind an open item, a proposal or a decision, as this run read it.
insert into proof_records (file, record_id, brand, unit, amount_minor, day, fingerprint, case_id, body, run_id)
values (:file, :record_id, :brand, :unit, :amount_minor, :day, :fingerprint, :case_id, :body, :run_id)
on conflict (file, record_id) do update set brand = excluded.brand, unit = excluded.unit,
    amount_minor = excluded.amount_minor, day = excluded.day, fingerprint = excluded.fingerprint,
    case_id = excluded.case_id, body = excluded.body, run_id = excluded.run_id;

-- name: proof_records_drop
-- Records the newest run has no use for.
delete from proof_records where run_id <> :run_id;

-- name: proof_pair_put
-- A pair that touches an open item, or is only proposed.
insert into proof_pairs (leg, left_id, right_id, brand, unit, rule, standing, allocated_minor, why, day, run_id)
values (:leg, :left_id, :right_id, :brand, :unit, :rule, :standing, :allocated_minor, :why, :day, :run_id)
on conflict (leg, left_id, right_id) do update set brand = excluded.brand, unit = excluded.unit, rule = excluded.rule,
    standing = excluded.standing, allocated_minor = excluded.allocated_minor, why = excluded.why, day = excluded.day,
    decision_id = null, run_id = excluded.run_id;

-- name: proof_pairs_drop
-- Pairs the newest run did not make.
delete from proof_pairs where run_id <> :run_id;

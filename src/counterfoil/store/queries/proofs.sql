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
                         bucket, owner, why, case_id, run_id, first_as_of)
values (:brand, :leg, :left_id, :right_id, :class, :reason, :variance_minor, :amount_minor, :unit, :age_days,
        :bucket, :owner, :why, :case_id, :run_id, :first_as_of)
on conflict (leg, left_id, right_id) do update set class = excluded.class, reason = excluded.reason,
    variance_minor = excluded.variance_minor, amount_minor = excluded.amount_minor, unit = excluded.unit,
    age_days = excluded.age_days, bucket = excluded.bucket, owner = excluded.owner, why = excluded.why,
    case_id = excluded.case_id, run_id = excluded.run_id;

-- name: proof_items_drop
-- What the newest run did not find open any more.
delete from proof_items where run_id <> :run_id;

-- name: proof_items_all
-- Everything open, in a fixed order.
select * from proof_items order by leg, class, left_id, right_id;

-- name: proof_problems_open
-- Open exceptions of these kinds outside any return.
select id, brand, kind, subject from problems where state = 'open' and case_id is null and kind = :kind;

-- name: cases_by_order
-- Every return, those of one order together.
select case_id, brand, order_ref from cases order by brand, order_ref, case_id;

-- name: log_of_case
-- A return's facts in the order they were taken in, with who stated them.
select seq, fact_key, actor, at_ms, payload from log where stream = :stream order by seq;

-- name: commands_of_case
-- Every command of a return, oldest first.
select edition, connection, state, body from commands where case_id = :case_id order by id;

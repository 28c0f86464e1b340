-- name: close_candidates
-- Returns that may have been unfinished at an instant (indexes: cases_progress, cases_recent).
select case_id from cases where progress in ('open', 'waiting')
union
select case_id from cases where updated_ms >= :cut_ms
order by case_id;

-- name: close_stream
-- One return's log up to an entry (index: unique (stream, seq)).
select payload, at_ms from log where stream = :stream and id <= :boundary order by seq;

-- name: close_newest_entry
-- The newest log entry.
select max(id) as last_id from log;

-- name: close_loose
-- What waits for a return that would claim it (index: loose_waiting).
select brand, fact, arrived_ms from loose_facts where state = 'waiting' order by arrived_ms, id;

-- name: signoffs_of_period
-- Who signed a period, and what.
select * from period_signoffs where period = :period order by role;

-- name: signoffs_newest
-- Who signed which period, newest period first.
select period, role, signed_by, at_ms, figures_hash, log_head, last_entry from period_signoffs
order by period desc, role limit :limit;

-- name: signoff_put
-- A sign-off. A preparer's may be made anew until the reviewer has signed; a reviewer's stays.
insert into period_signoffs (period, role, signed_by, at_ms, figures_hash, log_head, last_entry, pack)
values (:period, :role, :signed_by, :at_ms, :figures_hash, :log_head, :last_entry, :pack)
on conflict (period, role) do update set signed_by = excluded.signed_by, at_ms = excluded.at_ms,
    figures_hash = excluded.figures_hash, log_head = excluded.log_head, last_entry = excluded.last_entry,
    pack = excluded.pack
where period_signoffs.role = 'preparer';

-- name: scorecard_touched
-- Returns touched since a moment, a page at a time (index: cases_recent).
select case_id, state, progress, opened_ms, updated_ms from cases
where updated_ms > :after_ms or (updated_ms = :after_ms and case_id > :after_id)
order by updated_ms, case_id limit :limit;

-- name: scorecard_silent
-- Returns under way that nothing touched since a moment (index: cases_progress).
select case_id, state, progress, opened_ms, updated_ms from cases
where progress in ('open', 'waiting') and updated_ms < :since_ms order by case_id;

-- name: scorecard_queued
-- Returns with an exception opened since a moment (index: problems_recent).
select distinct case_id from problems
where state in ('open', 'resolved', 'ended') and opened_ms >= :since_ms and case_id is not null;

-- name: scorecard_proofs
-- The proofs of a stretch of days, oldest first (index: proof_runs_day).
select as_of, open_records, summary from proof_runs where as_of >= :first and as_of <= :last order by as_of, id;

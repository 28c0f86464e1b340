-- What the console's pages read. Lists whose filters come from the address are built in `store/console.py`.

-- name: console_case
-- One return with its whole state.
select * from cases where case_id = :case_id;

-- name: console_case_log
-- The newest entries of one return's log below a sequence number, newest first (index: unique (stream, seq)).
select id, seq, fact_key, name, actor, at_ms, payload, hash from log
where stream = :stream and seq < :before order by seq desc limit :rows;

-- name: console_case_documents
-- The documents each system holds for one return.
select * from documents where case_id = :case_id order by at_ms, step;

-- name: console_case_problems
-- Every problem of one return, open ones first.
select * from problems where case_id = :case_id
order by case state when 'open' then 0 else 1 end, opened_ms desc, id desc limit :rows;

-- name: console_case_credit
-- The newest command that carries a credit note: its body holds the lines and the explanation.
select name, body, state, created_ms from commands
where case_id = :case_id and name in ('DraftCreditNote', 'PostCreditNote', 'DraftCreditNote.v1', 'PostCreditNote.v1')
order by id desc limit 1;

-- name: console_problem
-- One problem.
select * from problems where id = :problem_id;

-- name: console_case_state
-- A return's state alone, to find which step a problem stands for.
select state from cases where case_id = :case_id;

-- name: console_week
-- What the newest returns that moved since a moment come to, by currency (index: cases_recent).
select currency, count(*) as returns, cast(sum(refunded_minor) as bigint) as refunded_minor,
       cast(sum(credited_minor) as bigint) as credited_minor
from (select currency, refunded_minor, credited_minor from cases where updated_ms >= :since_ms
      order by updated_ms desc, case_id desc limit :rows) as moved
group by currency order by count(*) desc, currency;

-- name: console_progress
-- How many returns stand where, counted up to a limit (index: cases_progress).
select 'open' as progress, count(*) as returns
from (select 1 as one from cases where progress = 'open' limit :rows) as open_now
union all
select 'waiting' as progress, count(*) as returns
from (select 1 as one from cases where progress = 'waiting' limit :rows) as waiting_now;

-- name: console_waits
-- What waiting returns wait for, commonest first, among so many of them (index: cases_progress).
select waits_for from (select waits_for from cases where progress = 'waiting' limit :looked_at) as looked
where waits_for <> '' group by waits_for order by count(*) desc, waits_for limit :rows;

-- name: console_quiet
-- Returns with no news since a moment, longest silence first (index: cases_progress).
select case_id, brand, portal, return_id, order_name, currency, stage, progress, waits_for, value_minor, updated_ms
from cases where progress in ('open', 'waiting') and updated_ms < :before_ms
order by updated_ms, case_id limit :rows;

-- name: console_quiet_count
-- How many returns have had no news since a moment, counted up to a limit.
select count(*) as returns from (
    select 1 as one from cases where progress in ('open', 'waiting') and updated_ms < :before_ms limit :rows
) as counted;

-- name: console_changed_since
-- How many returns changed since a moment, counted up to a limit (index: cases_recent).
select count(*) as returns from (
    select 1 as one from cases where updated_ms > :since_ms limit :rows
) as counted;

-- name: console_last_entry
-- The newest log entry: as of when this page speaks.
select id, at_ms from log order by id desc limit 1;

-- name: console_last_beat
-- When a worker last said that it lives.
select max(beat_ms) as beat_ms, count(*) as workers from workers;

-- name: console_connections
-- Every connection, as the worker left it.
select * from connections order by brand, family, name;

-- name: console_backlog
-- Work that waits for each connection (indexes: commands_ready, commands_doing, deliveries_new, deliveries_quarantined).
select connection, 'ready' as what, count(*) as rows_waiting from commands where state = 'ready' group by connection
union all
select connection, 'doing' as what, count(*) as rows_waiting from commands where state = 'doing' group by connection
union all
select connection, 'new' as what, count(*) as rows_waiting from deliveries where state = 'new' group by connection
union all
select connection, 'quarantined' as what, count(*) as rows_waiting
from deliveries where state = 'quarantined' group by connection;

-- name: console_quarantined
-- The newest deliveries of one connection that could not be read (index: deliveries_quarantined).
select id, connection, arrived_ms, signature, kind, topic, note, size_bytes from deliveries
where state = 'quarantined' and connection = :connection order by id desc limit :rows;

-- name: console_deliveries
-- The newest deliveries of one connection below an id (index: deliveries_connection).
select id, connection, arrived_ms, signature, state, kind, topic, note, size_bytes from deliveries
where connection = :connection and id < :before order by id desc limit :rows;

-- name: console_audit
-- The log below an entry, newest first.
select id, stream, seq, name, actor, at_ms, payload, hash from log where id < :before order by id desc limit :rows;

-- name: console_audit_stream
-- One stream's entries below an entry, newest first.
select id, stream, seq, name, actor, at_ms, payload, hash from log
where stream = :stream and id < :before order by seq desc limit :rows;

-- name: console_last_seal
-- The newest seal over the log.
select at_ms, last_id, entries, hash from seals order by id desc limit 1;

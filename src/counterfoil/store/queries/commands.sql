-- name: command_put
-- Queue a command; the same key and edition again changes nothing.
insert into commands (command_key, edition, case_id, connection, name, body, state, maybe_sent, due_ms, created_ms)
values (:command_key, :edition, :case_id, :connection, :name, :body, :state, :maybe_sent, :now, :now)
on conflict (command_key, edition) do nothing;

-- name: command_head
-- Whether this return has a command that is not through yet; only its head is ready.
select 1 as found from commands where case_id = :case_id and state in ('waiting', 'ready', 'doing') limit 1;

-- name: command_read_waiting
-- Whether a return is going to be read anyway.
select 1 as found from commands where case_id = :case_id and name = 'ReadReturn' and state in ('waiting', 'ready')
limit 1;

-- name: command_claim [postgresql]
-- Take the first ready command of a connection, past those others hold.
update commands set state = 'doing', worker = :worker, lease_until_ms = :lease_until, attempts = attempts + 1,
    maybe_sent = least(maybe_sent, 1) * 2 + 1
where id = (select c.id from commands c join connections k on k.name = c.connection
            where c.connection = :connection and c.state = 'ready' and c.due_ms <= :now
              and k.state = 'active' and k.busy_until_ms <= :now
            order by c.due_ms, c.id limit 1 for update of c skip locked)
returning id, command_key, edition, case_id, connection, name, body, attempts, maybe_sent, created_ms, unknowns, outcome;

-- name: command_claim [sqlite]
-- Take the first ready command of a connection.
update commands set state = 'doing', worker = :worker, lease_until_ms = :lease_until, attempts = attempts + 1,
    maybe_sent = min(maybe_sent, 1) * 2 + 1
where id = (select c.id from commands c join connections k on k.name = c.connection
            where c.connection = :connection and c.state = 'ready' and c.due_ms <= :now
              and k.state = 'active' and k.busy_until_ms <= :now
            order by c.due_ms, c.id limit 1)
returning id, command_key, edition, case_id, connection, name, body, attempts, maybe_sent, created_ms, unknowns, outcome;

-- name: command_end
-- It is through: done, or dead until a person acts. Fenced by the attempt.
update commands set state = :state, finished_ms = :now, outcome = :outcome, message = :message, lease_until_ms = null
where id = :id and attempts = :attempts and state = 'doing';

-- name: command_again
-- Try again later. `maybe_sent` says whether an attempt may have arrived.
update commands set state = 'ready', due_ms = :due_ms, outcome = :outcome, message = :message, lease_until_ms = null,
    maybe_sent = :maybe_sent, unknowns = unknowns + :unknown
where id = :id and attempts = :attempts and state = 'doing';

-- name: command_promote
-- The next command of a return becomes its head.
update commands set state = 'ready', due_ms = :now where id = (
    select id from commands where case_id = :case_id and state = 'waiting' order by id limit 1)
  and not exists (select 1 from commands where case_id = :case_id and state in ('ready', 'doing'));

-- name: commands_expired
-- Leases that ran out: the worker died or was cut off; the call may have happened.
update commands set state = 'ready', due_ms = :now, lease_until_ms = null
where state = 'doing' and lease_until_ms < :now;

-- name: connections_due
-- Connections with ready work, and how much.
select c.connection, count(*) as ready from commands c join connections k on k.name = c.connection
where c.state = 'ready' and c.due_ms <= :now and k.state = 'active' and k.busy_until_ms <= :now
group by c.connection;

-- name: commands_open
-- How much is not through yet.
select count(*) as open from commands where state in ('waiting', 'ready', 'doing');

-- name: slot_put
-- Make a slot known.
insert into slots (slot, connection, work) values (:slot, :connection, :work) on conflict (slot) do nothing;

-- name: slots_wake
-- Flag free slots of a connection; the flag runs out by itself.
update slots set queued_until_ms = :until where slot in (
    select slot from slots where connection = :connection and work = :work and queued_until_ms <= :now
    order by slot limit :wanted)
returning slot;

-- name: slot_clear
-- A slot is through with its round.
update slots set queued_until_ms = 0 where slot = :slot;

-- name: slots_drop
-- Slots beyond the connection's cap.
delete from slots where connection = :connection and work = :work and slot not in (
    select slot from slots where connection = :connection and work = :work order by slot limit :keep);

-- name: connection_put
-- A connection from the settings; its state is kept.
insert into connections (name, brand, vendor, family, slots) values (:name, :brand, :vendor, :family, :slots)
on conflict (name) do update set brand = excluded.brand, vendor = excluded.vendor, family = excluded.family,
    slots = excluded.slots;

-- name: connection_busy
-- The system asked for patience.
update connections set busy_until_ms = :until, last_trouble_ms = :now, last_trouble = :message where name = :name;

-- name: connection_pause
-- No work goes out until it is resumed.
update connections set state = 'paused', paused_because = :because, last_trouble_ms = :now, last_trouble = :because
where name = :name;

-- name: connection_resume
-- Work goes out again.
update connections set state = 'active', paused_because = null, busy_until_ms = 0 where name = :name;

-- name: connection_ok
-- The system answered well.
update connections set last_success_ms = :now where name = :name;

-- name: connection_trouble
-- The system answered badly.
update connections set last_trouble_ms = :now, last_trouble = :message where name = :name;

-- name: connection_polled
-- How far the poll has come.
update connections set polled_until = :until where name = :name;

-- name: connection_get
-- One connection.
select * from connections where name = :name;

-- name: worker_beat
-- A worker lives.
insert into workers (worker, started_ms, beat_ms) values (:worker, :now, :now)
on conflict (worker) do update set beat_ms = excluded.beat_ms;

-- name: document_put
-- A document in another system, as it became known.
insert into documents (case_id, step, kind, connection, ref, number, total_minor, currency, url, at_ms)
values (:case_id, :step, :kind, :connection, :ref, :number, :total_minor, :currency, :url, :now)
on conflict (case_id, step) do update set ref = excluded.ref, number = excluded.number,
    total_minor = excluded.total_minor, url = excluded.url;

-- name: workers_dead
-- Workers whose heartbeat stopped within the last day.
select worker from workers where beat_ms < :before and beat_ms > :before - 86400000;

-- name: document_part_put
-- One record of a document in the other system; a document may be made in several.
insert into document_parts (connection, ref, case_id, step) values (:connection, :ref, :case_id, :step)
on conflict (connection, ref) do nothing;

-- name: document_by_ref
-- Which return and step made a record in another system.
select case_id, step from document_parts where connection = :connection and ref = :ref;

-- name: command_of_step
-- The newest edition of a step's command (index: commands_case).
select body, edition from commands where case_id = :case_id and command_key = :command_key
order by edition desc limit 1;

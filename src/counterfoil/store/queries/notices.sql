-- name: notice_put
-- Something is to be told; the same key again changes nothing.
insert into notices (notice_key, channel, address, subject, body, due_ms, made_ms)
values (:key, :channel, :address, :subject, :body, :now, :now) on conflict (notice_key) do nothing;

-- name: notice_take [sqlite]
-- The next notice to send; whoever takes it has it for a while.
update notices set attempts = attempts + 1, due_ms = :until
where id = (select id from notices where state = 'ready' and due_ms <= :now order by due_ms, id limit 1)
returning *;

-- name: notice_take [postgresql]
-- The next notice to send, past those another worker has; whoever takes it has it for a while.
update notices set attempts = attempts + 1, due_ms = :until
where id = (select id from notices where state = 'ready' and due_ms <= :now order by due_ms, id limit 1
            for update skip locked)
returning *;

-- name: notice_sent
-- It went out.
update notices set state = 'sent', sent_ms = :now, trouble = null where id = :id and state = 'ready';

-- name: notice_again
-- It did not go out; try again, or give up.
update notices set state = :state, due_ms = :due_ms, trouble = :trouble where id = :id and state = 'ready';

-- name: bookmark
-- How far somebody has read.
select place from bookmarks where name = :name;

-- name: bookmark_put
-- Somebody has read so far.
insert into bookmarks (name, place) values (:name, :place) on conflict (name) do update set place = excluded.place;

-- name: history_after
-- What happened to problems after an id and before a moment, oldest first.
select h.id, h.problem_id, h.at_ms, h.by_whom, h.what, h.words, p.brand, p.case_id, p.kind, p.subject, p.owner,
       p.severity, p.message, p.amount_minor, p.currency, p.units, p.assignee, p.cause
from problem_history h join problems p on p.id = h.problem_id
where h.id > :after and h.at_ms <= :before order by h.id limit :limit;

-- name: history_newest
-- The newest line of all histories.
select coalesce(max(id), 0) as id from problem_history;

-- name: mentioned
-- Whom a comment names.
select who from problem_mentions where problem_id = :problem_id and history_id = :history_id order by who;

-- name: problems_of_case [sqlite]
-- Open problems of a return.
select * from problems where case_id = :case_id and state = 'open' order by id;

-- name: problems_of_case [postgresql]
-- Open problems of a return, held until the transaction ends, since people act on them too.
select * from problems where case_id = :case_id and state = 'open' order by id for update;

-- name: problem_kinds_of_case
-- Kinds of the open problems of a return, for whoever only looks.
select distinct kind from problems where case_id = :case_id and state = 'open' order by kind;

-- name: problem_open
-- Open a problem; nothing when it is open already.
insert into problems (brand, case_id, kind, subject, owner, severity, message, amount_minor, currency, units, state,
                      opened_ms, updated_ms, came_back, connection, delivery_id, cause, shared, due_ms)
values (:brand, :case_id, :kind, :subject, :owner, :severity, :message, :amount_minor, :currency, :units, 'open',
        :now, :now, :came_back, :connection, :delivery_id, :cause, :shared, :due_ms)
on conflict (brand, coalesce(case_id, ''), kind, subject) where state = 'open' do nothing
returning id;

-- name: problem_opened [sqlite]
-- The open problem of this name.
select * from problems
where brand = :brand and coalesce(case_id, '') = :case_id and kind = :kind and subject = :subject and state = 'open';

-- name: problem_opened [postgresql]
-- The open problem of this name, held until the transaction ends.
select * from problems
where brand = :brand and coalesce(case_id, '') = :case_id and kind = :kind and subject = :subject and state = 'open'
for update;

-- name: problem_change
-- Bring an open problem up to date.
update problems set message = :message, amount_minor = :amount_minor, currency = :currency, units = :units,
    cause = :cause, shared = :shared, updated_ms = :now
where id = :id and state = 'open';

-- name: problem_before
-- Whether the same problem was there before and had gone (index: problems_again).
select 1 as found from problems where brand = :brand and coalesce(case_id, '') = :case_id and kind = :kind
    and subject = :subject and state <> 'open' limit 1;

-- name: problem_end
-- Close a problem, by itself or by a person.
update problems set state = :state, closed_ms = :now, updated_ms = :now, closed_by = :by, closed_because = :because,
    version = version + 1, snoozed = 0, snoozed_until_ms = null, snoozed_for = null
where id = :id and state = 'open';

-- name: problem_get
-- One problem.
select * from problems where id = :id;

-- name: problem_hold [sqlite]
-- One problem, to be changed.
select * from problems where id = :id;

-- name: problem_hold [postgresql]
-- One problem, held until the transaction ends.
select * from problems where id = :id for update;

-- name: problems_open_loose [sqlite]
-- Open problems outside any return by their kind and subject.
select * from problems
where brand = :brand and coalesce(case_id, '') = '' and kind = :kind and subject = :subject and state = 'open';

-- name: problems_open_loose [postgresql]
-- Open problems outside any return by their kind and subject, held until the transaction ends.
select * from problems
where brand = :brand and coalesce(case_id, '') = '' and kind = :kind and subject = :subject and state = 'open'
for update;

-- name: problems_open_of_kind
-- Open problems of one kind outside any return (index: problems_due_kind).
select id, subject from problems where kind = :kind and state = 'open' and brand = :brand and case_id is null;

-- name: problems_count
-- Open problems by kind.
select kind, count(*) as n from problems where state = 'open' group by kind order by kind;

-- name: problem_assign
-- Give a problem to somebody, or back to the team; nothing when it moved on meanwhile.
update problems set assignee = :assignee, version = version + 1, updated_ms = :now
where id = :id and version = :version and state = 'open';

-- name: problem_snooze
-- Let a problem rest until a moment, and perhaps until something happens; nothing when it moved on meanwhile.
update problems set snoozed = 1, snoozed_until_ms = :until_ms, snoozed_for = :condition, version = version + 1,
    updated_ms = :now
where id = :id and version = :version and state = 'open' and snoozed = 0;

-- name: problem_wake
-- A resting problem is back.
update problems set snoozed = 0, snoozed_until_ms = null, snoozed_for = null, version = version + 1, updated_ms = :now
where id = :id and state = 'open' and snoozed = 1;

-- name: problem_touch
-- A comment moves the version, so that others see that somebody was here.
update problems set version = version + 1, updated_ms = :now where id = :id;

-- name: problem_reopen
-- A closed problem is open again, marked as returned; nothing when it moved on meanwhile.
update problems set state = 'open', came_back = 1, closed_ms = null, closed_by = null, closed_because = null,
    due_ms = :due_ms, version = version + 1, updated_ms = :now
where id = :id and version = :version and state <> 'open';

-- name: problems_rested
-- Resting problems whose time has come (index: problems_snoozed).
select id from problems where state = 'open' and snoozed = 1 and snoozed_until_ms <= :now
order by snoozed_until_ms, id limit :limit;

-- name: problems_resting_for
-- Problems resting until a condition holds.
select id from problems where state = 'open' and snoozed = 1 and snoozed_for = :condition limit :limit;

-- name: problems_conditions
-- The conditions problems rest for.
select distinct snoozed_for from problems where state = 'open' and snoozed = 1 and snoozed_for like 'connection:%'
limit :limit;

-- name: history_put
-- Something happened to a problem.
insert into problem_history (problem_id, at_ms, by_whom, what, words)
values (:problem_id, :now, :by, :what, :words) returning id;

-- name: history_of
-- What happened to a problem, oldest first.
select * from problem_history where problem_id = :problem_id order by id limit :rows;

-- name: history_last
-- The last thing that happened to a problem.
select by_whom, what, words from problem_history where problem_id = :problem_id order by id desc limit 1;

-- name: mention_put
-- Somebody was named in a comment.
insert into problem_mentions (who, history_id, problem_id, at_ms) values (:who, :history_id, :problem_id, :now)
on conflict (who, history_id) do nothing;

-- name: mentions_new
-- Comments that name a person and were not seen yet.
select m.problem_id, m.at_ms, h.by_whom, h.words, p.kind, p.case_id, p.state from problem_mentions m
join problem_history h on h.id = m.history_id join problems p on p.id = m.problem_id
where m.who = :who and m.seen_ms is null order by m.at_ms desc limit :rows;

-- name: mentions_seen
-- The person has opened the problem.
update problem_mentions set seen_ms = :now where who = :who and problem_id = :problem_id and seen_ms is null;

-- name: move_put
-- One change of what is open.
insert into problem_moves (brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units)
values (:brand, :cause, :kind, :owner, :currency, :snoozed, :problems, :priced, :held_minor, :units);

-- name: moves_take [sqlite]
-- Take the oldest moves away, to be folded.
delete from problem_moves where id in (select id from problem_moves order by id limit :limit)
returning brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units;

-- name: moves_take [postgresql]
-- Take the oldest moves away, to be folded, past those another worker folds.
delete from problem_moves where id in (select id from problem_moves order by id limit :limit for update skip locked)
returning brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units;

-- name: total_add
-- Fold moves into a total.
insert into problem_totals (brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units)
values (:brand, :cause, :kind, :owner, :currency, :snoozed, :problems, :priced, :held_minor, :units)
on conflict (brand, cause, kind, owner, currency, snoozed) do update set
    problems = problem_totals.problems + excluded.problems, priced = problem_totals.priced + excluded.priced,
    held_minor = problem_totals.held_minor + excluded.held_minor, units = problem_totals.units + excluded.units;

-- name: totals_drop_empty
-- Totals of causes that are gone.
delete from problem_totals where problems = 0 and priced = 0 and held_minor = 0 and units = 0;

-- name: causes_open
-- What is open by cause: totals and the moves not folded yet.
select brand, cause, kind, owner, currency, snoozed, cast(sum(problems) as bigint) as problems,
       cast(sum(priced) as bigint) as priced, cast(sum(held_minor) as bigint) as held_minor,
       cast(sum(units) as bigint) as units
from (select brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units from problem_totals
      union all
      select brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units from problem_moves) as open
group by brand, cause, kind, owner, currency, snoozed having sum(problems) <> 0;

-- name: cause_cases
-- Returns held by a cause, oldest duty first (index: problems_due_cause).
select id, case_id, subject, message, amount_minor, currency, units, version from problems
where state = 'open' and cause = :cause and brand = :brand and case_id is not null order by due_ms, id limit :rows;

-- name: problems_mine
-- How many open problems one person has, counted up to a limit (index: problems_due_assignee).
select count(*) as problems from (
    select 1 as one from problems where state = 'open' and assignee = :who limit :rows
) as counted;

-- name: problems_late_of
-- How many open problems of one team are past their target, counted up to a limit (index: problems_due_owner).
select count(*) as problems from (
    select 1 as one from problems where state = 'open' and snoozed = 0 and owner = :owner and due_ms < :now limit :rows
) as counted;

-- name: connection_works
-- A connection that is active and whose last word was a success.
select 1 as found from connections where name = :name and state = 'active'
    and coalesce(last_success_ms, 0) > coalesce(last_trouble_ms, 0);

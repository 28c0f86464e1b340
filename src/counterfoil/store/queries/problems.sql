-- name: problems_of_case
-- Open problems of a return.
select id, kind, subject, message, amount_minor, units from problems where case_id = :case_id and state = 'open';

-- name: problem_put
-- Open a problem; one that is open already is only brought up to date.
insert into problems (brand, case_id, kind, subject, owner, severity, message, amount_minor, currency, units, state,
                      opened_ms, updated_ms, came_back, connection, delivery_id)
values (:brand, :case_id, :kind, :subject, :owner, :severity, :message, :amount_minor, :currency, :units, 'open',
        :now, :now, :came_back, :connection, :delivery_id)
on conflict (brand, coalesce(case_id, ''), kind, subject) where state = 'open'
do update set message = excluded.message, amount_minor = excluded.amount_minor, units = excluded.units,
    updated_ms = excluded.updated_ms;

-- name: problem_before
-- Whether the same problem was there before and had gone.
select count(*) as times from problems where brand = :brand and coalesce(case_id, '') = :case_id and kind = :kind
    and subject = :subject and state <> 'open';

-- name: problem_end
-- Close a problem, by itself or by a person.
update problems set state = :state, closed_ms = :now, updated_ms = :now, closed_by = :by, closed_because = :because
where id = :id and state = 'open';

-- name: problem_get
-- One problem.
select * from problems where id = :id;

-- name: problem_end_loose
-- End problems outside any return by their kind and subject.
update problems set state = 'ended', closed_ms = :now, updated_ms = :now, closed_by = 'counterfoil',
    closed_because = :because
where brand = :brand and case_id is null and kind = :kind and subject = :subject and state = 'open';

-- name: problems_count
-- Open problems by kind.
select kind, count(*) as n from problems where state = 'open' group by kind order by kind;

-- name: decision_put
-- A verdict that changed.
insert into decisions (case_id, seq, at_ms, verdict, rule, next_fact, policy_name, policy_version, body)
values (:case_id, :seq, :at_ms, :verdict, :rule, :next_fact, :policy_name, :policy_version, :body);

-- name: decision_last
-- The newest verdict of a return.
select id, seq, at_ms, body from decisions where case_id = :case_id order by id desc limit 1;

-- name: decisions_of_case
-- Every verdict of a return, oldest first.
select id, seq, at_ms, body from decisions where case_id = :case_id order by id limit 500;

-- name: agreed_put
-- An agreement or mapping somebody was judged under; its content is its name.
insert into agreed (hash, body, at_ms) values (:hash, :body, :now) on conflict (hash) do nothing;

-- name: agreed_get
-- An agreement or mapping by its hash.
select body from agreed where hash = :hash;

-- name: approval_ask
-- People are asked; the moment stays that of the first asking.
insert into approvals_asked (case_id, rule, brand, because, amount_minor, currency, method, approvers, people, given,
                             asked_ms)
values (:case_id, :rule, :brand, :because, :amount_minor, :currency, :method, :approvers, :people, :given, :now)
on conflict (case_id, rule) do update set because = excluded.because, amount_minor = excluded.amount_minor,
    method = excluded.method, approvers = excluded.approvers, people = excluded.people, given = excluded.given;

-- name: approvals_of_case
-- What people are asked for on a return.
select rule from approvals_asked where case_id = :case_id;

-- name: approval_ended
-- Nobody is asked this any more.
delete from approvals_asked where case_id = :case_id and rule = :rule;

-- name: approvals_page
-- What people are asked for, oldest first, beyond a place in the list.
select a.*, c.order_name, c.portal, c.return_id from approvals_asked a join cases c on c.case_id = a.case_id
where (a.asked_ms, a.case_id, a.rule) > (:after_ms, :after_case, :after_rule)
order by a.asked_ms, a.case_id, a.rule limit :page_rows;

-- name: customer_return_put
-- A return of a customer, by pseudonym.
insert into customer_returns (brand, customer, case_id, opened_ms) values (:brand, :customer, :case_id, :opened_ms)
on conflict (brand, customer, case_id) do nothing;

-- name: customer_returns_before
-- How many returns a customer opened before this one; beyond the limit it does not matter how many.
select count(*) as n from (select 1 from customer_returns where brand = :brand and customer = :customer
    and case_id <> :case_id and opened_ms <= :opened_ms limit :most) as earlier;

-- The nightly look at everything takes the returns of one order together.
create index cases_by_order on cases (brand, order_ref, case_id);

-- Verdicts of the refund gate, one row for each change (R74): what it leaned on, and what would change it.
create table decisions (
    id              {serial},
    case_id         text not null,
    seq             integer not null,                     -- the log's entries it saw
    at_ms           bigint not null,
    verdict         text not null,                        -- allow, hold, deny
    rule            text not null,                        -- the rule that held, or ''
    next_fact       text not null,                        -- the next fact that would change it
    policy_name     text not null,
    policy_version  text not null,
    body            text not null                         -- the Record, as JSON
);
create index decisions_case on decisions (case_id, id);

-- Approvals people are asked for now (R75, R76); a row goes when they have agreed or nothing is asked any more.
create table approvals_asked (
    case_id         text not null,
    rule            text not null,
    brand           text not null,
    because         text not null,
    amount_minor    bigint not null,
    currency        text not null,
    method          text not null,
    approvers       text not null,                        -- roles, comma separated
    people          integer not null,
    given           integer not null,
    asked_ms        bigint not null,
    primary key (case_id, rule)
);
create index approvals_asked_oldest on approvals_asked (asked_ms, case_id, rule);

-- Agreements and mappings as they were when somebody was judged under them, each kept once by the hash of its content.
create table agreed (
    hash            text primary key,
    body            text not null,
    at_ms           bigint not null
);

-- Returns of one customer, by a pseudonym, for the signal “repeat returns” (R86); no personal data.
create table customer_returns (
    brand           text not null,
    customer        text not null,
    case_id         text not null,
    opened_ms       bigint not null,
    primary key (brand, customer, case_id)
);

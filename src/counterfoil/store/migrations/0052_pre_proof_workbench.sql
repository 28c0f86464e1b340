-- The workbench over the proof. An open record's own day, its exposure (never negative) and its signed difference
-- (right minus left), and the decision that waits to be applied to it.
alter table proof_items add column day text not null default '';
alter table proof_items add column open_minor bigint not null default 0;
alter table proof_items add column difference_minor bigint not null default 0;
alter table proof_items add column decision_id bigint;
create index proof_items_day on proof_items (day, leg, left_id, right_id);
create index proof_items_leg_day on proof_items (leg, day, left_id, right_id);
create index proof_items_owner_day on proof_items (owner, day, leg, left_id, right_id);
create index proof_items_near on proof_items (leg, brand, unit, class, amount_minor);
create index proof_items_right on proof_items (leg, right_id);

-- What a run came to, by leg and unit (a currency, or `units` of goods): opening, new, matched, adjusted … and causes.
create table proof_figures (
    run_id          bigint not null,
    leg             text not null,
    unit            text not null,
    line            text not null,
    records         bigint not null,
    minor           bigint not null,
    primary key (run_id, leg, unit, line)
);

-- The records behind open items, proposals and decisions, as the newest run read them.
create table proof_records (
    file            text not null,
    record_id       text not null,
    brand           text not null,
    unit            text not null,
    amount_minor    bigint not null,
    day             text not null,
    fingerprint     text not null,
    case_id         text,
    body            text not null,
    run_id          bigint not null,
    primary key (file, record_id)
);

-- Pairs that touch an open item, and those that are only proposed; matched records have none here.
create table proof_pairs (
    leg             text not null,
    left_id         text not null,
    right_id        text not null,
    brand           text not null,
    unit            text not null,
    rule            text not null,
    standing        text not null,                        -- final, proposed
    allocated_minor bigint not null,
    why             text not null,
    day             text not null,
    decision_id     bigint,
    run_id          bigint not null,
    primary key (leg, left_id, right_id)
);
create index proof_pairs_right on proof_pairs (leg, right_id);
create index proof_pairs_proposed on proof_pairs (day, leg, left_id, right_id) where standing = 'proposed';

-- What people decided about records, kept and applied by every later run until a record changes.
create table proof_decisions (
    id              {serial},
    what            text not null,                        -- match, reject, write_off
    state           text not null,                        -- asked, in_force, refused, undone, reopened
    leg             text not null,
    brand           text not null,
    unit            text not null,
    minor           bigint not null,                      -- the difference that is written off, right minus left
    account         text not null default '',
    by_whom         text not null,
    because         text not null,
    at_ms           bigint not null,
    decided_by      text,
    decided_because text not null default '',
    decided_ms      bigint,
    ended_because   text not null default '',
    first_run       bigint                                -- the run that applied it first
);
create index proof_decisions_state on proof_decisions (state, id);

-- Which left takes how much of which right; a side without a record is empty.
create table proof_decision_parts (
    decision_id     bigint not null,
    left_id         text not null,
    right_id        text not null,
    minor           bigint not null,
    primary key (decision_id, left_id, right_id)
);

-- The records as they were when it was decided.
create table proof_decision_records (
    decision_id     bigint not null,
    file            text not null,
    record_id       text not null,
    fingerprint     text not null,
    shown           text not null,                        -- such as "20.00 GBP"
    day             text not null,
    primary key (decision_id, file, record_id)
);
create index proof_decision_records_of on proof_decision_records (file, record_id, decision_id);

-- What was said and done about a record; append-only.
create table proof_notes (
    id              {serial},
    file            text not null,
    record_id       text not null,
    at_ms           bigint not null,
    by_whom         text not null,
    what            text not null,                        -- comment, match, reject, write_off, approve, refuse, undo, reopen
    words           text not null
);
create index proof_notes_of on proof_notes (file, record_id, id);

-- A parcel whose return is not known counts as blind from here on; null: it never will, or an exception says so already.
alter table loose_facts add column blind_from_ms bigint;
create index loose_blind on loose_facts (blind_from_ms) where blind_from_ms is not null and state = 'waiting';

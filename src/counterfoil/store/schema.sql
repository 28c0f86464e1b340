-- Counterfoil's own tables, for SQLite and PostgreSQL alike. All moments are milliseconds since 1970 UTC (`…_ms`),
-- all amounts integers of minor units. {serial} and {bytes} stand for each database's own words.

create table connections (
    name            text primary key,
    brand           text not null,
    vendor          text not null,
    family          text not null,
    slots           integer not null default 2,
    state           text not null default 'active',       -- active, paused
    paused_because  text,
    busy_until_ms   bigint not null default 0,
    polled_until    text,
    last_delivery_ms bigint,
    last_success_ms bigint,
    last_trouble_ms bigint,
    last_trouble    text
);

-- The inbox: every delivery, byte for byte, encrypted under a key of its own.
create table deliveries (
    id              {serial},
    connection      text not null,
    delivery_key    text not null,
    arrived_ms      bigint not null,
    signature       text not null,
    headers         text not null,
    body            {bytes} not null,
    body_key        {bytes} not null,
    size_bytes      integer not null,
    state           text not null default 'new',          -- new, read, ignored, quarantined
    kind            text,
    topic           text,
    note            text,
    unique (connection, delivery_key)
);
create index deliveries_new on deliveries (connection, id) where state = 'new';
create index deliveries_quarantined on deliveries (connection, id) where state = 'quarantined';

-- The log: append-only, one hash chain a stream. A stream is a return, or `system/…`.
create table log (
    id              {serial},
    stream          text not null,
    seq             integer not null,
    fact_key        text not null,
    name            text not null,
    actor           text not null,
    at_ms           bigint not null,
    payload         text not null,
    hash            text not null,
    unique (stream, seq),
    unique (stream, fact_key)
);

-- Seals tie all streams together: each covers the log rows up to `last_id` and the seal before it.
create table seals (
    id              {serial},
    at_ms           bigint not null,
    last_id         bigint not null,
    entries         bigint not null,
    hash            text not null
);

create table cases (
    case_id         text primary key,
    brand           text not null,
    portal          text not null,
    return_id       text not null,
    order_ref       text,
    order_name      text,
    currency        text not null,
    stage           text not null,
    progress        text not null,                        -- open, waiting, finished, cancelled
    waits_for       text not null default '',
    state           text not null,                        -- the ReturnCase, as JSON
    seq             integer not null,
    chain           text not null,
    opened_ms       bigint not null,
    updated_ms      bigint not null,
    look_again_ms   bigint,
    problems_open   integer not null default 0,
    units_returned  integer not null default 0,
    units_received  integer not null default 0,
    value_minor     bigint,
    refunded_minor  bigint not null default 0,
    credited_minor  bigint not null default 0,
    rma_number      text,
    credit_number   text
);
create index cases_recent on cases (updated_ms, case_id);
create index cases_progress on cases (progress, updated_ms, case_id);
create index cases_brand on cases (brand, progress, updated_ms, case_id);
create index cases_portal on cases (portal, progress, updated_ms, case_id);
create index cases_return on cases (return_id);
create index cases_order on cases (order_name);
create index cases_rma on cases (rma_number) where rma_number is not null;
create index cases_credit on cases (credit_number) where credit_number is not null;
create index cases_look_again on cases (look_again_ms) where look_again_ms is not null;

-- How outside references lead to a return: order, tracking, rma, refund, name.
create table case_keys (
    brand           text not null,
    kind            text not null,
    value           text not null,
    case_id         text not null,
    primary key (brand, kind, value, case_id)
);

create index case_keys_value on case_keys (value, case_id);

create table orders (
    brand           text not null,
    order_ref       text not null,
    order_name      text not null,
    fact            text not null,                        -- the newest OrderSeen, as JSON
    updated_ms      bigint not null,
    primary key (brand, order_ref)
);
create index orders_name on orders (brand, order_name);

-- Which unit of an order line is taken up by which return (ATTR-1 rule 5): no unit twice.
create table order_claims (
    brand           text not null,
    order_ref       text not null,
    order_line_ref  text not null,
    order_unit      integer not null,
    case_id         text not null,
    step            text not null,
    primary key (brand, order_ref, order_line_ref, order_unit)
);

-- Facts that belong to no return yet: refunds and parcels that came first.
create table loose_facts (
    id              {serial},
    brand           text not null,
    fact_key        text not null,
    fact            text not null,
    keys            text not null,                        -- JSON list of [kind, value]
    arrived_ms      bigint not null,
    delivery_id     bigint,
    state           text not null default 'waiting',      -- waiting, adopted
    case_id         text,
    unique (brand, fact_key)
);
create table loose_keys (
    brand           text not null,
    kind            text not null,
    value           text not null,
    loose_id        bigint not null,
    primary key (brand, kind, value, loose_id)
);
create index loose_waiting on loose_facts (arrived_ms) where state = 'waiting';

create table commands (
    id              {serial},
    command_key     text not null,
    edition         integer not null,
    case_id         text not null,
    connection      text not null,
    name            text not null,
    body            text not null,
    state           text not null,                        -- waiting, ready, doing, done, dead
    attempts        integer not null default 0,
    maybe_sent      integer not null default 0,           -- 1: an earlier attempt may have arrived; look up first
    due_ms          bigint not null,
    lease_until_ms  bigint,
    worker          text,
    created_ms      bigint not null,
    finished_ms     bigint,
    outcome         text,
    message         text,
    unique (command_key, edition)
);
create index commands_ready on commands (connection, due_ms, id) where state = 'ready';
create index commands_doing on commands (connection, lease_until_ms) where state = 'doing';
create index commands_case on commands (case_id, id);

create table slots (
    slot            text primary key,                     -- connection:k
    connection      text not null,
    work            text not null,                        -- inbox, commands
    queued_until_ms bigint not null default 0
);

create table problems (
    id              {serial},
    brand           text not null,
    case_id         text,
    kind            text not null,
    subject         text not null,
    owner           text not null,
    severity        text not null,
    message         text not null,
    amount_minor    bigint,
    currency        text,
    units           integer not null default 0,
    state           text not null,                        -- open, resolved (by a person), ended (by itself)
    opened_ms       bigint not null,
    updated_ms      bigint not null,
    closed_ms       bigint,
    closed_by       text,
    closed_because  text,
    came_back       integer not null default 0,
    connection      text,
    delivery_id     bigint
);
create unique index problems_open_once on problems (brand, coalesce(case_id, ''), kind, subject) where state = 'open';
create index problems_inbox on problems (state, owner, opened_ms, id);
create index problems_recent on problems (state, opened_ms, id);
create index problems_kind on problems (state, kind, opened_ms, id);
create index problems_subject on problems (brand, subject);
create index problems_case on problems (case_id, id);

create table documents (
    case_id         text not null,
    step            text not null,
    kind            text not null,                        -- rma, receipt, credit_draft, credit_note, refund_record
    connection      text not null,
    ref             text not null,
    number          text not null,
    total_minor     bigint,
    currency        text,
    url             text,
    at_ms           bigint not null,
    primary key (case_id, step)
);

create table workers (
    worker          text primary key,
    started_ms      bigint not null,
    beat_ms         bigint not null
);

-- Attempts that ended without knowing are counted apart: waiting for a busy system is no sign of trouble.
alter table commands add column unknowns integer not null default 0;

-- Every version of a policy that was ever kept, as it was written. Rows are never changed or removed.
create table policy_versions (
    brand           text not null,
    portal          text not null,
    version         text not null,
    erp             text not null,
    name            text not null,
    starts_on       text not null,                        -- YYYY-MM-DD: for returns authorised from this day on
    content         text not null,                        -- the TOML, byte for byte
    hash            text not null,                        -- SHA-256 of it
    saved_ms        bigint not null,
    saved_by        text not null,
    primary key (brand, portal, version)
);
create index policy_versions_start on policy_versions (brand, portal, starts_on, saved_ms);

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

-- What a connection counts by the day over restarts and over all workers: calls of a small daily quota.
create table connection_tallies (
    connection      text not null,
    name            text not null,
    day             bigint not null,                      -- days since 1970-01-01, UTC
    total           bigint not null,
    primary key (connection, name)
);

-- Problems as people work on them: who has one, until when it rests, what must be mended, and by when it is due.
-- `cause` names what has to be fixed; problems that share one end together. `version` moves with every action, so
-- that the second of two people is told.
alter table problems add column version integer not null default 1;
alter table problems add column cause text not null default '';
alter table problems add column shared integer not null default 0;    -- 1: one fix may end all of its cause
alter table problems add column assignee text;
alter table problems add column due_ms bigint not null default 0;
alter table problems add column snoozed integer not null default 0;
alter table problems add column snoozed_until_ms bigint;
alter table problems add column snoozed_for text;         -- goods, news, connection:NAME
update problems set cause = kind, due_ms = opened_ms + 86400000;
drop index problems_inbox;
drop index problems_recent;
drop index problems_kind;
create index problems_due on problems (due_ms, id) where state = 'open' and snoozed = 0;
create index problems_due_owner on problems (owner, due_ms, id) where state = 'open' and snoozed = 0;
create index problems_due_alone on problems (due_ms, id) where state = 'open' and snoozed = 0 and shared = 0;
create index problems_due_alone_owner on problems (owner, due_ms, id)
    where state = 'open' and snoozed = 0 and shared = 0;
create index problems_due_kind on problems (kind, due_ms, id) where state = 'open';
create index problems_due_cause on problems (cause, due_ms, id) where state = 'open';
create index problems_due_assignee on problems (assignee, due_ms, id) where state = 'open' and assignee is not null;
create index problems_snoozed on problems (snoozed_until_ms, id) where state = 'open' and snoozed = 1;
create index problems_closed on problems (closed_ms, id) where state <> 'open';
create index problems_closed_owner on problems (owner, closed_ms, id) where state <> 'open';
create index problems_again on problems (brand, coalesce(case_id, ''), kind, subject) where state <> 'open';

create index deliveries_connection on deliveries (connection, id);

-- Everything that happened to a problem; append-only.
create table problem_history (
    id              {serial},
    problem_id      bigint not null,
    at_ms           bigint not null,
    by_whom         text not null,
    what            text not null,                        -- opened, changed, assigned, commented, snoozed, woke, closed …
    words           text not null default ''
);
create index problem_history_of on problem_history (problem_id, id);

create table problem_mentions (
    who             text not null,
    history_id      bigint not null,
    problem_id      bigint not null,
    at_ms           bigint not null,
    seen_ms         bigint,
    primary key (who, history_id)
);
create index problem_mentions_new on problem_mentions (who, at_ms) where seen_ms is null;

-- How much is open, by cause. Writers only append moves, so that they never wait for each other; a job folds moves
-- into totals, and readers add both.
create table problem_totals (
    brand           text not null,
    cause           text not null,
    kind            text not null,
    owner           text not null,
    currency        text not null,
    snoozed         integer not null,
    problems        bigint not null,
    priced          bigint not null,
    held_minor      bigint not null,
    units           bigint not null,
    primary key (brand, cause, kind, owner, currency, snoozed)
);
create table problem_moves (
    id              {serial},
    brand           text not null,
    cause           text not null,
    kind            text not null,
    owner           text not null,
    currency        text not null,
    snoozed         integer not null,
    problems        bigint not null,
    priced          bigint not null,
    held_minor      bigint not null,
    units           bigint not null
);

-- The words one system uses for another's: what is in force, and every change with who and why.
create table mapping_heads (
    brand           text not null,
    portal          text not null,
    version         bigint not null,
    primary key (brand, portal)
);
create table mapping_words (
    brand           text not null,
    portal          text not null,
    kind            text not null,                        -- sku, reason, depot, disposition, tax_code, tender, order_type, rule
    word            text not null,
    meaning         text not null,
    change_id       bigint not null,
    since_ms        bigint not null,
    by_whom         text not null,
    primary key (brand, portal, kind, word)
);
create table mapping_changes (
    id              {serial},
    brand           text not null,
    portal          text not null,
    kind            text not null,
    word            text not null,
    meaning_before  text,
    meaning         text,                                 -- null: taken away
    state           text not null,                        -- proposed, in_force, refused, overtaken
    source          text not null,                        -- settings, console, a file's name, undo
    by_whom         text not null,
    because         text not null,
    at_ms           bigint not null,
    decided_by      text,
    decided_ms      bigint,
    replay          text not null default ''              -- the cause to be replayed once it is in force
);
create index mapping_changes_word on mapping_changes (brand, portal, kind, word, id);
create index mapping_changes_recent on mapping_changes (brand, portal, id);
create unique index mapping_changes_open on mapping_changes (brand, portal, kind, word) where state = 'proposed';

-- Words as returns bring them: once for each return, folded into days by a job.
create table mapping_sightings (
    brand           text not null,
    portal          text not null,
    kind            text not null,
    word            text not null,
    case_id         text not null,
    at_ms           bigint not null,
    counted         integer not null default 0,
    primary key (brand, portal, kind, word, case_id)
);
create index mapping_sightings_new on mapping_sightings (at_ms) where counted = 0;
create table mapping_seen (
    brand           text not null,
    portal          text not null,
    kind            text not null,
    word            text not null,
    first_case      text not null,
    first_ms        bigint not null,
    last_ms         bigint not null,
    returns         bigint not null,
    primary key (brand, portal, kind, word)
);
create table mapping_days (
    brand           text not null,
    portal          text not null,
    kind            text not null,
    day             integer not null,                     -- days since 1970 UTC
    word            text not null,
    returns         bigint not null,
    primary key (brand, portal, kind, day, word)
);

-- Work on many rows at once: what, why, and the result of each row.
create table runs (
    id              {serial},
    what            text not null,
    title           text not null,
    by_whom         text not null,
    because         text not null,
    at_ms           bigint not null,
    total           integer not null,
    state           text not null default 'going',        -- going, done
    finished_ms     bigint,
    change_id       bigint,
    undone_by       bigint
);
create index runs_going on runs (id) where state = 'going';
create table run_rows (
    run_id          bigint not null,
    place           integer not null,
    case_id         text not null,
    step            text not null default '',
    state           text not null default 'waiting',      -- waiting, done, still, failed
    words           text not null default '',
    at_ms           bigint,
    primary key (run_id, place)
);
create index run_rows_waiting on run_rows (run_id, place) where state = 'waiting';

create table saved_views (
    id              {serial},
    owner           text not null,                        -- a user name; empty: everybody's
    page            text not null,
    name            text not null,
    query           text not null,
    made_ms         bigint not null,
    unique (owner, page, name)
);

-- What is to be told to people and systems outside; a job sends it and tries again.
create table notices (
    id              {serial},
    notice_key      text not null unique,
    channel         text not null,                        -- email, webhook
    address         text not null,
    subject         text not null,
    body            text not null,
    state           text not null default 'ready',        -- ready, sent, failed
    attempts        integer not null default 0,
    due_ms          bigint not null,
    made_ms         bigint not null,
    sent_ms         bigint,
    trouble         text
);
create index notices_ready on notices (due_ms, id) where state = 'ready';
create table bookmarks (
    name            text primary key,                     -- who reads
    place           bigint not null                       -- the last id read
);

-- Tokens by which a person's programs sign in to the JSON API. Only a hash is kept: the token itself is shown once.
create table api_tokens (
    id              {serial},
    user_id         bigint not null,                      -- the console's own number of the person
    username        text not null,
    name            text not null,                        -- what it is for, in the person's words
    secret_hash     text not null unique,                 -- SHA-256 of the token
    scopes          text not null,                        -- comma separated
    created_ms      bigint not null,
    expires_ms      bigint not null,
    last_used_ms    bigint,
    ended_ms        bigint,
    ended_by        text
);
create index api_tokens_user on api_tokens (user_id, id);
create index api_tokens_living on api_tokens (user_id, expires_ms) where ended_ms is null;

-- Answers to writes, by the key the caller chose: the same call twice gets the same answer and is done once.
create table api_answers (
    user_id         bigint not null,
    idempotency_key text not null,
    fingerprint     text not null,                        -- SHA-256 of method, address and body
    status          integer not null default 0,
    body            text not null default '',
    at_ms           bigint not null,
    primary key (user_id, idempotency_key)
);
create index api_answers_old on api_answers (at_ms);

-- Lists filtered by one thing alone find their rows in the order they show them, however many returns there are.
create index cases_stage on cases (stage, updated_ms, case_id);
create index cases_waits on cases (waits_for, updated_ms, case_id) where waits_for <> '';
create index cases_of_brand on cases (brand, updated_ms, case_id);
create index cases_of_portal on cases (portal, updated_ms, case_id);
create index problems_closed_kind on problems (kind, closed_ms, id) where state <> 'open';
create index problems_closed_cause on problems (cause, closed_ms, id) where state <> 'open';

-- Runs of the proof, newest last; the summary is the document of the file contract.
create table proof_runs (
    id              {serial},
    as_of           text not null,
    since           text not null,
    started_ms      bigint not null,
    finished_ms     bigint not null,
    balanced        integer not null,
    open_records    integer not null,
    summary         text not null,
    trouble         text not null default '[]'
);
create index proof_runs_day on proof_runs (as_of, id);

-- What the newest run found open; replaced by each run, so that a page and an export show the same rows.
create table proof_items (
    brand           text not null,
    leg             text not null,
    left_id         text not null default '',
    right_id        text not null default '',
    class           text not null,
    reason          text,
    variance_minor  bigint not null,
    amount_minor    bigint not null,
    unit            text not null,
    age_days        integer not null,
    bucket          text not null,
    owner           text not null,
    why             text not null,
    case_id         text,
    run_id          bigint not null,
    first_as_of     text not null,
    primary key (leg, left_id, right_id)
);
create index proof_items_class on proof_items (leg, class, left_id, right_id);
create index proof_items_case on proof_items (case_id) where case_id is not null;

-- Whose turn the run of the day is; one row.
create table proof_turn (
    one             integer primary key,
    worker          text not null,
    until_ms        bigint not null
);
insert into proof_turn (one, worker, until_ms) values (1, '', 0);

-- The records a document consists of: an ERP may need two receipts for goods that went to two places.
create table document_parts (
    connection      text not null,
    ref             text not null,
    case_id         text not null,
    step            text not null,
    primary key (connection, ref)
);

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

-- Who signed the figures of an accounting period. The reviewer's row keeps the pack as it was signed: the period is
-- locked from then on, and `last_entry` is the newest log entry its figures were made from.
create table period_signoffs (
    period          text not null,                        -- YYYY-MM
    role            text not null,                        -- preparer, reviewer
    signed_by       text not null,
    at_ms           bigint not null,
    figures_hash    text not null,
    log_head        text not null default '',
    last_entry      bigint not null,
    pack            text not null default '',
    primary key (period, role)
);

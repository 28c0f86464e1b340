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
insert into problem_totals (brand, cause, kind, owner, currency, snoozed, problems, priced, held_minor, units)
select brand, cause, kind, owner, coalesce(currency, ''), 0, count(*), count(amount_minor),
       coalesce(sum(amount_minor), 0), coalesce(sum(units), 0)
from problems where state = 'open' group by brand, cause, kind, owner, coalesce(currency, '');

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

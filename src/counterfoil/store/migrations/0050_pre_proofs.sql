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
insert into document_parts (connection, ref, case_id, step)
select connection, ref, case_id, min(step) from documents group by connection, ref, case_id;

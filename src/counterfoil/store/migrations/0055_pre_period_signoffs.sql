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

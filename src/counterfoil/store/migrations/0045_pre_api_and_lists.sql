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

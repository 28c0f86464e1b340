-- What a connection counts by the day over restarts and over all workers: calls of a small daily quota.
create table connection_tallies (
    connection      text not null,
    name            text not null,
    day             bigint not null,                      -- days since 1970-01-01, UTC
    total           bigint not null,
    primary key (connection, name)
);

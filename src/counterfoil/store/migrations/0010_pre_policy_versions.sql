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

-- name: deliveries_put [postgresql]
-- Keep a whole group with one statement; keys that are known change nothing and are not among the rows returned.
-- `rows` is a JSON list that says where in `sealed`, all bodies and their keys in one piece, each row's bytes begin.
insert into deliveries (connection, delivery_key, arrived_ms, signature, headers, body, body_key, size_bytes, state, note)
select r.connection, r.delivery_key, r.arrived_ms, r.signature, r.headers,
    substring(cast(:sealed as bytea) from r.body_at for r.key_at - r.body_at),
    substring(cast(:sealed as bytea) from r.key_at for r.ends_at - r.key_at), r.size_bytes, r.state, r.note
from json_to_recordset(cast(:rows as json)) as r (
    connection text, delivery_key text, arrived_ms bigint, signature text, headers text, size_bytes integer,
    state text, note text, body_at integer, key_at integer, ends_at integer)
on conflict (connection, delivery_key) do nothing
returning connection, delivery_key;

-- name: delivery_add [sqlite]
-- Keep one delivery of a group; `deliveries_known` has said that it is new.
insert into deliveries (connection, delivery_key, arrived_ms, signature, headers, body, body_key, size_bytes, state, note)
values (:connection, :delivery_key, :arrived_ms, :signature, :headers, :body, :body_key, :size_bytes, :state, :note);

-- name: deliveries_known [sqlite]
-- Which of these keys a connection has already brought; `keys` is a JSON list.
select delivery_key from deliveries
where connection = :connection and delivery_key in (select value from json_each(:keys));

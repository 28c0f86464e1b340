-- name: delivery_put
-- Keep one delivery; the same key again changes nothing and returns no row.
insert into deliveries (connection, delivery_key, arrived_ms, signature, headers, body, body_key, size_bytes, state, note)
values (:connection, :delivery_key, :arrived_ms, :signature, :headers, :body, :body_key, :size_bytes, :state, :note)
on conflict (connection, delivery_key) do nothing
returning id;

-- name: deliveries_new
-- The oldest deliveries of a connection that nobody has read yet.
select id, connection, delivery_key, arrived_ms, signature, headers, body, body_key
from deliveries where connection = :connection and state = 'new' order by id limit :limit;

-- name: delivery_done
-- What became of a delivery.
update deliveries set state = :state, kind = :kind, topic = :topic, note = :note where id = :id and state = 'new';

-- name: delivery_requeue
-- A person wants a kept delivery read again.
update deliveries set state = 'new', note = :note where id = :id and state in ('quarantined', 'ignored', 'read');

-- name: inboxes_waiting
-- Connections with unread deliveries.
select connection, count(*) as waiting from deliveries where state = 'new' group by connection;

-- name: delivery_get
-- One delivery with its bytes.
select * from deliveries where id = :id;

-- name: connection_delivered
-- Freshness: when a connection last brought something.
update connections set last_delivery_ms = :now where name = :connection;

-- name: deliveries_distrusted
-- Deliveries kept because their signature does not fit, by connection.
select connection, count(*) as kept from deliveries
where state = 'quarantined' and signature in ('invalid', 'absent') group by connection;

-- name: tally_add
-- Count on; a new day begins at nothing, and a clock that was put back does not give a day's count back.
insert into connection_tallies (connection, name, day, total) values (:connection, :name, :day, :count)
on conflict (connection, name) do update set
    total = case when excluded.day > connection_tallies.day then excluded.total
                 else connection_tallies.total + excluded.total end,
    day = case when excluded.day > connection_tallies.day then excluded.day else connection_tallies.day end
returning total;

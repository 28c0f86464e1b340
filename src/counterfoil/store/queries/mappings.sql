-- name: mapping_head
-- Which version of a setup's mapping is in force.
select version from mapping_heads where brand = :brand and portal = :portal;

-- name: mapping_head_put
-- A change is in force.
insert into mapping_heads (brand, portal, version) values (:brand, :portal, :version)
on conflict (brand, portal) do update set version = excluded.version;

-- name: mapping_words
-- Every word in force.
select kind, word, meaning, change_id, since_ms, by_whom from mapping_words
where brand = :brand and portal = :portal order by kind, word;

-- name: mapping_word
-- One word in force.
select meaning, change_id from mapping_words
where brand = :brand and portal = :portal and kind = :kind and word = :word;

-- name: mapping_word_put
-- A word has this meaning from now on.
insert into mapping_words (brand, portal, kind, word, meaning, change_id, since_ms, by_whom)
values (:brand, :portal, :kind, :word, :meaning, :change_id, :now, :by)
on conflict (brand, portal, kind, word) do update set meaning = excluded.meaning, change_id = excluded.change_id,
    since_ms = excluded.since_ms, by_whom = excluded.by_whom;

-- name: mapping_word_drop
-- A word has no meaning any more.
delete from mapping_words where brand = :brand and portal = :portal and kind = :kind and word = :word;

-- name: mapping_change_put
-- Somebody changed a word, or proposes to.
insert into mapping_changes (brand, portal, kind, word, meaning_before, meaning, state, source, by_whom, because, at_ms,
                             decided_by, decided_ms, replay)
values (:brand, :portal, :kind, :word, :meaning_before, :meaning, :state, :source, :by, :because, :now,
        :decided_by, :decided_ms, :replay)
returning id;

-- name: mapping_change [sqlite]
-- One change.
select * from mapping_changes where id = :id;

-- name: mapping_change [postgresql]
-- One change, held until the transaction ends.
select * from mapping_changes where id = :id for update;

-- name: mapping_change_peek
-- One change, only to look at.
select * from mapping_changes where id = :id;

-- name: mapping_change_decide
-- A proposal is decided; nothing when somebody was quicker.
update mapping_changes set state = :state, decided_by = :by, decided_ms = :now where id = :id and state = 'proposed';

-- name: mapping_proposed
-- What waits for a second person.
select * from mapping_changes where state = 'proposed' order by id limit :rows;

-- name: mapping_proposed_word
-- Whether a change of this word waits for a second person.
select id, by_whom, meaning from mapping_changes
where brand = :brand and portal = :portal and kind = :kind and word = :word and state = 'proposed';

-- name: mapping_history
-- What happened to a setup's mapping, newest first.
select * from mapping_changes where brand = :brand and portal = :portal and id < :before order by id desc limit :rows;

-- name: mapping_ever
-- Whether a word was ever in the store.
select 1 as found from mapping_changes
where brand = :brand and portal = :portal and kind = :kind and word = :word limit 1;

-- name: sighting_put
-- A return brought a word; a repeat changes nothing.
insert into mapping_sightings (brand, portal, kind, word, case_id, at_ms)
values (:brand, :portal, :kind, :word, :case_id, :now)
on conflict (brand, portal, kind, word, case_id) do nothing;

-- name: sightings_take [sqlite]
-- Sightings not counted yet, oldest first; they are counted now.
update mapping_sightings set counted = 1 where rowid in (
    select rowid from mapping_sightings where counted = 0 order by at_ms limit :limit)
returning brand, portal, kind, word, case_id, at_ms;

-- name: sightings_take [postgresql]
-- Sightings not counted yet, oldest first, past those another worker counts; they are counted now.
update mapping_sightings set counted = 1 where ctid in (
    select ctid from mapping_sightings where counted = 0 order by at_ms limit :limit for update skip locked)
returning brand, portal, kind, word, case_id, at_ms;

-- name: seen_add
-- So many more returns brought this word.
insert into mapping_seen (brand, portal, kind, word, first_case, first_ms, last_ms, returns)
values (:brand, :portal, :kind, :word, :first_case, :first_ms, :last_ms, :returns)
on conflict (brand, portal, kind, word) do update set returns = mapping_seen.returns + excluded.returns,
    last_ms = excluded.last_ms;

-- name: day_add
-- So many returns brought this word on this day.
insert into mapping_days (brand, portal, kind, day, word, returns)
values (:brand, :portal, :kind, :day, :word, :returns)
on conflict (brand, portal, kind, day, word) do update set returns = mapping_days.returns + excluded.returns;

-- name: mapping_seen
-- Every word a setup's returns brought, commonest first.
select * from mapping_seen where brand = :brand and portal = :portal and kind = :kind
order by returns desc, word limit :rows;

-- name: mapping_share
-- How often each word came since a day.
select word, cast(sum(returns) as bigint) as returns from mapping_days
where brand = :brand and portal = :portal and kind = :kind and day >= :since group by word order by word;

-- name: view_put
-- Keep a view under a name.
insert into saved_views (owner, page, name, query, made_ms) values (:owner, :page, :name, :query, :now)
on conflict (owner, page, name) do update set query = excluded.query, made_ms = excluded.made_ms;

-- name: views_of
-- A person's views of a page, and everybody's.
select id, owner, name, query from saved_views where page = :page and owner in ('', :owner) order by owner desc, name;

-- name: view_drop
-- Forget a view of one's own.
delete from saved_views where id = :id and owner = :owner;

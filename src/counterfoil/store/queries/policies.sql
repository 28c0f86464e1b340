-- name: policy_put
-- Keep a version; one that exists stays as it is.
insert into policy_versions (brand, portal, version, erp, name, starts_on, content, hash, saved_ms, saved_by)
values (:brand, :portal, :version, :erp, :name, :starts_on, :content, :hash, :now, :by)
on conflict (brand, portal, version) do nothing;

-- name: policy_versions_of
-- Every version kept for a brand and portal, the first to start first.
select * from policy_versions where brand = :brand and portal = :portal order by starts_on, saved_ms;

-- name: policy_pairs
-- The brands and portals that have kept versions.
select brand, portal, count(*) as versions from policy_versions group by brand, portal order by brand, portal;

-- name: policy_open_rmas
-- How many returns of a brand and portal are under way with an RMA.
select count(*) as open_rmas from cases
where brand = :brand and portal = :portal and progress in ('open', 'waiting') and rma_number is not null;

-- name: policy_recorded
-- Returns of a brand and portal opened since a moment, in order of their key, a page at a time.
select case_id, opened_ms from cases
where brand = :brand and portal = :portal and opened_ms >= :since and case_id > :last order by case_id limit 200;

-- name: policy_log_of
-- The log of one return, in order.
select payload, at_ms from log where stream = :stream order by seq;

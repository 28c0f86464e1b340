-- The two sides of each leg in one shape: lhs(rn, id, key, alt, gate, store, unit, base, amount, day, at_s, ord, ship,
-- disc, method) and rhs(rn, id, key, store, unit, amount, day, ord, tender, kind). `unit` is the currency on the money
-- legs and the SKU on the others, so that one engine serves all four.

-- name: macros
-- A reference without what people put between its letters and digits; an order number from its first significant digit on.
create or replace temp macro plain(t) as upper(regexp_replace(t, '[\x00-/:-@\x5b-`\x7b-\x7f]', '', 'g'));
create or replace temp macro order_key(t) as
    case when regexp_matches(t, '[1-9]') then regexp_extract(t, '[1-9].*[^ ]|[1-9]') else upper(trim(t)) end;
-- Amounts of one size: as many digits, and the same first one.
create or replace temp macro size(m) as length(m::varchar) || left(m::varchar, 1);
-- How many edits apart two references are, also when the right one carries a prefix of its own.
create or replace temp macro edits(r, l) as
    least(levenshtein(r, l), case when length(r) > length(l) then levenshtein(right(r, length(l)), l) else 99 end);

-- name: sides_refund_gateway
create or replace temp view lhs as
select rn, refund_id as id, refund_id as key, return_id as alt, gateway_txn_id as gate, store_id as store, currency as unit,
    case when base_currency = '' then currency else base_currency end as base, amount, refund_date as day,
    coalesce(refunded_at, refund_date * 86400) as at_s, order_no as ord, shipping as ship, discount as disc, lower(method) as method
from src_portal_refunds;
create or replace temp view rhs as
select rn, gateway_txn_id as id, reference as key, store_id as store, currency as unit, amount * {sign} as amount,
    created_date as day, order_no as ord, tender, lower(line_type) as kind
from src_gateway_refunds where lower(line_type) not in ({not_refunds});

-- name: sides_refund_credit_note
create or replace temp view lhs as
select rn, refund_id as id, refund_id as key, return_id as alt, '' as gate, store_id as store, currency as unit,
    case when base_currency = '' then currency else base_currency end as base, amount, refund_date as day,
    coalesce(refunded_at, refund_date * 86400) as at_s, order_no as ord, shipping as ship, discount as disc, lower(method) as method
from src_portal_refunds;
create or replace temp view rhs as
select rn, credit_note_id as id, external_id as key, store_id as store, currency as unit, amount * {sign} as amount,
    posted_date as day, order_no as ord, '' as tender, '' as kind
from src_erp_credit_notes;

-- name: sides_line_receipt
create or replace temp view lhs as
select rn, return_line_id as id, return_id as key, return_line_id as alt, '' as gate, store_id as store, sku as unit, sku as base,
    qty as amount, authorised_date as day, authorised_date * 86400::bigint as at_s, '' as ord, 0::bigint as ship, 0::bigint as disc,
    '' as method
from src_portal_return_lines;
create or replace temp view rhs as
select rn, receipt_id as id, rma_ref as key, store_id as store, sku as unit, qty_received * {sign} as amount, received_date as day,
    '' as ord, '' as tender, '' as kind
from src_warehouse_receipts;

-- name: sides_receipt_stock
create or replace temp view lhs as
select rn, receipt_id as id, receipt_id as key, '' as alt, '' as gate, store_id as store, sku as unit, sku as base,
    qty_received as amount, received_date as day, received_date * 86400::bigint as at_s, '' as ord, 0::bigint as ship,
    0::bigint as disc, '' as method
from src_warehouse_receipts;
create or replace temp view rhs as
select rn, movement_id as id, external_id as key, store_id as store, sku as unit, qty * {sign} as amount, posted_date as day,
    '' as ord, '' as tender, lower(movement_type) as kind
from src_erp_stock_movements where lower(movement_type) not in ({not_returns});

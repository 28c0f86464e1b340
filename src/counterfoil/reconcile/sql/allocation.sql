-- Splitting many amounts over their lines at once, as core.money.allocate splits one.

-- name: allocation
-- {lines} holds (document, line, total, weight), one row per line, `line` unique within its document and `total` the same
-- on all of them. Each part is the floor of its share; what is left goes to the largest remainders, ties to the first
-- line. Whole numbers throughout: a product past 63 bits is an error, never a wrong part.
select document, line, (case when total < 0 then -1 else 1 end * (floor_part + (place <= abs(total) - floors)::bigint))::bigint as part
from (
    select *, sum(floor_part) over (partition by document) as floors,
        row_number() over (partition by document order by remainder desc, line) as place
    from (
        select document, line, total, abs(total) * share // whole as floor_part, abs(total) * share % whole as remainder
        from (
            select document, line, total, case when all_weights = 0 then 1 else weight end as share,
                case when all_weights = 0 then n else all_weights end as whole
            from (
                select *, (sum(weight) over (partition by document))::bigint as all_weights,
                    count(*) over (partition by document) as n
                from {lines}))))

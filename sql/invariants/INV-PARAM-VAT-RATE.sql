/*
title = "Momssatserna är kända utan luckor"
description = """B5: every kind of goods has a rate of 25, 12, 6 or 0 per cent for each day between its first and its last."""
key = ["goods", "valid_from"]
*/
with ordered as (
    select
        goods,
        rate_percent,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by goods order by valid_from) as previous_to,
        lag(valid_from) over (partition by goods order by valid_from) as previous_from
    from ref_vat_rate
)

select
    goods,
    valid_from,
    rate_percent
from ordered
where rate_percent is null
    or rate_percent not in (25, 12, 6, 0)
    or valid_from is null
    or valid_to < valid_from
    or (previous_from is not null and (previous_to is null or previous_to <> valid_from - 1))

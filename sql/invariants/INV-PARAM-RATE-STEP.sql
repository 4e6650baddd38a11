/*
title = "Referensräntan är hela halva procent utan luckor"
description = """B2: the reference rate is the policy rate rounded up to the nearest half per cent (räntelagen 9 §), so every value is a multiple of 0.50, for whole half-years without gaps."""
key = ["valid_from"]
*/
with ordered as (
    select
        rate_percent,
        valid_from,
        valid_to,
        lag(valid_to) over (order by valid_from) as previous_to
    from ref_reference_rate
)

select
    valid_from,
    valid_to,
    rate_percent
from ordered
where rate_percent is null
    or cast(rate_percent * 100 as bigint) % 50 <> 0
    or valid_from is null
    or valid_to is null
    or previous_to <> valid_from - 1
    or to_char(valid_from, '%m-%d') not in ('01-01', '07-01')
    or to_char(valid_to, '%m-%d') not in ('06-30', '12-31')
    or valid_to - valid_from > 184

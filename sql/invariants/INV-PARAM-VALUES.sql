/*
title = "Varje enskilt parametervärde gäller en gång utan luckor"
description = """B12: each name in param has a value and one row for each day from its first, so that no job finds two values or none."""
key = ["name", "valid_from"]
*/
with ordered as (
    select
        name,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by name order by valid_from) as previous_to,
        lag(valid_from) over (partition by name order by valid_from) as previous_from
    from param
)

select
    name,
    valid_from,
    previous_to
from ordered
where valid_from is null
    or valid_to < valid_from
    -- the period before must end the day before: null is open, and an open period has no successor
    or (previous_from is not null and (previous_to is null or previous_to <> valid_from - 1))
union all
select
    name,
    valid_from,
    valid_to as previous_to
from param
where value is null

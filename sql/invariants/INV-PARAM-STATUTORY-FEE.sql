/*
title = "Lagstadgade avgifter är kända utan luckor"
description = """B3: every fee of the collection chain has one positive amount for each day from its first."""
key = ["kind", "valid_from"]
*/
with ordered as (
    select
        kind,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by kind order by valid_from) as previous_to,
        lag(valid_from) over (partition by kind order by valid_from) as previous_from
    from ref_statutory_fee
)

select
    kind,
    valid_from,
    previous_to
from ordered
where valid_from is null
    or valid_to < valid_from
    -- the period before must end the day before: null is open, and an open period has no successor
    or (previous_from is not null and (previous_to is null or previous_to <> valid_from - 1))
union all
select
    kind,
    valid_from,
    valid_to as previous_to
from ref_statutory_fee
where amount is null
    or amount <= 0

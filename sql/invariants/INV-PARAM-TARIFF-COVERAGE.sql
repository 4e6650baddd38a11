/*
title = "Maxtaxans perioder saknar luckor och överlapp"
description = """B12, FEE24: every category and position of the maxtaxa has a value for each day between its first and its last, from the first of a month, for Stockholm and for the state; and every category has positions 1 to 4 in every period."""
key = ["category", "position", "valid_from"]
*/
with ordered as (
    select
        category,
        position,
        valid_from,
        valid_to,
        state_valid_from,
        state_valid_to,
        lag(valid_to) over (partition by category, position order by valid_from) as previous_to,
        lag(state_valid_to) over (partition by category, position order by valid_from) as previous_state_to,
        count(*) over (partition by category, valid_from) as positions,
        min(position) over (partition by category, valid_from) as first_position,
        max(position) over (partition by category, valid_from) as last_position
    from ref_fee_tariff
)

select
    category,
    position,
    valid_from,
    case
        when valid_from is null or valid_to is null or valid_to < valid_from then 'no period'
        when previous_to <> valid_from - 1 then 'gap or overlap in Stockholm'
        when previous_state_to <> state_valid_from - 1 then 'gap or overlap in the state'
        when date_part('day', valid_from) <> 1 or date_part('day', valid_to + 1) <> 1 then 'not whole months'
        else 'positions are not 1 to 4'
    end as violation
from ordered
where valid_from is null
    or valid_to is null
    or valid_to < valid_from
    or previous_to <> valid_from - 1
    or previous_state_to <> state_valid_from - 1
    or date_part('day', valid_from) <> 1
    or date_part('day', valid_to + 1) <> 1
    or positions <> 4
    or first_position <> 1
    or last_position <> 4

/*
title = "Varje placering i registret finns en gång i avgiftsunderlaget"
description = """FEE29: every placement row of the latest extract is in fee_placement exactly once, and nothing else is."""
key = ["placement_id", "starts_on"]
*/
with latest_extract as (
    select max(extracted_on) as extracted_on
    from placement
    where extracted_on <= as_of()
),

registered as (
    select
        placement.placement_id,
        placement.starts_on,
        count(*) as rows
    from placement
    inner join latest_extract
        on latest_extract.extracted_on = placement.extracted_on
    group by
        placement.placement_id,
        placement.starts_on
),

used as (
    select
        placement_id,
        starts_on,
        count(*) as rows
    from fee_placement
    group by
        placement_id,
        starts_on
)

select
    coalesce(registered.placement_id, used.placement_id) as placement_id,
    coalesce(registered.starts_on, used.starts_on) as starts_on,
    coalesce(registered.rows, 0) as registered,
    coalesce(used.rows, 0) as used
from registered
full join used
    on used.placement_id = registered.placement_id
    and used.starts_on = registered.starts_on
where coalesce(registered.rows, 0) <> 1
    or coalesce(used.rows, 0) <> 1

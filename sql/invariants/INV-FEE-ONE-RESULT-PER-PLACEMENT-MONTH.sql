/*
title = "Varje kommunal placering har exakt ett avgiftsbesked per månad"
description = """FEE29: a municipal placement row has one result for each month from its first day to its last or to the month of the as-of, counted from the calendar months and not as the job counts them; no other placement has any."""
key = ["placement_id", "starts_on"]
*/
with expected as (
    select
        placement_id,
        starts_on,
        starts_on - date_part('day', starts_on) + 1 as first_month,
        cast(date_trunc('month', least(coalesce(ends_on, as_of()), as_of())) as date) as last_month
    from fee_placement
    where municipal
        and starts_on < cast(date_trunc('month', as_of()) + interval '1 month' as date)
),

expected_count as (
    select
        placement_id,
        starts_on,
        first_month,
        greatest(first_month, last_month) as last_month,
        cast(
            (date_part('year', greatest(first_month, last_month)) - date_part('year', first_month)) * 12
            + date_part('month', greatest(first_month, last_month)) - date_part('month', first_month) + 1
            as bigint
        ) as months
    from expected
),

actual as (
    select
        placement_id,
        starts_on,
        min(month) as first_month,
        max(month) as last_month,
        count(*) as results,
        count(distinct month) as months
    from fee_month
    group by
        placement_id,
        starts_on
)

select
    coalesce(expected_count.placement_id, actual.placement_id) as placement_id,
    coalesce(expected_count.starts_on, actual.starts_on) as starts_on,
    coalesce(expected_count.months, 0) as expected_months,
    coalesce(actual.months, 0) as months,
    coalesce(actual.results, 0) as results
from expected_count
full join actual
    on actual.placement_id = expected_count.placement_id
    and actual.starts_on = expected_count.starts_on
where expected_count.placement_id is null
    or actual.placement_id is null
    or actual.results <> expected_count.months
    or actual.months <> expected_count.months
    or actual.first_month <> expected_count.first_month
    or actual.last_month <> expected_count.last_month

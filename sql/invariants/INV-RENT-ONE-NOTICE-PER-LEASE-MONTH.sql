/*
title = "Varje hyresavtal har exakt en avi per månad"
description = """RENT10, RENT28: a lease of the latest extract has one notice for each month from its first day to its last or to the month after the as-of; no other lease has any."""
key = ["lease_id"]
*/
with latest_extract as (
    select max(extracted_on) as extracted_on
    from lease
    where extracted_on <= as_of()
),

expected as (
    select
        lease.lease_id,
        lease.starts_on - date_part('day', lease.starts_on) + 1 as first_month,
        cast(date_trunc('month', least(
            coalesce(lease.ends_on, cast(date_trunc('month', as_of()) + interval '1 month' as date)),
            cast(date_trunc('month', as_of()) + interval '1 month' as date)
        )) as date) as last_month
    from lease
    inner join latest_extract
        on latest_extract.extracted_on = lease.extracted_on
),

expected_count as (
    select
        lease_id,
        first_month,
        last_month,
        cast(
            (date_part('year', last_month) - date_part('year', first_month)) * 12
            + date_part('month', last_month) - date_part('month', first_month) + 1
            as bigint
        ) as months
    from expected
    where last_month >= first_month
),

actual as (
    select
        lease_id,
        min(month) as first_month,
        max(month) as last_month,
        count(*) as notices,
        count(distinct month) as months
    from rent_notice
    group by
        lease_id
)

select
    coalesce(expected_count.lease_id, actual.lease_id) as lease_id,
    coalesce(expected_count.months, 0) as expected_months,
    coalesce(actual.months, 0) as months,
    coalesce(actual.notices, 0) as notices
from expected_count
full join actual
    on actual.lease_id = expected_count.lease_id
where expected_count.lease_id is null
    or actual.lease_id is null
    or actual.notices <> expected_count.months
    or actual.months <> expected_count.months
    or actual.first_month <> expected_count.first_month
    or actual.last_month <> expected_count.last_month

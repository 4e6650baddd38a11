/*
title = "Handläggningstider per månad"
description = """
SLA15-SLA26, SLA31: for each service level and month of the due days, how many requests were closed in time, how many too late and how
many are overdue at the as-of. What is not yet due is left out of the share."""
kind = "table"
key = ["service_level", "month"]
catalogue = [
    "SLA15", "SLA16", "SLA17", "SLA18", "SLA19", "SLA20", "SLA21", "SLA22", "SLA23", "SLA24", "SLA25", "SLA26", "SLA31",
]

[columns]
service_level = "service level"
month = "first day of the month in which the requests are due"
title = "name of the service level"
requests = "requests that are due in the month"
closed_in_time = "closed in time"
closed_late = "closed after the due day"
overdue = "open after the due day"
not_yet_due = "open, due later or on the as-of"
percent_in_time = "in time of all that are closed or overdue, in per cent with one decimal; null when none is"
most_days_late = "working days of the latest"
*/
with counts as (
    select
        service_level,
        cast(date_trunc('month', due_day) as date) as month,
        count(*) as requests,
        count(*) filter (where status = 'closed_in_time') as closed_in_time,
        count(*) filter (where status = 'closed_late') as closed_late,
        count(*) filter (where status = 'overdue') as overdue,
        max(days_late) as most_days_late
    from sla_request
    where due_day is not null
    group by service_level, cast(date_trunc('month', due_day) as date)
),

titles as (
    select
        id,
        title
    from ref_service_level
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
)

select
    counts.service_level,
    counts.month,
    titles.title,
    counts.requests,
    counts.closed_in_time,
    counts.closed_late,
    counts.overdue,
    counts.requests - counts.closed_in_time - counts.closed_late - counts.overdue as not_yet_due,
    case
        when counts.closed_in_time + counts.closed_late + counts.overdue > 0
            then cast(
                round_half_up(
                    cast(counts.closed_in_time as decimal(18, 4)) * 100
                        / (counts.closed_in_time + counts.closed_late + counts.overdue),
                    1
                )
                as decimal(5, 1)
            )
    end as percent_in_time,
    counts.most_days_late
from counts
inner join titles
    on titles.id = counts.service_level

/*
title = "Periodavslutets dag 0, 1 och 2"
description = """SLA64: the days that the closing of a period is counted from. Where the city management office has set them they stand in
ref_period_calendar; otherwise day 0 is the last working day of the period and days 1 and 2 are the first and second
working day of the next month. The service description never defines them: the default is to be confirmed [OWN-TBV]."""
kind = "table"
key = ["period"]
catalogue = ["SLA64"]

[columns]
period = "first day of the month"
day_0 = "last working day of the period"
day_1 = "first working day after the period"
day_2 = "second working day after the period"
is_decided = "true when the days are set in ref_period_calendar, false when they are the default"
*/
with months as (
    select distinct cast(date_trunc('month', date) as date) as period
    from ref_calendar
),

decided as (
    select
        period,
        day_0,
        day_1,
        day_2
    from ref_period_calendar
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
)

select
    months.period,
    coalesce(decided.day_0, nth_last_workday(months.period, 1)) as day_0,
    coalesce(decided.day_1, nth_workday(cast(months.period + interval '1 month' as date), 1)) as day_1,
    coalesce(decided.day_2, nth_workday(cast(months.period + interval '1 month' as date), 2)) as day_2,
    decided.period is not null as is_decided
from months
left join decided
    on decided.period = months.period
-- the last month of the calendar has no next month to count in
where months.period < (select max(cast(date_trunc('month', date) as date)) from ref_calendar)

/*
title = "Periodavslutets dagar ligger i ordning på arbetsdagar"
description = """SLA64: every month of the calendar but the last has a day 0, 1 and 2; they are working days, in that order, and day 0 lies in
the period or after it."""
key = ["period"]
*/
with months as (
    select distinct cast(date_trunc('month', date) as date) as period
    from ref_calendar
)

select
    months.period,
    sla_period_day.day_0,
    sla_period_day.day_1,
    sla_period_day.day_2
from months
left join sla_period_day
    on sla_period_day.period = months.period
where months.period < (select max(cast(date_trunc('month', date) as date)) from ref_calendar)
    and not coalesce(
        sla_period_day.day_0 >= months.period
        and sla_period_day.day_0 < sla_period_day.day_1
        and sla_period_day.day_1 < sla_period_day.day_2
        and workday_add(sla_period_day.day_0, 1) = sla_period_day.day_0
        and workday_add(sla_period_day.day_1, 1) = sla_period_day.day_1
        and workday_add(sla_period_day.day_2, 1) = sla_period_day.day_2,
        false
    )

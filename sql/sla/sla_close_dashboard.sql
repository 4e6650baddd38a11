/*
title = "Läget i periodavslutet"
description = """
SLA64, SLA30: for each period that is being closed and each service level of its closing, days 0, 1 and 2 and how much of the work is signed off."""
kind = "table"
key = ["period", "service_level"]
catalogue = ["SLA64", "SLA30"]

[columns]
period = "first day of the period's month"
service_level = "service level"
day_0 = "day 0"
day_1 = "day 1"
day_2 = "day 2"
is_decided = "true when the days are set, false when they are the default"
today_sv = "which day of the closing the as-of is, in Swedish"
due_on = "last day in time"
tasks = "pieces of work"
done_in_time = "signed off in time"
done_late = "signed off too late"
overdue = "not signed off and late"
remaining = "not signed off, not yet late"
*/
select
    sla_period_day.period,
    sla_recurring_status.service_level,
    min(sla_period_day.day_0) as day_0,
    min(sla_period_day.day_1) as day_1,
    min(sla_period_day.day_2) as day_2,
    bool_and(sla_period_day.is_decided) as is_decided,
    case
        when as_of() = min(sla_period_day.day_0) then 'dag 0'
        when as_of() = min(sla_period_day.day_1) then 'dag 1'
        when as_of() = min(sla_period_day.day_2) then 'dag 2'
        when as_of() < min(sla_period_day.day_2) then 'mellan periodavslutets dagar'
        else 'efter dag 2'
    end as today_sv,
    min(sla_recurring_status.due_on) as due_on,
    count(*) as tasks,
    count(*) filter (where sla_recurring_status.status = 'done_in_time') as done_in_time,
    count(*) filter (where sla_recurring_status.status = 'done_late') as done_late,
    count(*) filter (where sla_recurring_status.status = 'overdue') as overdue,
    count(*) filter (where sla_recurring_status.status in ('due_today', 'open')) as remaining
from sla_recurring_status
inner join ref_service_level
    on ref_service_level.id = sla_recurring_status.service_level
    and ref_service_level.kind = 'period_close'
inner join sla_period_day
    on sla_period_day.period = sla_recurring_status.occurrence
where ref_service_level.valid_from <= as_of()
    and (ref_service_level.valid_to is null or ref_service_level.valid_to >= as_of())
group by sla_period_day.period, sla_recurring_status.service_level

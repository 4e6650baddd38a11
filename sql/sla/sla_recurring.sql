/*
title = "Återkommande kontroller att göra"
description = """
SLA27-SLA30 (and the closing of periods of other owners, SLA14, SLA33, SLA47): one row for each piece of recurring work and week, month or period, from the first day
on which it can be done. Weekly work is due on the weekday of the service level, or the next working day when that is free; monthly
work on the last working day of the month; the closing of a period on its day 0, 1 or 2 (sla_period_day).

What recurs: the controls of ref_recurring_control, and each account of the account table by its service level; every
account of the customer ledger is also reconciled when a period is closed (SLA30). A handler signs the work off by
closing the case: sla_recurring_status says what is signed off and in time. A row stays until P:sla_recurring_days days after its due day."""
kind = "exception"
key = ["service_level", "subject", "occurrence"]
catalogue = ["SLA27", "SLA28", "SLA29", "SLA30"]

[exception]
queue = "aterkommande-kontroller"
queue_title = "Återkommande kontroller"
service_level = "SLA27"
why = "{title} ({subject}) ska göras senast {due_on}."
action = "Gör kontrollen och stäng sedan ärendet. Då är den kvitterad med ditt namn och klockslaget."

[columns]
service_level = "service level"
subject = "account or catalogue row"
occurrence = "Monday of the week, or first day of the month or period"
title = "what is to be done, in Swedish"
owner = "AR, AP or GL"
starts_on = "first day on which it can be done"
due_on = "last day in time"
received_at = "the beginning of the first day"
*/
with window_days as (
    select cast(max(value) as bigint) as days
    from param
    where name = 'sla_recurring_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

levels as (
    select
        id,
        kind,
        n,
        weekday
    from ref_service_level
    where kind in ('weekly', 'monthly_last_workday', 'period_close')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

accounts as (
    select
        account,
        owner,
        name,
        service_level
    from ref_account
    where pattern not in ('VIEW', 'RULE', 'LIST')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

subjects as (
    select
        service_level,
        subject,
        'AR' as owner,
        title
    from ref_recurring_control
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
    union all
    select
        service_level,
        account as subject,
        owner,
        concat('Avstämning av konto ', account, ' ', name) as title
    from accounts
    where owner <> 'AR' or service_level <> 'SLA30'
    union all
    -- AR52-AR69: weekly, and on days 0, 1 and 2
    select
        'SLA30' as service_level,
        account as subject,
        owner,
        concat('Avstämning vid periodavslut av konto ', account, ' ', name) as title
    from accounts
    where owner = 'AR'
),

-- allow literal: a month is no longer, so the month before the window is whole
calendar as (
    select ref_calendar.date
    from ref_calendar
    cross join window_days
    where cast(ref_calendar.date as int) between cast(as_of() as int) - window_days.days - 31 and cast(as_of() as int)
),

weeks as (
    select distinct cast(date_trunc('week', date) as date) as monday
    from calendar
),

months as (
    select distinct cast(date_trunc('month', date) as date) as month
    from calendar
),

occurrences as (
    select
        levels.id as service_level,
        weeks.monday as occurrence,
        weeks.monday as starts_on,
        workday_add(cast(cast(weeks.monday as int) + coalesce(levels.weekday, 5) - 1 as date), 1) as due_on
    from levels
    cross join weeks
    where levels.kind = 'weekly'
    union all
    select
        levels.id as service_level,
        months.month as occurrence,
        months.month as starts_on,
        nth_last_workday(months.month, 1) as due_on
    from levels
    cross join months
    where levels.kind = 'monthly_last_workday'
    union all
    select
        levels.id as service_level,
        sla_period_day.period as occurrence,
        sla_period_day.day_0 as starts_on,
        case levels.n
            when 0 then sla_period_day.day_0
            when 1 then sla_period_day.day_1
            else sla_period_day.day_2
        end as due_on
    from levels
    cross join sla_period_day
    where levels.kind = 'period_close'
)

select
    subjects.service_level,
    subjects.subject,
    occurrences.occurrence,
    subjects.title,
    subjects.owner,
    occurrences.starts_on,
    occurrences.due_on,
    end_of_day(cast(cast(occurrences.starts_on as int) - 1 as date)) as received_at
from subjects
cross join window_days
inner join occurrences
    on occurrences.service_level = subjects.service_level
where occurrences.starts_on <= as_of()
    and cast(occurrences.due_on as int) >= cast(as_of() as int) - window_days.days

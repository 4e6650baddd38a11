/*
title = "Väntade filer"
description = """AP04, AR02, GL42: the files that ref_interface's schedules let us expect, one row for each interface and business date, and
the file that came for it. Schedules: bank_day and city_workday every such day of ref_calendar, weekly the weekday n
(1 Monday), month_workday the nth working day of the month, month_last_workday the nth working day from its end,
month_day the day n. The file shall be here by the end of the due_days-th working day after its date, 0 that day itself; it
is missing from the business date after that on. Expected from the row's valid_from on; a refused file is no file."""
kind = "table"
key = ["interface", "business_date"]

[columns]
interface = "interface"
area = "AP, AR or GL"
title = "what the file is, in Swedish"
department = "department of the sender"
business_date = "day that the file is for"
due_on = "last day on which it is in time"
file_id = "an accepted file for the day; null when none has come"
files = "accepted files for the day"
is_missing = "true when none has come and the due day has passed"
known_at = "first instant of the day after the due day, in UTC"
*/
with schedule as (
    select
        interface,
        area,
        title,
        department,
        schedule,
        n,
        due_days,
        valid_from,
        valid_to
    from ref_interface
    where schedule <> 'none'
),

calendar as (
    select
        date,
        is_bank_day,
        is_city_workday,
        cast(date_trunc('month', date) as date) as month
    from ref_calendar
    where date <= as_of()
),

expected as (
    select
        schedule.interface,
        schedule.area,
        schedule.title,
        schedule.department,
        calendar.date as business_date,
        case
            when schedule.due_days = 0 then calendar.date
            else workday_add(cast(calendar.date + interval '1 day' as date), cast(schedule.due_days as bigint))
        end as due_on
    from schedule
    inner join calendar
        on calendar.date >= schedule.valid_from
        and (schedule.valid_to is null or calendar.date <= schedule.valid_to)
    where case schedule.schedule
            when 'bank_day' then calendar.is_bank_day
            when 'city_workday' then calendar.is_city_workday
            when 'weekly' then extract(isodow from calendar.date) = schedule.n
            when 'month_workday' then calendar.date = nth_workday(calendar.month, cast(schedule.n as bigint))
            when 'month_last_workday' then calendar.date = nth_last_workday(calendar.month, cast(schedule.n as bigint))
            when 'month_day' then extract(day from calendar.date) = schedule.n
        end
),

came as (
    select
        interface,
        business_date,
        min(file_id) as file_id,
        count(*) as files
    from interface_file
    where status = 'accepted'
        and interface is not null
    group by
        interface,
        business_date
)

select
    expected.interface,
    expected.area,
    expected.title,
    expected.department,
    expected.business_date,
    expected.due_on,
    came.file_id,
    coalesce(came.files, 0) as files,
    came.file_id is null and expected.due_on < as_of() as is_missing,
    cast(expected.due_on + interval '1 day' as timestamp) as known_at
from expected
left join came
    on came.interface = expected.interface
    and came.business_date = expected.business_date

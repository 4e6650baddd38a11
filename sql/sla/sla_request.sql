/*
title = "Ärenden och deras tidsgränser"
description = """
SLA15-SLA26, SLA31 and SLA63: every request in the case system with the day on which it is due. The kind of request decides the
service level (ref_request_kind). Day 1 is the working day on which it came in at or before 12:00:00 by the clock in
Stockholm, otherwise the next working day; n days are due by the end of the n-th working day, day 1 counted.

While the basis is incomplete the clock has not started (P:sla_waits_for_basis). While a request waits for somebody else
for a reason that stops the clock (ref_pause_reason), working days do not count: from the day on which the waiting began,
until the day that is day 1 of its end by the same rule of noon. A pause after the due day changes nothing. As long as a
pause goes on there is no due day, unless it had passed before.

How a request stands is told for the as-of: at risk is what is due within P:sla_risk_working_days working days after it.
"""
kind = "table"
key = ["request_id"]
catalogue = [
    "SLA15", "SLA16", "SLA17", "SLA18", "SLA19", "SLA20", "SLA21", "SLA22", "SLA23", "SLA24", "SLA25", "SLA26", "SLA31",
    "SLA63",
]

[columns]
request_id = "case"
kind = "what is asked for"
title_sv = "the same in Swedish"
service_level = "service level; null when the kind has none"
working_days = "working days that it allows"
department = "department that asks"
customer_id = "customer number; null when none"
invoice_no = "invoice; null when none"
arrived_at = "when it came in"
started_at = "when the clock started: arrival, or when the basis was complete; null before that"
day_1 = "the first working day that counts"
due_day = "last day in time; null while the clock has not started or stands still"
paused_days = "working days up to the due day, or the as-of, that did not count"
paused_since = "when the present pause began; null when there is none"
pause_reason_sv = "why the clock stands still, in Swedish; null when it runs"
closed_at = "when it was closed; null while open"
closed_on = "the same as a date in Stockholm"
outcome = "done, refused or withdrawn; null while open"
days_late = "working days after the due day until it was closed, or the as-of; 0 when in time"
status = """closed_in_time, closed_late, overdue, due_today, at_risk, in_time, paused, incomplete, or unknown when the
kind has no service level or the calendar does not reach"""
status_sv = "the status in Swedish"
received_at = "when the extract with the case arrived"
evidence = "reference to the case's record"
*/
with limits as (
    select
        cast(max(case when name = 'sla_risk_working_days' then value end) as bigint) as risk_days,
        max(case when name = 'sla_waits_for_basis' then value end) = 1 as waits_for_basis
    from param
    where name in ('sla_risk_working_days', 'sla_waits_for_basis')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

levels as (
    select
        ref_request_kind.kind,
        ref_request_kind.title,
        ref_service_level.id as service_level,
        ref_service_level.n as working_days
    from ref_request_kind
    inner join ref_service_level
        on ref_service_level.id = ref_request_kind.service_level
    where ref_service_level.kind = 'working_days'
        and ref_request_kind.valid_from <= as_of()
        and (ref_request_kind.valid_to is null or ref_request_kind.valid_to >= as_of())
        and ref_service_level.valid_from <= as_of()
        and (ref_service_level.valid_to is null or ref_service_level.valid_to >= as_of())
),

requests as (
    select
        service_request.request_id,
        service_request.kind,
        levels.title,
        levels.service_level,
        cast(levels.working_days as bigint) as working_days,
        service_request.department,
        service_request.customer_id,
        service_request.invoice_no,
        service_request.arrived_at,
        case
            when limits.waits_for_basis then greatest(service_request.complete_at, service_request.arrived_at)
            else service_request.arrived_at
        end as started_at,
        service_request.complete_at is null and limits.waits_for_basis as is_incomplete,
        service_request.closed_at,
        service_request.outcome,
        service_request.received_at,
        limits.risk_days,
        record_ref(
            'service_request',
            service_request.file_id,
            service_request.ordinal,
            service_request.byte_start,
            service_request.byte_end
        ) as record
    from service_request
    inner join (
        select max(extracted_on) as extracted_on
        from service_request
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = service_request.extracted_on
    cross join limits
    left join levels
        on levels.kind = service_request.kind
),

started as (
    select
        requests.*,
        case when not requests.is_incomplete then service_day(requests.started_at) end as day_1
    from requests
),

pauses as (
    select
        request_pause.request_id,
        request_pause.paused_at,
        stockholm_date(request_pause.paused_at) as first_day,
        service_day(request_pause.resumed_at) as running_again,
        ref_pause_reason.title
    from request_pause
    inner join (
        select max(extracted_on) as extracted_on
        from request_pause
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = request_pause.extracted_on
    inner join ref_pause_reason
        on ref_pause_reason.reason = request_pause.reason
    where ref_pause_reason.stops_clock
        and ref_pause_reason.valid_from <= as_of()
        and (ref_pause_reason.valid_to is null or ref_pause_reason.valid_to >= as_of())
),

present_pauses as (
    select
        request_id,
        min(paused_at) as paused_since,
        min(first_day) as first_day,
        min(title) as title
    from pauses
    where running_again is null
    group by request_id
),

workdays as (
    select date
    from ref_calendar
    where is_city_workday
),

-- each working day once, however pauses overlap
paused_days as (
    select distinct
        pauses.request_id,
        workdays.date
    from pauses
    inner join workdays
        on workdays.date >= pauses.first_day
        and workdays.date < pauses.running_again
),

paused_counts as (
    select
        paused_days.request_id,
        count(*) as days
    from paused_days
    inner join started
        on started.request_id = paused_days.request_id
    where paused_days.date >= started.day_1
    group by paused_days.request_id
),

-- only a request with a pause needs its days one by one
running_days as (
    select
        started.request_id,
        workdays.date,
        started.working_days,
        row_number() over (partition by started.request_id order by workdays.date) as day_no
    from started
    left join paused_counts
        on paused_counts.request_id = started.request_id
    left join present_pauses
        on present_pauses.request_id = started.request_id
    inner join workdays
        on workdays.date >= started.day_1
        and workdays.date <= workday_add(started.day_1, started.working_days + coalesce(paused_counts.days, 0))
    left anti join paused_days
        on paused_days.request_id = started.request_id
        and paused_days.date = workdays.date
    where (paused_counts.request_id is not null or present_pauses.request_id is not null)
        and (present_pauses.first_day is null or workdays.date < present_pauses.first_day)
),

due as (
    select
        started.*,
        case
            when paused_counts.request_id is null and present_pauses.request_id is null
                then workday_add(started.day_1, started.working_days)
            else running_days.date
        end as due_day,
        coalesce(paused_counts.days, 0) as paused_days,
        present_pauses.paused_since,
        present_pauses.title as pause_reason_sv,
        stockholm_date(started.closed_at) as closed_on
    from started
    left join paused_counts
        on paused_counts.request_id = started.request_id
    left join present_pauses
        on present_pauses.request_id = started.request_id
    left join running_days
        on running_days.request_id = started.request_id
        and running_days.day_no = running_days.working_days
),

judged as (
    select
        due.*,
        case
            when due.closed_on > due.due_day then 'closed_late'
            when due.closed_on is not null then 'closed_in_time'
            when due.is_incomplete then 'incomplete'
            when due.service_level is null then 'unknown'
            when due.due_day is null and due.paused_since is not null then 'paused'
            when due.due_day is null then 'unknown'
            when due.due_day < as_of() then 'overdue'
            when due.due_day = as_of() then 'due_today'
            when workdays_after(as_of(), due.due_day) <= due.risk_days then 'at_risk'
            else 'in_time'
        end as status
    from due
)

select
    request_id,
    kind,
    title as title_sv,
    service_level,
    working_days,
    department,
    customer_id,
    invoice_no,
    arrived_at,
    case when not is_incomplete then started_at end as started_at,
    day_1,
    due_day,
    paused_days,
    case when status = 'paused' then paused_since end as paused_since,
    case when status = 'paused' then pause_reason_sv end as pause_reason_sv,
    closed_at,
    closed_on,
    outcome,
    case
        when status in ('closed_late', 'overdue') then workdays_after(due_day, coalesce(closed_on, as_of()))
        else 0
    end as days_late,
    status,
    case status
        when 'closed_in_time' then 'klart i tid'
        when 'closed_late' then 'klart för sent'
        when 'overdue' then 'försenat'
        when 'due_today' then 'ska vara klart i dag'
        when 'at_risk' then 'ska vara klart nästa arbetsdag'
        when 'in_time' then 'i tid'
        when 'paused' then 'klockan står still'
        when 'incomplete' then 'underlaget är inte komplett'
        else 'tidsgränsen kan inte räknas ut'
    end as status_sv,
    received_at,
    make_array(record) as evidence
from judged

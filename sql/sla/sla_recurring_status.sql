/*
title = "Kvitterade återkommande kontroller"
description = """
SLA27-SLA30: each piece of recurring work with who signed it off and when, from the handlers' decisions up to the as-of. Closing
the case signs it off, opening it again takes that back; the latest decision counts. A sign-off after the due day is late."""
kind = "table"
key = ["service_level", "subject", "occurrence"]
catalogue = ["SLA27", "SLA28", "SLA29", "SLA30"]

[columns]
service_level = "service level"
subject = "account or catalogue row"
occurrence = "Monday of the week, or first day of the month or period"
title = "what is to be done, in Swedish"
owner = "AR, AP or GL"
due_on = "last day in time"
signed_by = "who signed it off; null when nobody has"
signed_at = "when; null when nobody has"
status = "done_in_time, done_late, overdue, due_today or open"
status_sv = "the status in Swedish"
*/
with latest_decisions as (
    select
        exception_id,
        last_value(kind order by decided_at, decision_id) as kind,
        last_value(decided_by order by decided_at, decision_id) as decided_by,
        max(decided_at) as decided_at
    from (
        select distinct
            decision_id,
            exception_id,
            kind,
            decided_by,
            decided_at
        from decision
        where kind in ('close', 'reopen')
            and stockholm_date(decided_at) <= as_of()
    ) as decisions
    group by exception_id
),

signed as (
    select
        sla_recurring.service_level,
        sla_recurring.subject,
        sla_recurring.occurrence,
        sla_recurring.title,
        sla_recurring.owner,
        sla_recurring.due_on,
        case when latest_decisions.kind = 'close' then latest_decisions.decided_by end as signed_by,
        case when latest_decisions.kind = 'close' then latest_decisions.decided_at end as signed_at
    from sla_recurring
    left join latest_decisions
        on latest_decisions.exception_id = sla_recurring.exception_id
),

judged as (
    select
        signed.*,
        case
            when stockholm_date(signed_at) > due_on then 'done_late'
            when signed_at is not null then 'done_in_time'
            when due_on < as_of() then 'overdue'
            when due_on = as_of() then 'due_today'
            else 'open'
        end as status
    from signed
)

select
    service_level,
    subject,
    occurrence,
    title,
    owner,
    due_on,
    signed_by,
    signed_at,
    status,
    case status
        when 'done_in_time' then 'kvitterad i tid'
        when 'done_late' then 'kvitterad för sent'
        when 'overdue' then 'försenad'
        when 'due_today' then 'ska göras i dag'
        else 'återstår'
    end as status_sv
from judged

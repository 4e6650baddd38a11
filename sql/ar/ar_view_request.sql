/*
title = "Begäran om kreditering, makulering och återbetalning"
description = """
AR78: the questions about credits, cancellations and refunds: each request with how far it has come, when it is due and what is in the way."""
kind = "table"
key = ["request_id"]
catalogue = ["AR78"]

[columns]
request_id = "case"
kind = "credit, cancellation or refund"
title_sv = "the same in Swedish"
customer_id = "customer number"
invoice_no = "invoice"
department = "department"
amount = "amount asked for"
arrived_at = "when it came in"
due_day = "last day in time"
closed_on = "day on which it was closed"
outcome = "done, refused or withdrawn"
status_sv = "how it stands, in Swedish"
reasons_sv = "what is in the way, in Swedish; null when nothing is"
*/
with checks as (
    select
        request_id,
        min(amount) as amount,
        array_to_string(array_agg(reason_sv order by rule) filter (where result <> 'ok'), ' ') as reasons_sv
    from ar_request_check
    group by request_id
)

select
    sla_request.request_id,
    sla_request.kind,
    sla_request.title_sv,
    sla_request.customer_id,
    sla_request.invoice_no,
    sla_request.department,
    checks.amount,
    sla_request.arrived_at,
    sla_request.due_day,
    sla_request.closed_on,
    sla_request.outcome,
    concat(
        sla_request.status_sv,
        case sla_request.outcome
            when 'done' then ', utfört'
            when 'refused' then ', avslaget'
            when 'withdrawn' then ', återkallat'
            else ''
        end
    ) as status_sv,
    case when checks.reasons_sv <> '' then checks.reasons_sv end as reasons_sv
from sla_request
inner join checks
    on checks.request_id = sla_request.request_id

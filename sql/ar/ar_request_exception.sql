/*
title = "Begäran som inte kan utföras som den är"
description = """
AR14-AR16: open requests for a credit, a cancellation or a refund of which some rule of ar_request_check is not met or cannot be
judged. Due as the request itself (sla_request)."""
kind = "exception"
key = ["request_id"]
catalogue = ["AR14", "AR15", "AR16"]
amount = "amount"

[exception]
queue = "begaran-kredit-retur"
queue_title = "Begäran om kreditering, makulering och återbetalning"
service_level = "SLA19"
why = "Begäran {request_id} ({title_sv}) på {amount} för faktura {invoice_no} kan inte utföras som den är: {reasons_sv}"
action = "{action_sv}"

[columns]
request_id = "case"
kind = "credit, cancellation or refund"
title_sv = "the same in Swedish"
service_level = "service level of the kind"
department = "department that asks"
invoice_no = "invoice"
amount = "amount asked for"
failed_rules = "rules that are not met, cannot be judged, or ask for another way"
reasons_sv = "the reasons in Swedish"
action_sv = "what to do, in Swedish"
due_on = "last day in time; null while the clock has not started"
received_at = "when the clock started, or the request came in"
evidence = "reference to the case's record"
*/
with not_ok as (
    select
        request_id,
        min(kind) as kind,
        min(department) as department,
        min(invoice_no) as invoice_no,
        min(amount) as amount,
        array_agg(rule order by rule) as failed_rules,
        array_to_string(array_agg(reason_sv order by rule), ' ') as reasons_sv,
        bool_or(result = 'failed') as has_failed,
        bool_or(result = 'unknown') as has_unknown,
        min(record) as record
    from ar_request_check
    where result <> 'ok'
        and is_open
    group by request_id
)

select
    not_ok.request_id,
    not_ok.kind,
    sla_request.title_sv,
    sla_request.service_level,
    not_ok.department,
    not_ok.invoice_no,
    not_ok.amount,
    not_ok.failed_rules,
    not_ok.reasons_sv,
    case
        when not_ok.has_failed
            then 'Skicka tillbaka begäran till förvaltningen med orsaken, och pausa ärendet med orsak underlag.'
        when not_ok.has_unknown
            then 'Ta reda på det som saknas. Fråga förvaltningen om det inte finns i reskontran, och pausa ärendet så länge.'
        else 'Begäran kan utföras, men på ett särskilt sätt: gör det som orsaken säger först.'
    end as action_sv,
    sla_request.due_day as due_on,
    coalesce(sla_request.started_at, sla_request.arrived_at) as received_at,
    make_array(not_ok.record) as evidence
from not_ok
inner join sla_request
    on sla_request.request_id = not_ok.request_id

/*
title = "Ärenden nära eller efter tidsgränsen"
description = """
SLA15-SLA26, SLA31: open requests whose due day has passed, is today or comes within P:sla_risk_working_days working days, for the team leader.
The due day is that of sla_request, pauses included. What was closed late is in sla_month."""
kind = "exception"
key = ["request_id"]
catalogue = [
    "SLA15", "SLA16", "SLA17", "SLA18", "SLA19", "SLA20", "SLA21", "SLA22", "SLA23", "SLA24", "SLA25", "SLA26", "SLA31",
]

[exception]
queue = "tidsgranser"
queue_title = "Ärenden nära eller efter tidsgränsen"
service_level = "SLA31"
why = "Ärende {request_id} ({title_sv}) från förvaltning {department} skulle vara klart {due_on}: {status_sv}."
action = "Se till att ärendet blir klart eller får en annan handläggare. Väntar det på någon annan, skriv in pausen och orsaken i ärendet."

[columns]
request_id = "case"
title_sv = "what is asked for, in Swedish"
service_level = "service level"
department = "department that asks"
customer_id = "customer number; null when none"
invoice_no = "invoice; null when none"
due_on = "last day in time"
days_late = "working days after it"
status = "overdue, due_today or at_risk"
status_sv = "the status in Swedish"
received_at = "when the clock started"
evidence = "reference to the case's record"
*/
select
    request_id,
    title_sv,
    service_level,
    department,
    customer_id,
    invoice_no,
    due_day as due_on,
    days_late,
    status,
    status_sv,
    started_at as received_at,
    evidence
from sla_request
where status in ('overdue', 'due_today', 'at_risk')

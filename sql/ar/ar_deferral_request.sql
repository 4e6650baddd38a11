/*
title = "Begärda anstånd"
description = "AR37: requests that wait for an answer, each with the outcome of ar_plan_check and what must be heeded."
kind = "exception"
key = ["plan_id"]
catalogue = ["AR37"]
amount = "debt"

[exception]
queue = "kund-anstand"
queue_title = "Anstånd"
service_level = "SLA17"
why = "Kund {customer_id} begärde den {requested_on} ett anstånd på {debt} till {last_due}. {reason_sv}"
action = "Bevilja, be om rättning, lämna till förvaltningen eller avslå enligt kontrollen, och registrera svaret i ekonomisystemet."

[columns]
plan_id = "the request"
customer_id = "customer"
department = "department of the claims when there is one"
requested_on = "date of the request"
received_at = "beginning of the day of the request"
claims = "claims that it covers"
debt = "what is left of them"
last_due = "last date to pay"
outcome = "grant, department, correct or refuse"
reason_sv = "what is against it and what must be heeded, in Swedish"
*/
select
    plan_id,
    customer_id,
    department,
    requested_on,
    received_at,
    claims,
    debt,
    last_due,
    outcome,
    reason_sv
from ar_plan_check
where kind = 'deferral'

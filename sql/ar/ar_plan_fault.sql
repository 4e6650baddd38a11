/*
title = "Avbetalningsplaner som inte stämmer"
description = """
AR71: registered plans that cannot be right: the plan does not bring in the debt, its last day has passed with something left, or the ledger
has never shown the item. A missed instalment is no fault of the plan; it is in ar_plan_report."""
kind = "exception"
key = ["plan_id", "item_id", "fault"]
catalogue = ["AR71"]
amount = "difference"

[exception]
queue = "betalningsplaner"
queue_title = "Betalningsplaner som inte stämmer"
service_level = "SLA27"
why = "Plan {plan_id} för faktura {invoice_no}: {fault_sv}. Planen ska ge {planned_remaining}, skulden är {debt}."
action = "Rätta planen i reskontran så att den omfattar hela skulden, eller avsluta den. Meddela förvaltning {department}."

[columns]
plan_id = "plan"
item_id = "ledger item"
fault = "sum_differs, ended or unknown_item"
fault_sv = "the same in Swedish"
department = "department"
invoice_no = "invoice"
customer_id = "customer number"
planned_remaining = "what the plan still has to bring in"
debt = "what is left of the item"
difference = "the one less the other"
last_due_date = "last day of the plan"
received_at = "when the extract arrived"
evidence = "reference to the plan's record"
*/
with faults as (
    select plan_id, item_id, 'unknown_item' as fault
    from ar_plan_report
    where debt is null
    union all
    select plan_id, item_id, 'sum_differs' as fault
    from ar_plan_report
    where difference <> 0
    union all
    select plan_id, item_id, 'ended' as fault
    from ar_plan_report
    where last_due_date < as_of()
        and debt > 0
)

select
    faults.plan_id,
    faults.item_id,
    faults.fault,
    case faults.fault
        when 'unknown_item' then 'posten finns inte i kundreskontran'
        when 'sum_differs' then 'planen och skulden är inte lika stora'
        else 'planens sista dag har passerat och skulden finns kvar'
    end as fault_sv,
    ar_plan_report.department,
    ar_plan_report.invoice_no,
    ar_plan_report.customer_id,
    ar_plan_report.planned_remaining,
    ar_plan_report.debt,
    ar_plan_report.difference,
    ar_plan_report.last_due_date,
    ar_plan_report.received_at,
    make_array(ar_plan_report.record) as evidence
from faults
inner join ar_plan_report
    on ar_plan_report.plan_id = faults.plan_id
    and ar_plan_report.item_id = faults.item_id

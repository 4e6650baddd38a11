/*
title = "Anstånd och avbetalningsplaner"
description = """
AR75: the questions about deferrals and instalment plans: each instalment with what is left of the claim and how it stands at the as-of."""
kind = "table"
key = ["plan_id", "item_id", "instalment_no"]
catalogue = ["AR75"]

[columns]
plan_id = "deferral or plan"
item_id = "ledger item"
instalment_no = "instalment"
customer_id = "customer number"
invoice_no = "invoice; null when the item is unknown"
department = "department of the item"
kind_sv = "anstånd or avbetalningsplan"
status_sv = "how the plan stands, in Swedish"
granted_on = "first day on which it holds"
due_date = "when the instalment is due"
amount = "what is due then"
fallen_due = "sum of this and earlier instalments of the item in the plan"
remaining = "what is left of the item"
last_due_date = "last day of the plan"
*/
select
    payment_plan.plan_id,
    payment_plan.item_id,
    payment_plan.instalment_no,
    payment_plan.customer_id,
    ar_item_balance.invoice_no,
    ar_item_balance.department,
    case payment_plan.kind when 'deferral' then 'anstånd' else 'avbetalningsplan' end as kind_sv,
    case payment_plan.status
        when 'requested' then 'begärd, inte beslutad'
        when 'active' then 'gäller'
        when 'finished' then 'avslutad'
        when 'broken' then 'avbruten'
        else 'avslagen'
    end as status_sv,
    payment_plan.granted_on,
    payment_plan.due_date,
    payment_plan.amount,
    cast(
        sum(payment_plan.amount) over (
            partition by payment_plan.plan_id, payment_plan.item_id
            order by payment_plan.instalment_no
            rows between unbounded preceding and current row
        )
        as decimal(18, 2)
    ) as fallen_due,
    ar_item_balance.remaining,
    max(payment_plan.due_date) over (partition by payment_plan.plan_id, payment_plan.item_id) as last_due_date
from payment_plan
inner join (
    select max(extracted_on) as extracted_on
    from payment_plan
    where extracted_on <= as_of()
) as latest
    on latest.extracted_on = payment_plan.extracted_on
left join ar_item_balance
    on ar_item_balance.item_id = payment_plan.item_id

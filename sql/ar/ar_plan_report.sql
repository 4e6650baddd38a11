/*
title = "Öppna poster med avbetalningsplan"
description = """
AR71: each item with an active deferral or instalment plan, for the department: the debt, what the plan still has to bring in,
the next instalment, what has been missed and the last day. What the plan still has to bring in is its instalments less what confirmed
matches have paid on the item since it was granted; it must be the debt. Missed is what fell due before the as-of and is not covered by those payments."""
kind = "table"
key = ["plan_id", "item_id"]
catalogue = ["AR71"]
amount = "debt"

[columns]
plan_id = "deferral or plan"
item_id = "ledger item"
department = "department; null when the item is unknown"
invoice_no = "invoice"
customer_id = "customer number"
kind_sv = "anstånd or avbetalningsplan"
granted_on = "first day on which it holds"
instalments = "number of instalments"
planned = "sum of the instalments"
paid = "paid since it was granted"
planned_remaining = "what the plan still has to bring in"
debt = "what is left of the item; 0 when the ledger no longer has it, null when it never had it"
difference = "what the plan still has to bring in less the debt"
next_due_date = "day of the next instalment; null when none is to come"
next_amount = "its amount"
missed = "fallen due and not paid"
last_due_date = "last day of the plan"
received_at = "when the extract arrived"
record = "reference to the first instalment's record"
*/
with instalments as (
    select
        payment_plan.plan_id,
        payment_plan.item_id,
        payment_plan.instalment_no,
        payment_plan.customer_id,
        payment_plan.kind,
        payment_plan.granted_on,
        payment_plan.due_date,
        payment_plan.amount,
        payment_plan.received_at,
        record_ref(
            'payment_plan',
            payment_plan.file_id,
            payment_plan.ordinal,
            payment_plan.byte_start,
            payment_plan.byte_end
        ) as record
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.status = 'active'
),

plans as (
    select
        plan_id,
        item_id,
        min(customer_id) as customer_id,
        min(kind) as kind,
        min(granted_on) as granted_on,
        count(*) as instalments,
        sum(amount) as planned,
        sum(case when due_date < as_of() then amount else 0 end) as fallen_due,
        min(due_date) filter (where due_date >= as_of()) as next_due_date,
        max(due_date) as last_due_date,
        max(received_at) as received_at,
        first_value(record order by instalment_no) as record
    from instalments
    group by plan_id, item_id
),

next_instalments as (
    select
        instalments.plan_id,
        instalments.item_id,
        sum(instalments.amount) as amount
    from instalments
    inner join plans
        on plans.plan_id = instalments.plan_id
        and plans.item_id = instalments.item_id
        and plans.next_due_date = instalments.due_date
    group by instalments.plan_id, instalments.item_id
),

payments as (
    select
        plans.plan_id,
        plans.item_id,
        sum(ar_allocation.allocated) as paid
    from plans
    inner join ar_allocation
        on ar_allocation.item_id = plans.item_id
        and ar_allocation.payment_date >= plans.granted_on
    group by plans.plan_id, plans.item_id
),

balances as (
    select
        item_id,
        department,
        invoice_no,
        case when closed_on is null then remaining else cast(0 as decimal(18, 2)) end as debt
    from ar_item_balance
)

select
    plans.plan_id,
    plans.item_id,
    balances.department,
    balances.invoice_no,
    plans.customer_id,
    case plans.kind when 'deferral' then 'anstånd' else 'avbetalningsplan' end as kind_sv,
    plans.granted_on,
    plans.instalments,
    cast(plans.planned as decimal(18, 2)) as planned,
    cast(coalesce(payments.paid, 0) as decimal(18, 2)) as paid,
    cast(plans.planned - coalesce(payments.paid, 0) as decimal(18, 2)) as planned_remaining,
    balances.debt,
    cast(
        plans.planned - coalesce(payments.paid, 0) - balances.debt as decimal(18, 2)
    ) as difference,
    plans.next_due_date,
    next_instalments.amount as next_amount,
    cast(greatest(plans.fallen_due - coalesce(payments.paid, 0), 0) as decimal(18, 2)) as missed,
    plans.last_due_date,
    plans.received_at,
    plans.record
from plans
left join next_instalments
    on next_instalments.plan_id = plans.plan_id
    and next_instalments.item_id = plans.item_id
left join payments
    on payments.plan_id = plans.plan_id
    and payments.item_id = plans.item_id
left join balances
    on balances.item_id = plans.item_id

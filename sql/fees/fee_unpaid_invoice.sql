/*
title = "Förfallna obetalda avgiftsfakturor"
description = """FEE05, FEE06: the fee invoices of a payer that count as unpaid: billed from BER, due before the as-of, with something left to
pay. An invoice under a deferral or payment plan that is in order (active, and nothing of it was due before the as-of)
does not count. Several ledger items of one invoice are one invoice. Nothing of it names a person: payers are customer
numbers, and those of households with protected identity are left to the restricted zone (FEE38)."""
kind = "table"
key = ["customer_id", "invoice_no"]
catalogue = ["FEE05", "FEE06"]
amount = "remaining"

[columns]
customer_id = "payer"
invoice_no = "invoice"
due_date = "when it was due; the earliest of its items"
remaining = "what is left to pay"
department = "department of the invoice"
record = "reference to the latest record of the invoice"
*/
with latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

latest_payment_plan as (
    select max(extracted_on) as extracted_on
    from payment_plan
    where extracted_on <= as_of()
),

plan_in_order as (
    select item_id
    from payment_plan
    inner join latest_payment_plan
        on latest_payment_plan.extracted_on = payment_plan.extracted_on
    where status = 'active'
    group by item_id
    -- an instalment that was due and left unpaid makes the ERP set the plan to broken; the last one ends it
    having max(due_date) >= as_of()
),

protected_customer as (
    select distinct customer_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
        and customer_id is not null
),

overdue as (
    select
        ar_item.customer_id,
        ar_item.invoice_no,
        ar_item.due_date,
        ar_item_balance.remaining,
        ar_item.department,
        ar_item.record
    from ar_item
    inner join ar_item_balance
        on ar_item_balance.item_id = ar_item.item_id
    left anti join plan_in_order
        on plan_in_order.item_id = ar_item.item_id
    left anti join protected_customer
        on protected_customer.customer_id = ar_item.customer_id
    where ar_item.billing_source = 'BER'
        and ar_item_balance.is_open
        and ar_item.due_date < as_of()
)

select
    customer_id,
    invoice_no,
    min(due_date) as due_date,
    cast(sum(remaining) as decimal(18, 2)) as remaining,
    min(department) as department,
    min(record) as record
from overdue
group by
    customer_id,
    invoice_no
having sum(remaining) > 0

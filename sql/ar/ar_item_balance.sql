/*
title = "Vad som återstår på öppna poster"
description = """
What is left of every claim after the confirmed matches and what the ERP has changed: the items that suggestions,
candidates and set-offs choose among. An item that the latest extract no longer shows is not open, whatever is left.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR35", "AR23"]
amount = "remaining"

[columns]
item_id = "item"
ocr = "OCR reference; null when none"
invoice_no = "invoice number"
customer_id = "customer"
customer_name = "customer's name"
customer_identity = "personal or organisation number, its last ten digits"
department = "department"
due_date = "due date"
currency = "ISO 4217"
closed_on = "date of the first extract without the item; null when the latest extract shows it"
payer_account = "sender account known for the customer"
autogiro_payer_number = "payer number of the direct-debit mandate"
allocated = "settled by confirmed matches"
changed = "changed by the ERP since we first saw the item, apart from payments that we hold"
remaining = "what is left: opening remaining plus changed less allocated"
is_open = "true when the latest extract shows the item and something is left"
record = "reference to the latest record of the item"
*/
with allocations as (
    select
        item_id,
        sum(allocated) as amount
    from ar_allocation
    group by item_id
),

changes as (
    select
        item_id,
        sum(amount) as amount
    from ar_item_change
    group by item_id
),

balances as (
    select
        ar_item.item_id,
        ar_item.ocr,
        ar_item.invoice_no,
        ar_item.customer_id,
        ar_item.customer_name,
        ar_item.customer_identity,
        ar_item.department,
        ar_item.due_date,
        ar_item.currency,
        ar_item.closed_on,
        ar_item.payer_account,
        ar_item.autogiro_payer_number,
        coalesce(allocations.amount, 0) as allocated,
        coalesce(changes.amount, 0) as changed,
        ar_item.opening_remaining + coalesce(changes.amount, 0) - coalesce(allocations.amount, 0) as remaining,
        ar_item.record
    from ar_item
    left join allocations
        on allocations.item_id = ar_item.item_id
    left join changes
        on changes.item_id = ar_item.item_id
)

select
    item_id,
    ocr,
    invoice_no,
    customer_id,
    customer_name,
    customer_identity,
    department,
    due_date,
    currency,
    closed_on,
    payer_account,
    autogiro_payer_number,
    cast(allocated as decimal(18, 2)) as allocated,
    cast(changed as decimal(18, 2)) as changed,
    cast(remaining as decimal(18, 2)) as remaining,
    closed_on is null and remaining <> 0 as is_open,
    record
from balances

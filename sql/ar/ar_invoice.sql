/*
title = "Kundfakturor som de ställdes ut"
description = """
The customer invoices of the latest extract, one row each, with what the ledger and the matching say of them: what is
left, what has been paid, whether the claim lies with the collection agency and whether it is written down. The requests about an
invoice (AR14-AR16) and the controls of invoices (AR47) are judged by it.

What has been paid is what was settled before the item was first seen plus what confirmed matches have settled since. An
invoice whose item no extract of the ledger has shown has no amounts here: nothing is known of its payment."""
kind = "table"
key = ["invoice_no"]
amount = "gross"

[columns]
invoice_no = "invoice number"
customer_id = "customer number"
customer_kind = "organisation or person, by the form of the number; null without a number"
department = "department"
account = "receivable account"
invoice_type = "invoice, credit, offer or reminder"
origin = "system, web or desktop"
invoice_date = "invoice date"
due_date = "due date"
currency = "ISO 4217"
gross = "amount to pay; negative for a credit note"
remaining = "what is left; null when the item is unknown"
original = "original amount of the items; null when unknown"
paid = "paid so far; null when unknown"
written_down = "amount on the valuation accounts for its items; 0 when none"
collection_sent_on = "date on which it went to the collection agency; null when it has not, or the case is closed"
counterpart = "department when the customer is one of the city's own"
credits_invoice_no = "invoice that it credits or cancels"
received_at = "when the extract arrived"
record = "reference to the invoice's record"
*/
with items as (
    select
        ar_item.invoice_no,
        sum(ar_item.amount) as original,
        sum(case when ar_item_balance.closed_on is null then ar_item_balance.remaining else 0 end) as remaining,
        sum(ar_item.amount - ar_item.opening_remaining + ar_item_balance.allocated) as paid
    from ar_item
    inner join ar_item_balance
        on ar_item_balance.item_id = ar_item.item_id
    group by ar_item.invoice_no
),

valuation_accounts as (
    select distinct account
    from ref_account
    where pattern = 'VAL'
        and owner = 'AR'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- a write-down credits the valuation account
written_down as (
    select
        ar_item.invoice_no,
        -sum(ledger_transaction.amount) as amount
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = ledger_transaction.extracted_on
    inner join valuation_accounts
        on valuation_accounts.account = ledger_transaction.account
    inner join ar_item
        on ar_item.item_id = ledger_transaction.item_id
    group by ar_item.invoice_no
),

collection as (
    select
        ar_item.invoice_no,
        min(claim_status.collection_sent_on) as sent_on
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
    inner join ar_item
        on ar_item.item_id = claim_status.item_id
    where claim_status.collection_sent_on is not null
        and claim_status.collection_closed_on is null
    group by ar_item.invoice_no
)

select
    customer_invoice.invoice_no,
    customer_invoice.customer_id,
    -- an organisation's number has ten digits, a person's twelve in the registers' form
    case character_length(customer_invoice.customer_identity)
        when 10 then 'organisation'
        when 12 then 'person'
    end as customer_kind,
    customer_invoice.department,
    customer_invoice.account,
    customer_invoice.invoice_type,
    customer_invoice.origin,
    customer_invoice.invoice_date,
    customer_invoice.due_date,
    customer_invoice.currency,
    customer_invoice.gross,
    cast(items.remaining as decimal(18, 2)) as remaining,
    cast(items.original as decimal(18, 2)) as original,
    cast(items.paid as decimal(18, 2)) as paid,
    cast(coalesce(written_down.amount, 0) as decimal(18, 2)) as written_down,
    collection.sent_on as collection_sent_on,
    customer_invoice.counterpart,
    customer_invoice.credits_invoice_no,
    customer_invoice.received_at,
    record_ref(
        'customer_invoice',
        customer_invoice.file_id,
        customer_invoice.ordinal,
        customer_invoice.byte_start,
        customer_invoice.byte_end
    ) as record
from customer_invoice
inner join (
    select max(extracted_on) as extracted_on
    from customer_invoice
    where extracted_on <= as_of()
) as latest
    on latest.extracted_on = customer_invoice.extracted_on
left join items
    on items.invoice_no = customer_invoice.invoice_no
left join written_down
    on written_down.invoice_no = customer_invoice.invoice_no
left join collection
    on collection.invoice_no = customer_invoice.invoice_no

/*
title = "Erbjudandefakturor"
description = """
AR48, AR64: the offers that the latest extract of the customer ledger has, with what is paid and what is left. A paid offer has left the
ledger."""
kind = "table"
key = ["invoice_no"]
amount = "remaining"

[columns]
invoice_no = "offer"
department = "department"
customer_id = "customer number"
account = "account of offers"
currency = "ISO 4217"
gross = "amount of the offer"
remaining = "what is left"
due_date = "due date"
offer_expires = "last day of the offer"
received_at = "when the ledger extract arrived"
evidence = "references to the invoice and its item"
*/
with offers as (
    select
        customer_invoice.invoice_no,
        customer_invoice.department,
        customer_invoice.customer_id,
        customer_invoice.currency,
        customer_invoice.due_date,
        customer_invoice.offer_expires,
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
    where customer_invoice.invoice_type = 'offer'
),

items as (
    select
        customer_item.invoice_no,
        min(customer_item.account) as account,
        sum(customer_item.amount) as amount,
        sum(customer_item.remaining) as remaining,
        max(customer_item.received_at) as received_at,
        min(
            record_ref(
                'customer_item',
                customer_item.file_id,
                customer_item.ordinal,
                customer_item.byte_start,
                customer_item.byte_end
            )
        ) as record
    from customer_item
    inner join (
        select max(extracted_on) as extracted_on
        from customer_item
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_item.extracted_on
    group by customer_item.invoice_no
)

select
    offers.invoice_no,
    offers.department,
    offers.customer_id,
    items.account,
    offers.currency,
    cast(items.amount as decimal(18, 2)) as gross,
    cast(items.remaining as decimal(18, 2)) as remaining,
    offers.due_date,
    offers.offer_expires,
    items.received_at,
    make_array(offers.record, items.record) as evidence
from offers
inner join items
    on items.invoice_no = offers.invoice_no

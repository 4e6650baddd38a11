/*
title = "Vad som har hänt på kundens reskontra"
description = """
AR82: the question what has happened to a customer's ledger: invoices, credits, payments, reminders, collection, plans and requests in the order of time."""
kind = "table"
key = ["customer_id", "happened_on", "event", "reference"]
catalogue = ["AR82"]

[columns]
customer_id = "customer number"
happened_on = "date"
event = "invoice, payment, reminder, collection, plan or request"
reference = "invoice, payment and item, item, plan and instalment, or case"
invoice_no = "invoice; null when none"
amount = "amount; null when none"
text_sv = "what happened, in Swedish"
*/
with claims as (
    select
        claim_status.item_id,
        claim_status.reminded_on,
        claim_status.collection_sent_on
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
)

select
    customer_id,
    invoice_date as happened_on,
    'invoice' as event,
    invoice_no as reference,
    invoice_no,
    gross as amount,
    case invoice_type
        when 'credit' then 'Kreditfaktura ställdes ut'
        when 'offer' then 'Erbjudande ställdes ut'
        when 'reminder' then 'Påminnelse ställdes ut'
        else 'Faktura ställdes ut'
    end as text_sv
from ar_invoice
union all
select
    customer_id,
    payment_date as happened_on,
    'payment' as event,
    concat(payment_id, ':', item_id) as reference,
    invoice_no,
    allocated as amount,
    concat('Betalning med ', channel_sv) as text_sv
from ar_view_payment
where customer_id is not null
union all
select
    ar_item.customer_id,
    claims.reminded_on as happened_on,
    'reminder' as event,
    claims.item_id as reference,
    ar_item.invoice_no,
    cast(null as decimal(18, 2)) as amount,
    'Påminnelse skickades' as text_sv
from claims
inner join ar_item
    on ar_item.item_id = claims.item_id
where claims.reminded_on is not null
union all
select
    customer_id,
    collection_sent_on as happened_on,
    'collection' as event,
    item_id as reference,
    invoice_no,
    cast(null as decimal(18, 2)) as amount,
    'Skickades till inkasso' as text_sv
from ar_view_collection
union all
select
    customer_id,
    due_date as happened_on,
    'plan' as event,
    concat(plan_id, ':', item_id, ':', cast(instalment_no as string)) as reference,
    invoice_no,
    amount,
    concat('Förfallodag enligt ', kind_sv, ', ', status_sv) as text_sv
from ar_view_plan
union all
select
    customer_id,
    stockholm_date(arrived_at) as happened_on,
    'request' as event,
    request_id as reference,
    invoice_no,
    cast(null as decimal(18, 2)) as amount,
    concat(title_sv, ' begärdes, ', status_sv) as text_sv
from sla_request
where customer_id is not null

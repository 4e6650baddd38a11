/*
title = "Hur och när fakturan betalades"
description = """
AR76: the question whether the customer has paid and how: each confirmed match of a payment and an item, with the way it was paid. A payment that is not matched has a row without item, so that it is found by its own number."""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR76"]

[columns]
payment_id = "payment"
item_id = "ledger item; - when the payment is not matched"
invoice_no = "invoice; null when not matched"
customer_id = "customer number; null when not matched"
payment_date = "date of the payment"
amount = "amount of the payment"
allocated = "of it on this item"
item_remaining_after = "what was left of the item then"
channel = "bank, lb, slip or autogiro"
channel_sv = "the way of payment in Swedish"
reference = "reference as received"
status = "what became of the payment"
answer_sv = "the answer in Swedish"
*/
with payments as (
    select
        ar_payment.payment_id,
        ar_payment.payment_date,
        ar_payment.amount,
        ar_payment.channel,
        ar_payment.reference,
        ar_payment_outcome.status,
        ar_payment_outcome.reason_sv
    from ar_payment
    inner join ar_payment_outcome
        on ar_payment_outcome.payment_id = ar_payment.payment_id
        and ar_payment_outcome.file_id = ar_payment.file_id
        and ar_payment_outcome.ordinal = ar_payment.ordinal
    where ar_payment.scope <> 'repeat'
)

select
    payments.payment_id,
    coalesce(ar_allocation.item_id, '-') as item_id,
    ar_item_balance.invoice_no,
    ar_item_balance.customer_id,
    payments.payment_date,
    payments.amount,
    ar_allocation.allocated,
    ar_allocation.item_remaining_after,
    payments.channel,
    case payments.channel
        when 'autogiro' then 'autogiro'
        when 'slip' then 'inbetalningskort'
        when 'lb' then 'leverantörsbetalning'
        else 'bankgiro'
    end as channel_sv,
    payments.reference,
    payments.status,
    case
        when ar_allocation.item_id is null
            then concat('Betalningen är inte matchad', coalesce(concat(': ', payments.reason_sv), ''), '.')
        when ar_allocation.item_remaining_after = 0 then 'Fakturan är betald.'
        else 'Fakturan är delvis betald.'
    end as answer_sv
from payments
left join ar_allocation
    on ar_allocation.payment_id = payments.payment_id
left join ar_item_balance
    on ar_item_balance.item_id = ar_allocation.item_id

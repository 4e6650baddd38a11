/*
title = "Återtagna inbetalningar att boka bort"
description = """
AR35: a payment that the bank has taken back, and what it was named for. Its items are open again in the matching at
once; in the ledger somebody has to book the payment away, where it was booked, and to let the claim go on. The row
closes when the ledger's rows of payment and reversal add up to nothing.
"""
kind = "exception"
key = ["payment_id"]
catalogue = ["AR35"]
amount = "amount"

[exception]
queue = "kund-atertagna"
queue_title = "Återtagna inbetalningar"
service_level = "SLA27"
why = "Banken tog den {reversed_on} tillbaka inbetalningen {payment_id} på {amount} från den {payment_date}. I reskontran är {booked} av den bokat."
action = "Boka bort inbetalningen så att fakturan åter är obetald. Är det ett autogiro, kontrollera om fakturan behöver ett nytt förfallodatum."

[columns]
payment_id = "payment that was taken back"
reversal_id = "the reversal"
received_at = "when the reversal's file arrived"
payment_date = "date of the payment"
reversed_on = "date of the reversal"
reversal_code = "the bank's reason code"
amount = "amount taken back"
booked = "what the ledger has booked on items for the payment and its reversal"
items = "items that the ledger has booked the payment on"
evidence = "references to the payment's and the reversal's records"
*/
with latest_ledger as (
    select max(extracted_on) as extracted_on
    from ledger_transaction
    where extracted_on <= as_of()
),

-- allow union: both of a pair lead to the same payment
pairs as (
    select
        payment_id,
        payment_id as booked_id
    from ar_reversal
    union
    select
        payment_id,
        reversal_id as booked_id
    from ar_reversal
),

booked as (
    select
        pairs.payment_id,
        sum(-ledger_transaction.amount) as amount,
        array_agg(distinct ledger_transaction.item_id order by ledger_transaction.item_id) as items
    from pairs
    inner join ledger_transaction
        on ledger_transaction.payment_id = pairs.booked_id
    inner join latest_ledger
        on latest_ledger.extracted_on = ledger_transaction.extracted_on
    where ledger_transaction.item_id is not null
        and ledger_transaction.voucher_date <= as_of()
    group by pairs.payment_id
)

select
    ar_reversal.payment_id,
    ar_reversal.reversal_id,
    reversal.received_at,
    payment.payment_date,
    ar_reversal.reversed_on,
    ar_reversal.reversal_code,
    ar_reversal.amount,
    cast(booked.amount as decimal(18, 2)) as booked,
    booked.items,
    make_array(payment.record, reversal.record) as evidence
from ar_reversal
inner join booked
    on booked.payment_id = ar_reversal.payment_id
inner join ar_payment as payment
    on payment.payment_id = ar_reversal.payment_id
    and payment.scope = 'reversed'
inner join ar_payment as reversal
    on reversal.payment_id = ar_reversal.reversal_id
    and reversal.scope = 'reversal'
where booked.amount <> 0

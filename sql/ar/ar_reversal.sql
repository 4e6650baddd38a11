/*
title = "Återtagna inbetalningar"
description = """
AR35: a reversal from the bank (a corrected entry, a direct debit that is paid back, a returned payment) and the one
payment that it takes back. The payment then pays nothing any more, and what it had paid is open again.

A reversal names its payment by the transaction's identity, by the payer's end-to-end identity, by payer number and
date, or by OCR, account and date; the amount must be the whole payment's. When several payments fit, or several
reversals fit one payment, nothing is proven and a handler has to choose.
"""
kind = "table"
key = ["payment_id"]
catalogue = ["AR35"]
amount = "amount"

[columns]
payment_id = "payment that was taken back"
reversal_id = "the reversal's own payment identity"
reversed_on = "date of the reversal"
reversal_code = "the bank's reason code"
amount = "amount taken back, positive"
clue = "transaction, end_to_end, payer_number or reference"
*/
with reversals as (
    select
        payment_id,
        min(payment_date) as payment_date,
        min(currency) as currency,
        min(amount) as amount,
        min(receiver_account) as receiver_account,
        min(trim(reference)) as reference,
        min(payer_number) as payer_number,
        min(original_date) as original_date,
        min(reversal_code) as reversal_code,
        min(end_to_end_id) as end_to_end_id,
        min(transaction_id) as transaction_id
    from payment_in
    where kind = 'reversal'
        and amount < 0
        and payment_date <= as_of()
    group by payment_id
),

taken_amounts as (
    select distinct
        currency,
        -amount as amount
    from reversals
),

-- only what a reversal could be of: reversals are few, payments many
payments as (
    select
        payment_in.payment_id,
        min(payment_in.payment_date) as payment_date,
        min(payment_in.currency) as currency,
        min(payment_in.amount) as amount,
        min(payment_in.receiver_account) as receiver_account,
        min(trim(payment_in.reference)) as reference,
        min(payment_in.payer_number) as payer_number,
        min(payment_in.end_to_end_id) as end_to_end_id,
        min(payment_in.transaction_id) as transaction_id
    from payment_in
    inner join taken_amounts
        on taken_amounts.amount = payment_in.amount
        and taken_amounts.currency = payment_in.currency
    where payment_in.kind = 'payment'
        and payment_in.amount > 0
        and payment_in.payment_date <= as_of()
    group by payment_in.payment_id
),

-- allow union: a payment that several clues point at is one payment
pairs as (
    select
        reversals.payment_id as reversal_id,
        payments.payment_id,
        'transaction' as clue
    from reversals
    inner join payments
        on payments.transaction_id = reversals.transaction_id
        and payments.currency = reversals.currency
        and payments.amount = -reversals.amount
    where payments.payment_date <= reversals.payment_date
    union
    select
        reversals.payment_id as reversal_id,
        payments.payment_id,
        'end_to_end' as clue
    from reversals
    inner join payments
        on payments.end_to_end_id = reversals.end_to_end_id
        and payments.currency = reversals.currency
        and payments.amount = -reversals.amount
    where payments.payment_date <= reversals.payment_date
        and upper(reversals.end_to_end_id) <> 'NOTPROVIDED'
    union
    select
        reversals.payment_id as reversal_id,
        payments.payment_id,
        'payer_number' as clue
    from reversals
    inner join payments
        on payments.payer_number = reversals.payer_number
        and payments.payment_date = reversals.original_date
        and payments.receiver_account = reversals.receiver_account
        and payments.currency = reversals.currency
        and payments.amount = -reversals.amount
    union
    select
        reversals.payment_id as reversal_id,
        payments.payment_id,
        'reference' as clue
    from reversals
    inner join payments
        on payments.reference = reversals.reference
        and payments.payment_date = reversals.original_date
        and payments.receiver_account = reversals.receiver_account
        and payments.currency = reversals.currency
        and payments.amount = -reversals.amount
    where ocr_valid(reversals.reference)
),

named as (
    select
        reversal_id,
        payment_id,
        max(clue) as clue
    from pairs
    group by reversal_id, payment_id
),

counted as (
    select
        reversal_id,
        payment_id,
        clue,
        count(*) over (partition by reversal_id) as payments,
        count(*) over (partition by payment_id) as reversals
    from named
)

select
    counted.payment_id,
    counted.reversal_id,
    reversals.payment_date as reversed_on,
    reversals.reversal_code,
    cast(-reversals.amount as decimal(18, 2)) as amount,
    counted.clue
from counted
inner join reversals
    on reversals.payment_id = counted.reversal_id
where counted.payments = 1
    and counted.reversals = 1

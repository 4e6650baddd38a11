/*
title = "Kundinbetalningar"
description = """
Every customer payment that the bank has reported with a payment date up to the as-of, with what matching needs to
know about it. Only positive payments in SEK are matched; the rest keep their öre and carry the reason in `scope`. A
payment that the bank has taken back (ar_reversal) is `reversed` and is not matched any more, whenever it came. A
payment that two files report under the same identity counts once: the record received first stands, the others are
repeats.
"""
kind = "table"
key = ["payment_id", "file_id", "ordinal"]
catalogue = ["AR35"]
amount = "amount"

[columns]
payment_id = "stable identity of the payment"
file_id = "file of the record"
ordinal = "number of the record in its file"
received_at = "when the file arrived"
record = "reference to the record"
scope = "match, or why the payment is not matched: repeat, reversed, reversal (its payment is known), stray_reversal, deduction, zero or currency"
payment_date = "date of the deposit"
currency = "ISO 4217"
amount = "amount in the currency; negative for a deduction"
reference = "reference as received, without surrounding blanks; null when empty"
reference_count = "number of further references (TK22, TK23)"
sender_account = "sender's account, without leading zeros"
payer_number = "payer number of a direct debit, without leading zeros"
payer_identity = "payer's organisation or personal number, its last ten digits"
receiver_account = "receiving account"
deposit_id = "deposit that the payment is part of"
channel = "bank, lb, slip or autogiro"
*/
with repeated as (
    select payment_id
    from payment_in
    where payment_date <= as_of()
    group by payment_id
    having count(*) > 1
),

later_records as (
    select
        payment_id,
        file_id,
        ordinal
    from (
        select
            payment_in.payment_id,
            payment_in.file_id,
            payment_in.ordinal,
            row_number() over (
                partition by payment_in.payment_id
                order by payment_in.received_at, payment_in.file_id, payment_in.ordinal
            ) as occurrence
        from payment_in
        inner join repeated
            on repeated.payment_id = payment_in.payment_id
        where payment_in.payment_date <= as_of()
    ) as ordered
    where occurrence > 1
)

select
    payment_in.payment_id,
    payment_in.file_id,
    payment_in.ordinal,
    payment_in.received_at,
    record_ref('payment_in', payment_in.file_id, payment_in.ordinal, payment_in.byte_start, payment_in.byte_end)
        as record,
    case
        when later_records.payment_id is not null then 'repeat'
        when taken_back.payment_id is not null then 'reversed'
        when taking_back.reversal_id is not null then 'reversal'
        when payment_in.kind = 'reversal' then 'stray_reversal'
        when payment_in.kind = 'deduction' or payment_in.amount < 0 then 'deduction'
        when payment_in.amount = 0 then 'zero'
        when payment_in.currency <> 'SEK' then 'currency'
        else 'match'
    end as scope,
    payment_in.payment_date,
    payment_in.currency,
    payment_in.amount,
    nullif(trim(payment_in.reference), '') as reference,
    cast(coalesce(cardinality(payment_in."references"), 0) as bigint) as reference_count,
    nullif(ltrim(payment_in.sender_account, ' 0'), '') as sender_account,
    nullif(ltrim(payment_in.payer_number, ' 0'), '') as payer_number,
    nullif(right(regexp_replace(payment_in.payer_identity, '[^0-9]', '', 'g'), 10), '') as payer_identity,
    payment_in.receiver_account,
    payment_in.deposit_id,
    payment_in.channel
from payment_in
left join later_records
    on later_records.payment_id = payment_in.payment_id
    and later_records.file_id = payment_in.file_id
    and later_records.ordinal = payment_in.ordinal
left join ar_reversal as taken_back
    on taken_back.payment_id = payment_in.payment_id
left join ar_reversal as taking_back
    on taking_back.reversal_id = payment_in.payment_id
where payment_in.payment_date <= as_of()

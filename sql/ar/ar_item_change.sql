/*
title = "Ändringar i ekonomisystemet av öppna poster"
description = """
What the ERP booked on a claim after we first saw it, apart from the payments we hold: credits set off, write-offs,
payments through other channels, interest. ar_match lets a change count for payments dated after it, so that a
credit booked later never undoes a match that was right on its day.
"""
kind = "table"
key = ["item_id", "changed_on"]
catalogue = ["AR35"]
amount = "amount"

[columns]
item_id = "ledger item"
changed_on = "voucher date of the change"
amount = "change of the open amount: negative reduces a claim"
*/
with latest_ledger as (
    select max(extracted_on) as extracted_on
    from ledger_transaction
    where extracted_on <= as_of()
),

held_payments as (
    select distinct payment_id
    from payment_in
    where payment_date <= as_of()
)

select
    ledger_transaction.item_id,
    ledger_transaction.voucher_date as changed_on,
    cast(sum(ledger_transaction.amount) as decimal(18, 2)) as amount
from ledger_transaction
inner join latest_ledger
    on latest_ledger.extracted_on = ledger_transaction.extracted_on
inner join ar_item
    on ar_item.item_id = ledger_transaction.item_id
    and ar_item.account = ledger_transaction.account
left join held_payments
    on held_payments.payment_id = ledger_transaction.payment_id
where ledger_transaction.voucher_date > ar_item.first_seen_on
    and ledger_transaction.voucher_date <= as_of()
    and held_payments.payment_id is null
group by ledger_transaction.item_id, ledger_transaction.voucher_date
having sum(ledger_transaction.amount) <> 0

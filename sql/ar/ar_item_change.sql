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
credited = "part of it that credits are (ref_credit_voucher_type): they lower the debt from its beginning (AR36)"
*/
with credit_types as (
    select distinct voucher_type
    from ref_credit_voucher_type
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

item_rows as (
    select
        ledger_transaction.item_id,
        ledger_transaction.voucher_date,
        ledger_transaction.payment_id,
        ledger_transaction.amount,
        credit_types.voucher_type is not null as is_credit,
        ar_item.first_seen_on,
        ar_item.first_remaining
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest_ledger
        on latest_ledger.extracted_on = ledger_transaction.extracted_on
    inner join ar_item
        on ar_item.item_id = ledger_transaction.item_id
        and ar_item.account = ledger_transaction.account
    left join credit_types
        on credit_types.voucher_type = ledger_transaction.voucher_type
    where ledger_transaction.voucher_date <= as_of()
),

-- rows of the very day of the first extract: the extract holds them unless the rows before it already make its amount
first_days as (
    select
        item_id,
        sum(case when voucher_date < first_seen_on then amount else 0 end) = min(first_remaining)
            and sum(amount) <> min(first_remaining) as extract_is_before_that_day
    from item_rows
    where voucher_date <= first_seen_on
    group by item_id
),

held_payments as (
    select distinct payment_id
    from payment_in
    where payment_date <= as_of()
)

select
    item_rows.item_id,
    item_rows.voucher_date as changed_on,
    cast(sum(item_rows.amount) as decimal(18, 2)) as amount,
    cast(sum(case when item_rows.is_credit then item_rows.amount else 0 end) as decimal(18, 2)) as credited
from item_rows
left join first_days
    on first_days.item_id = item_rows.item_id
left anti join held_payments
    on held_payments.payment_id = item_rows.payment_id
where item_rows.voucher_date > item_rows.first_seen_on
    or item_rows.voucher_date = item_rows.first_seen_on and first_days.extract_is_before_that_day
group by item_rows.item_id, item_rows.voucher_date
having sum(item_rows.amount) <> 0
    or sum(case when item_rows.is_credit then item_rows.amount else 0 end) <> 0

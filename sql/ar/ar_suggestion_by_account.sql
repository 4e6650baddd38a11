/*
title = "Förslag på konto och belopp"
description = """
AR35 P7: the sender's account is known for a customer, exactly one open item due within P:ar_account_amount_days of the
payment date has the amount, and no other such payment fits that item. Only payments that nothing settled and whose
references point at no item. ar_suggestion adds P8 and is what others read.
"""
kind = "table"
key = ["payment_id"]
catalogue = ["AR35"]
amount = "amount"

[columns]
payment_id = "payment"
payment_date = "date of the payment"
item_id = "item"
amount = "amount of the payment"
remaining = "open amount of the item"
*/
with param_value as (
    select cast(max(value) as bigint) as account_days
    from param
    where name = 'ar_account_amount_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

referring as (
    select distinct payment_id
    from ar_payment_reference
    where finding in ('item', 'closed', 'ambiguous')
),

served as (
    select distinct payment_id
    from ar_allocation
),

unsettled as (
    select
        ar_payment.payment_id,
        ar_payment.payment_date,
        ar_payment.amount,
        ar_payment.sender_account
    from ar_payment
    left anti join referring
        on referring.payment_id = ar_payment.payment_id
    left anti join served
        on served.payment_id = ar_payment.payment_id
    where ar_payment.scope = 'match'
        and ar_payment.sender_account is not null
),

fitting as (
    select
        unsettled.payment_id,
        unsettled.payment_date,
        ar_item_balance.item_id,
        unsettled.amount,
        ar_item_balance.remaining
    from unsettled
    inner join ar_item_balance
        on ar_item_balance.payer_account = unsettled.sender_account
        and ar_item_balance.remaining = unsettled.amount
    cross join param_value
    where ar_item_balance.currency = 'SEK'
        and (ar_item_balance.closed_on is null or ar_item_balance.closed_on >= unsettled.payment_date)
        and abs(cast(ar_item_balance.due_date as int) - cast(unsettled.payment_date as int)) <= param_value.account_days
),

counted as (
    select
        payment_id,
        payment_date,
        item_id,
        amount,
        remaining,
        count(*) over (partition by payment_id) as items_of_payment,
        count(*) over (partition by item_id) as payments_of_item
    from fitting
)

select
    payment_id,
    payment_date,
    item_id,
    amount,
    remaining
from counted
where items_of_payment = 1
    and payments_of_item = 1

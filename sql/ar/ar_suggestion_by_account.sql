/*
title = "Förslag på betalare och belopp"
description = """
AR35 P7: the payer is known for a customer by the sender's account, by identity or by payer number, exactly one open item
due within P:ar_account_amount_days of the payment date has the amount, and no other such payment fits that item. Only
payments that nothing settled, that no handler has decided about, and whose references point at no item. ar_suggestion
adds P8 and is what others read.
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
clue = "how the payer was recognised: account, identity or payer_number"
*/
with param_value as (
    select cast(max(value) as bigint) as account_days
    from param
    where name = 'ar_account_amount_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

pass as (
    select coalesce(bool_or(enabled), false) as enabled
    from ref_match_pass
    where pass = 'P7'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

referring as (
    select distinct payment_id
    from ar_payment_reference
    where finding in ('item', 'closed', 'ambiguous')
),

-- allow union: a payment once
-- what matched already, and what a handler has decided about
served as (
    select payment_id
    from ar_allocation
    union
    select payment_id
    from ar_match_decision
),

unsettled as (
    select
        ar_payment.payment_id,
        ar_payment.payment_date,
        ar_payment.amount,
        ar_payment.sender_account,
        ar_payment.payer_number,
        ar_payment.payer_identity
    from ar_payment
    left anti join referring
        on referring.payment_id = ar_payment.payment_id
    left anti join served
        on served.payment_id = ar_payment.payment_id
    cross join pass
    where ar_payment.scope = 'match'
        and pass.enabled
),

open_items as (
    select
        ar_item_balance.item_id,
        ar_item_balance.due_date,
        ar_item_balance.closed_on,
        ar_item_balance.payer_account,
        ar_item_balance.customer_identity,
        ar_item_balance.autogiro_payer_number,
        ar_item_balance.remaining
    from ar_item_balance
    where ar_item_balance.currency = 'SEK'
        and ar_item_balance.remaining > 0
),

by_clue as (
    select
        unsettled.payment_id,
        open_items.item_id,
        'account' as clue
    from unsettled
    inner join open_items
        on open_items.payer_account = unsettled.sender_account
        and open_items.remaining = unsettled.amount
    union all
    select
        unsettled.payment_id,
        open_items.item_id,
        'identity' as clue
    from unsettled
    inner join open_items
        on open_items.customer_identity = unsettled.payer_identity
        and open_items.remaining = unsettled.amount
    union all
    select
        unsettled.payment_id,
        open_items.item_id,
        'payer_number' as clue
    from unsettled
    inner join open_items
        on open_items.autogiro_payer_number = unsettled.payer_number
        and open_items.remaining = unsettled.amount
),

pairs as (
    select
        payment_id,
        item_id,
        min(clue) as clue
    from by_clue
    group by payment_id, item_id
),

fitting as (
    select
        pairs.payment_id,
        unsettled.payment_date,
        pairs.item_id,
        unsettled.amount,
        open_items.remaining,
        pairs.clue
    from pairs
    inner join unsettled
        on unsettled.payment_id = pairs.payment_id
    inner join open_items
        on open_items.item_id = pairs.item_id
    cross join param_value
    where (open_items.closed_on is null or open_items.closed_on >= unsettled.payment_date)
        and abs(cast(open_items.due_date as int) - cast(unsettled.payment_date as int)) <= param_value.account_days
),

counted as (
    select
        payment_id,
        payment_date,
        item_id,
        amount,
        remaining,
        clue,
        count(*) over (partition by payment_id) as items_of_payment,
        count(*) over (partition by item_id) as payments_of_item
    from fitting
)

select
    payment_id,
    payment_date,
    item_id,
    amount,
    remaining,
    clue
from counted
where items_of_payment = 1
    and payments_of_item = 1

/*
title = "Föreslagna matchningar"
description = """
What a handler must confirm before it counts. Only payments that nothing settled and whose references point at no
item at all: a suggestion never contradicts a reference that names another invoice.

AR35 P7: the payer is known for a customer, exactly one open item near the payment date has the amount, and no other
such payment fits that item (ar_suggestion_by_account). AR35 P8: the payer is known for exactly one customer, no single item has
the amount, and exactly one set of at most six of the customer's open items adds up to it. Of two payments whose
sets overlap only the earlier (payment date, payment id) is suggested. A suggestion takes no öre from an item.
"""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]
amount = "amount"

[columns]
payment_id = "payment"
payment_date = "date of the payment"
item_id = "item"
pass = "P7 or P8"
amount = "part of the payment suggested for the item"
item_remaining_before = "open amount of the item"
clue = "how the payer was recognised: account, identity or payer_number"
*/
with param_value as (
    select
        cast(max(value) filter (where name = 'ar_subset_max_items') as bigint) as max_items,
        cast(max(value) filter (where name = 'ar_subset_max_candidates') as bigint) as max_candidates
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

pass as (
    select coalesce(bool_or(enabled), false) as enabled
    from ref_match_pass
    where pass = 'P8'
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
    where ar_payment.scope = 'match'
        and coalesce(ar_payment.sender_account, ar_payment.payer_number, ar_payment.payer_identity) is not null
),

open_items as (
    select
        item_id,
        customer_id,
        due_date,
        closed_on,
        payer_account,
        autogiro_payer_number,
        customer_identity,
        remaining
    from ar_item_balance
    where currency = 'SEK'
        and remaining > 0
),

-- AR35 P8: the payer must be one customer and no other
-- allow union: a customer with many items is found once by each clue
known_payers as (
    select
        unsettled.payment_id,
        open_items.customer_id,
        'account' as clue
    from unsettled
    inner join open_items
        on open_items.payer_account = unsettled.sender_account
    union
    select
        unsettled.payment_id,
        open_items.customer_id,
        'identity' as clue
    from unsettled
    inner join open_items
        on open_items.customer_identity = unsettled.payer_identity
    union
    select
        unsettled.payment_id,
        open_items.customer_id,
        'payer_number' as clue
    from unsettled
    inner join open_items
        on open_items.autogiro_payer_number = unsettled.payer_number
),

one_customer as (
    select
        payment_id,
        min(customer_id) as customer_id,
        min(clue) as clue
    from known_payers
    group by payment_id
    having count(distinct customer_id) = 1
),

sum_candidates as (
    select
        unsettled.payment_id,
        unsettled.payment_date,
        unsettled.amount,
        one_customer.clue,
        array_agg(open_items.remaining order by open_items.due_date, open_items.item_id) as amounts,
        array_agg(open_items.item_id order by open_items.due_date, open_items.item_id) as items
    from one_customer
    inner join unsettled
        on unsettled.payment_id = one_customer.payment_id
    inner join open_items
        on open_items.customer_id = one_customer.customer_id
    left anti join ar_suggestion_by_account as by_account
        on by_account.payment_id = unsettled.payment_id
    left anti join ar_suggestion_by_account as taken
        on taken.item_id = open_items.item_id
    where open_items.closed_on is null
        or open_items.closed_on >= unsettled.payment_date
    group by unsettled.payment_id, unsettled.payment_date, unsettled.amount, one_customer.clue
    having count(*) >= 2
        and count(*) filter (where open_items.remaining = unsettled.amount) = 0
),

sums as (
    select
        sum_candidates.payment_id,
        sum_candidates.payment_date,
        sum_candidates.clue,
        sum_candidates.amounts,
        sum_candidates.items,
        subset_sum(sum_candidates.amounts, sum_candidates.amount, param_value.max_items) as positions
    from sum_candidates
    cross join param_value
    cross join pass
    where pass.enabled
        and cardinality(sum_candidates.amounts) <= param_value.max_candidates
),

sum_positions as (
    select
        payment_id,
        payment_date,
        clue,
        amounts,
        items,
        unnest(positions) as position
    from sums
    where positions is not null
),

sum_members as (
    select
        payment_id,
        payment_date,
        clue,
        items[position] as item_id,
        amounts[position] as remaining,
        concat(cast(payment_date as string), ' ', payment_id) as turn
    from sum_positions
),

in_turn as (
    select
        payment_id,
        payment_date,
        clue,
        item_id,
        remaining,
        turn,
        min(turn) over (partition by item_id) as first_turn
    from sum_members
),

first_everywhere as (
    select
        payment_id,
        payment_date,
        clue,
        item_id,
        remaining,
        count(*) over (partition by payment_id) as members,
        sum(case when turn = first_turn then 1 else 0 end) over (partition by payment_id) as members_first
    from in_turn
)

select
    payment_id,
    payment_date,
    item_id,
    'P7' as pass,
    cast(amount as decimal(18, 2)) as amount,
    remaining as item_remaining_before,
    clue
from ar_suggestion_by_account
union all
select
    payment_id,
    payment_date,
    item_id,
    'P8' as pass,
    cast(remaining as decimal(18, 2)) as amount,
    remaining as item_remaining_before,
    clue
from first_everywhere
where members = members_first

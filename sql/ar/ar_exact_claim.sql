/*
title = "Anspråk som stämmer exakt"
description = """
The exact claims that hold. Several references without amounts hold when what is open of the items on the payment
date, after earlier payments, adds up to the payment to the öre, credits subtracted: a credit that is named by its OCR
is set off whether the bank marks it (TK23) or not. Listed amounts with a set-off, and what a handler has decided with
one, hold when every amount fits what is open. A single reference comes here only when ref_match_pass has switched
P2, P3 or P6 off: then it holds for the amounts whose passes are on, and an item takes one such payment. A direct debit holds when exactly one item has the amount open. Of two
payments that would both hold on the same item the earlier (payment date, payment id) holds and the later does not.
"""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]

[columns]
payment_id = "payment"
item_id = "item"
claimed = "amount that the payment takes of the item, positive"
*/
with passes as (
    select
        coalesce(bool_or(enabled) filter (where pass = 'P1'), false) as exact,
        coalesce(bool_or(enabled) filter (where pass = 'P2'), false) as partial,
        coalesce(bool_or(enabled) filter (where pass = 'P3'), false) as over
    from ref_match_pass
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

exact_items as (
    select distinct item_id
    from ar_claim
    where binding = 'exact'
),

stream as (
    select
        ar_claim.payment_id,
        ar_claim.item_id,
        ar_claim.payment_date,
        ar_claim.binding,
        ar_claim.capacity,
        -- an exact claim only looks at what is left: it takes nothing in this round
        case when ar_claim.binding = 'free' then ar_claim.claimed else cast(0 as decimal(18, 2)) end as claimed
    from ar_claim
    inner join exact_items
        on exact_items.item_id = ar_claim.item_id
    where ar_claim.binding = 'exact'
        or (ar_claim.item_sign = 1) = (not ar_claim.set_off)
),

with_day_start as (
    select
        payment_id,
        item_id,
        payment_date,
        binding,
        capacity,
        claimed,
        sum(claimed) over (partition by item_id order by payment_date)
            - sum(claimed) over (partition by item_id, payment_date) as claimed_before_today
    from stream
),

-- the order in which an item serves: by day; within a day first what settles it exactly; then by payment id
in_order as (
    select
        payment_id,
        item_id,
        payment_date,
        binding,
        capacity,
        claimed,
        case when binding = 'exact' or claimed = capacity - claimed_before_today then 0 else 1 end as rank_today
    from with_day_start
),

running as (
    select
        payment_id,
        item_id,
        payment_date,
        binding,
        capacity,
        claimed,
        rank_today,
        sum(claimed) over (
            partition by item_id order by payment_date, rank_today, payment_id
            rows between unbounded preceding and current row
        ) - capacity as excess
    from in_order
),

overflowing as (
    select
        payment_id,
        item_id,
        payment_date,
        binding,
        capacity,
        claimed,
        rank_today,
        max(greatest(excess, cast(0 as decimal(18, 2)))) over (
            partition by item_id order by payment_date, rank_today, payment_id
            rows between unbounded preceding and current row
        ) as overflow
    from running
),

served as (
    select
        payment_id,
        item_id,
        payment_date,
        binding,
        capacity,
        rank_today,
        greatest(
            claimed - (
                overflow - coalesce(
                    lag(overflow) over (partition by item_id order by payment_date, rank_today, payment_id),
                    cast(0 as decimal(18, 2))
                )
            ),
            cast(0 as decimal(18, 2))
        ) as taken
    from overflowing
),

left_over as (
    select
        payment_id,
        item_id,
        binding,
        greatest(
            capacity - sum(taken) over (
                partition by item_id order by payment_date, rank_today, payment_id
                rows between unbounded preceding and current row
            ),
            cast(0 as decimal(18, 2))
        ) as remaining
    from served
),

exact_claims as (
    select
        ar_claim.payment_id,
        ar_claim.item_id,
        ar_claim.payment_date,
        ar_claim.basis,
        ar_claim.payment_amount,
        ar_claim.claimed,
        ar_claim.set_off,
        ar_claim.item_sign,
        left_over.remaining,
        -- what adds up to the öre has proven the credit's part in it
        (ar_claim.item_sign = 1) = (not ar_claim.set_off)
            or ar_claim.basis in ('sum', 'text') and not ar_claim.set_off as direction_agrees
    from ar_claim
    inner join left_over
        on left_over.payment_id = ar_claim.payment_id
        and left_over.item_id = ar_claim.item_id
    where ar_claim.binding = 'exact'
),

judged as (
    select
        payment_id,
        item_id,
        payment_date,
        basis,
        payment_amount,
        claimed,
        remaining,
        case basis
            when 'reference'
                then direction_agrees
                    and (
                        claimed = remaining and passes.exact
                        or claimed < remaining and passes.partial
                        or claimed > remaining and passes.over
                    )
            when 'decision'
                then min(case when direction_agrees and claimed <= remaining then 1 else 0 end)
                    over (partition by payment_id) = 1
            when 'amounts'
                then min(case when direction_agrees and claimed <= remaining then 1 else 0 end)
                    over (partition by payment_id) = 1
            when 'autogiro'
                then sum(case when remaining = payment_amount and item_sign = 1 then 1 else 0 end)
                    over (partition by payment_id) = 1
            else min(case when direction_agrees then 1 else 0 end) over (partition by payment_id) = 1
                and sum(remaining * item_sign) over (partition by payment_id) = payment_amount
        end as holds
    from exact_claims
    cross join passes
),

holding as (
    select
        payment_id,
        item_id,
        concat(cast(payment_date as string), ' ', payment_id) as turn,
        coalesce(claimed, remaining) as claimed
    from judged
    where holds
        and remaining > 0
        and (basis <> 'autogiro' or remaining = payment_amount)
),

in_turn as (
    select
        payment_id,
        item_id,
        turn,
        claimed,
        min(turn) over (partition by item_id) as first_turn
    from holding
),

first_everywhere as (
    select
        payment_id,
        item_id,
        claimed,
        min(case when turn = first_turn then 1 else 0 end) over (partition by payment_id) as is_first
    from in_turn
)

select
    payment_id,
    item_id,
    cast(claimed as decimal(18, 2)) as claimed
from first_everywhere
where is_first = 1

/*
title = "Säkra matchningar av inbetalningar mot poster"
description = """
The confirmed part of AR35: how much of each payment settles which item. Claims on an item are served by payment
date; within a day first the claim that settles the item exactly, then by payment id. So a confirmed match never
changes because of a payment that arrives with a later date, and nothing depends on the order of files.

What an item cannot take of a claim is overflow. With o the item's open amount and s the claims so far, the overflow
so far is the highest value of s - o up to now; the step of that value is what the claim in turn did not get.
"""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]
amount = "allocated"

[columns]
payment_id = "payment"
item_id = "item"
payment_date = "date of the payment"
basis = "decision, reference, amounts, sum, text or autogiro"
reference = "the reference that the match rests on; null for autogiro"
reference_count = "references that the payment gives, among them those that point at nothing"
earlier_payments = "payments that took of the item before this one"
claimed = "amount claimed, positive"
allocated = "amount settled; negative when a credit to the customer is set off"
overpayment = "amount claimed beyond what was open"
item_remaining_before = "open amount of the item before this payment, signed as the item"
item_remaining_after = "open amount of the item after this payment, signed as the item"
*/
with claims as (
    select
        ar_claim.payment_id,
        ar_claim.item_id,
        ar_claim.payment_date,
        ar_claim.basis,
        ar_claim.binding,
        ar_claim.reference,
        ar_claim.reference_count,
        ar_claim.item_sign,
        ar_claim.capacity,
        case when ar_claim.binding = 'free' then ar_claim.claimed else ar_exact_claim.claimed end as claimed
    from ar_claim
    left join ar_exact_claim
        on ar_exact_claim.payment_id = ar_claim.payment_id
        and ar_exact_claim.item_id = ar_claim.item_id
    where ar_exact_claim.payment_id is not null
        or ar_claim.binding = 'free' and (ar_claim.item_sign = 1) = (not ar_claim.set_off)
),

contested as (
    select item_id
    from claims
    group by item_id
    having count(*) > 1
),

-- most items are claimed once: only the rest need an order
alone as (
    select
        claims.payment_id,
        claims.item_id,
        claims.payment_date,
        claims.basis,
        claims.reference,
        claims.reference_count,
        claims.item_sign,
        claims.capacity,
        claims.claimed,
        least(claims.claimed, greatest(claims.capacity, cast(0 as decimal(18, 2)))) as taken,
        cast(0 as decimal(18, 2)) as taken_before,
        cast(0 as bigint) as earlier_payments
    from claims
    left anti join contested
        on contested.item_id = claims.item_id
),

with_day_start as (
    select
        claims.payment_id,
        claims.item_id,
        claims.payment_date,
        claims.basis,
        claims.binding,
        claims.reference,
        claims.reference_count,
        claims.item_sign,
        claims.capacity,
        claims.claimed,
        sum(claims.claimed) over (partition by claims.item_id order by claims.payment_date)
            - sum(claims.claimed) over (partition by claims.item_id, claims.payment_date) as claimed_before_today
    from claims
    inner join contested
        on contested.item_id = claims.item_id
),

in_order as (
    select
        payment_id,
        item_id,
        payment_date,
        basis,
        reference,
        reference_count,
        item_sign,
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
        basis,
        reference,
        reference_count,
        item_sign,
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
        basis,
        reference,
        reference_count,
        item_sign,
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
        basis,
        reference,
        reference_count,
        item_sign,
        capacity,
        claimed,
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

in_turn as (
    select
        payment_id,
        item_id,
        payment_date,
        basis,
        reference,
        reference_count,
        item_sign,
        capacity,
        claimed,
        taken,
        coalesce(
            sum(taken) over (
                partition by item_id order by payment_date, rank_today, payment_id
                rows between unbounded preceding and 1 preceding
            ),
            cast(0 as decimal(18, 2))
        ) as taken_before,
        coalesce(
            sum(case when taken > 0 then 1 else 0 end) over (
                partition by item_id order by payment_date, rank_today, payment_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_payments
    from served
),

allocations as (
    select
        payment_id, item_id, payment_date, basis, reference, reference_count, item_sign, capacity, claimed, taken,
        taken_before, earlier_payments
    from alone
    union all
    select
        payment_id, item_id, payment_date, basis, reference, reference_count, item_sign, capacity, claimed, taken,
        taken_before, earlier_payments
    from in_turn
)

select
    payment_id,
    item_id,
    payment_date,
    basis,
    reference,
    reference_count,
    earlier_payments,
    cast(claimed as decimal(18, 2)) as claimed,
    cast(taken * item_sign as decimal(18, 2)) as allocated,
    cast(claimed - taken as decimal(18, 2)) as overpayment,
    cast((capacity - taken_before) * item_sign as decimal(18, 2)) as item_remaining_before,
    cast((capacity - taken_before - taken) * item_sign as decimal(18, 2)) as item_remaining_after
from allocations
where taken > 0

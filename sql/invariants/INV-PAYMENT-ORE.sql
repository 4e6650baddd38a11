/*
title = "Varje öre i en betalningsfil är matchad, föreslagen, överinbetald, omatchad eller avvisad"
description = """For every accepted file with payments and every currency: the sum that the file was read to is the sum of its landed payments, the sum that was rejected is the sum of its rejects, and each landed payment up to the as-of is confirmed + suggested + overpayment + unmatched, to the öre."""
key = ["file_id", "currency"]
*/
with payment_file as (
    select distinct delivered.file_id
    from (
        select
            file_id,
            unnest(deliveries) as delivery
        from file
        where status = 'accepted'
    ) as delivered
    where delivered.delivery['contract'] = 'payment_in'
),

declared as (
    select
        totals.file_id,
        totals.total['currency'] as currency,
        sum(totals.total['read_amount']) as read_amount,
        sum(totals.total['rejected_amount']) as rejected_amount
    from (
        select
            file.file_id,
            unnest(file.totals) as total
        from file
        inner join payment_file
            on payment_file.file_id = file.file_id
    ) as totals
    group by
        totals.file_id,
        totals.total['currency']
),

landed as (
    select
        payment_in.file_id,
        payment_in.currency,
        sum(payment_in.amount) as amount,
        sum(case when payment_in.payment_date <= as_of() then payment_in.amount else cast(0 as decimal(18, 2)) end)
            as amount_to_date
    from payment_in
    group by
        payment_in.file_id,
        payment_in.currency
),

rejected as (
    select
        file_id,
        currency,
        sum(amount) as amount
    from reject
    where contract = 'payment_in'
        and amount is not null
    group by
        file_id,
        currency
),

outcome as (
    select
        file_id,
        currency,
        sum(confirmed + suggested + overpayment + unmatched) as amount
    from ar_payment_outcome
    group by
        file_id,
        currency
),

-- allow union: each file and currency once, wherever it was seen
counted as (
    select file_id, currency from declared
    union
    select file_id, currency from landed
    union
    select file_id, currency from rejected
    union
    select file_id, currency from outcome
)

select
    counted.file_id,
    counted.currency,
    declared.read_amount,
    landed.amount as landed_amount,
    declared.rejected_amount,
    rejected.amount as reject_amount,
    landed.amount_to_date,
    outcome.amount as outcome_amount
from counted
left join declared
    on declared.file_id = counted.file_id
    and declared.currency = counted.currency
left join landed
    on landed.file_id = counted.file_id
    and landed.currency = counted.currency
left join rejected
    on rejected.file_id = counted.file_id
    and rejected.currency = counted.currency
left join outcome
    on outcome.file_id = counted.file_id
    and outcome.currency = counted.currency
where coalesce(declared.read_amount, 0) <> coalesce(landed.amount, 0)
    or coalesce(declared.rejected_amount, 0) <> coalesce(rejected.amount, 0)
    or coalesce(landed.amount_to_date, 0) <> coalesce(outcome.amount, 0)

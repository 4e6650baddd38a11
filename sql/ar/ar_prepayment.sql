/*
title = "Förskott från kunder"
description = """
AR27, AR51: every prepayment on 2489, 2954 and 2955 (ref_prepayment_account) of the latest extract, how old it is and what it
could pay. A prepayment is used on the open claims of the same customer and department, the oldest of both first, so that no
claim is paid by two. What has lain unused for more than P:ar_prepayment_days days is paid back when the customer has no unpaid
invoice anywhere in the city, otherwise set off against it.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR27", "AR51"]
amount = "remaining"

[columns]
item_id = "the prepayment"
customer_id = "customer"
department = "department"
account = "account of the prepayment"
paid_on = "date of the prepayment"
age_days = "days since then"
age_group = "0-30, 31-60, 61-90 or 91-"
remaining = "what is left of it, positive"
usable = "what the claims of the same customer and department take of it"
claims = "claims that it pays, oldest first, with the amount of each"
other_claims = "open claims of the customer at all departments"
decision = "use, set_off, refund or wait"
received_at = "beginning of the day on which the decision was due"
record = "reference to the prepayment's record"
*/
-- allow literal: age groups of a report; nothing is decided by them
with param_value as (
    select cast(max(value) as int) as days
    from param
    where name = 'ar_prepayment_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

accounts as (
    select distinct account
    from ref_prepayment_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

prepayments as (
    select
        customer_item.item_id,
        customer_item.customer_id,
        customer_item.department,
        customer_item.account,
        customer_item.invoice_date as paid_on,
        -customer_item.remaining as remaining,
        record_ref(
            'customer_item',
            customer_item.file_id,
            customer_item.ordinal,
            customer_item.byte_start,
            customer_item.byte_end
        ) as record,
        sum(-customer_item.remaining) over (
            partition by customer_item.customer_id, customer_item.department
            order by customer_item.invoice_date, customer_item.item_id
        ) as until
    from customer_item
    inner join (
        select max(extracted_on) as extracted_on
        from customer_item
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_item.extracted_on
    inner join accounts
        on accounts.account = customer_item.account
    where customer_item.remaining < 0
        and customer_item.currency = 'SEK'
),

open_claims as (
    select
        item_id,
        customer_id,
        department,
        invoice_no,
        due_date,
        remaining,
        sum(remaining) over (partition by customer_id, department order by due_date, item_id) as until
    from ar_item_balance
    where is_open
        and remaining > 0
        and currency = 'SEK'
),

-- prepayments and claims of a customer and department laid side by side: what overlaps belongs together
uses as (
    select
        prepayments.item_id,
        open_claims.item_id as claim_id,
        open_claims.invoice_no,
        open_claims.due_date,
        least(prepayments.until, open_claims.until)
            - greatest(prepayments.until - prepayments.remaining, open_claims.until - open_claims.remaining) as amount
    from prepayments
    inner join open_claims
        on open_claims.customer_id = prepayments.customer_id
        and open_claims.department = prepayments.department
),

used as (
    select
        item_id,
        sum(amount) as amount,
        array_agg(
            named_struct(
                'item_id', claim_id,
                'invoice_no', invoice_no,
                'due_date', due_date,
                'amount', cast(amount as decimal(18, 2))
            )
            order by due_date, claim_id
        ) as claims
    from uses
    where amount > 0
    group by item_id
),

all_claims as (
    select
        customer_id,
        sum(remaining) as remaining
    from open_claims
    group by customer_id
),

aged as (
    select
        prepayments.item_id,
        prepayments.customer_id,
        prepayments.department,
        prepayments.account,
        prepayments.paid_on,
        cast(as_of() as int) - cast(prepayments.paid_on as int) as age_days,
        prepayments.remaining,
        coalesce(used.amount, 0) as usable,
        used.claims,
        coalesce(all_claims.remaining, 0) as other_claims,
        param_value.days,
        prepayments.record
    from prepayments
    left join used
        on used.item_id = prepayments.item_id
    left join all_claims
        on all_claims.customer_id = prepayments.customer_id
    cross join param_value
),

decided as (
    select
        aged.*,
        case
            when usable > 0 then 'use'
            when age_days <= days then 'wait'
            when other_claims > 0 then 'set_off'
            else 'refund'
        end as decision
    from aged
)

select
    item_id,
    customer_id,
    department,
    account,
    paid_on,
    age_days,
    case
        when age_days <= 30 then '0-30'
        when age_days <= 60 then '31-60'
        when age_days <= 90 then '61-90'
        else '91-'
    end as age_group,
    cast(remaining as decimal(18, 2)) as remaining,
    cast(usable as decimal(18, 2)) as usable,
    claims,
    cast(other_claims as decimal(18, 2)) as other_claims,
    decision,
    cast(case when decision = 'use' then paid_on else paid_on + days + 1 end as timestamp) as received_at,
    record
from decided

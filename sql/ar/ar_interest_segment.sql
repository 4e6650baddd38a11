/*
title = "Ränteperioder på förfallna fakturor"
description = """
AR36: the days on which a claim is late, in segments of one principal and one rate. Late interest runs from the day after
the due date to the day of the payment, both counted (räntelagen 3 §), at the reference rate in force on each day and a
margin of eight percentage points (6 §): a new segment begins at each half-year, after each payment and around each
deferral. There is no interest on interest: the principal is what is left of the claim.

A payment lowers the principal from the day after it, a credit from the beginning, whenever it was booked: a late credit
so corrects the interest. On the days of a deferral in force no interest runs. What had been paid before our first extract
is not part of the principal. A claim that the ledger no longer shows ends there. Where no rate is in force, `rate` is
null and ar_interest_blocked says so.
"""
kind = "table"
key = ["item_id", "from_date"]
catalogue = ["AR36"]
amount = "principal"

[columns]
item_id = "item"
from_date = "first day of the segment"
to_date = "last day of the segment"
days = "days from the first to the last, both counted"
principal = "what is left of the claim"
reference_rate = "the Riksbank's reference rate, percent; null when none is in force"
rate = "reference rate and margin, percent"
deferred = "true when a deferral is in force: no interest runs"
percent_days = "principal, rate and days multiplied: a hundred times the day basis of the interest"
interest = "interest of the segment, to a ten-thousandth of a krona; only the sum is rounded to öre"
*/
with param_value as (
    select
        cast(max(value) filter (where name = 'ar_interest_margin') as decimal(5, 2)) as margin,
        cast(max(value) filter (where name = 'ar_interest_day_basis') as decimal(5, 0)) as day_basis
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

late as (
    select
        item_id,
        due_date,
        opening_remaining,
        least(coalesce(closed_on, as_of()), as_of()) as last_day
    from ar_item
    where opening_remaining > 0
        and currency = 'SEK'
        and due_date < as_of()
),

credits as (
    select
        item_id,
        sum(credited) as amount
    from ar_item_change
    group by item_id
),

reductions as (
    select
        item_id,
        payment_date as reduced_on,
        -allocated as amount
    from ar_allocation
    union all
    select
        item_id,
        changed_on as reduced_on,
        amount - credited as amount
    from ar_item_change
),

deferrals as (
    select
        payment_plan.item_id,
        payment_plan.granted_on as from_date,
        payment_plan.due_date as to_date
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.kind = 'deferral'
        and payment_plan.status in ('active', 'finished')
        and payment_plan.granted_on is not null
),

rates as (
    select
        rate_percent,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from ref_reference_rate
),

-- allow union: a day on which two things change is one beginning
beginnings as (
    select item_id, due_date + 1 as from_date from late
    union
    select item_id, last_day + 1 as from_date from late
    union
    select
        late.item_id,
        reductions.reduced_on + 1 as from_date
    from late
    inner join reductions
        on reductions.item_id = late.item_id
    where reductions.reduced_on between late.due_date + 1 and late.last_day
    union
    select
        late.item_id,
        rates.valid_from as from_date
    from late
    cross join rates
    where rates.valid_from between late.due_date + 1 and late.last_day
    union
    select
        late.item_id,
        rates.valid_to + 1 as from_date
    from late
    cross join rates
    where rates.valid_to between late.due_date + 1 and late.last_day
    union
    select
        late.item_id,
        deferrals.from_date
    from late
    inner join deferrals
        on deferrals.item_id = late.item_id
    where deferrals.from_date between late.due_date + 1 and late.last_day
    union
    select
        late.item_id,
        deferrals.to_date + 1 as from_date
    from late
    inner join deferrals
        on deferrals.item_id = late.item_id
    where deferrals.to_date between late.due_date + 1 and late.last_day
),

spans as (
    select
        item_id,
        from_date,
        lead(from_date) over (partition by item_id order by from_date) - 1 as to_date
    from beginnings
),

with_principal as (
    select
        spans.item_id,
        spans.from_date,
        spans.to_date,
        min(late.opening_remaining) + coalesce(min(credits.amount), 0)
            + coalesce(sum(case when reductions.reduced_on < spans.from_date then reductions.amount end), 0)
            as principal
    from spans
    inner join late
        on late.item_id = spans.item_id
    left join credits
        on credits.item_id = spans.item_id
    left join reductions
        on reductions.item_id = spans.item_id
    where spans.to_date is not null
    group by spans.item_id, spans.from_date, spans.to_date
),

deferred_spans as (
    select distinct
        spans.item_id,
        spans.from_date
    from spans
    inner join deferrals
        on deferrals.item_id = spans.item_id
    where spans.from_date between deferrals.from_date and deferrals.to_date
),

with_rate as (
    select
        with_principal.item_id,
        with_principal.from_date,
        with_principal.to_date,
        cast(with_principal.to_date as int) - cast(with_principal.from_date as int) + 1 as days,
        cast(with_principal.principal as decimal(18, 2)) as principal,
        rates.rate_percent as reference_rate,
        cast(rates.rate_percent + param_value.margin as decimal(5, 2)) as rate,
        deferred_spans.item_id is not null as deferred,
        param_value.day_basis
    from with_principal
    cross join param_value
    left join rates
        on with_principal.from_date between rates.valid_from and rates.valid_to
    left join deferred_spans
        on deferred_spans.item_id = with_principal.item_id
        and deferred_spans.from_date = with_principal.from_date
    where with_principal.principal > 0
)

select
    item_id,
    from_date,
    to_date,
    days,
    principal,
    reference_rate,
    rate,
    deferred,
    cast(case when deferred then 0 else principal * rate * cast(days as decimal(6, 0)) end as decimal(34, 4))
        as percent_days,
    cast(
        round_half_up(
            case when deferred then 0 else principal * rate * cast(days as decimal(6, 0)) end / (day_basis * 100), 4
        )
        as decimal(18, 4)
    ) as interest
from with_rate

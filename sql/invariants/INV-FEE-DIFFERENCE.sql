/*
title = "Det som är kvar att debitera är avgiften minus det fakturerade, oavsett betalare"
description = """FEE12, FEE29: for each placement and month, whoever pays: what fee_difference has left is the fee of the placement's rows and of fritidsklubb less the invoice lines, when no part is refused or settled by the income comparison, and nothing otherwise. Counted without payers, so that money that is moved from one payer to another neither comes nor goes."""
key = ["placement_id", "month"]
*/
with known as (
    select cast(max(value) as int) as known_from
    from param
    where name = 'fee_charges_known_from'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

counted as (
    select
        placement_id,
        month,
        coalesce(fee, 0) as amount,
        cast(0 as decimal(18, 2)) as difference,
        status = 'refused' as is_left_alone
    from fee_month
    union all
    select
        placement_id,
        month,
        fee as amount,
        cast(0 as decimal(18, 2)) as difference,
        false as is_left_alone
    from fee_club
    union all
    select
        placement_id,
        month,
        case when kind = 'comparison' then 0 else -amount end as amount,
        cast(0 as decimal(18, 2)) as difference,
        kind = 'comparison' as is_left_alone
    from fee_charged
    union all
    select
        placement_id,
        month,
        cast(0 as decimal(18, 2)) as amount,
        difference,
        false as is_left_alone
    from fee_difference
),

by_month as (
    select
        counted.placement_id,
        counted.month,
        bool_or(counted.is_left_alone)
        or cast(date_part('year', counted.month) * 100 + date_part('month', counted.month) as int)
            < max(known.known_from) as is_left_alone,
        sum(counted.amount) as amount,
        sum(counted.difference) as difference
    from counted
    cross join known
    group by
        counted.placement_id,
        counted.month
)

select
    placement_id,
    month,
    amount,
    difference
from by_month
where difference <> case when is_left_alone then 0 else amount end

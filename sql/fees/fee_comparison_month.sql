/*
title = "Inkomstjämförelse, en rad per placering och månad"
description = """FEE36, FEE49: what the month would have cost with the taxed income, beside what was charged for it.
1. Taxed income of a month: that of the year of the household's adults in that month, added and divided by 12, rounded half up to öre.
2. The fee is counted again as in FEE29, period by period with the month's own category, sibling order and tariff: base = max(0,
   min(taxed income, ceiling) - deduction), which holds both regimes of 2026; rate x base rounded half up to kronor; the sum of
   the days' parts rounded once.
3. Charged: the lines of kind fee and correction for the placement and month, by payer. The comparison's own lines are not in it.
A month is not compared when the register names no adult, or when an adult is not decided: no_adult, missing, undecided,
deceased, protected. Nor is one whose fee was refused, or before P:fee_charges_known_from, for what was charged is not
known."""
kind = "table"
key = ["household_id", "placement_id", "month"]
amount = "difference"
catalogue = []

[columns]
household_id = "household"
placement_id = "placement"
month = "first day of the month"
income_year = "year that is compared"
payer = "payer of the month"
department = "district of the placement"
adults = "adults of the household in the month"
not_compared = "why the month is not compared, null when it is"
taxed_month = "taxed income of a month"
declared_income = "income that the household had declared for the month"
income_basis = "what the charged fee rests on"
fee = "fee as FEE29 counts it on the declared income"
compared_fee = "fee on the taxed income, whole kronor"
charged = "what was charged, corrections included"
difference = "compared fee less charged; null when not compared"
periods_sv = "how the compared fee was counted, in Swedish"
*/
with limits as (
    select
        cast(date_part('year', as_of()) as int)
        - cast(max(case when name = 'fee_comparison_lag_years' then value end) as int) as income_year,
        cast(max(case when name = 'fee_charges_known_from' then value end) as int) as known_from
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

compared_period as (
    select
        fee_period.*,
        coalesce(fee_period.customer_id, fee_period.household_id) as payer,
        limits.income_year,
        limits.known_from
    from fee_period
    cross join limits
    where fee_period.status in ('charged', 'free')
        and cast(date_part('year', fee_period.month) as int) = limits.income_year
),

-- Step 1.
taxed_household as (
    select
        household_id,
        month,
        count(*) as adults,
        cast(round_half_up(
            cast(sum(taxed_income) as decimal(24, 6)) / cast(12 as decimal(4, 0)), 2
        ) as decimal(18, 2)) as taxed_month,
        max(case when outcome <> 'decided' then outcome end) as undecided
    from fee_compared_adult
    group by
        household_id,
        month
),

-- Step 2: the fee of a whole month in each period.
recomputed_period as (
    select
        compared_period.*,
        taxed_household.adults,
        case
            when taxed_household.household_id is null then 'no_adult'
            else taxed_household.undecided
        end as undecided,
        taxed_household.taxed_month,
        case
            when compared_period.status = 'free' then cast(0 as decimal(18, 2))
            else cast(round_half_up(cast(
                compared_period.rate
                * greatest(
                    least(taxed_household.taxed_month, compared_period.ceiling) - compared_period.deduction,
                    cast(0 as decimal(18, 2))
                ) as decimal(18, 6)
            ), 0) as decimal(18, 2))
        end as compared_month_fee
    from compared_period
    left join taxed_household
        on taxed_household.household_id = compared_period.household_id
        and taxed_household.month = compared_period.month
),

recomputed_row as (
    select
        household_id,
        placement_id,
        starts_on,
        month,
        cast(round_half_up(
            cast(sum(compared_month_fee * days) as decimal(24, 6)) / cast(max(basis_days) as decimal(4, 0)), 0
        ) as decimal(18, 2)) as compared_fee,
        cast(round_half_up(
            cast(sum(month_fee * days) as decimal(24, 6)) / cast(max(basis_days) as decimal(4, 0)), 0
        ) as decimal(18, 2)) as fee,
        string_agg(
            concat(
                cast(period_from as varchar), '–', cast(period_to as varchar),
                ': barn ', cast(position as varchar),
                ', ', cast(cast(rate * 100 as decimal(5, 2)) as varchar),
                ' % av (', cast(least(taxed_month, ceiling) as varchar), ' - ', cast(deduction as varchar),
                ') = ', cast(compared_month_fee as varchar),
                ' kr, ', cast(days as varchar), ' av ', cast(basis_days as varchar), ' dagar'
            ),
            '; ' order by period_from
        ) filter (where status = 'charged') as periods_sv,
        max(payer) as payer,
        max(department) as department,
        max(income_year) as income_year,
        max(known_from) as known_from,
        max(adults) as adults,
        max(undecided) as undecided,
        max(taxed_month) as taxed_month,
        max(declared_income) as declared_income,
        max(income_basis) as income_basis
    from recomputed_period
    group by
        household_id,
        placement_id,
        starts_on,
        month
),

-- A placement with several rows in the month is one line, as it is on the invoice.
recomputed_month as (
    select
        household_id,
        placement_id,
        month,
        cast(sum(compared_fee) as decimal(18, 2)) as compared_fee,
        cast(sum(fee) as decimal(18, 2)) as fee,
        string_agg(periods_sv, '; ' order by starts_on) as periods_sv,
        max(payer) as payer,
        max(department) as department,
        max(income_year) as income_year,
        max(adults) as adults,
        max(case
            when cast(date_part('year', month) * 100 + date_part('month', month) as int) < known_from
                then 'charges_unknown'
            else undecided
        end) as not_compared,
        max(taxed_month) as taxed_month,
        max(declared_income) as declared_income,
        max(income_basis) as income_basis
    from recomputed_row
    group by
        household_id,
        placement_id,
        month
),

-- Step 3.
charged as (
    select
        placement_id,
        month,
        payer,
        sum(amount) as amount
    from fee_charged
    where kind in ('fee', 'correction')
    group by
        placement_id,
        month,
        payer
)

select
    recomputed_month.household_id,
    recomputed_month.placement_id,
    recomputed_month.month,
    recomputed_month.income_year,
    recomputed_month.payer,
    recomputed_month.department,
    cast(coalesce(recomputed_month.adults, 0) as bigint) as adults,
    recomputed_month.not_compared,
    recomputed_month.taxed_month,
    recomputed_month.declared_income,
    recomputed_month.income_basis,
    recomputed_month.fee,
    case when recomputed_month.not_compared is null then recomputed_month.compared_fee end as compared_fee,
    cast(coalesce(charged.amount, 0) as decimal(18, 2)) as charged,
    case
        when recomputed_month.not_compared is null
            then cast(recomputed_month.compared_fee - coalesce(charged.amount, 0) as decimal(18, 2))
    end as difference,
    case when recomputed_month.not_compared is null then recomputed_month.periods_sv end as periods_sv
from recomputed_month
left join charged
    on charged.placement_id = recomputed_month.placement_id
    and charged.month = recomputed_month.month
    and charged.payer = recomputed_month.payer

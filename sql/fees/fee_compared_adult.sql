/*
title = "Vuxna i inkomstjämförelsen, en rad per hushåll, månad och vuxen"
description = """FEE22, FEE36: the adults of each household in each month of the compared year in which it has a fee, with what the Tax Agency
said of them. The year is the as-of's less P:fee_comparison_lag_years. The adults are those of the household's last row in
the month, as for the fee itself, so that a couple that separated in June is compared as a couple until June. Households
with protected identity are compared in the restricted zone (FEE38)."""
kind = "table"
key = ["household_id", "month", "adult"]
catalogue = ["FEE22"]

[columns]
household_id = "household"
month = "first day of the month"
adult = "1 or 2, the guardian's place in the register"
income_year = "year that is compared"
person_id = "personal number"
outcome = "decided, undecided, deceased, protected or missing"
taxed_income = "the person's taxed income of the year, null when not decided"
delivered_on = "delivery that says so"
*/
with limits as (
    select
        cast(date_part('year', as_of()) as int)
        - cast(max(case when name = 'fee_comparison_lag_years' then value end) as int) as income_year
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- Months without a fee of its own are not compared.
household_month as (
    select distinct
        fee_month.household_id,
        fee_month.month,
        limits.income_year
    from fee_month
    cross join limits
    where fee_month.status in ('charged', 'free')
        and cast(date_part('year', fee_month.month) as int) = limits.income_year
),

ranked_household as (
    select
        household_month.household_id,
        household_month.month,
        household_month.income_year,
        fee_household.guardian_1,
        fee_household.guardian_2,
        row_number() over (
            partition by household_month.household_id, household_month.month
            order by fee_household.valid_from desc
        ) as place
    from household_month
    inner join fee_household
        on fee_household.household_id = household_month.household_id
    where fee_household.valid_from <= cast(household_month.month + interval '1 month' as date) - 1
        and (fee_household.valid_to is null or fee_household.valid_to >= household_month.month)
        and not fee_household.protected
),

adult as (
    select
        household_id,
        month,
        income_year,
        1 as adult,
        guardian_1 as person_id
    from ranked_household
    where place = 1
        and guardian_1 is not null
    union all
    select
        household_id,
        month,
        income_year,
        2 as adult,
        guardian_2 as person_id
    from ranked_household
    where place = 1
        and guardian_2 is not null
)

select
    adult.household_id,
    adult.month,
    cast(adult.adult as int) as adult,
    adult.income_year,
    adult.person_id,
    coalesce(fee_taxed_income.outcome, 'missing') as outcome,
    fee_taxed_income.taxed_income,
    fee_taxed_income.delivered_on
from adult
left join fee_taxed_income
    on fee_taxed_income.person_id = adult.person_id
    and fee_taxed_income.income_year = adult.income_year

/*
title = "Leveranser av inkomstuppgifter från Skatteverket"
description = """FEE35: each delivery and income year: persons, those that had not been ordered, those that replace an earlier delivery, and the
sum. The file's own count and sum are held against its rows when it is received, and a person who is twice in a file is
refused there. For the year that is compared now, ordered and not yet delivered persons are counted."""
kind = "table"
key = ["delivered_on", "income_year"]
catalogue = ["FEE35"]

[columns]
delivered_on = "date of the delivery"
income_year = "income year"
persons = "persons in it"
decided = "persons with a decided income"
not_decided = "persons without"
replacing = "persons of whom an earlier delivery of the year had said something"
not_ordered = "persons who had not been ordered; null for another year than the one that is compared"
ordered = "persons ordered for the year; null for another year than the one that is compared"
still_missing = "of them, persons of whom no delivery has said anything; null for another year"
employment_income = "sum of taxed income of employment"
*/
with numbered as (
    select
        taxed_income.extracted_on,
        taxed_income.income_year,
        taxed_income.person_id,
        taxed_income.outcome,
        taxed_income.employment_income,
        row_number() over (
            partition by taxed_income.income_year, taxed_income.person_id
            order by taxed_income.extracted_on
        ) as delivery
    from taxed_income
    where taxed_income.extracted_on <= as_of()
),

ordered_year as (
    select
        income_year,
        count(*) as ordered,
        count(*) filter (where outcome = 'missing') as still_missing
    from fee_income_order
    group by
        income_year
)

select
    numbered.extracted_on as delivered_on,
    numbered.income_year,
    count(*) as persons,
    count(*) filter (where numbered.outcome = 'decided') as decided,
    count(*) filter (where numbered.outcome <> 'decided') as not_decided,
    count(*) filter (where numbered.delivery > 1) as replacing,
    case
        when max(ordered_year.income_year) is not null
            then count(*) filter (where fee_income_order.person_id is null)
    end as not_ordered,
    max(ordered_year.ordered) as ordered,
    max(ordered_year.still_missing) as still_missing,
    cast(coalesce(sum(numbered.employment_income), 0) as decimal(18, 2)) as employment_income
from numbered
left join ordered_year
    on ordered_year.income_year = numbered.income_year
left join fee_income_order
    on fee_income_order.income_year = numbered.income_year
    and fee_income_order.person_id = numbered.person_id
group by
    numbered.extracted_on,
    numbered.income_year

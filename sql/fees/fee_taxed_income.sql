/*
title = "Beskattad inkomst, en rad per person och inkomstår"
description = """FEE35: what the Tax Agency has said of a person's income of a year, as the latest delivery not after the as-of has it: a
delivery of corrections replaces what was said before of the persons in it and of nobody else. Income is what the fee is
counted on by 5 § of förordning (2001:160): taxed income of employment and the surplus of business. Every delivery stays in
the landed contract taxed_income."""
kind = "table"
key = ["income_year", "person_id"]
amount = "taxed_income"
catalogue = ["FEE35"]

[columns]
income_year = "income year"
person_id = "personal number"
outcome = "decided, undecided, deceased or protected"
taxed_income = "employment and surplus of business of the year, at least 0; null when not decided"
delivered_on = "delivery that says so"
deliveries = "deliveries that said something of the person and year"
*/
with ranked_delivery as (
    select
        taxed_income.income_year,
        taxed_income.person_id,
        taxed_income.outcome,
        taxed_income.employment_income,
        taxed_income.business_income,
        taxed_income.extracted_on,
        row_number() over (
            partition by taxed_income.income_year, taxed_income.person_id
            order by taxed_income.extracted_on desc
        ) as place,
        count(*) over (
            partition by taxed_income.income_year, taxed_income.person_id
        ) as deliveries
    from taxed_income
    where taxed_income.extracted_on <= as_of()
)

select
    income_year,
    person_id,
    outcome,
    case
        when outcome = 'decided'
            then cast(greatest(
                coalesce(employment_income, 0) + greatest(coalesce(business_income, 0), 0),
                0
            ) as decimal(18, 2))
    end as taxed_income,
    extracted_on as delivered_on,
    cast(deliveries as bigint) as deliveries
from ranked_delivery
where place = 1

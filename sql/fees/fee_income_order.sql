/*
title = "Beställning av inkomstuppgifter från Skatteverket"
description = """FEE22: whom to ask the Tax Agency about: every adult who was in a household with a fee in any month of the compared year, once,
with what has come back. Persons of households with protected identity are ordered in the restricted zone (FEE38)."""
kind = "table"
key = ["income_year", "person_id"]
catalogue = ["FEE22"]

[columns]
income_year = "year that is compared"
person_id = "personal number"
first_month = "first month with a fee"
last_month = "last month with a fee"
months = "months with a fee"
households = "households that the person was an adult of in these months"
outcome = "decided, undecided, deceased, protected, or missing when nothing has come back"
delivered_on = "delivery that says so"
*/
select
    income_year,
    person_id,
    min(month) as first_month,
    max(month) as last_month,
    count(distinct month) as months,
    count(distinct household_id) as households,
    max(outcome) as outcome,
    max(delivered_on) as delivered_on
from fee_compared_adult
group by
    income_year,
    person_id

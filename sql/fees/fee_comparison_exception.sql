/*
title = "Inkomstjämförelser som saknar inkomstuppgift"
description = """FEE22, FEE36: households that cannot be compared, once for each reason and year: an adult was ordered and has not come back,
has no final tax decision, has died or is not told, or the register names no adult. Listed when the Tax Agency has delivered
anything of the year. Texts carry no personal data; who the adults are stands in fee_income_order. Protected households are compared in
the restricted zone (FEE38)."""
kind = "exception"
key = ["income_year", "household_id", "reason"]
catalogue = ["FEE22"]

[exception]
queue = "avgift-inkomstjamforelse"
queue_title = "Inkomstjämförelser som saknar inkomstuppgift"
service_level = "SLA55"
why = "Hushåll {household_id} kan inte jämföras för {income_year}: {reason_sv}. Det gäller {months} månader från {first_month}."
action = "Beställ uppgiften från Skatteverket på nytt, eller besluta om hushållet ska undantas. Jämförelsen räknas när uppgiften har kommit."

[columns]
income_year = "year that is compared"
household_id = "household"
reason = "missing, undecided, deceased, protected or no_adult"
reason_sv = "the reason in Swedish"
months = "months that are not compared"
first_month = "first of them"
payer = "payer"
department = "district"
received_at = "when the Tax Agency's first delivery of the year arrived"
evidence = "empty: what is missing is no record"
*/
with first_delivery as (
    select
        income_year,
        min(received_at) as received_at
    from taxed_income
    where extracted_on <= as_of()
    group by
        income_year
),

not_compared as (
    select
        income_year,
        household_id,
        not_compared as reason,
        count(distinct month) as months,
        min(month) as first_month,
        min(payer) as payer,
        min(department) as department
    from fee_comparison_month
    where not_compared is not null
        and not_compared <> 'charges_unknown'
    group by
        income_year,
        household_id,
        not_compared
)

select
    not_compared.income_year,
    not_compared.household_id,
    not_compared.reason,
    case not_compared.reason
        when 'missing' then 'en vuxens inkomst saknas i Skatteverkets leverans'
        when 'undecided' then 'en vuxen har inget slutligt skattebeslut'
        when 'deceased' then 'en vuxen har avlidit'
        when 'protected' then 'Skatteverket lämnar inte ut en vuxens inkomst'
        else 'registret har ingen vuxen i hushållet'
    end as reason_sv,
    not_compared.months,
    not_compared.first_month,
    not_compared.payer,
    not_compared.department,
    first_delivery.received_at,
    arrow_cast(make_array(), 'List(Utf8)') as evidence
from not_compared
inner join first_delivery
    on first_delivery.income_year = not_compared.income_year

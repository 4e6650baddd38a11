/*
title = "Inkomstuppgifter som avgiften räknas på"
description = """FEE29, the state of the register: the declarations of the latest extract whose period is one. A declaration that ends before
it begins says nothing. Only what an extract says is here and not where it stands in which file, so that a declaration
that the next extract repeats is the same row, and nothing is computed again for it."""
kind = "table"
key = ["declaration_id"]
catalogue = ["FEE29"]

[columns]
declaration_id = "declaration"
household_id = "household"
valid_from = "first day"
valid_to = "last day, open when null"
monthly_income = "joint income before tax, kronor a month, null when none was told"
status = "approved, missing or unverifiable"
received_on = "when it was declared"
*/
with latest_extract as (
    select max(extracted_on) as extracted_on
    from income_declaration
    where extracted_on <= as_of()
)

select
    income_declaration.declaration_id,
    income_declaration.household_id,
    income_declaration.valid_from,
    income_declaration.valid_to,
    income_declaration.monthly_income,
    income_declaration.status,
    income_declaration.received_on
from income_declaration
inner join latest_extract
    on latest_extract.extracted_on = income_declaration.extracted_on
where income_declaration.valid_to is null
    or income_declaration.valid_to >= income_declaration.valid_from

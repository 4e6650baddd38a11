/*
title = "Hushåll som avgiften räknas på"
description = """FEE29, the state of the register: the households of the latest extract, one row for each period with the same adults. A
household is a single person or a couple: married, or cohabitants who have or have had a child together or are registered
(folkbokförda) at the same address (4 § förordning 2001:160); BER keeps it, and FEE23 compares it with the population
register. Only what an extract says is here and not where it stands in which file, so that a household that the next
extract repeats is the same row, and nothing is computed again for it. The adults of a household that has protected identity
in any period are left out."""
kind = "table"
key = ["household_id", "valid_from"]
catalogue = ["FEE29"]

[columns]
household_id = "household"
valid_from = "first day"
valid_to = "last day, open when null"
customer_id = "payer"
department = "district"
guardian_1 = "personal number, null when protected"
guardian_2 = "personal number of the cohabiting adult, null when protected"
protected = "true when the household has protected identity in any period"
*/
with latest_extract as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

current_household as (
    select
        household.household_id,
        household.valid_from,
        household.valid_to,
        household.customer_id,
        household.department,
        household.guardian_1,
        household.guardian_2,
        household.protected
    from household
    inner join latest_extract
        on latest_extract.extracted_on = household.extracted_on
),

protection as (
    select
        household_id,
        bool_or(protected) as protected
    from current_household
    group by
        household_id
)

select
    current_household.household_id,
    current_household.valid_from,
    current_household.valid_to,
    current_household.customer_id,
    current_household.department,
    case when not protection.protected then current_household.guardian_1 end as guardian_1,
    case when not protection.protected then current_household.guardian_2 end as guardian_2,
    protection.protected
from current_household
inner join protection
    on protection.household_id = current_household.household_id

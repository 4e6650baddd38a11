/*
title = "Skyddade hushåll har inga avgifter och ingen identitet utanför den skyddade zonen"
description = """FEE38: nothing is charged, and no child is named, where the household has protected identity."""
key = ["placement_id", "starts_on"]
*/
with protected_household as (
    select distinct household_id
    from household
    where protected
        and extracted_on = (
            select max(extracted_on)
            from household
            where extracted_on <= as_of()
        )
)

select
    fee_placement.placement_id,
    fee_placement.starts_on
from fee_placement
inner join protected_household
    on protected_household.household_id = fee_placement.household_id
where fee_placement.child_id is not null
    or fee_placement.child_birth_date is not null
union all
select
    fee_month.placement_id,
    fee_month.starts_on
from fee_month
inner join protected_household
    on protected_household.household_id = fee_month.household_id
where fee_month.fee is not null

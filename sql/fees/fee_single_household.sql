/*
title = "Ensamstående enligt BER, sammanboende enligt folkbokföringen"
description = """FEE23, monthly: households with one adult in BER and a child in a place, where the population register shows a husband, wife or
registered partner, or another adult (18 years) in the same dwelling who is neither the guardian's parent nor child.
Cohabitants are one household when they are registered at the same address (4 § of SFS 2001:160), and both incomes
count. The case is the household and the day since when they live together: the same cohabitation is not raised again
next month, a new one is. Where the household, the guardian or the other adult has protected identity nothing is said
outside the restricted zone (FEE38). The other adult is not named: the handler opens the population register."""
kind = "exception"
key = ["household_id", "since"]
catalogue = ["FEE23"]

[exception]
queue = "avgift-ensamboende"
queue_title = "Ensamstående som kan vara sammanboende"
service_level = "SLA51"
why = "Hushåll {household_id} har en vuxen i BER, men enligt folkbokföringen finns {reason_sv} sedan {since}."
action = "Kontrollera i folkbokföringen och fråga hushållet. Är de sambor ska båda inkomsterna registreras i BER från den dagen."

[columns]
household_id = "household"
since = "first day of the cohabitation, or of the household in BER when the register does not say"
reason = "spouse or same_dwelling"
reason_sv = "the reason in Swedish"
adults = "other adults found"
customer_id = "payer"
department = "district"
received_at = "when the population extract arrived"
evidence = "the household's record in BER"
*/
with latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

latest_registered_person as (
    select max(extracted_on) as extracted_on
    from registered_person
    where extracted_on <= as_of()
),

person as (
    select
        person_id,
        birth_date,
        dwelling,
        dwelling_since,
        spouse_id,
        parent_1,
        parent_2,
        protected,
        received_at
    from registered_person
    inner join latest_registered_person
        on latest_registered_person.extracted_on = registered_person.extracted_on
    where (deregistered_on is null or deregistered_on > as_of())
),

placed_household as (
    select distinct household_id
    from fee_placement
    where municipal
        and starts_on <= as_of()
        and (ends_on is null or ends_on >= as_of())
),

single as (
    select
        household.household_id,
        household.guardian_1 as guardian_id,
        household.valid_from,
        household.customer_id,
        household.department,
        person.dwelling,
        person.dwelling_since,
        person.spouse_id,
        person.parent_1,
        person.parent_2,
        person.received_at,
        record_ref('household', household.file_id, household.ordinal, household.byte_start, household.byte_end) as record
    from household
    inner join placed_household
        on placed_household.household_id = household.household_id
    inner join person
        on person.person_id = household.guardian_1
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where household.guardian_2 is null
        and not household.protected
        and not person.protected
        and household.valid_from <= as_of()
        and (household.valid_to is null or household.valid_to >= as_of())
),

found as (
    select
        single.household_id,
        'spouse' as reason,
        -- the register has no day of marriage
        single.valid_from as since
    from single
    inner join person
        on person.person_id = single.spouse_id
    where not person.protected
    union all
    select
        single.household_id,
        'same_dwelling' as reason,
        coalesce(greatest(single.dwelling_since, person.dwelling_since), single.valid_from) as since
    from single
    inner join person
        on person.dwelling = single.dwelling
    where person.person_id <> single.guardian_id
        and (person.person_id is distinct from single.spouse_id)
        and not person.protected
        -- 18 years is coming of age (föräldrabalken 9 kap. 1 §)
        -- allow literal: the age is the law's, not a limit of ours
        and person.birth_date + interval '18 years' <= as_of()
        and (person.person_id is distinct from single.parent_1)
        and (person.person_id is distinct from single.parent_2)
        and (person.parent_1 is distinct from single.guardian_id)
        and (person.parent_2 is distinct from single.guardian_id)
),

grouped as (
    select
        household_id,
        since,
        max(reason) as reason,
        count(*) as adults
    from found
    group by
        household_id,
        since
)

select
    grouped.household_id,
    grouped.since,
    grouped.reason,
    case grouped.reason
        when 'spouse' then 'en make, maka eller registrerad partner'
        else 'en annan vuxen i samma bostad'
    end as reason_sv,
    grouped.adults,
    min(single.customer_id) as customer_id,
    min(single.department) as department,
    min(single.received_at) as received_at,
    make_array(min(single.record)) as evidence
from grouped
inner join single
    on single.household_id = grouped.household_id
group by
    grouped.household_id,
    grouped.since,
    grouped.reason,
    grouped.adults

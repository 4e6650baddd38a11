/*
title = "Kontroller före faktureringen"
description = """FEE07-FEE11: what must be looked at before the invoices of the month of the as-of are made. The words for each fault are rows of
ref_fee_fault.
FEE07 double_placement: two municipal placements of a child share a day of the month. Two are allowed: preschool may
end on the day that fritidshem begins, and a child with two homes (delat boende) has one place, at one unit, in two
households.
FEE08 double_family: a child has placements in two households that are both valid on a shared day of the month.
same_address: adults of two households with a placement in the month are registered in the same dwelling.
FEE09 no_household, no_payer: on the first day of the month, or the first day of the placement if that is later, no row
of the household is valid, or the valid one has no customer number.
FEE10 child_deceased, guardian_deceased: the population register has the death, on or before the month's last day.
FEE11 large_credit: a payer's credit balances together exceed P:fee_large_credit.
Children are pointed to by their placements. What concerns a person or household with protected identity is not listed
here but handled in the restricted zone, where fee_exception sends each such placement (FEE38)."""
kind = "exception"
key = ["fault", "subject"]
catalogue = ["FEE07", "FEE08", "FEE09", "FEE10", "FEE11"]
amount = "amount"

[exception]
queue = "avgift-fore-fakturering"
queue_title = "Kontroller före avgiftsfakturering"
service_level = "SLA51"
why = "Före faktureringen av {month}: {fault_sv} ({subject})."
action = "{action_sv}"

[columns]
fault = "code of the fault"
subject = "placements, household or customer that it concerns"
fault_sv = "the fault in Swedish"
action_sv = "what to do, in Swedish"
month = "first day of the month to invoice"
placement_id = "placement, the first by identity; null when it concerns a customer"
household_id = "household, null when it concerns a customer or none is registered"
department = "district"
amount = "credit balance, null for other faults"
received_at = "when the extract that shows it arrived"
evidence = "the records behind"
*/
with latest_family_credit as (
    select max(extracted_on) as extracted_on
    from family_credit
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

latest_placement as (
    select max(extracted_on) as extracted_on
    from placement
    where extracted_on <= as_of()
),

latest_registered_person as (
    select max(extracted_on) as extracted_on
    from registered_person
    where extracted_on <= as_of()
),

run_month as (
    select
        cast(date_trunc('month', as_of()) as date) as first_day,
        cast(date_trunc('month', as_of()) + interval '1 month' as date) - 1 as last_day
),

protected_household as (
    select distinct household_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
),

person as (
    select
        registered_person.person_id,
        registered_person.dwelling,
        registered_person.deregistered_on,
        registered_person.deregistered_reason,
        registered_person.protected,
        registered_person.received_at,
        record_ref(
            'registered_person', registered_person.file_id, registered_person.ordinal,
            registered_person.byte_start, registered_person.byte_end
        ) as record
    from registered_person
    inner join latest_registered_person
        on latest_registered_person.extracted_on = registered_person.extracted_on
),

protected_person as (
    select person_id
    from person
    where protected
),

placed as (
    select
        placement.placement_id,
        placement.child_id,
        placement.household_id,
        placement.form,
        placement.unit,
        placement.department,
        greatest(placement.starts_on, run_month.first_day) as first_day,
        least(coalesce(placement.ends_on, run_month.last_day), run_month.last_day) as last_day,
        placement.starts_on,
        placement.ends_on,
        placement.received_at,
        record_ref('placement', placement.file_id, placement.ordinal, placement.byte_start, placement.byte_end) as record
    from placement
    cross join run_month
    left anti join protected_household
        on protected_household.household_id = placement.household_id
    -- a protected child in a household that is not marked stays out as well
    left anti join protected_person
        on protected_person.person_id = placement.child_id
    inner join latest_placement
        on latest_placement.extracted_on = placement.extracted_on
    where placement.municipal
        and placement.starts_on <= run_month.last_day
        and (placement.ends_on is null or placement.ends_on >= run_month.first_day)
),

valid_household as (
    select
        household.household_id,
        household.customer_id,
        household.guardian_1,
        household.guardian_2,
        household.valid_from,
        coalesce(household.valid_to, cast('9999-12-31' as date)) as valid_to
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where not household.protected
),

pair as (
    select
        one.placement_id,
        other.placement_id as other_placement_id,
        one.household_id,
        other.household_id as other_household_id,
        one.unit = other.unit
        and one.household_id <> other.household_id as is_shared_residence,
        (one.form in ('forskola', 'pedagogisk_omsorg') and other.form = 'fritidshem' and one.ends_on = other.starts_on)
        or (other.form in ('forskola', 'pedagogisk_omsorg') and one.form = 'fritidshem' and other.ends_on = one.starts_on)
            as is_switch_day,
        greatest(one.first_day, other.first_day) as first_day,
        least(one.last_day, other.last_day) as last_day,
        one.department,
        greatest(one.received_at, other.received_at) as received_at,
        one.record,
        other.record as other_record
    from placed as one
    inner join placed as other
        on other.child_id = one.child_id
    where (
            one.placement_id < other.placement_id
            or (one.placement_id = other.placement_id and one.starts_on < other.starts_on)
        )
        and one.first_day <= other.last_day
        and other.first_day <= one.last_day
),

double_placement as (
    select
        'double_placement' as fault,
        concat(placement_id, ' och ', other_placement_id) as subject,
        placement_id,
        household_id,
        department,
        received_at,
        make_array(record, other_record) as evidence
    from pair
    where is_switch_day is not true
        and not is_shared_residence
),

double_family as (
    select
        'double_family' as fault,
        concat(pair.placement_id, ' och ', pair.other_placement_id) as subject,
        pair.placement_id,
        min(pair.household_id) as household_id,
        min(pair.department) as department,
        min(pair.received_at) as received_at,
        make_array(min(pair.record), min(pair.other_record)) as evidence
    from pair
    inner join valid_household as one
        on one.household_id = pair.household_id
    inner join valid_household as other
        on other.household_id = pair.other_household_id
    where pair.household_id <> pair.other_household_id
        and not pair.is_shared_residence
        and greatest(one.valid_from, other.valid_from, pair.first_day)
        <= least(one.valid_to, other.valid_to, pair.last_day)
    group by
        pair.placement_id,
        pair.other_placement_id
),

placed_household as (
    select
        household_id,
        min(placement_id) as placement_id,
        min(department) as department,
        min(received_at) as received_at,
        min(record) as record
    from placed
    group by household_id
),

-- The adults of the households with a placement, those who are registered in the open zone.
adult as (
    select distinct
        guardian.household_id,
        guardian.person_id,
        person.dwelling,
        person.deregistered_on,
        person.deregistered_reason,
        person.received_at,
        person.record
    from (
        select
            household_id,
            guardian_1 as person_id,
            valid_from,
            valid_to
        from valid_household
        union all
        select
            household_id,
            guardian_2 as person_id,
            valid_from,
            valid_to
        from valid_household
    ) as guardian
    cross join run_month
    inner join placed_household
        on placed_household.household_id = guardian.household_id
    inner join person
        on person.person_id = guardian.person_id
    where not person.protected
        and guardian.valid_from <= run_month.last_day
        and guardian.valid_to >= run_month.first_day
),

same_address as (
    select
        'same_address' as fault,
        concat(one.household_id, ' och ', other.household_id) as subject,
        min(placed_household.placement_id) as placement_id,
        one.household_id,
        min(placed_household.department) as department,
        max(greatest(one.received_at, other.received_at)) as received_at,
        make_array(min(one.record), min(other.record)) as evidence
    from adult as one
    inner join adult as other
        on other.dwelling = one.dwelling
    inner join placed_household
        on placed_household.household_id = one.household_id
    where one.household_id < other.household_id
        and one.deregistered_on is null
        and other.deregistered_on is null
    group by
        one.household_id,
        other.household_id
),

-- FEE09: the payer is asked for on the first day of the month that the child is placed.
covered as (
    select
        placed.placement_id,
        placed.starts_on,
        count(valid_household.household_id) as households,
        count(valid_household.customer_id) as payers
    from placed
    left join valid_household
        on valid_household.household_id = placed.household_id
        and valid_household.valid_from <= placed.first_day
        and valid_household.valid_to >= placed.first_day
    group by
        placed.placement_id,
        placed.starts_on
),

missing_family as (
    select
        case when covered.households = 0 then 'no_household' else 'no_payer' end as fault,
        concat(placed.placement_id, ' från ', cast(placed.starts_on as varchar)) as subject,
        placed.placement_id,
        placed.household_id,
        placed.department,
        placed.received_at,
        make_array(placed.record) as evidence
    from placed
    inner join covered
        on covered.placement_id = placed.placement_id
        and covered.starts_on = placed.starts_on
    where covered.payers = 0
),

child_deceased as (
    select
        'child_deceased' as fault,
        concat(placed.placement_id, ' från ', cast(placed.starts_on as varchar)) as subject,
        placed.placement_id,
        placed.household_id,
        placed.department,
        greatest(placed.received_at, person.received_at) as received_at,
        make_array(placed.record, person.record) as evidence
    from placed
    cross join run_month
    inner join person
        on person.person_id = placed.child_id
    where person.deregistered_reason = 'deceased'
        and person.deregistered_on <= run_month.last_day
),

guardian_deceased as (
    select
        'guardian_deceased' as fault,
        adult.household_id as subject,
        min(placed_household.placement_id) as placement_id,
        adult.household_id,
        min(placed_household.department) as department,
        max(greatest(placed_household.received_at, adult.received_at)) as received_at,
        make_array(min(adult.record)) as evidence
    from adult
    cross join run_month
    inner join placed_household
        on placed_household.household_id = adult.household_id
    where adult.deregistered_reason = 'deceased'
        and adult.deregistered_on <= run_month.last_day
    group by adult.household_id
),

limits as (
    select max(value) as large_credit
    from param
    where name = 'fee_large_credit'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

large_credit as (
    select
        family_credit.customer_id,
        sum(family_credit.amount) as amount,
        max(family_credit.received_at) as received_at,
        min(record_ref(
            'family_credit', family_credit.file_id, family_credit.ordinal,
            family_credit.byte_start, family_credit.byte_end
        )) as record
    from family_credit
    cross join limits
    left anti join protected_household
        on protected_household.household_id = family_credit.household_id
    inner join latest_family_credit
        on latest_family_credit.extracted_on = family_credit.extracted_on
    group by
        family_credit.customer_id,
        limits.large_credit
    having sum(family_credit.amount) > limits.large_credit
),

faults as (
    select * from double_placement
    union all
    select * from double_family
    union all
    select * from same_address
    union all
    select * from missing_family
    union all
    select * from child_deceased
    union all
    select * from guardian_deceased
)

select
    found.fault,
    found.subject,
    ref_fee_fault.title_sv as fault_sv,
    ref_fee_fault.action_sv,
    run_month.first_day as month,
    found.placement_id,
    found.household_id,
    found.department,
    found.amount,
    found.received_at,
    found.evidence
from (
    select
        fault,
        subject,
        placement_id,
        household_id,
        department,
        cast(null as decimal(18, 2)) as amount,
        received_at,
        evidence
    from faults
    union all
    select
        'large_credit' as fault,
        concat('kund ', customer_id) as subject,
        cast(null as varchar) as placement_id,
        cast(null as varchar) as household_id,
        cast(null as varchar) as department,
        cast(amount as decimal(18, 2)) as amount,
        received_at,
        make_array(record) as evidence
    from large_credit
) as found
cross join run_month
left join ref_fee_fault
    on ref_fee_fault.fault = found.fault
    and ref_fee_fault.valid_from <= run_month.first_day
    and (ref_fee_fault.valid_to is null or ref_fee_fault.valid_to >= run_month.first_day)

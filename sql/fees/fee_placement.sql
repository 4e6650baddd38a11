/*
title = "Placeringar som avgiften räknas på"
description = """FEE29, the state of the register: the placements of the latest extract, each with the last day that counts for the fee. A switch
from preschool to fritidshem may share one day: that day belongs to the new form, so the old period ends the day before.
Two other periods of one child that share a day are a double placement (FEE07), which the fee computation refuses.
form_in_tariff says whether the form is covered by the maxtaxa: fritidsklubb has a fee of its own (900 kr a term) and
neither gives a fee here nor counts in the sibling order. A child of a household with protected identity is left without
identity and birth date: nothing is computed for it outside the restricted zone (FEE38). Only what an extract says is here and
not where it stands in which file, so that a placement that the next extract repeats is the same row, and nothing is computed
again for it."""
kind = "table"
key = ["placement_id", "starts_on"]
catalogue = ["FEE29", "FEE07"]

[columns]
placement_id = "placement"
starts_on = "first day"
ends_on = "last day that counts for the fee, open when null"
household_id = "household where the child is registered"
protected = "true when the household has protected identity in any period"
child_id = "child, null when protected"
child_birth_date = "date of birth, null when protected"
form = "forskola, pedagogisk_omsorg, fritidshem or fritidsklubb"
form_in_tariff = "true for the forms of the maxtaxa"
hours_per_week = "agreed hours a week"
general_preschool = "true when the child only attends free general preschool"
municipal = "true when the city invoices"
department = "district"
overlap_from = "first day that the child also has another placement, null when none"
overlap_to = "last such day"
*/
with latest_extract as (
    select max(extracted_on) as extracted_on
    from placement
    where extracted_on <= as_of()
),

current_placement as (
    select
        placement.placement_id,
        placement.starts_on,
        placement.ends_on,
        coalesce(placement.ends_on, cast('9999-12-31' as date)) as last_day,
        placement.household_id,
        placement.child_id,
        placement.child_birth_date,
        placement.form,
        placement.form in ('forskola', 'pedagogisk_omsorg', 'fritidshem') as form_in_tariff,
        placement.form in ('forskola', 'pedagogisk_omsorg') as is_preschool,
        placement.hours_per_week,
        placement.general_preschool,
        placement.municipal,
        placement.department
    from placement
    inner join latest_extract
        on latest_extract.extracted_on = placement.extracted_on
),

-- FEE07: the switch day of preschool to fritidshem is an allowed double day and goes to the new form.
switch_day as (
    select distinct
        preschool.placement_id,
        preschool.starts_on
    from current_placement as preschool
    inner join current_placement as fritidshem
        on fritidshem.child_id = preschool.child_id
        and fritidshem.starts_on = preschool.last_day
    where preschool.is_preschool
        and preschool.starts_on < preschool.last_day
        and fritidshem.form = 'fritidshem'
),

settled as (
    select
        current_placement.*,
        case
            when switch_day.placement_id is not null then current_placement.ends_on - 1
            else current_placement.ends_on
        end as fee_ends_on,
        case
            when switch_day.placement_id is not null then current_placement.last_day - 1
            else current_placement.last_day
        end as fee_last_day
    from current_placement
    left join switch_day
        on switch_day.placement_id = current_placement.placement_id
        and switch_day.starts_on = current_placement.starts_on
),

overlap as (
    select
        one.placement_id,
        one.starts_on,
        min(greatest(one.starts_on, other.starts_on)) as overlap_from,
        max(least(one.fee_last_day, other.fee_last_day)) as overlap_to
    from settled as one
    inner join settled as other
        on other.child_id = one.child_id
    where (other.placement_id <> one.placement_id or other.starts_on <> one.starts_on)
        and one.form_in_tariff
        and other.form_in_tariff
        and other.starts_on <= one.fee_last_day
        and one.starts_on <= other.fee_last_day
        -- a row that ends before it begins covers no day
        and one.starts_on <= one.fee_last_day
        and other.starts_on <= other.fee_last_day
    group by
        one.placement_id,
        one.starts_on
),

protected_household as (
    select distinct household_id
    from fee_household
    where protected
)

select
    settled.placement_id,
    settled.starts_on,
    settled.fee_ends_on as ends_on,
    settled.household_id,
    protected_household.household_id is not null as protected,
    case when protected_household.household_id is null then settled.child_id end as child_id,
    case when protected_household.household_id is null then settled.child_birth_date end as child_birth_date,
    settled.form,
    settled.form_in_tariff,
    settled.hours_per_week,
    coalesce(settled.general_preschool, false) as general_preschool,
    settled.municipal,
    settled.department,
    overlap.overlap_from,
    overlap.overlap_to
from settled
left join overlap
    on overlap.placement_id = settled.placement_id
    and overlap.starts_on = settled.starts_on
left join protected_household
    on protected_household.household_id = settled.household_id

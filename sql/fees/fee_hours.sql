/*
title = "Ändrad vistelsetid att registrera"
description = """FEE04: forms that change a child's hours in preschool or pedagogisk omsorg and are not registered, with the effect on the fee
category from the day that the form says, or the day it came in. The limits are P:fee_full_time_hours a week for the
full-time fee of a child who is not yet of the age of the lower fee (P:fee_part_time_month of the year it turns
P:fee_part_time_age), and P:fee_general_preschool_hours for free general preschool from that age. The category before
is counted on the hours of the placement in force that day. Protected households: the restricted zone (FEE38)."""
kind = "exception"
key = ["case_id"]
catalogue = ["FEE04"]

[exception]
queue = "avgift-vistelsetid"
queue_title = "Ändrad vistelsetid att registrera"
service_level = "SLA52"
why = "Blankett {case_id}: vistelsetiden för placering {placement_id} ändras från {hours_before} till {hours_after} timmar i veckan från {effective_on}. {effect_sv}"
action = "{action_sv}"

[columns]
case_id = "form"
placement_id = "placement"
household_id = "household"
effective_on = "first day of the new hours"
hours_before = "hours a week of the placement in force that day, null when there is none"
hours_after = "hours a week in the form"
category_before = "fee category with the hours before"
category_after = "fee category with the new hours"
effect_sv = "the effect in Swedish"
action_sv = "what to do, in Swedish"
department = "district"
received_at = "when the form came in"
evidence = "the form's record"
*/
with latest_fee_case as (
    select max(extracted_on) as extracted_on
    from fee_case
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

form as (
    select
        fee_case.case_id,
        fee_case.placement_id,
        fee_case.household_id,
        coalesce(fee_case.effective_on, fee_case.arrived_on) as effective_on,
        fee_case.hours_per_week as hours_after,
        fee_case.department,
        fee_case.arrived_on,
        fee_case.arrived_after_noon,
        record_ref('fee_case', fee_case.file_id, fee_case.ordinal, fee_case.byte_start, fee_case.byte_end) as record
    from fee_case
    inner join latest_fee_case
        on latest_fee_case.extracted_on = fee_case.extracted_on
    where fee_case.kind = 'hours'
        and fee_case.registered_on is null
        and fee_case.arrived_on <= as_of()
),

protected_household as (
    select distinct household_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
),

limits as (
    select
        form.case_id,
        max(case when param.name = 'fee_full_time_hours' then param.value end) as full_time_hours,
        max(case when param.name = 'fee_general_preschool_hours' then param.value end) as general_preschool_hours,
        max(case when param.name = 'fee_part_time_age' then cast(param.value as int) end) as part_time_age,
        max(case when param.name = 'fee_part_time_month' then cast(param.value as int) end) as part_time_month
    from form
    inner join param
        on param.valid_from <= form.effective_on
        and (param.valid_to is null or param.valid_to >= form.effective_on)
    group by form.case_id
),

in_force as (
    select
        form.case_id,
        form.placement_id,
        form.household_id,
        form.effective_on,
        form.hours_after,
        form.department,
        form.arrived_on,
        form.arrived_after_noon,
        form.record,
        fee_placement.hours_per_week as hours_before,
        fee_placement.placement_id is not null as has_placement,
        form.effective_on >= make_date(
            cast(date_part('year', fee_placement.child_birth_date) as int) + limits.part_time_age,
            limits.part_time_month,
            1
        ) as is_part_time_age,
        limits.full_time_hours,
        limits.general_preschool_hours
    from form
    inner join limits
        on limits.case_id = form.case_id
    left join fee_placement
        on fee_placement.placement_id = form.placement_id
        and fee_placement.form in ('forskola', 'pedagogisk_omsorg')
        and fee_placement.starts_on <= form.effective_on
        and (fee_placement.ends_on is null or fee_placement.ends_on >= form.effective_on)
    left anti join protected_household
        on protected_household.household_id = form.household_id
    where coalesce(fee_placement.protected, false) is false
),

categorised as (
    select
        in_force.*,
        case
            when hours_before is null then null
            when is_part_time_age and hours_before <= general_preschool_hours then 'general_preschool'
            when is_part_time_age or hours_before <= full_time_hours then 'part_time'
            else 'full_time'
        end as category_before,
        case
            when hours_after is null or not has_placement then null
            when is_part_time_age and hours_after <= general_preschool_hours then 'general_preschool'
            when is_part_time_age or hours_after <= full_time_hours then 'part_time'
            else 'full_time'
        end as category_after
    from in_force
)

select
    case_id,
    placement_id,
    household_id,
    effective_on,
    hours_before,
    hours_after,
    category_before,
    category_after,
    case
        when not has_placement then 'Ingen placering i förskola gäller den dagen.'
        when hours_after is null then 'Blanketten saknar timmar.'
        when category_before = category_after then 'Avgiften ändras inte.'
        when category_after = 'full_time' then 'Avgiften blir heltidsavgift.'
        when category_after = 'part_time' then 'Avgiften blir deltidsavgift.'
        else 'Allmän förskola är avgiftsfri.'
    end as effect_sv,
    case
        when not has_placement then 'Kontrollera placeringen och dagen med vårdnadshavaren.'
        when hours_after is null then 'Kontakta vårdnadshavaren: blanketten saknar timmar.'
        else 'Registrera vistelsetiden i BER från den dagen.'
    end as action_sv,
    department,
    -- noon UTC is after 12:00 in Stockholm, summer and winter; midnight UTC is before
    case
        when arrived_after_noon then arrow_cast(arrived_on, 'Timestamp(Millisecond, Some("+00:00"))') + interval '12 hours'
        else arrow_cast(arrived_on, 'Timestamp(Millisecond, Some("+00:00"))')
    end as received_at,
    make_array(record) as evidence
from categorised

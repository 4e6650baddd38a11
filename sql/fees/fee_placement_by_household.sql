/*
title = "Familjens placeringar"
description = """FEE46: what a handler needs when a question is about a place: each placement row of a household in the latest extract,
with what is wrong with it, in words. Ordered by household and looked up by it. Protected households have no rows: their
questions are answered in the restricted zone (FEE38)."""
kind = "table"
key = ["household_id", "placement_id", "starts_on"]
catalogue = ["FEE46"]

[columns]
household_id = "household"
placement_id = "placement"
starts_on = "first day"
ends_on = "last day that counts for the fee, open when null"
form = "form of the placement"
hours_per_week = "agreed hours a week"
general_preschool = "true when the child only attends free general preschool"
municipal = "true when the city invoices"
department = "district"
overlap_from = "first day that the child also has another placement, null when none"
overlap_to = "last such day"
refused_from = "first month without a fee, null when none is refused"
reason_sv = "why, in Swedish"
action_sv = "what to do, in Swedish"
*/
with refused as (
    select
        placement_id,
        starts_on,
        min(first_month) as refused_from,
        string_agg(reason_sv, ', ' order by reason) as reason_sv,
        string_agg(action_sv, ' ' order by reason) as action_sv
    from fee_exception
    where placement_id is not null
    group by
        placement_id,
        starts_on
)

select
    fee_placement.household_id,
    fee_placement.placement_id,
    fee_placement.starts_on,
    fee_placement.ends_on,
    fee_placement.form,
    fee_placement.hours_per_week,
    fee_placement.general_preschool,
    fee_placement.municipal,
    fee_placement.department,
    fee_placement.overlap_from,
    fee_placement.overlap_to,
    refused.refused_from,
    refused.reason_sv,
    refused.action_sv
from fee_placement
left join refused
    on refused.placement_id = fee_placement.placement_id
    and refused.starts_on = fee_placement.starts_on
where not fee_placement.protected

/*
title = "Avgifter som inte kan beräknas"
description = """FEE29, the refusals: what fee_month could not decide, once for each placement row and reason however many months it
lasts, with the first and last month. A missing tariff is one row for each category, because it is one fault and
thousands of placements. Texts carry no personal data; a placement of a protected household is pointed to by its
identity only, without household or evidence, because the record behind it names the child; it is computed in the
restricted zone (FEE38)."""
kind = "exception"
key = ["reason", "subject"]
catalogue = ["FEE29", "FEE07", "FEE09", "FEE38"]

[exception]
queue = "avgift-ej-beraknad"
queue_title = "Avgifter som inte kan beräknas"
service_level = "SLA51"
why = "Avgiften för {subject_sv} kan inte beräknas från och med {first_month}: {reason_sv}. {action_sv}"
action = "Åtgärda orsaken i BER eller i taxetabellen. Avgifterna räknas om när uppgifterna har rättats, och posten stängs då av sig själv."

[columns]
reason = "code of the reason"
subject = "placement and its first day, or the tariff category"
subject_sv = "the subject in Swedish"
reason_sv = "the reason in Swedish"
action_sv = "what to do, in Swedish"
placement_id = "placement, null for a missing tariff"
starts_on = "first day of the placement's row, null for a missing tariff"
household_id = "household, null for a missing tariff and a protected household"
first_month = "first month without a fee"
last_month = "last month without a fee"
months = "months without a fee"
placements = "placements without a fee"
department = "district, null for a missing tariff"
received_at = "when the register extract arrived"
evidence = "the placement's record; the first by identity for a missing tariff; none for a protected household"
*/
with refused as (
    select
        placement_id,
        starts_on,
        household_id,
        category,
        month,
        refusal,
        department,
        received_at,
        case
            when refusal = 'no_tariff' then category
            else concat(placement_id, ' ', cast(starts_on as varchar))
        end as subject,
        record_ref('placement', file_id, ordinal, byte_start, byte_end) as record
    from fee_month
    where status = 'refused'
),

grouped as (
    select
        refusal,
        subject,
        min(case when refusal <> 'no_tariff' then placement_id end) as placement_id,
        min(case when refusal <> 'no_tariff' then starts_on end) as starts_on,
        min(case when refusal not in ('no_tariff', 'protected') then household_id end) as household_id,
        min(case when refusal <> 'no_tariff' then department end) as department,
        min(month) as first_month,
        max(month) as last_month,
        count(distinct month) as months,
        count(distinct placement_id) as placements,
        min(received_at) as received_at,
        min(record) as record
    from refused
    group by
        refusal,
        subject
)

select
    grouped.refusal as reason,
    grouped.subject,
    case
        when grouped.refusal <> 'no_tariff'
            then concat('placering ', grouped.placement_id, ' från ', cast(grouped.starts_on as varchar))
        when grouped.subject = 'full_time' then 'förskola på heltid'
        when grouped.subject = 'part_time' then 'förskola på deltid'
        else 'fritidshem'
    end as subject_sv,
    case grouped.refusal
        when 'no_tariff' then 'taxan saknas'
        when 'protected' then 'hushållet har skyddade personuppgifter'
        when 'no_household' then 'barnet saknar hushåll'
        when 'double_placement' then 'barnet har två placeringar samma dagar'
        when 'birth_date' then 'barnets födelsedag är orimlig för verksamheten'
        when 'general_preschool_too_young' then 'barnet är för ungt för allmän förskola'
        else 'barnets timmar per vecka saknas'
    end as reason_sv,
    case grouped.refusal
        when 'no_tariff' then 'Lägg in den beslutade taxan i taxetabellen och låt en kollega godkänna den. Avgifterna räknas då om.'
        when 'protected' then 'Hantera placeringen i den skyddade zonen. Lägg inga uppgifter om hushållet här.'
        when 'no_household' then 'Registrera hushållet i BER eller rätta placeringens hushåll.'
        when 'double_placement' then 'Avsluta den placering som inte gäller, eller rätta dess datum i BER.'
        when 'birth_date' then 'Kontrollera barnets födelsedag och placeringens form i BER.'
        when 'general_preschool_too_young' then 'Kontrollera i BER om placeringen ska vara allmän förskola.'
        else 'Registrera vistelsetiden i BER.'
    end as action_sv,
    grouped.placement_id,
    grouped.starts_on,
    grouped.household_id,
    grouped.first_month,
    grouped.last_month,
    grouped.months,
    grouped.placements,
    grouped.department,
    grouped.received_at,
    case
        when grouped.refusal = 'protected' then arrow_cast(make_array(), 'List(Utf8)')
        else make_array(grouped.record)
    end as evidence
from grouped

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
received_at = "when the first register extract with the placement's row arrived"
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
        case
            when refusal = 'no_tariff' then category
            else concat(placement_id, ' ', cast(starts_on as varchar))
        end as subject
    from fee_month
    where status = 'refused'
),

-- The record behind a placement's row: the latest extract's. The clock started with the first that had the row.
ranked_record as (
    select
        placement.placement_id,
        placement.starts_on,
        record_ref(
            'placement', placement.file_id, placement.ordinal, placement.byte_start, placement.byte_end
        ) as record,
        min(placement.received_at) over (
            partition by placement.placement_id, placement.starts_on
        ) as received_at,
        row_number() over (
            partition by placement.placement_id, placement.starts_on
            order by placement.extracted_on desc
        ) as place
    from placement
    inner join (
        select distinct
            placement_id,
            starts_on
        from refused
    ) as refused_row
        on refused_row.placement_id = placement.placement_id
        and refused_row.starts_on = placement.starts_on
    where placement.extracted_on <= as_of()
),

grouped as (
    select
        refused.refusal,
        refused.subject,
        min(case when refused.refusal <> 'no_tariff' then refused.placement_id end) as placement_id,
        min(case when refused.refusal <> 'no_tariff' then refused.starts_on end) as starts_on,
        min(case when refused.refusal not in ('no_tariff', 'protected') then refused.household_id end) as household_id,
        min(case when refused.refusal <> 'no_tariff' then refused.department end) as department,
        min(refused.month) as first_month,
        max(refused.month) as last_month,
        count(distinct refused.month) as months,
        count(distinct refused.placement_id) as placements,
        min(ranked_record.received_at) as received_at,
        min(ranked_record.record) as record
    from refused
    left join ranked_record
        on ranked_record.placement_id = refused.placement_id
        and ranked_record.starts_on = refused.starts_on
        and ranked_record.place = 1
    group by
        refused.refusal,
        refused.subject
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
        when 'ends_before_start' then 'placeringen slutar innan den börjar'
        when 'no_household' then 'barnet saknar hushåll'
        when 'double_placement' then 'barnet har två placeringar samma dagar'
        when 'birth_date' then 'barnets födelsedag är orimlig för verksamheten'
        when 'general_preschool_too_young' then 'barnet är för ungt för allmän förskola'
        else 'barnets timmar per vecka saknas'
    end as reason_sv,
    case grouped.refusal
        when 'no_tariff' then 'Lägg in den beslutade taxan i taxetabellen och låt en kollega godkänna den. Avgifterna räknas då om.'
        when 'protected' then 'Hantera placeringen i den skyddade zonen. Lägg inga uppgifter om hushållet här.'
        when 'ends_before_start' then 'Rätta placeringens datum i BER, eller ta bort placeringen om den aldrig har börjat.'
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

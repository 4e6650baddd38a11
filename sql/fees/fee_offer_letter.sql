/*
title = "Erbjudanden som ska skickas som brev"
description = """FEE01: open offers of a place whose family has not been reached electronically. An offer is open until the last day for
answering while neither the offer nor a reply about its child's place says what the family wants. Offers between
municipalities are left out [S]. A family has not been reached when no guardian has an e-mail address or a mobile
number, or when all electronic messages about the offer have failed. A letter that was sent closes the case. A
household with protected identity gets its letter from the restricted zone (FEE38)."""
kind = "exception"
key = ["case_id"]
catalogue = ["FEE01"]

[exception]
queue = "avgift-erbjudande-brev"
queue_title = "Erbjudanden som ska skickas som brev"
service_level = "SLA53"
why = "Erbjudande {case_id} till hushåll {household_id} ska besvaras senast {answer_by}, men {reason_sv}."
action = "Skicka erbjudandet som brev till vårdnadshavarna och registrera brevet i BER."

[columns]
case_id = "offer"
household_id = "household"
answer_by = "last day for answering"
reason = "no_contact or failed"
reason_sv = "the reason in Swedish"
department = "district"
received_at = "when the offer was made, or when the message failed"
evidence = "the offer's record"
*/
with latest_family_message as (
    select max(extracted_on) as extracted_on
    from family_message
    where extracted_on <= as_of()
),

latest_fee_case as (
    select max(extracted_on) as extracted_on
    from fee_case
    where extracted_on <= as_of()
),

latest_guardian_contact as (
    select max(extracted_on) as extracted_on
    from guardian_contact
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

offer as (
    select
        fee_case.case_id,
        fee_case.household_id,
        fee_case.answer_by,
        fee_case.department,
        fee_case.arrived_on,
        record_ref('fee_case', fee_case.file_id, fee_case.ordinal, fee_case.byte_start, fee_case.byte_end) as record
    from fee_case
    inner join latest_fee_case
        on latest_fee_case.extracted_on = fee_case.extracted_on
    where fee_case.kind = 'offer'
        and not fee_case.is_intermunicipal
        and fee_case.answer is null
        and (fee_case.answer_by is null or fee_case.answer_by >= as_of())
),

known_contact as (
    select
        guardian_contact.person_id,
        guardian_contact.has_email or guardian_contact.has_mobile as is_reachable
    from guardian_contact
    inner join latest_guardian_contact
        on latest_guardian_contact.extracted_on = guardian_contact.extracted_on
),

contact as (
    select
        household.household_id,
        bool_or(coalesce(household.protected, false)) as is_protected,
        bool_or(coalesce(one.is_reachable, false) or coalesce(other.is_reachable, false)) as is_reachable
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    left join known_contact as one
        on one.person_id = household.guardian_1
    left join known_contact as other
        on other.person_id = household.guardian_2
    group by household.household_id
),

told as (
    select
        subject,
        count(case when channel = 'letter' and status <> 'failed' then 1 end) as letters,
        count(case when channel <> 'letter' and status <> 'failed' then 1 end) as reached,
        max(case when channel <> 'letter' and status = 'failed' then sent_on end) as failed_on
    from family_message
    inner join latest_family_message
        on latest_family_message.extracted_on = family_message.extracted_on
    where kind = 'offer'
        and sent_on <= as_of()
    group by subject
)

select
    offer.case_id,
    offer.household_id,
    offer.answer_by,
    case when contact.is_reachable then 'failed' else 'no_contact' end as reason,
    case
        when contact.is_reachable then 'de elektroniska meddelandena kom inte fram'
        else 'ingen vårdnadshavare har e-post eller mobilnummer'
    end as reason_sv,
    offer.department,
    arrow_cast(coalesce(told.failed_on, offer.arrived_on), 'Timestamp(Millisecond, Some("+00:00"))') as received_at,
    make_array(offer.record) as evidence
from offer
left join contact
    on contact.household_id = offer.household_id
left join told
    on told.subject = offer.case_id
where coalesce(contact.is_protected, false) is false
    and coalesce(told.letters, 0) = 0
    and coalesce(told.reached, 0) = 0
    and (coalesce(contact.is_reachable, false) is false or told.failed_on is not null)

/*
title = "Svar på erbjudanden att registrera eller bekräfta"
description = """FEE03: paper replies (yes or no) to offers of a place. register: the reply has come in and is not registered; confirm: it is
registered and the district has not been told. A reply that came after the offer's last day is marked: the district
decides whether it counts. The offer is that of the same child and household made last before the reply. Received after
12:00 in Stockholm the clock starts the next working day. Protected households: the restricted zone (FEE38)."""
kind = "exception"
key = ["case_id", "step"]
catalogue = ["FEE03"]

[exception]
queue = "avgift-svarsblankett"
queue_title = "Svarsblanketter att registrera och bekräfta"
service_level = "SLA50"
why = "Svaret {case_id} ({answer_sv}) från hushåll {household_id} kom in {arrived_on}. {late_sv}"
action = "{action_sv}"

[columns]
case_id = "reply"
step = "register or confirm"
household_id = "household"
answer = "yes or no, null when the form does not say"
answer_sv = "the answer in Swedish"
arrived_on = "day when it came in"
answer_by = "last day for answering the offer, null when no offer is found"
is_late = "true when it came after that day"
late_sv = "the same in Swedish"
action_sv = "what to do, in Swedish"
department = "district"
received_at = "when the clock starts: arrival, or registration for a confirmation"
evidence = "the reply's record"
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

current_case as (
    select
        case_id,
        kind,
        household_id,
        child_id,
        arrived_on,
        arrived_after_noon,
        answer_by,
        answer,
        registered_on,
        confirmed_on,
        department,
        record_ref('fee_case', file_id, ordinal, byte_start, byte_end) as record
    from fee_case
    inner join latest_fee_case
        on latest_fee_case.extracted_on = fee_case.extracted_on
    where arrived_on <= as_of()
),

protected_household as (
    select distinct household_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
),

offered as (
    select
        reply.case_id,
        offer.answer_by,
        row_number() over (
            partition by reply.case_id
            order by offer.arrived_on desc, offer.case_id desc
        ) as place
    from current_case as reply
    inner join current_case as offer
        on offer.child_id = reply.child_id
        and offer.household_id = reply.household_id
    where reply.kind = 'reply'
        and offer.kind = 'offer'
        and offer.arrived_on <= reply.arrived_on
),

open_reply as (
    select
        reply.*,
        case when reply.registered_on is null then 'register' else 'confirm' end as step,
        offered.answer_by as offer_answer_by,
        coalesce(reply.arrived_on > offered.answer_by, false) as is_late
    from current_case as reply
    left join offered
        on offered.case_id = reply.case_id
        and offered.place = 1
    left anti join protected_household
        on protected_household.household_id = reply.household_id
    where reply.kind = 'reply'
        and reply.confirmed_on is null
)

select
    case_id,
    step,
    household_id,
    answer,
    case answer
        when 'yes' then 'ja'
        when 'no' then 'nej'
        else 'inget svar ifyllt'
    end as answer_sv,
    arrived_on,
    offer_answer_by as answer_by,
    is_late,
    case
        when is_late then concat('Sista svarsdag var ', cast(offer_answer_by as varchar), '.')
        when offer_answer_by is null then 'Erbjudandet hittas inte.'
        else 'Svaret kom i tid.'
    end as late_sv,
    case
        when step = 'confirm' then 'Skicka bekräftelse till stadsdelsförvaltningen.'
        when is_late then 'Fråga stadsdelsförvaltningen om svaret ska gälla, och registrera det sedan i BER.'
        when answer is null then 'Kontakta vårdnadshavaren: blanketten saknar svar.'
        else 'Registrera svaret i BER.'
    end as action_sv,
    department,
    -- noon UTC is after 12:00 in Stockholm, summer and winter; midnight UTC is before
    case
        when step = 'confirm' then arrow_cast(registered_on, 'Timestamp(Millisecond, Some("+00:00"))')
        when arrived_after_noon then arrow_cast(arrived_on, 'Timestamp(Millisecond, Some("+00:00"))') + interval '12 hours'
        else arrow_cast(arrived_on, 'Timestamp(Millisecond, Some("+00:00"))')
    end as received_at,
    make_array(record) as evidence
from open_reply

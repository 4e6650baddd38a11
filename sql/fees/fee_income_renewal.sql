/*
title = "Årlig uppdatering av inkomstuppgift"
description = """FEE20, FEE21: the households with a child in a municipal place that have not declared an income since the campaign began, and
how to reach them. The campaign begins on the first of P:fee_renewal_month; the latest one that has begun counts.
A household has answered when a declaration was received on or after that day and it is not marked as missing.
Channel: e-mail and SMS where a guardian has the one or the other; a letter where all guardians lack both. reminder_no
is 0 until something has been sent that did not fail, then the number of the next reminder.
After P:fee_renewal_days days the answer is overdue: the household is told that the highest fee is charged from the next
month (is_highest_notice), once. The fee itself follows from the declarations' validity (fee_period), and so does the
way back: a declaration that arrives replaces the highest fee from its first day.
Households with protected identity get their letter through Skatteverket, from the restricted zone (FEE38)."""
kind = "table"
key = ["household_id"]
catalogue = ["FEE20", "FEE21"]

[columns]
household_id = "household"
customer_id = "payer"
department = "district"
campaign_from = "first day of the campaign"
answer_by = "last day for answering"
by_email = "send an e-mail"
by_sms = "send an SMS"
by_letter = "send a letter"
reminder_no = "0 for the first message, then the number of the reminder"
last_sent_on = "when the latest message of the campaign was sent, null when none"
is_highest_notice = "true when the answer is overdue and the notice of the highest fee has not been sent"
highest_from = "first month with the highest fee, when the answer is overdue"
record = "the household's record in BER"
*/
with latest_family_message as (
    select max(extracted_on) as extracted_on
    from family_message
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

latest_income_declaration as (
    select max(extracted_on) as extracted_on
    from income_declaration
    where extracted_on <= as_of()
),

settings as (
    select
        max(case when name = 'fee_renewal_month' then cast(value as int) end) as month,
        max(case when name = 'fee_renewal_days' then cast(value as int) end) as days
    from param
    where name in ('fee_renewal_month', 'fee_renewal_days')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

campaign as (
    select
        began.first_day,
        began.first_day + settings.days as answer_by,
        cast(date_trunc('month', began.first_day + settings.days) + interval '1 month' as date) as highest_from
    from settings
    cross join (
        select
            make_date(
                cast(date_part('year', as_of()) as int)
                - case when date_part('month', as_of()) < settings.month then 1 else 0 end,
                settings.month,
                1
            ) as first_day
        from settings
    ) as began
),

placed_household as (
    select distinct household_id
    from fee_placement
    where municipal
        and form_in_tariff
        and starts_on <= as_of()
        and (ends_on is null or ends_on >= as_of())
),

asked as (
    select
        household.household_id,
        household.customer_id,
        household.department,
        household.guardian_1,
        household.guardian_2,
        record_ref('household', household.file_id, household.ordinal, household.byte_start, household.byte_end) as record
    from household
    inner join placed_household
        on placed_household.household_id = household.household_id
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where not household.protected
        and household.valid_from <= as_of()
        and (household.valid_to is null or household.valid_to >= as_of())
),

answered as (
    select distinct income_declaration.household_id
    from income_declaration
    cross join campaign
    inner join latest_income_declaration
        on latest_income_declaration.extracted_on = income_declaration.extracted_on
    where income_declaration.status <> 'missing'
        and income_declaration.received_on between campaign.first_day and as_of()
),

contact as (
    select
        person_id,
        has_email,
        has_mobile
    from guardian_contact
    inner join latest_guardian_contact
        on latest_guardian_contact.extracted_on = guardian_contact.extracted_on
),

sent as (
    select
        family_message.household_id,
        count(distinct case when family_message.kind <> 'highest_fee' then family_message.sent_on end) as times,
        max(case when family_message.kind <> 'highest_fee' then family_message.sent_on end) as last_sent_on,
        count(case when family_message.kind = 'highest_fee' then 1 end) as notices
    from family_message
    cross join campaign
    inner join latest_family_message
        on latest_family_message.extracted_on = family_message.extracted_on
    where family_message.kind in ('income_renewal', 'income_reminder', 'highest_fee')
        and family_message.status <> 'failed'
        and family_message.sent_on between campaign.first_day and as_of()
    group by family_message.household_id
)

select
    asked.household_id,
    asked.customer_id,
    asked.department,
    campaign.first_day as campaign_from,
    campaign.answer_by,
    coalesce(one.has_email, false) or coalesce(other.has_email, false) as by_email,
    coalesce(one.has_mobile, false) or coalesce(other.has_mobile, false) as by_sms,
    not (
        coalesce(one.has_email, false) or coalesce(other.has_email, false)
        or coalesce(one.has_mobile, false) or coalesce(other.has_mobile, false)
    ) as by_letter,
    coalesce(sent.times, 0) as reminder_no,
    sent.last_sent_on,
    campaign.answer_by < as_of() and coalesce(sent.notices, 0) = 0 as is_highest_notice,
    case when campaign.answer_by < as_of() then campaign.highest_from end as highest_from,
    asked.record
from asked
cross join campaign
left anti join answered
    on answered.household_id = asked.household_id
left join contact as one
    on one.person_id = asked.guardian_1
left join contact as other
    on other.person_id = asked.guardian_2
left join sent
    on sent.household_id = asked.household_id

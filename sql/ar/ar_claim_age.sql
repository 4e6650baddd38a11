/*
title = "Fordringars ålder och väg"
description = """
What AR49 rests on: each open claim with how long it is overdue, where it is on the way from reminder to Kronofogden,
and when it is barred by limitation. Limitation runs from when the debt arose, the invoice date, or from when it was last
interrupted: three years for a consumer's debt, ten for others (ref_limitation). A customer whose identity is a person's is
taken for a consumer: the earlier date is the safe one.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR49"]
amount = "remaining"

[columns]
item_id = "item"
invoice_no = "invoice"
customer_id = "customer"
department = "department"
account = "ledger account"
arose_on = "invoice date"
due_date = "due date"
days_overdue = "days since the due date; 0 when not yet due"
remaining = "what is left of the claim"
interest = "late interest that is not invoiced yet, to the as-of; null when it cannot be computed"
stage = "not_due, overdue, reminded, collection, collection_closed or enforcement"
collection_case_id = "the agency's case"
enforcement_case_id = "case at Kronofogden"
deceased = "true when the customer is dead"
bankrupt = "true when the customer is bankrupt"
disputed_on = "date on which the customer disputed the claim"
dunning_code = "dunning code"
limitation_date = "first day on which the claim is barred"
*/
-- allow literal: the third and fourth digit of an identity, and the days of February, are no limits that change
with status as (
    select
        claim_status.item_id,
        claim_status.dunning_code,
        claim_status.reminder_level,
        claim_status.collection_sent_on,
        claim_status.collection_closed_on,
        claim_status.collection_case_id,
        claim_status.enforcement_case_id,
        claim_status.disputed_on,
        claim_status.deceased,
        claim_status.bankrupt,
        claim_status.interrupted_on
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
),

limitation as (
    select
        max(years) filter (where debtor = 'consumer') as consumer_years,
        max(years) filter (where debtor = 'other') as other_years
    from ref_limitation
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

with_years as (
    select
        ar_item_balance.item_id,
        ar_item_balance.invoice_no,
        ar_item_balance.customer_id,
        ar_item_balance.department,
        ar_item.account,
        ar_item.invoice_date,
        ar_item_balance.due_date,
        ar_item_balance.remaining,
        greatest(ar_item.invoice_date, coalesce(status.interrupted_on, ar_item.invoice_date)) as runs_from,
        -- the third digit of an organisation number is at least 2; a person's month is at most 12
        case
            when cast(substr(ar_item_balance.customer_identity, 3, 2) as int) >= 20 then limitation.other_years
            else limitation.consumer_years
        end as years,
        status.dunning_code,
        coalesce(status.reminder_level, 0) as reminder_level,
        status.collection_sent_on,
        status.collection_closed_on,
        status.collection_case_id,
        status.enforcement_case_id,
        status.disputed_on,
        coalesce(status.deceased, false) as deceased,
        coalesce(status.bankrupt, false) as bankrupt
    from ar_item_balance
    inner join ar_item
        on ar_item.item_id = ar_item_balance.item_id
    left join status
        on status.item_id = ar_item_balance.item_id
    cross join limitation
    where ar_item_balance.is_open
        and ar_item_balance.remaining > 0
        and ar_item_balance.currency = 'SEK'
)

select
    with_years.item_id,
    with_years.invoice_no,
    with_years.customer_id,
    with_years.department,
    with_years.account,
    with_years.invoice_date as arose_on,
    with_years.due_date,
    greatest(cast(as_of() as int) - cast(with_years.due_date as int), 0) as days_overdue,
    with_years.remaining,
    cast(
        case
            when ar_interest_proposal.item_id is null then 0
            else ar_interest_proposal.interest - ar_interest_proposal.interest_invoiced
        end
        as decimal(18, 2)
    ) as interest,
    case
        when with_years.enforcement_case_id is not null then 'enforcement'
        when with_years.collection_closed_on is not null then 'collection_closed'
        when with_years.collection_sent_on is not null then 'collection'
        when with_years.reminder_level > 0 then 'reminded'
        when with_years.due_date < as_of() then 'overdue'
        else 'not_due'
    end as stage,
    with_years.collection_case_id,
    with_years.enforcement_case_id,
    with_years.deceased,
    with_years.bankrupt,
    with_years.disputed_on,
    with_years.dunning_code,
    make_date(
        cast(date_part('year', with_years.runs_from) as int) + with_years.years,
        cast(date_part('month', with_years.runs_from) as int),
        -- the twenty-ninth of February has its anniversary on the twenty-eighth
        case
            when date_part('month', with_years.runs_from) = 2
                then least(cast(date_part('day', with_years.runs_from) as int), 28)
            else cast(date_part('day', with_years.runs_from) as int)
        end
    ) as limitation_date
from with_years
left join ar_interest_proposal
    on ar_interest_proposal.item_id = with_years.item_id

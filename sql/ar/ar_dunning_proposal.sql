/*
title = "Förslag till påminnelser och inkasso"
description = """
AR39: the next step of each claim that is late. A reminder is proposed P:ar_dunning_grace_days working days after the due
date, as often as the dunning code says; then collection, P:ar_collection_grace_days working days after the latest
reminder's due date. Nothing is proposed below P:ar_dunning_min. The statutory reminder fee (ref_statutory_fee) is added
only when it was agreed at the latest when the debt arose (lag 1981:739 2 §).

`block` says why a claim that is late takes no step: a deferral or a plan that is kept, a dispute, an estate, bankruptcy, an
internal counterpart, protected identity (its own path), a dunning code that allows nothing or is unknown, or no status.
A broken plan (AR72) blocks nothing once it has been ended. What is at the collection agency already is not listed.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR39"]
amount = "remaining"

[columns]
item_id = "item"
invoice_no = "invoice"
customer_id = "customer"
department = "department"
due_date = "due date that counts: the invoice's, or that of a deferral that has ended"
remaining = "what is left of the claim"
dunning_code = "dunning code"
reminder_level = "reminders sent"
step = "reminder or collection; null when blocked"
fee = "reminder fee to add"
block = "why no step is taken; null when one is proposed"
block_sv = "the block in Swedish"
due_for_step = "first day on which the step may be taken"
*/
with param_value as (
    select
        cast(max(value) filter (where name = 'ar_dunning_grace_days') as bigint) as grace_days,
        cast(max(value) filter (where name = 'ar_collection_grace_days') as bigint) as collection_days,
        cast(max(value) filter (where name = 'ar_dunning_min') as decimal(18, 2)) as least_amount
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

reminder_fee as (
    select max(amount) as amount
    from ref_statutory_fee
    where kind = 'reminder'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

internal_accounts as (
    -- an internal claim has a mirror account at the other department
    select distinct account
    from ref_account
    where pattern = 'SUB'
        and owner = 'AR'
        and mirror is not null
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

plans as (
    select
        payment_plan.item_id,
        bool_or(payment_plan.kind = 'deferral' and payment_plan.due_date >= as_of()) as deferred,
        bool_or(payment_plan.kind = 'instalments') as has_plan,
        max(payment_plan.due_date) filter (where payment_plan.kind = 'deferral') as deferred_to
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.status = 'active'
        or payment_plan.status = 'finished' and payment_plan.kind = 'deferral'
    group by payment_plan.item_id
),

status as (
    select
        claim_status.item_id,
        claim_status.dunning_code,
        claim_status.reminder_level,
        claim_status.reminder_due,
        claim_status.reminder_fee_agreed,
        claim_status.disputed_on,
        claim_status.deceased,
        claim_status.bankrupt,
        claim_status.protected,
        claim_status.collection_sent_on
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
),

codes as (
    select
        dunning_code,
        reminders,
        collection
    from ref_dunning_code
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

open_claims as (
    select
        ar_item_balance.item_id,
        ar_item_balance.invoice_no,
        ar_item_balance.customer_id,
        ar_item_balance.department,
        greatest(ar_item_balance.due_date, coalesce(plans.deferred_to, ar_item_balance.due_date)) as due_date,
        ar_item_balance.remaining,
        coalesce(plans.deferred, false) as deferred,
        coalesce(plans.has_plan, false) as has_plan,
        internal_accounts.account is not null as internal,
        status.item_id is not null as has_status,
        status.dunning_code,
        coalesce(status.reminder_level, 0) as reminder_level,
        status.reminder_due,
        coalesce(status.reminder_fee_agreed, false) as reminder_fee_agreed,
        status.disputed_on is not null as disputed,
        coalesce(status.deceased, false) as deceased,
        coalesce(status.bankrupt, false) as bankrupt,
        coalesce(status.protected, false) as protected,
        codes.dunning_code is not null as code_known,
        coalesce(codes.reminders, 0) as reminders,
        coalesce(codes.collection, false) as collection
    from ar_item_balance
    inner join ar_item
        on ar_item.item_id = ar_item_balance.item_id
    left join internal_accounts
        on internal_accounts.account = ar_item.account
    left join plans
        on plans.item_id = ar_item_balance.item_id
    left join status
        on status.item_id = ar_item_balance.item_id
    left join codes
        on codes.dunning_code = status.dunning_code
    cross join param_value
    where ar_item_balance.is_open
        and ar_item_balance.currency = 'SEK'
        and ar_item_balance.due_date < as_of()
        and ar_item_balance.remaining >= param_value.least_amount
        and status.collection_sent_on is null
),

stepped as (
    select
        open_claims.*,
        case when reminder_level < reminders then 'reminder' else 'collection' end as next_step,
        case
            when reminder_level < reminders then workday_add(due_date + 1, param_value.grace_days) + 1
            else workday_add(coalesce(reminder_due, due_date) + 1, param_value.collection_days) + 1
        end as due_for_step
    from open_claims
    cross join param_value
),

judged as (
    select
        stepped.*,
        case
            when not has_status then 'status_missing'
            when not code_known then 'dunning_code_unknown'
            when deferred then 'deferral'
            when has_plan then 'plan'
            when disputed then 'dispute'
            when deceased then 'deceased'
            when bankrupt then 'bankrupt'
            when internal then 'internal'
            when protected then 'protected'
            when next_step = 'collection' and not collection then 'code_forbids'
        end as block
    from stepped
)

select
    judged.item_id,
    judged.invoice_no,
    judged.customer_id,
    judged.department,
    judged.due_date,
    judged.remaining,
    judged.dunning_code,
    judged.reminder_level,
    case when judged.block is null then judged.next_step end as step,
    cast(
        case
            when judged.block is null and judged.next_step = 'reminder' and judged.reminder_fee_agreed
                then coalesce(reminder_fee.amount, 0)
            else 0
        end
        as decimal(18, 2)
    ) as fee,
    judged.block,
    case judged.block
        when 'status_missing' then 'kravstatus saknas'
        when 'dunning_code_unknown' then 'kravkoden är okänd'
        when 'deferral' then 'kunden har anstånd'
        when 'plan' then 'kunden har en avbetalningsplan'
        when 'dispute' then 'kunden har bestridit kravet'
        when 'deceased' then 'kunden är avliden'
        when 'bankrupt' then 'kunden är i konkurs'
        when 'internal' then 'motparten är en förvaltning i staden'
        when 'protected' then 'kunden har skyddad identitet: kravet skickas den vägen'
        when 'code_forbids' then 'kravkoden tillåter ingen inkasso'
    end as block_sv,
    judged.due_for_step
from judged
cross join reminder_fee
where judged.due_for_step <= as_of()

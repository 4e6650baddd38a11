/*
title = "Fakturor hos inkasso"
description = """
AR80 and AR81: the questions about invoices with the collection agency: each claim that has gone there, with its case, what the agency has paid, and whether it should not have gone. It went wrongly when it was paid in full or disputed or deferred on the day it was sent; the check trail is the dates."""
kind = "table"
key = ["item_id"]
catalogue = ["AR80", "AR81"]

[columns]
item_id = "ledger item"
invoice_no = "invoice"
customer_id = "customer number"
department = "department"
collection_case_id = "the agency's case"
collection_sent_on = "date on which it went to the agency"
collection_closed_on = "date on which the agency closed the case"
reminded_on = "date of the latest reminder before"
reminder_due = "its due date"
paid_before = "paid by confirmed matches on or before the day it was sent"
last_paid_before = "date of the last of these payments"
paid_after = "paid by confirmed matches after that day"
remaining = "what is left"
remitted = "what the agency has paid in for the case"
last_remitted_on = "date of its last payment"
went_wrongly = "true when it should not have gone"
answer_sv = "the answer in Swedish"
*/
with claims as (
    select
        claim_status.item_id,
        claim_status.collection_case_id,
        claim_status.collection_sent_on,
        claim_status.collection_closed_on,
        claim_status.reminded_on,
        claim_status.reminder_due,
        claim_status.disputed_on
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
    where claim_status.collection_sent_on is not null
),

payments as (
    select
        claims.item_id,
        sum(case when ar_allocation.payment_date <= claims.collection_sent_on then ar_allocation.allocated else 0 end)
            as paid_before,
        max(ar_allocation.payment_date) filter (where ar_allocation.payment_date <= claims.collection_sent_on)
            as last_paid_before,
        sum(case when ar_allocation.payment_date > claims.collection_sent_on then ar_allocation.allocated else 0 end)
            as paid_after
    from claims
    inner join ar_allocation
        on ar_allocation.item_id = claims.item_id
    group by claims.item_id
),

deferred as (
    select distinct claims.item_id
    from claims
    inner join payment_plan
        on payment_plan.item_id = claims.item_id
        and payment_plan.granted_on <= claims.collection_sent_on
        and payment_plan.due_date >= claims.collection_sent_on
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.status in ('active', 'finished')
),

remittances as (
    select
        case_id,
        sum(amount) as remitted,
        max(remitted_on) as last_remitted_on
    from collection_remittance
    where remitted_on <= as_of()
    group by case_id
),

judged as (
    select
        claims.*,
        ar_item.invoice_no,
        ar_item.customer_id,
        ar_item.department,
        coalesce(payments.paid_before, 0) as paid_before,
        payments.last_paid_before,
        coalesce(payments.paid_after, 0) as paid_after,
        ar_item_balance.remaining,
        remittances.remitted,
        remittances.last_remitted_on,
        case
            when ar_item.opening_remaining <= coalesce(payments.paid_before, 0) then 'paid'
            when claims.disputed_on <= claims.collection_sent_on then 'disputed'
            when deferred.item_id is not null then 'deferred'
        end as wrong
    from claims
    inner join ar_item
        on ar_item.item_id = claims.item_id
    inner join ar_item_balance
        on ar_item_balance.item_id = claims.item_id
    left join payments
        on payments.item_id = claims.item_id
    left join deferred
        on deferred.item_id = claims.item_id
    left join remittances
        on remittances.case_id = claims.collection_case_id
)

select
    item_id,
    invoice_no,
    customer_id,
    department,
    collection_case_id,
    collection_sent_on,
    collection_closed_on,
    reminded_on,
    reminder_due,
    cast(paid_before as decimal(18, 2)) as paid_before,
    last_paid_before,
    cast(paid_after as decimal(18, 2)) as paid_after,
    remaining,
    cast(remitted as decimal(18, 2)) as remitted,
    last_remitted_on,
    wrong is not null as went_wrongly,
    concat(
        case
            when collection_closed_on is not null then 'Ärendet är avslutat hos inkassobolaget.'
            else 'Fakturan ligger hos inkassobolaget.'
        end,
        case wrong
            when 'paid' then ' Den var betald när den skickades: återkalla den.'
            when 'disputed' then ' Den var bestridd när den skickades: återkalla den.'
            when 'deferred' then ' Den hade anstånd eller avbetalningsplan när den skickades: återkalla den.'
            else ''
        end
    ) as answer_sv
from judged

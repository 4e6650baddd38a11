/*
title = "Kontroll av begärda anstånd och avbetalningsplaner"
description = """
AR37: every deferral and payment plan that is asked for, with what must be true before it is granted. The claims must be
unpaid and not at the collection agency; the instalments of each claim must add up to what is left of it and fall on working
days. Within the delegation (ref_delegation by system and kind; RENT01, RENT03, FEE14) it can be granted at once, beyond it
the department has to decide. A direct debit must be stopped, a reminder and a protected identity be heeded.
"""
kind = "table"
key = ["plan_id"]
catalogue = ["AR37"]
amount = "debt"

[columns]
plan_id = "deferral or plan"
kind = "deferral or instalments"
customer_id = "customer"
department = "department of the claims when there is one"
requested_on = "date of the request"
received_at = "beginning of the day of the request"
claims = "claims that it covers"
debt = "what is left of them"
instalments_total = "sum of what is to be paid"
last_due = "last date to pay"
reminder_level = "most reminders that any of the claims has had"
autogiro = "true when any of the claims is to be drawn by direct debit: stop the withdrawal"
protected = "true when the customer has protected identity"
faults = "codes of what is against it: paid, at_collection, sum_differs, no_working_day, beyond_delegation"
outcome = "grant, department, correct or refuse"
reason_sv = "what is against it, in Swedish"
*/
with latest as (
    select max(extracted_on) as extracted_on
    from payment_plan
    where extracted_on <= as_of()
),

requested as (
    select
        payment_plan.plan_id,
        payment_plan.item_id,
        payment_plan.kind,
        payment_plan.customer_id,
        payment_plan.requested_on,
        payment_plan.department_decision,
        payment_plan.due_date,
        payment_plan.amount
    from payment_plan
    inner join latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.status = 'requested'
),

status as (
    select
        claim_status.item_id,
        claim_status.reminder_level,
        claim_status.protected,
        claim_status.collection_sent_on is not null and claim_status.collection_closed_on is null as at_collection
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest_status
        on latest_status.extracted_on = claim_status.extracted_on
),

by_claim as (
    select
        plan_id,
        item_id,
        min(kind) as kind,
        min(customer_id) as customer_id,
        min(requested_on) as requested_on,
        max(department_decision) as department_decision,
        min(due_date) as first_due,
        max(due_date) as last_due,
        sum(amount) as amount,
        -- the first working day from a date on is the date itself
        bool_and(workday_add(due_date, 1) = due_date) as working_days
    from requested
    group by plan_id, item_id
),

judged as (
    select
        by_claim.plan_id,
        by_claim.kind,
        by_claim.customer_id,
        by_claim.requested_on,
        by_claim.department_decision,
        by_claim.first_due,
        by_claim.last_due,
        by_claim.amount,
        by_claim.working_days,
        ar_item.department,
        ar_item.due_date as invoice_due,
        case when ar_item.billing_source = 'LOIS' then 'LOIS' else 'other' end as billing_source,
        ar_item.autogiro_payer_number is not null as autogiro,
        coalesce(case when ar_item_balance.is_open then ar_item_balance.remaining end, 0) as remaining,
        coalesce(status.reminder_level, 0) as reminder_level,
        coalesce(status.protected, false) as protected,
        coalesce(status.at_collection, false) as at_collection
    from by_claim
    left join ar_item
        on ar_item.item_id = by_claim.item_id
    left join ar_item_balance
        on ar_item_balance.item_id = by_claim.item_id
    left join status
        on status.item_id = by_claim.item_id
),

plans as (
    select
        plan_id,
        min(kind) as kind,
        min(customer_id) as customer_id,
        case when min(department) = max(department) then min(department) end as department,
        min(requested_on) as requested_on,
        max(department_decision) as department_decision,
        count(*) as claims,
        sum(remaining) as debt,
        sum(amount) as instalments_total,
        min(first_due) as first_due,
        max(last_due) as last_due,
        min(invoice_due) as invoice_due,
        max(reminder_level) as reminder_level,
        bool_or(autogiro) as autogiro,
        bool_or(protected) as protected,
        bool_or(remaining <= 0) as any_paid,
        bool_or(at_collection) as any_at_collection,
        bool_or(amount <> remaining) as any_sum_differs,
        bool_and(working_days) as working_days,
        -- the stricter rule of all the systems that the claims come from
        max(billing_source) as last_source,
        min(billing_source) as first_source
    from judged
    group by plan_id
),

limits as (
    select
        plans.plan_id,
        min(ref_delegation.max_months) as max_months,
        min(ref_delegation.max_items) as max_items
    from plans
    inner join ref_delegation
        on ref_delegation.kind = plans.kind
    where ref_delegation.billing_source in (plans.first_source, plans.last_source)
        and ref_delegation.valid_from <= as_of()
        and (ref_delegation.valid_to is null or ref_delegation.valid_to >= as_of())
    group by plans.plan_id
),

-- a deferral counts from the invoice's due date, a plan from its first instalment
measured as (
    select
        plans.*,
        limits.max_months,
        limits.max_items,
        case when plans.kind = 'deferral' then plans.invoice_due else plans.first_due end as counted_from
    from plans
    left join limits
        on limits.plan_id = plans.plan_id
),

with_months as (
    select
        measured.*,
        cast(
            (date_part('year', last_due) - date_part('year', counted_from)) * 12
            + date_part('month', last_due) - date_part('month', counted_from)
            as int
        ) as months,
        cast(date_part('day', last_due) as int) > cast(date_part('day', counted_from) as int) as and_days
    from measured
),

with_faults as (
    select
        with_months.*,
        array_remove_all(
            make_array(
                case when any_paid then 'paid' else '' end,
                case when any_at_collection then 'at_collection' else '' end,
                case when any_sum_differs and not any_paid then 'sum_differs' else '' end,
                case when not working_days then 'no_working_day' else '' end,
                case
                    when department_decision is not null then ''
                    -- without a limit nobody may grant it here
                    when max_months is null or counted_from is null then 'beyond_delegation'
                    when months > max_months or months = max_months and and_days then 'beyond_delegation'
                    when claims > max_items then 'beyond_delegation'
                    else ''
                end
            ),
            ''
        ) as faults
    from with_months
)

select
    plan_id,
    kind,
    customer_id,
    department,
    requested_on,
    cast(requested_on as timestamp) as received_at,
    claims,
    cast(debt as decimal(18, 2)) as debt,
    cast(instalments_total as decimal(18, 2)) as instalments_total,
    last_due,
    reminder_level,
    autogiro,
    protected,
    faults,
    case
        when array_has(faults, 'paid') or array_has(faults, 'at_collection') then 'refuse'
        when array_has(faults, 'sum_differs') or array_has(faults, 'no_working_day') then 'correct'
        when array_has(faults, 'beyond_delegation') then 'department'
        else 'grant'
    end as outcome,
    concat_ws(
        ' ',
        case when array_has(faults, 'paid') then 'En faktura är betald eller finns inte.' end,
        case when array_has(faults, 'at_collection') then 'En faktura är hos inkassobolaget.' end,
        case when array_has(faults, 'sum_differs') then 'Beloppen är inte det som återstår på fakturorna.' end,
        case when array_has(faults, 'no_working_day') then 'Ett datum är ingen arbetsdag.' end,
        case when array_has(faults, 'beyond_delegation') then 'Tiden ryms inte i delegationen: förvaltningen beslutar.' end,
        case when autogiro then 'Stoppa autogirot.' end,
        case when reminder_level > 0 then 'Påminnelse har skickats.' end,
        case when protected then 'Kunden har skyddad identitet.' end,
        case when cardinality(faults) = 0 then 'Kan beviljas.' end
    ) as reason_sv
from with_faults

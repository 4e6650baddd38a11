/*
title = "Avbetalningsplaner som inte följs"
description = """
AR72: payment plans in force that are not paid as agreed. What has fallen due with P:ar_plan_grace_days working days of
grace is compared with what has been paid on the plan's claims since it began; the first instalment that the payments do
not cover is the unpaid one. Credits lower the debt, not the instalments. The row closes when it is paid or the plan ended.
"""
kind = "exception"
key = ["plan_id"]
catalogue = ["AR72"]
amount = "missing"

[exception]
queue = "kund-brutna-planer"
queue_title = "Brutna avbetalningsplaner"
service_level = "SLA27"
why = "Avbetalningsplan {plan_id} för kund {customer_id}: delbetalningen som förföll {first_unpaid_due} är inte betald, {missing} saknas."
action = "Avbryt planen, meddela förvaltningen {departments} och låt kravet gå vidare: {next_step_sv}"

[columns]
plan_id = "plan"
customer_id = "customer"
departments = "departments of the claims"
first_unpaid_due = "due date of the first instalment that is not covered"
unpaid_instalments = "instalments due, with grace, that are not covered"
due = "what has fallen due, with grace"
paid = "what has been paid since the plan began"
missing = "due less paid"
debt = "what is left of the plan's claims"
next_step = "reminder or collection"
next_step_sv = "the next step in Swedish"
received_at = "beginning of the day on which the plan was broken"
*/
with param_value as (
    select cast(max(value) as bigint) as grace_days
    from param
    where name = 'ar_plan_grace_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

instalments as (
    select
        payment_plan.plan_id,
        payment_plan.item_id,
        payment_plan.customer_id,
        payment_plan.granted_on,
        payment_plan.due_date,
        payment_plan.amount
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.kind = 'instalments'
        and payment_plan.status = 'active'
),

claims as (
    select
        plan_id,
        item_id,
        min(granted_on) as granted_on
    from instalments
    group by plan_id, item_id
),

-- payments that we hold, and what the ledger shows of other channels
payments as (
    select
        claims.plan_id,
        sum(ar_allocation.allocated) as amount
    from claims
    inner join ar_allocation
        on ar_allocation.item_id = claims.item_id
    where ar_allocation.payment_date >= claims.granted_on
    group by claims.plan_id
    union all
    select
        claims.plan_id,
        -sum(ar_item_change.amount - ar_item_change.credited) as amount
    from claims
    inner join ar_item_change
        on ar_item_change.item_id = claims.item_id
    where ar_item_change.changed_on >= claims.granted_on
    group by claims.plan_id
),

paid as (
    select
        plan_id,
        sum(amount) as amount
    from payments
    group by plan_id
),

debts as (
    select
        claims.plan_id,
        sum(case when ar_item_balance.is_open then ar_item_balance.remaining else 0 end) as debt,
        array_to_string(array_agg(distinct ar_item_balance.department order by ar_item_balance.department), ', ')
            as departments,
        max(claim_status.reminder_level) as reminder_level
    from claims
    inner join ar_item_balance
        on ar_item_balance.item_id = claims.item_id
    left join (
        select
            claim_status.item_id,
            claim_status.reminder_level
        from claim_status
        inner join (
            select max(extracted_on) as extracted_on
            from claim_status
            where extracted_on <= as_of()
        ) as latest_status
            on latest_status.extracted_on = claim_status.extracted_on
    ) as claim_status
        on claim_status.item_id = claims.item_id
    group by claims.plan_id
),

by_date as (
    select
        plan_id,
        min(customer_id) as customer_id,
        due_date,
        sum(amount) as amount
    from instalments
    group by plan_id, due_date
),

fallen_due as (
    select
        by_date.plan_id,
        by_date.customer_id,
        by_date.due_date,
        sum(by_date.amount) over (partition by by_date.plan_id order by by_date.due_date) as due_so_far,
        param_value.grace_days
    from by_date
    cross join param_value
    where workday_add(by_date.due_date + 1, param_value.grace_days) < as_of()
),

uncovered as (
    select
        fallen_due.plan_id,
        min(fallen_due.customer_id) as customer_id,
        max(fallen_due.due_so_far) as due,
        min(fallen_due.due_date) filter (where fallen_due.due_so_far > coalesce(paid.amount, 0)) as first_unpaid_due,
        count(*) filter (where fallen_due.due_so_far > coalesce(paid.amount, 0)) as unpaid_instalments,
        coalesce(min(paid.amount), 0) as paid,
        min(fallen_due.grace_days) as grace_days
    from fallen_due
    left join paid
        on paid.plan_id = fallen_due.plan_id
    group by fallen_due.plan_id
)

select
    uncovered.plan_id,
    uncovered.customer_id,
    debts.departments,
    uncovered.first_unpaid_due,
    uncovered.unpaid_instalments,
    cast(uncovered.due as decimal(18, 2)) as due,
    cast(uncovered.paid as decimal(18, 2)) as paid,
    cast(least(uncovered.due - uncovered.paid, debts.debt) as decimal(18, 2)) as missing,
    cast(debts.debt as decimal(18, 2)) as debt,
    case when coalesce(debts.reminder_level, 0) = 0 then 'reminder' else 'collection' end as next_step,
    case when coalesce(debts.reminder_level, 0) = 0 then 'skicka påminnelse.' else 'lämna till inkasso.' end
        as next_step_sv,
    cast(workday_add(uncovered.first_unpaid_due + 1, uncovered.grace_days) + 1 as timestamp) as received_at
from uncovered
inner join debts
    on debts.plan_id = uncovered.plan_id
where uncovered.first_unpaid_due is not null
    and debts.debt > 0

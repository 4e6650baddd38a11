/*
title = "Beslutsunderlag för nedskrivning"
description = """
AR49: the claims that a department should consider to write down: overdue P:ar_writedown_months months or more, closed at the
collection agency, the customer bankrupt or dead, or barred by limitation. Claims with a payment plan in force and claims whose
dunning code allows no write-down are left out. Totals by department and account are sums of the rows.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR49"]
amount = "remaining"

[columns]
item_id = "item"
invoice_no = "invoice"
customer_id = "customer"
department = "department that decides"
account = "ledger account"
due_date = "due date"
days_overdue = "days since the due date"
remaining = "what is left of the claim"
stage = "where the claim is on its way"
reason = "limitation, bankrupt, deceased, collection_closed or age: the first that holds"
reason_sv = "the reason in Swedish"
limitation_date = "first day on which the claim is barred"
department_total = "all proposed of the department and account"
*/
with param_value as (
    select cast(max(value) as int) as months
    from param
    where name = 'ar_writedown_months'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

codes as (
    select dunning_code
    from ref_dunning_code
    where writedown
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

with_plan as (
    select distinct payment_plan.item_id
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.status = 'active'
),

judged as (
    select
        ar_claim_age.item_id,
        ar_claim_age.invoice_no,
        ar_claim_age.customer_id,
        ar_claim_age.department,
        ar_claim_age.account,
        ar_claim_age.due_date,
        ar_claim_age.days_overdue,
        ar_claim_age.remaining,
        ar_claim_age.stage,
        ar_claim_age.limitation_date,
        case
            when ar_claim_age.limitation_date <= as_of() then 'limitation'
            when ar_claim_age.bankrupt then 'bankrupt'
            when ar_claim_age.deceased then 'deceased'
            when ar_claim_age.stage = 'collection_closed' then 'collection_closed'
            when (date_part('year', as_of()) - date_part('year', ar_claim_age.due_date)) * 12
                + date_part('month', as_of()) - date_part('month', ar_claim_age.due_date)
                - case when date_part('day', as_of()) < date_part('day', ar_claim_age.due_date) then 1 else 0 end
                >= param_value.months
                then 'age'
        end as reason
    from ar_claim_age
    inner join codes
        on codes.dunning_code = ar_claim_age.dunning_code
    left anti join with_plan
        on with_plan.item_id = ar_claim_age.item_id
    cross join param_value
    where ar_claim_age.due_date < as_of()
)

select
    item_id,
    invoice_no,
    customer_id,
    department,
    account,
    due_date,
    days_overdue,
    remaining,
    stage,
    reason,
    case reason
        when 'limitation' then 'fordran är preskriberad'
        when 'bankrupt' then 'kunden är i konkurs'
        when 'deceased' then 'kunden är avliden'
        when 'collection_closed' then 'inkassobolaget har avslutat ärendet'
        else 'fordran har varit förfallen länge'
    end as reason_sv,
    limitation_date,
    cast(sum(remaining) over (partition by department, account) as decimal(18, 2)) as department_total
from judged
where reason is not null

/*
title = "Förslag till räntefakturor"
description = """
AR36: the late interest of each claim up to the as-of or to its payment, less what has been invoiced already. A positive
amount is to be invoiced; a negative one is to be credited, because a credit or a deferral came after the interest had
been invoiced. Everything is computed from the segments of ar_interest_segment; only their sum is rounded, to whole öre,
half up.

`decision` says what to propose: `charge`, `credit`, or why nothing is: `forbidden` by the dunning code, `deceased`
(P:ar_interest_estate), `too_small` (P:ar_interest_min), `even` when it is what has been invoiced, `rate_missing`,
`status_missing` or `dunning_code_unknown`; the last three are on the list of ar_interest_blocked.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR36"]
amount = "proposed"

[columns]
item_id = "item"
invoice_no = "invoice that is late"
customer_id = "customer"
department = "department"
due_date = "due date of the invoice"
first_day = "first day with interest"
last_day = "last day with interest"
days = "days with interest"
is_paid = "true when nothing is left of the claim"
dunning_code = "dunning code of the item"
interest = "late interest of all days; null when a rate is missing"
interest_invoiced = "late interest invoiced so far"
proposed = "amount to invoice, negative to credit; 0 when nothing is proposed"
decision = "charge, credit, forbidden, deceased, too_small, even, rate_missing, status_missing or dunning_code_unknown"
decision_sv = "the decision in Swedish"
*/
with param_value as (
    select
        cast(max(value) filter (where name = 'ar_interest_day_basis') as decimal(5, 0)) as day_basis,
        cast(max(value) filter (where name = 'ar_interest_min') as decimal(18, 2)) as least_amount,
        cast(max(value) filter (where name = 'ar_interest_estate') as bigint) as of_estates
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

codes as (
    select
        dunning_code,
        interest
    from ref_dunning_code
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

status as (
    select
        claim_status.item_id,
        claim_status.dunning_code,
        claim_status.deceased,
        claim_status.interest_invoiced
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
),

sums as (
    select
        item_id,
        min(from_date) filter (where not deferred) as first_day,
        max(to_date) filter (where not deferred) as last_day,
        sum(case when deferred then 0 else days end) as days,
        bool_or(rate is null and not deferred) as rate_missing,
        sum(percent_days) as percent_days
    from ar_interest_segment
    group by item_id
),

-- allow union: a claim that is in both is one claim
-- what was invoiced on a claim that no longer bears any interest must be credited, too
claims as (
    select item_id from sums
    union
    select item_id from status where interest_invoiced <> 0
),

computed as (
    select
        claims.item_id,
        ar_item_balance.invoice_no,
        ar_item_balance.customer_id,
        ar_item_balance.department,
        ar_item_balance.due_date,
        sums.first_day,
        sums.last_day,
        coalesce(sums.days, 0) as days,
        ar_item_balance.remaining <= 0 or ar_item_balance.closed_on is not null as is_paid,
        status.item_id is not null as has_status,
        status.dunning_code,
        status.deceased,
        codes.dunning_code is not null as code_known,
        codes.interest as interest_allowed,
        coalesce(sums.rate_missing, false) as rate_missing,
        case
            when coalesce(sums.rate_missing, false) then null
            else round_half_up(coalesce(sums.percent_days, 0) / (param_value.day_basis * 100), 2)
        end as interest,
        coalesce(status.interest_invoiced, 0) as interest_invoiced,
        param_value.least_amount,
        param_value.of_estates
    from claims
    inner join ar_item_balance
        on ar_item_balance.item_id = claims.item_id
    left join sums
        on sums.item_id = claims.item_id
    left join status
        on status.item_id = claims.item_id
    left join codes
        on codes.dunning_code = status.dunning_code
    cross join param_value
),

decided as (
    select
        item_id,
        invoice_no,
        customer_id,
        department,
        due_date,
        first_day,
        last_day,
        days,
        is_paid,
        dunning_code,
        interest,
        interest_invoiced,
        case
            when not has_status then 'status_missing'
            when not code_known then 'dunning_code_unknown'
            when rate_missing then 'rate_missing'
            when interest < interest_invoiced then 'credit'
            when interest = interest_invoiced then 'even'
            when not interest_allowed then 'forbidden'
            when deceased and of_estates = 0 then 'deceased'
            when interest - interest_invoiced < least_amount then 'too_small'
            else 'charge'
        end as decision
    from computed
)

select
    item_id,
    invoice_no,
    customer_id,
    department,
    due_date,
    first_day,
    last_day,
    days,
    is_paid,
    dunning_code,
    cast(interest as decimal(18, 2)) as interest,
    cast(interest_invoiced as decimal(18, 2)) as interest_invoiced,
    cast(case when decision in ('charge', 'credit') then interest - interest_invoiced else 0 end as decimal(18, 2))
        as proposed,
    decision,
    case decision
        when 'charge' then 'Fakturera dröjsmålsräntan.'
        when 'credit' then 'Kreditera för hög fakturerad dröjsmålsränta.'
        when 'even' then 'Räntan är redan fakturerad.'
        when 'forbidden' then 'Kravkoden tillåter ingen ränta.'
        when 'deceased' then 'Kunden är avliden: ingen ränta faktureras.'
        when 'too_small' then 'Räntan är lägre än det minsta belopp som faktureras.'
        when 'rate_missing' then 'Referensränta saknas för en del av tiden.'
        when 'status_missing' then 'Kravstatus saknas för posten.'
        else 'Kravkoden är okänd.'
    end as decision_sv
from decided

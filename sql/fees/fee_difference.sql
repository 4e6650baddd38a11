/*
title = "Avgift att debitera eller rätta, en rad per betalare, placering och månad"
description = """FEE29, FEE12: history is alive. What each payer owes for a placement and month as the registers say it today, less what was
invoiced for it, earlier corrections included. A late declaration, a household or placement corrected afterwards, or a new
tariff changes fee_month for the months that it touches, and the difference of exactly these months stands here until it
has been invoiced; then it is gone.
1. Due: the sum of fee_month (charged and free) and fee_club over the placement's rows in the month, by payer.
2. Invoiced: the sum of the lines of kind fee, correction and club, by payer. A payer to whom the month does not belong any more
   gets back what was charged, and the right one is charged.
3. Nothing is said of a month of which a part is refused (what is due is not known), of one that the income comparison has
   settled, of one before P:fee_charges_known_from, and of what belongs to the restricted zone (FEE38).
Kind fee: the month of the as-of, for which nothing has been invoiced yet: the ordinary run. Everything else is a correction."""
kind = "table"
key = ["payer", "placement_id", "month"]
amount = "difference"
catalogue = ["FEE29"]

[columns]
payer = "customer number of the payer; the household's identity when the register names none"
placement_id = "placement"
month = "first day of the month"
household_id = "household that owes it; null when nothing is due any more"
department = "district"
due = "what the month costs according to the registers of today"
invoiced = "what has been invoiced for it, corrections included"
difference = "due less invoiced: positive to be charged, negative to be given back"
kind = "fee or correction"
reason = "ordinary, not_invoiced, changed or nothing_due"
invoice_lines = "lines invoiced so far"
*/
with limits as (
    select
        cast(max(case when name = 'fee_charges_known_from' then value end) as int) as known_from
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

due_row as (
    select
        coalesce(customer_id, household_id) as payer,
        placement_id,
        month,
        household_id,
        department,
        fee,
        status = 'refused' as is_refused
    from fee_month
    where status <> 'other_tariff'
    union all
    select
        payer,
        placement_id,
        month,
        household_id,
        department,
        fee,
        false as is_refused
    from fee_club
),

-- A month of which a part cannot be decided is left alone, whoever pays the other part.
undecided as (
    select distinct
        placement_id,
        month
    from due_row
    where is_refused
),

settled as (
    select distinct
        placement_id,
        month
    from fee_charged
    where kind = 'comparison'
),

movement as (
    select
        payer,
        placement_id,
        month,
        household_id,
        department,
        fee as due,
        cast(0 as decimal(18, 2)) as invoiced,
        0 as invoice_lines
    from due_row
    where not is_refused
    union all
    select
        payer,
        placement_id,
        month,
        cast(null as varchar) as household_id,
        department,
        cast(0 as decimal(18, 2)) as due,
        amount as invoiced,
        1 as invoice_lines
    from fee_charged
    where kind <> 'comparison'
),

balance as (
    select
        movement.payer,
        movement.placement_id,
        movement.month,
        max(movement.household_id) as household_id,
        max(movement.department) as department,
        cast(sum(movement.due) as decimal(18, 2)) as due,
        cast(sum(movement.invoiced) as decimal(18, 2)) as invoiced,
        sum(movement.invoice_lines) as invoice_lines
    from movement
    left anti join undecided
        on undecided.placement_id = movement.placement_id
        and undecided.month = movement.month
    left anti join settled
        on settled.placement_id = movement.placement_id
        and settled.month = movement.month
    group by
        movement.payer,
        movement.placement_id,
        movement.month
)

select
    balance.payer,
    balance.placement_id,
    balance.month,
    balance.household_id,
    balance.department,
    balance.due,
    balance.invoiced,
    cast(balance.due - balance.invoiced as decimal(18, 2)) as difference,
    case
        when balance.invoice_lines = 0 and balance.month = cast(date_trunc('month', as_of()) as date) then 'fee'
        else 'correction'
    end as kind,
    case
        when balance.invoice_lines > 0 and balance.household_id is null then 'nothing_due'
        when balance.invoice_lines > 0 then 'changed'
        when balance.month = cast(date_trunc('month', as_of()) as date) then 'ordinary'
        else 'not_invoiced'
    end as reason,
    cast(balance.invoice_lines as bigint) as invoice_lines
from balance
cross join limits
where balance.due <> balance.invoiced
    and cast(date_part('year', balance.month) * 100 + date_part('month', balance.month) as int) >= limits.known_from

/*
title = "Inkomstjämförelse, en rad per betalare och år"
description = """FEE36, FEE37: the year's compared months of each payer, what has been settled of it, and what is left to charge or to pay
back: the basis of the letter.
1. Difference: the sum of the compared months' differences. Between minus and plus P:fee_comparison_minimum, that amount excluded,
   nothing is done.
2. Settled: the invoice lines of kind comparison for the year. Left: difference less settled, when there is something to do.
3. A payer with a month that could not be compared is incomplete, and nothing is charged or paid back before all months are
   (fee_comparison_exception), but for months whose charges are not known: a year with such a month is not compared at all.
What is paid back is set off first against overdue and other open items of the payer in the ledger (fee invoices of BER)."""
kind = "table"
key = ["payer", "income_year"]
amount = "left_to_settle"
catalogue = []

[columns]
payer = "customer number of the payer; the household's identity when the register names none"
income_year = "year that is compared"
department = "district"
months = "months with a fee"
compared_months = "months that could be compared"
not_compared = "why a month could not be compared, null when all were"
first_month = "first month"
last_month = "last month"
taxed_year = "taxed income of the compared months, added"
charged = "charged for the compared months, corrections included"
compared_fee = "fee of the compared months on the taxed income"
difference = "compared fee less charged"
minimum = "smaller differences are left alone"
settled = "comparison lines that have been invoiced for the year"
outcome = "charge, refund, none or incomplete"
left_to_settle = "left to charge, or to pay back when negative"
open_items = "open fee items of the payer in the ledger"
set_off = "of what is paid back, this much is set off against them"
refund = "and this much is paid out"
letter_sv = "the letter's basis, in Swedish"
*/
with limits as (
    select
        max(case when name = 'fee_comparison_minimum' then cast(value as decimal(18, 2)) end) as minimum
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- A household's taxed month counts once, however many children it has.
household_month as (
    select distinct
        payer,
        income_year,
        household_id,
        month,
        taxed_month
    from fee_comparison_month
    where not_compared is null
),

taxed as (
    select
        payer,
        income_year,
        cast(sum(taxed_month) as decimal(18, 2)) as taxed_year
    from household_month
    group by
        payer,
        income_year
),

compared as (
    select
        payer,
        income_year,
        max(department) as department,
        count(distinct month) as months,
        count(distinct case when not_compared is null then month end) as compared_months,
        max(not_compared) as not_compared,
        min(month) as first_month,
        max(month) as last_month,
        cast(coalesce(sum(case when not_compared is null then charged end), 0) as decimal(18, 2)) as charged,
        cast(coalesce(sum(compared_fee), 0) as decimal(18, 2)) as compared_fee,
        cast(coalesce(sum(difference), 0) as decimal(18, 2)) as difference
    from fee_comparison_month
    group by
        payer,
        income_year
),

settled as (
    select
        payer,
        cast(date_part('year', month) as int) as income_year,
        cast(sum(amount) as decimal(18, 2)) as settled
    from fee_charged
    where kind = 'comparison'
    group by
        payer,
        cast(date_part('year', month) as int)
),

latest_ledger as (
    select max(extracted_on) as extracted_on
    from customer_item
    where extracted_on <= as_of()
),

open_item as (
    select
        customer_item.customer_id as payer,
        cast(sum(customer_item.remaining) as decimal(18, 2)) as open_items
    from customer_item
    inner join latest_ledger
        on latest_ledger.extracted_on = customer_item.extracted_on
    where customer_item.remaining > 0
        and customer_item.billing_source = 'BER'
    group by
        customer_item.customer_id
),

decided as (
    select
        compared.payer,
        compared.income_year,
        compared.department,
        compared.months,
        compared.compared_months,
        compared.not_compared,
        compared.first_month,
        compared.last_month,
        coalesce(taxed.taxed_year, cast(0 as decimal(18, 2))) as taxed_year,
        compared.charged,
        compared.compared_fee,
        compared.difference,
        limits.minimum,
        coalesce(settled.settled, cast(0 as decimal(18, 2))) as settled,
        coalesce(open_item.open_items, cast(0 as decimal(18, 2))) as open_items,
        case
            when compared.not_compared is not null then 'incomplete'
            when abs(compared.difference) < limits.minimum then 'none'
            when compared.difference > 0 then 'charge'
            else 'refund'
        end as outcome
    from compared
    cross join limits
    left join taxed
        on taxed.payer = compared.payer
        and taxed.income_year = compared.income_year
    left join settled
        on settled.payer = compared.payer
        and settled.income_year = compared.income_year
    left join open_item
        on open_item.payer = compared.payer
),

with_rest as (
    select
        decided.*,
        cast(case
            when decided.outcome = 'incomplete' then 0
            when decided.outcome = 'none' then -decided.settled
            else decided.difference - decided.settled
        end as decimal(18, 2)) as left_to_settle
    from decided
)

select
    with_rest.payer,
    with_rest.income_year,
    with_rest.department,
    with_rest.months,
    with_rest.compared_months,
    with_rest.not_compared,
    with_rest.first_month,
    with_rest.last_month,
    with_rest.taxed_year,
    with_rest.charged,
    with_rest.compared_fee,
    with_rest.difference,
    with_rest.minimum,
    with_rest.settled,
    with_rest.outcome,
    with_rest.left_to_settle,
    with_rest.open_items,
    cast(least(greatest(-with_rest.left_to_settle, 0), with_rest.open_items) as decimal(18, 2)) as set_off,
    cast(greatest(-with_rest.left_to_settle - with_rest.open_items, 0) as decimal(18, 2)) as refund,
    case with_rest.outcome
        when 'charge' then concat(
            'Hushållets beskattade inkomst ', cast(with_rest.income_year as varchar),
            ' ger avgifter på ', cast(with_rest.compared_fee as varchar),
            ' kr. Ni har betalat ', cast(with_rest.charged as varchar),
            ' kr. Skillnaden ', cast(with_rest.difference as varchar), ' kr faktureras.'
        )
        when 'refund' then concat(
            'Hushållets beskattade inkomst ', cast(with_rest.income_year as varchar),
            ' ger avgifter på ', cast(with_rest.compared_fee as varchar),
            ' kr. Ni har betalat ', cast(with_rest.charged as varchar),
            ' kr. Skillnaden ', cast(-with_rest.difference as varchar),
            ' kr betalas tillbaka, sedan eventuella obetalda avgifter har räknats av.'
        )
        when 'none' then concat(
            'Skillnaden mellan debiterad avgift och avgift på beskattad inkomst ', cast(with_rest.income_year as varchar),
            ' är mindre än ', cast(with_rest.minimum as varchar), ' kr. Inget faktureras eller betalas tillbaka.'
        )
    end as letter_sv
from with_rest

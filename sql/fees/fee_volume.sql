/*
title = "Avgifternas volym per månad och stadsdel"
description = """FEE13, FEE44: what a run charges, for a reasonableness check: for each month and district, and for the city as a whole (district
`*`), the placements, the fees and what BER has invoiced for the month (fee_charge, lines of kind fee and correction).
The highest fee is charged when no usable income is known or the income reaches the ceiling."""
kind = "table"
key = ["month", "department"]
catalogue = ["FEE13", "FEE44"]
amount = "fee_total"

[columns]
month = "first day of the month"
department = "district; * for the city"
placements = "placements with a result under the maxtaxa"
refused = "of which refused"
fee_total = "sum of the fees"
mean_fee = "mean fee of those that are not refused, öre"
highest_share = "share that pays the highest fee of its place in the order"
zero_share = "share with the fee 0"
invoices = "invoices"
invoiced_lines = "invoice lines"
invoiced_total = "their sum"
difference = "fees less invoiced"
*/
with counted_result as (
    select
        month,
        unnest(make_array(coalesce(department, '-'), '*')) as department,
        status,
        fee,
        status = 'charged'
        and coalesce(income_used >= ceiling, false) as is_highest
    from fee_month
    where status <> 'other_tariff'
),

counted as (
    select
        month,
        department,
        count(*) as placements,
        count(case when status = 'refused' then 1 end) as refused,
        count(fee) as fees,
        coalesce(sum(fee), 0) as fee_total,
        count(case when is_highest then 1 end) as highest,
        count(case when fee = 0 then 1 end) as zero
    from counted_result
    group by
        month,
        department
),

line as (
    select
        month,
        unnest(make_array(coalesce(department, '-'), '*')) as department,
        invoice_no,
        amount
    from fee_charge
    where extracted_on <= as_of()
        and kind in ('fee', 'correction')
),

invoiced as (
    select
        month,
        department,
        count(*) as lines,
        count(distinct invoice_no) as invoices,
        sum(amount) as amount
    from line
    group by
        month,
        department
)

select
    coalesce(counted.month, invoiced.month) as month,
    coalesce(counted.department, invoiced.department) as department,
    coalesce(counted.placements, 0) as placements,
    coalesce(counted.refused, 0) as refused,
    cast(coalesce(counted.fee_total, 0) as decimal(18, 2)) as fee_total,
    case
        when counted.fees > 0
            then round_half_up(cast(counted.fee_total as decimal(24, 2)) / cast(counted.fees as decimal(18, 0)), 2)
    end as mean_fee,
    case
        when counted.fees > 0
            then round_half_up(cast(counted.highest as decimal(18, 6)) / cast(counted.fees as decimal(18, 0)), 4)
    end as highest_share,
    case
        when counted.fees > 0
            then round_half_up(cast(counted.zero as decimal(18, 6)) / cast(counted.fees as decimal(18, 0)), 4)
    end as zero_share,
    coalesce(invoiced.invoices, 0) as invoices,
    coalesce(invoiced.lines, 0) as invoiced_lines,
    cast(coalesce(invoiced.amount, 0) as decimal(18, 2)) as invoiced_total,
    cast(coalesce(counted.fee_total, 0) - coalesce(invoiced.amount, 0) as decimal(18, 2)) as difference
from counted
full join invoiced
    on invoiced.month = counted.month
    and invoiced.department = counted.department

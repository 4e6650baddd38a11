/*
title = "Fakturaunderlag, en rad per betalare"
description = """FEE12: one invoice for each payer in the month of the as-of: everything that fee_difference has for the payer, the month's
fees, fritidsklubb and the corrections of earlier months; the lines are the rows of fee_difference. A credit of the payer
that stands open in the ledger is set off against what is to be paid; what is to be given back beyond the month's fees makes no
invoice but a credit. Which way the invoice takes (autogiro, e-invoice, letter) is the ledger's to know and not here."""
kind = "table"
key = ["payer"]
amount = "to_pay"
catalogue = []

[columns]
payer = "customer number of the payer; the household's identity when the register names none"
invoice_month = "first day of the month of the invoice"
department = "district of the first line"
placements = "placements with a line"
lines = "lines"
fees = "the month's fees, fritidsklubb included"
corrections = "corrections of earlier months and of the month itself"
total = "fees and corrections"
open_credit = "the payer's open credits in the ledger (fee invoices of BER), positive"
set_off = "of them, set off against this invoice"
to_pay = "total less what is set off, at least 0"
credit = "what is given back, positive; 0 when there is something to pay"
*/
with latest_ledger as (
    select max(extracted_on) as extracted_on
    from customer_item
    where extracted_on <= as_of()
),

open_credit as (
    select
        customer_item.customer_id as payer,
        cast(-sum(customer_item.remaining) as decimal(18, 2)) as open_credit
    from customer_item
    inner join latest_ledger
        on latest_ledger.extracted_on = customer_item.extracted_on
    where customer_item.remaining < 0
        and customer_item.billing_source = 'BER'
    group by
        customer_item.customer_id
),

invoice as (
    select
        payer,
        min(department) as department,
        count(distinct placement_id) as placements,
        count(*) as lines,
        cast(coalesce(sum(difference) filter (where kind = 'fee'), 0) as decimal(18, 2)) as fees,
        cast(coalesce(sum(difference) filter (where kind = 'correction'), 0) as decimal(18, 2)) as corrections,
        cast(sum(difference) as decimal(18, 2)) as total
    from fee_difference
    group by
        payer
),

with_credit as (
    select
        invoice.*,
        coalesce(open_credit.open_credit, cast(0 as decimal(18, 2))) as open_credit,
        cast(least(
            greatest(invoice.total, 0),
            coalesce(open_credit.open_credit, 0)
        ) as decimal(18, 2)) as set_off
    from invoice
    left join open_credit
        on open_credit.payer = invoice.payer
)

select
    with_credit.payer,
    cast(date_trunc('month', as_of()) as date) as invoice_month,
    with_credit.department,
    with_credit.placements,
    with_credit.lines,
    with_credit.fees,
    with_credit.corrections,
    with_credit.total,
    with_credit.open_credit,
    with_credit.set_off,
    cast(greatest(with_credit.total, 0) - with_credit.set_off as decimal(18, 2)) as to_pay,
    cast(greatest(-with_credit.total, 0) as decimal(18, 2)) as credit
from with_credit

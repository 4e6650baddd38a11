/*
title = "Fakturerade avgifter, en rad per fakturarad"
description = """FEE12, FEE36: what BER has invoiced, one row for each invoice line. Runs add up; a line that is delivered again counts once,
as the latest delivery not after the as-of has it. Only what a delivery says is here and not where it stands in which
file, so that a repeated delivery changes nothing."""
kind = "table"
key = ["charge_id"]
amount = "amount"
catalogue = []

[columns]
charge_id = "invoice line"
kind = "fee, correction, comparison or club"
placement_id = "placement"
month = "first day of the month that is charged"
payer = "customer number of the payer"
amount = "amount, negative when it is given back"
invoice_no = "invoice"
invoiced_on = "invoice date"
department = "district"
*/
with ranked_charge as (
    select
        fee_charge.charge_id,
        fee_charge.kind,
        fee_charge.placement_id,
        fee_charge.month - date_part('day', fee_charge.month) + 1 as month,
        fee_charge.customer_id,
        fee_charge.amount,
        fee_charge.invoice_no,
        fee_charge.invoiced_on,
        fee_charge.department,
        row_number() over (
            partition by fee_charge.charge_id
            order by fee_charge.extracted_on desc
        ) as place
    from fee_charge
    where fee_charge.extracted_on <= as_of()
)

select
    charge_id,
    kind,
    placement_id,
    month,
    customer_id as payer,
    amount,
    invoice_no,
    invoiced_on,
    department
from ranked_charge
where place = 1

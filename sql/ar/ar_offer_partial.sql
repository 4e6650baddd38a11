/*
title = "Delbetalda erbjudandefakturor"
description = """
AR48: offers of which something but not all has been paid, from the items of the latest extract of the customer ledger. An offer is accepted by
paying it in full, so a part is neither yes nor no."""
kind = "exception"
key = ["invoice_no"]
catalogue = ["AR48"]
amount = "paid"

[exception]
queue = "delbetalda-erbjudanden"
queue_title = "Delbetalda erbjudandefakturor"
service_level = "SLA27"
why = "Erbjudande {invoice_no} på {gross} är betalt med {paid}; {remaining} återstår."
action = "Fråga kunden eller förvaltningen om erbjudandet ska gälla. Begär resten, sänk erbjudandet eller betala tillbaka."

[columns]
invoice_no = "offer"
department = "department"
customer_id = "customer number"
currency = "ISO 4217"
gross = "amount of the offer"
paid = "what has been paid"
remaining = "what is left"
due_date = "due date"
offer_expires = "last day of the offer"
has_expired = "true when that day has passed"
received_at = "when the ledger extract arrived"
evidence = "references to the invoice and its item"
*/
select
    invoice_no,
    department,
    customer_id,
    currency,
    gross,
    cast(gross - remaining as decimal(18, 2)) as paid,
    remaining,
    due_date,
    offer_expires,
    coalesce(offer_expires < as_of(), false) as has_expired,
    received_at,
    evidence
from ar_offer
where remaining > 0
    and remaining < gross

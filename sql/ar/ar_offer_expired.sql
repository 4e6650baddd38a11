/*
title = "Erbjudandefakturor som har gått ut"
description = """
AR64: offers whose last day has passed and of which something is still open on an account of offers in the latest extract of the
customer ledger. A paid offer has left the ledger. An offer without a last day expires on its due date."""
kind = "exception"
key = ["invoice_no"]
catalogue = ["AR64"]
amount = "remaining"

[exception]
queue = "utgangna-erbjudanden"
queue_title = "Erbjudandefakturor som har gått ut"
service_level = "SLA28"
why = "Erbjudande {invoice_no} på {gross} gick ut {expired_on}; {remaining} ligger kvar på konto {account}."
action = "Ta bort erbjudandet ur reskontran, så att kontot stämmer. Är det delvis betalt, utred betalningen först."

[columns]
invoice_no = "offer"
department = "department"
customer_id = "customer number"
account = "account of offers"
currency = "ISO 4217"
gross = "amount of the offer"
remaining = "what is left"
expired_on = "its last day"
received_at = "when the ledger extract arrived"
evidence = "references to the invoice and its item"
*/
select
    invoice_no,
    department,
    customer_id,
    account,
    currency,
    gross,
    remaining,
    coalesce(offer_expires, due_date) as expired_on,
    received_at,
    evidence
from ar_offer
where remaining <> 0
    and coalesce(offer_expires, due_date) < as_of()

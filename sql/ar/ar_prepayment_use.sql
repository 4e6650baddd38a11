/*
title = "Förskott att använda"
description = "AR27: prepayments that the customer's invoices can be paid with, and old ones that are set off against the customer's invoices elsewhere in the city."
kind = "exception"
key = ["item_id"]
catalogue = ["AR27"]
amount = "remaining"

[exception]
queue = "kund-forskott"
queue_title = "Förskott att använda"
service_level = "SLA29"
why = "Kund {customer_id} har {remaining} i förskott på konto {account} sedan {paid_on}, och obetalda fakturor på {other_claims}."
action = "Reversera förskottet och kvitta det mot fakturorna i förslaget. Saknas förslag, kom överens med den förvaltning som har fakturan."

[columns]
item_id = "the prepayment"
customer_id = "customer"
department = "department"
account = "account of the prepayment"
paid_on = "date of the prepayment"
age_group = "its age in days"
remaining = "what is left of it"
usable = "what the claims of the same customer and department take of it"
claims = "claims that it pays, oldest first, with the amount of each"
other_claims = "open claims of the customer at all departments"
decision = "use or set_off"
received_at = "beginning of the day on which the decision was due"
evidence = "reference to the prepayment's record"
*/
select
    item_id,
    customer_id,
    department,
    account,
    paid_on,
    age_group,
    remaining,
    usable,
    claims,
    other_claims,
    decision,
    received_at,
    make_array(record) as evidence
from ar_prepayment
where decision in ('use', 'set_off')

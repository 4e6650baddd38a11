/*
title = "Förskott att betala tillbaka"
description = "AR51: prepayments that have lain unused for longer than P:ar_prepayment_days days, of customers without any unpaid invoice."
kind = "exception"
key = ["item_id"]
catalogue = ["AR51"]
amount = "remaining"

[exception]
queue = "kund-forskott-ater"
queue_title = "Förskott att betala tillbaka"
service_level = "SLA29"
why = "Kund {customer_id} har {remaining} i förskott på konto {account} som inte använts sedan {paid_on}, och inga obetalda fakturor."
action = "Kontrollera att kunden inte väntar någon ny faktura, skapa ett underlag för återbetalning och låt en annan person attestera det."

[columns]
item_id = "the prepayment"
customer_id = "customer"
department = "department"
account = "account of the prepayment"
paid_on = "date of the prepayment"
age_days = "days since then"
remaining = "what is left of it"
received_at = "beginning of the day after the last of the days"
evidence = "reference to the prepayment's record"
*/
select
    item_id,
    customer_id,
    department,
    account,
    paid_on,
    age_days,
    remaining,
    received_at,
    make_array(record) as evidence
from ar_prepayment
where decision = 'refund'

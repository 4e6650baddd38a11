/*
title = "Betalningar"
description = "Every payment: new files bring new rows."
kind = "table"
key = ["payment_id"]

[columns]
payment_id = "the payment"
bucket = "the end of its id"
amount = "its amount"
*/
select
    payment_id,
    right(payment_id, 2) as bucket,
    max(amount) as amount
from payment_in
group by
    payment_id

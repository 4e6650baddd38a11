/*
title = "Valutor"
description = "Computed in full, with the result that it had before."
kind = "table"
key = ["currency"]

[columns]
currency = "the currency"
place = "its place in the alphabet"
*/
select
    currency,
    row_number() over (order by currency) as place
from (
    select distinct currency
    from payment_in
) as currencies

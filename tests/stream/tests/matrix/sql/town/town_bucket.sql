/*
title = "Betalningar per grupp"
description = "Sums of many groups: new files change some of the rows."
kind = "table"
key = ["bucket"]

[columns]
bucket = "the end of the payments' ids"
payments = "how many"
amount = "their sum"
*/
select
    bucket,
    count(*) as payments,
    cast(sum(amount) as decimal(18, 2)) as amount
from town_payment
group by
    bucket

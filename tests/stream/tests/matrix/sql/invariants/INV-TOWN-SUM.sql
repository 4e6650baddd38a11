/*
title = "Varje betalning finns i en grupp"
description = "The groups hold every payment once."
key = ["payments"]
*/
select
    payments,
    counted
from (
    select count(*) as payments
    from town_payment
) as landed
cross join (
    select sum(payments) as counted
    from town_bucket
) as grouped
where payments <> counted

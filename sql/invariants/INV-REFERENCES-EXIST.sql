/*
title = "Varje matchning pekar på en inbetalning och en post som finns"
description = """AR35: the payment and the item of every match and suggestion exist."""
key = ["payment_id", "item_id"]
*/
-- allow union: each pair once, however often it is matched or suggested
select
    linked.payment_id,
    linked.item_id,
    case
        when payment.payment_id is null then 'the payment does not exist'
        else 'the item does not exist'
    end as violation
from (
    select
        payment_id,
        item_id
    from ar_match
    union
    select
        payment_id,
        item_id
    from ar_suggestion
) as linked
left join (
    select distinct payment_id
    from payment_in
) as payment
    on payment.payment_id = linked.payment_id
left join (
    select distinct item_id
    from customer_item
) as item
    on item.item_id = linked.item_id
where payment.payment_id is null
    or item.item_id is null

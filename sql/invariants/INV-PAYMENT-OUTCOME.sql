/*
title = "Varje inbetalning har exakt ett utfall"
description = """AR35, AR23: every landed payment record up to the as-of has one outcome with the same amount, which is the sum of its four parts; nothing else has one."""
key = ["payment_id", "file_id", "ordinal"]
*/
with landed as (
    select
        payment_id,
        file_id,
        ordinal,
        sum(amount) as amount,
        count(*) as records
    from payment_in
    where payment_date <= as_of()
    group by
        payment_id,
        file_id,
        ordinal
),

judged as (
    select
        payment_id,
        file_id,
        ordinal,
        sum(amount) as amount,
        sum(confirmed + suggested + overpayment + unmatched) as parts,
        count(*) as outcomes
    from ar_payment_outcome
    group by
        payment_id,
        file_id,
        ordinal
)

select
    coalesce(landed.payment_id, judged.payment_id) as payment_id,
    coalesce(landed.file_id, judged.file_id) as file_id,
    coalesce(landed.ordinal, judged.ordinal) as ordinal,
    landed.amount,
    judged.parts
from landed
full join judged
    on judged.payment_id = landed.payment_id
    and judged.file_id = landed.file_id
    and judged.ordinal = landed.ordinal
where landed.payment_id is null
    or judged.payment_id is null
    or landed.records <> judged.outcomes
    or landed.amount <> judged.amount
    or judged.amount <> judged.parts

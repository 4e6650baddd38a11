/*
title = "Beslut om matchningar"
description = """
AR35: what handlers have decided about the matches of a payment, the latest decision about each item. `confirm` says
that the payment pays the item, `undo` takes an automatic match back, `refuse` says that a suggestion is wrong. A
payment with a confirm or an undo is no longer matched automatically: the handler's word goes before the passes. What
was matched before stays in the earlier generations; nothing is edited.

A confirm counts when payment and item exist and can meet, and when what is confirmed is no more than the payment;
otherwise none of the payment's confirms counts and `fault` says why.
"""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]

[columns]
payment_id = "payment"
item_id = "item"
kind = "confirm, undo or refuse"
amount = "for confirm: what the payment pays of the item, positive; of a credit: what is set off"
item_sign = "1 for a claim on the customer, -1 for a credit"
decision_id = "the decision"
decided_on = "date of the decision"
decided_by = "user"
received_at = "when the decision's file arrived"
fault = "unknown_payment, not_payable, unknown_item, amount_missing or exceeds_payment; null when it counts"
record = "reference to the decision's record"
*/
with ordered as (
    select
        match_decision.*,
        row_number() over (
            partition by payment_id, item_id
            order by decided_on desc, decision_id desc, received_at desc, file_id, ordinal
        ) as place
    from match_decision
    where decided_on <= as_of()
),

latest as (
    select
        ordered.payment_id,
        ordered.item_id,
        ordered.kind,
        ordered.decision_id,
        ordered.decided_on,
        ordered.decided_by,
        ordered.received_at,
        record_ref(
            'match_decision', ordered.file_id, ordered.ordinal, ordered.byte_start, ordered.byte_end
        ) as record,
        ordered.amount,
        ar_payment.scope,
        ar_payment.amount as payment_amount,
        ar_item.item_id as known_item_id,
        case when ar_item.opening_remaining < 0 then -1 else 1 end as item_sign,
        count(*) filter (where ordered.kind = 'confirm') over (partition by ordered.payment_id) as confirms
    from ordered
    left join ar_payment
        on ar_payment.payment_id = ordered.payment_id
        and ar_payment.scope <> 'repeat'
    left join ar_item
        on ar_item.item_id = ordered.item_id
        and ar_item.currency = 'SEK'
    where ordered.place = 1
),

-- without an amount the only confirm of a payment is about all of it
with_amount as (
    select
        payment_id,
        item_id,
        kind,
        decision_id,
        decided_on,
        decided_by,
        received_at,
        record,
        scope,
        payment_amount,
        known_item_id,
        item_sign,
        case when kind = 'confirm' and amount is null and confirms = 1 then payment_amount else amount end as amount
    from latest
),

judged as (
    select
        payment_id,
        item_id,
        kind,
        decision_id,
        decided_on,
        decided_by,
        received_at,
        record,
        item_sign,
        amount,
        case
            when scope is null then 'unknown_payment'
            when kind <> 'confirm' then null
            when scope <> 'match' then 'not_payable'
            when known_item_id is null then 'unknown_item'
            when amount is null or amount <= 0 then 'amount_missing'
            when sum(case when kind = 'confirm' then amount * item_sign end) over (partition by payment_id)
                > payment_amount
                then 'exceeds_payment'
        end as fault
    from with_amount
),

-- confirms of one payment count together or not at all
faults as (
    select
        payment_id,
        min(fault) as fault
    from judged
    where kind = 'confirm'
        and fault is not null
    group by payment_id
)

select
    judged.payment_id,
    judged.item_id,
    judged.kind,
    cast(case when judged.kind = 'confirm' then judged.amount end as decimal(18, 2)) as amount,
    cast(judged.item_sign as int) as item_sign,
    judged.decision_id,
    judged.decided_on,
    judged.decided_by,
    judged.received_at,
    coalesce(judged.fault, case when judged.kind = 'confirm' then faults.fault end) as fault,
    judged.record
from judged
left join faults
    on faults.payment_id = judged.payment_id

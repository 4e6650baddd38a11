/*
title = "Beslut om matchningar som inte kan följas"
description = "AR35: a handler's decision about a match that does not fit what we hold: the payment stays with the handlers until a later decision about it fits."
kind = "exception"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]
amount = "amount"

[exception]
queue = "kund-matchbeslut"
queue_title = "Matchningsbeslut som inte kan följas"
service_level = "SLA27"
why = "Beslutet {decision_id} om inbetalningen {payment_id} och posten {item_id} kan inte följas: {reason_sv}."
action = "Rätta beslutet: ange en inbetalning och en faktura som finns, och belopp som tillsammans ryms i inbetalningen."

[columns]
payment_id = "payment"
item_id = "item"
decision_id = "the decision"
decided_on = "date of the decision"
decided_by = "user"
received_at = "when the decision's file arrived"
amount = "amount decided"
reason_code = "why it cannot be followed"
reason_sv = "the reason in Swedish"
evidence = "reference to the decision's record"
*/
select
    payment_id,
    item_id,
    decision_id,
    decided_on,
    decided_by,
    received_at,
    amount,
    fault as reason_code,
    case fault
        when 'unknown_payment' then 'inbetalningen finns inte'
        when 'not_payable' then 'inbetalningen är återtagen, ett avdrag, noll eller i en annan valuta'
        when 'unknown_item' then 'posten finns inte bland kundfordringarna i kronor'
        when 'amount_missing' then 'beloppet saknas eller är inte större än noll'
        else 'beloppen är tillsammans högre än inbetalningen'
    end as reason_sv,
    make_array(record) as evidence
from ar_match_decision
where fault is not null

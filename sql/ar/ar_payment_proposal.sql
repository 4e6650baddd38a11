/*
title = "Betalningsförslag att stoppa"
description = "AR21: refunds in a payment proposal (XK404) that must not be paid out as they stand."
kind = "exception"
key = ["refund_id"]
catalogue = ["AR21"]
amount = "amount"

[exception]
queue = "kund-betalningsforslag"
queue_title = "Betalningsförslag att stoppa"
service_level = "SLA22"
why = "Återbetalning {refund_id} på {amount} till kund {customer_id}: {reason_sv}"
action = "Ta bort återbetalningen ur betalningsförslaget, rätta den och kontrollera förslaget på nytt."

[columns]
refund_id = "refund"
customer_id = "customer"
department = "department of the item"
amount = "amount to pay back"
available = "what there is to pay back"
due_date = "date to pay"
proposal_id = "payment proposal"
faults = "codes of what is wrong, as in ar_refund_check"
reason_sv = "what is wrong, in Swedish"
received_at = "when the first extract with the refund arrived"
evidence = "reference to the refund's record"
*/
select
    refund_id,
    customer_id,
    department,
    amount,
    available,
    due_date,
    proposal_id,
    faults,
    reason_sv,
    received_at,
    make_array(record) as evidence
from ar_refund_check
where proposal_id is not null
    and cardinality(faults) > 0

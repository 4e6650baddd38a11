/*
title = "Kundregistret att rätta"
description = """
AR45: the faults of ar_customer_fault of customers that are not new, for the weekly control."""
kind = "exception"
key = ["client", "customer_id", "fault"]
catalogue = ["AR45"]

[exception]
queue = "kundregister"
queue_title = "Kundregistret"
service_level = "SLA27"
why = "Kund {customer_id} hos klient {client}: {fault_sv}."
action = "{advice_sv}"

[columns]
client = "client of the ERP"
customer_id = "customer number"
fault = "what is wrong"
fault_sv = "the same in Swedish"
advice_sv = "what to do, in Swedish"
other_customer_id = "the first other customer with the same number"
registered_on = "day of registration"
received_at = "when the extract arrived"
evidence = "reference to the customer's record; none of a protected person"
*/
select
    client,
    customer_id,
    fault,
    fault_sv,
    advice_sv,
    other_customer_id,
    registered_on,
    received_at,
    array_remove_all(make_array(coalesce(record, '')), '') as evidence
from ar_customer_fault
where not is_new

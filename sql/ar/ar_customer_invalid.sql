/*
title = "Nya kunder att rätta"
description = """
AR04: the faults of ar_customer_fault of customers registered within P:customer_new_days days. There is no service level for it; it is treated as one working day."""
kind = "exception"
key = ["client", "customer_id", "fault"]
catalogue = ["AR04"]

[exception]
queue = "nya-kunder"
queue_title = "Nya kunder att rätta"
service_level = "SLA21"
why = "Kund {customer_id} hos klient {client}: {fault_sv}."
action = "{advice_sv} Kunden är ny: rätta innan den första fakturan går ut."

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
where is_new

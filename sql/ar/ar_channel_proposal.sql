/*
title = "Förslag till elektronisk anslutning"
description = """
AR04: an open organisation that gets its invoices otherwise, while the same organisation number is connected by Svefaktura or Peppol with
another client of the city. Peppol goes before Svefaktura; the client with the lowest number is named."""
kind = "exception"
key = ["client", "customer_id"]
catalogue = ["AR04"]

[exception]
queue = "elektronisk-anslutning"
queue_title = "Kunder som kan anslutas elektroniskt"
service_level = "SLA27"
why = "Kund {customer_id} hos klient {client} får inte elektroniska fakturor, men samma organisation är ansluten med {proposed_channel} hos klient {connected_client}."
action = "Koppla kunden till samma elektroniska adress, om förvaltningen inte har sagt annat."

[columns]
client = "client of the ERP"
customer_id = "customer number"
channel = "how it gets its invoices now; null when not at all"
proposed_channel = "peppol or svefaktura"
connected_client = "client where the organisation is connected"
connected_customer_id = "its customer number there"
received_at = "when the extract arrived"
evidence = "references to both customers' records"
*/
with customers as (
    select
        customer.client,
        customer.customer_id,
        organisation_number(customer.identity) as organisation_number,
        customer.channel,
        customer.received_at,
        record_ref('customer', customer.file_id, customer.ordinal, customer.byte_start, customer.byte_end) as record
    from customer
    inner join (
        select max(extracted_on) as extracted_on
        from customer
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer.extracted_on
    where (customer.closed_on is null or customer.closed_on > as_of())
        and person_number(customer.identity, as_of()) is null
),

connected as (
    select
        organisation_number,
        channel,
        client,
        customer_id,
        record,
        row_number() over (partition by organisation_number order by channel, client, customer_id) as choice
    from customers
    where channel in ('peppol', 'svefaktura')
        and organisation_number is not null
)

select
    customers.client,
    customers.customer_id,
    customers.channel,
    connected.channel as proposed_channel,
    connected.client as connected_client,
    connected.customer_id as connected_customer_id,
    customers.received_at,
    make_array(customers.record, connected.record) as evidence
from customers
inner join connected
    on connected.organisation_number = customers.organisation_number
where connected.choice = 1
    and coalesce(customers.channel, '') not in ('peppol', 'svefaktura')

/*
title = "Kundens autogiro och elektroniska kanaler"
description = """
AR77: the question whether the customer has direct debit, e-invoices, invoices by e-mail or an electronic connection (Svefaktura, Peppol). Nothing is said of a protected person."""
kind = "table"
key = ["client", "customer_id"]
catalogue = ["AR77"]

[columns]
client = "client of the ERP"
customer_id = "customer number"
channel = "how invoices are delivered"
channel_sv = "the same in Swedish"
has_autogiro = "true when a mandate is active"
autogiro_since = "day of its registration"
enrolments = "enrolments that are new or accepted, by channel"
answer_sv = "the answer in Swedish"
*/
with mandates as (
    select
        autogiro_mandate.customer_id,
        min(autogiro_mandate.registered_on) as registered_on
    from autogiro_mandate
    inner join (
        select max(extracted_on) as extracted_on
        from autogiro_mandate
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = autogiro_mandate.extracted_on
    where autogiro_mandate.status = 'active'
    group by autogiro_mandate.customer_id
),

enrolments as (
    select
        einvoice_enrolment.client,
        einvoice_enrolment.customer_id,
        array_agg(distinct einvoice_enrolment.channel order by einvoice_enrolment.channel) as channels
    from einvoice_enrolment
    inner join (
        select max(extracted_on) as extracted_on
        from einvoice_enrolment
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = einvoice_enrolment.extracted_on
    where einvoice_enrolment.status <> 'refused'
        and einvoice_enrolment.customer_id is not null
    group by einvoice_enrolment.client, einvoice_enrolment.customer_id
),

customers as (
    select
        customer.client,
        customer.customer_id,
        customer.channel,
        case customer.channel
            when 'letter' then 'brev'
            when 'einvoice' then 'e-faktura i banken'
            when 'email' then 'faktura med e-post'
            when 'svefaktura' then 'Svefaktura'
            when 'peppol' then 'Peppol'
            when 'autogiro' then 'autogiro utan faktura'
            when 'tax_agency' then 'brev genom Skatteverket'
            else 'ingen kanal'
        end as channel_sv
    from customer
    inner join (
        select max(extracted_on) as extracted_on
        from customer
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer.extracted_on
    where customer.protection is null
)

select
    customers.client,
    customers.customer_id,
    customers.channel,
    customers.channel_sv,
    mandates.customer_id is not null as has_autogiro,
    mandates.registered_on as autogiro_since,
    enrolments.channels as enrolments,
    concat(
        'Kunden får ',
        customers.channel_sv,
        case when mandates.customer_id is not null then ' och har autogiro.' else ' och har inte autogiro.' end
    ) as answer_sv
from customers
left join mandates
    on mandates.customer_id = customers.customer_id
left join enrolments
    on enrolments.client = customers.client
    and enrolments.customer_id = customers.customer_id

/*
title = "Fakturor till kunder med skyddad identitet"
description = """
AR10: after an invoice run, every invoice to a customer whom a register protects (sekretessmarkering or skyddad
folkbokföring). It must go as a letter by way of Skatteverket without a printed address; it is wrong when an address is printed or when it went by another channel. What is right is
listed, to be posted, for P:protected_invoice_days days after the invoice date.
Only the invoice and customer number leave the protected zone: no name, no address, no reference to records. The catalogue states no time: one working day."""
kind = "exception"
key = ["invoice_no"]
catalogue = ["AR10"]

[exception]
queue = "skyddad-identitet"
queue_title = "Fakturor till kunder med skyddad identitet"
service_level = "SLA21"
why = "Faktura {invoice_no} är till en kund med skyddade personuppgifter: {fault_sv}."
action = "{action_sv} Hantera fakturan i den skyddade zonen och lägg inga uppgifter om kunden här."

[columns]
invoice_no = "invoice"
customer_id = "customer number"
run_id = "invoice run"
is_wrong = "true when it was made or sent in a way that gives the address away"
fault = "address, channel or ok"
fault_sv = "the same in Swedish"
action_sv = "what to do, in Swedish"
received_at = "when the extract with the invoice arrived"
*/
with limits as (
    select cast(max(value) as bigint) as days
    from param
    where name = 'protected_invoice_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

registered as (
    select
        population_record.identity,
        population_record.protection
    from population_record
    inner join (
        select max(extracted_on) as extracted_on
        from population_record
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = population_record.extracted_on
),

protected_customers as (
    select distinct customer.customer_id
    from customer
    inner join (
        select max(extracted_on) as extracted_on
        from customer
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer.extracted_on
    left join registered
        on registered.identity = person_number(customer.identity, as_of())
    where coalesce(customer.protection, registered.protection) is not null
),

judged as (
    select
        customer_invoice.invoice_no,
        customer_invoice.customer_id,
        customer_invoice.run_id,
        customer_invoice.invoice_date,
        customer_invoice.received_at,
        case
            when customer_invoice.address_printed then 'address'
            when coalesce(customer_invoice.channel, '') <> 'tax_agency' then 'channel'
            else 'ok'
        end as fault
    from customer_invoice
    inner join (
        select max(extracted_on) as extracted_on
        from customer_invoice
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_invoice.extracted_on
    inner join protected_customers
        on protected_customers.customer_id = customer_invoice.customer_id
    where customer_invoice.invoice_type <> 'reminder'
)

select
    invoice_no,
    customer_id,
    run_id,
    fault <> 'ok' as is_wrong,
    fault,
    case fault
        when 'address' then 'en adress är tryckt på fakturan'
        when 'channel' then 'den går inte som brev genom Skatteverket'
        else 'den ska postas genom Skatteverket'
    end as fault_sv,
    case fault
        when 'ok' then 'Posta fakturan till Skatteverket för förmedling.'
        else 'Stoppa fakturan, gör om den utan adress och posta den till Skatteverket för förmedling.'
    end as action_sv,
    received_at
from judged
cross join limits
where fault <> 'ok'
    or cast(invoice_date as int) >= cast(as_of() as int) - limits.days

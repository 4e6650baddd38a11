/*
title = "Fel i e-fakturor och anmälningar"
description = """
AR05: enrolments for electronic invoices (F68) that cannot be right, and invoices that could not be delivered electronically.

An enrolment that is not refused is faulty when its customer is unknown with the client, when its number is not the customer's or not that of the bank's customer, or
when another enrolment for the same customer and channel came before it. A delivery is faulty when it has failed or was closed."""
kind = "exception"
key = ["source", "reference"]
catalogue = ["AR05"]

[exception]
queue = "e-faktura-fel"
queue_title = "Fel i e-fakturor och anmälningar"
service_level = "SLA24"
why = "{subject_sv}: {reason_sv}."
action = "{action_sv}"

[columns]
source = "enrolment or delivery"
reference = "enrolment, or invoice and channel"
subject_sv = "what it is about, in Swedish"
channel = "electronic channel"
customer_id = "customer number"
invoice_no = "invoice; null for an enrolment"
department = "department of the invoice; null for an enrolment"
reason = "unknown_customer, other_identity, other_payer, duplicate, failed or closed"
reason_sv = "the same in Swedish, with the sender's words"
action_sv = "what to do, in Swedish"
received_at = "when the enrolment came in or the delivery failed"
evidence = "reference to the record"
*/
with customers as (
    select
        customer.client,
        customer.customer_id,
        coalesce(person_number(customer.identity, as_of()), organisation_number(customer.identity)) as number
    from customer
    inner join (
        select max(extracted_on) as extracted_on
        from customer
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer.extracted_on
),

enrolments as (
    select
        einvoice_enrolment.enrolment_id,
        einvoice_enrolment.client,
        einvoice_enrolment.customer_id,
        einvoice_enrolment.channel,
        einvoice_enrolment.status,
        einvoice_enrolment.enrolled_at,
        coalesce(
            person_number(einvoice_enrolment.identity, as_of()),
            organisation_number(einvoice_enrolment.identity)
        ) as number,
        coalesce(
            person_number(einvoice_enrolment.bank_identity, as_of()),
            organisation_number(einvoice_enrolment.bank_identity)
        ) as bank_number,
        einvoice_enrolment.bank_identity is not null as has_bank_number,
        row_number() over (
            partition by einvoice_enrolment.client, einvoice_enrolment.customer_id, einvoice_enrolment.channel
            order by einvoice_enrolment.enrolled_at, einvoice_enrolment.enrolment_id
        ) as occurrence,
        record_ref(
            'einvoice_enrolment',
            einvoice_enrolment.file_id,
            einvoice_enrolment.ordinal,
            einvoice_enrolment.byte_start,
            einvoice_enrolment.byte_end
        ) as record
    from einvoice_enrolment
    inner join (
        select max(extracted_on) as extracted_on
        from einvoice_enrolment
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = einvoice_enrolment.extracted_on
    where einvoice_enrolment.status <> 'refused'
),

judged_enrolments as (
    select
        enrolments.*,
        case
            when customers.customer_id is null then 'unknown_customer'
            when enrolments.number is distinct from customers.number then 'other_identity'
            when enrolments.has_bank_number and enrolments.bank_number is distinct from enrolments.number
                then 'other_payer'
            when enrolments.occurrence > 1 then 'duplicate'
        end as reason
    from enrolments
    left join customers
        on customers.client = enrolments.client
        and customers.customer_id = enrolments.customer_id
),

failed_deliveries as (
    select
        invoice_delivery.invoice_no,
        invoice_delivery.channel,
        invoice_delivery.status,
        invoice_delivery.status_at,
        invoice_delivery.reason,
        record_ref(
            'invoice_delivery',
            invoice_delivery.file_id,
            invoice_delivery.ordinal,
            invoice_delivery.byte_start,
            invoice_delivery.byte_end
        ) as record
    from invoice_delivery
    inner join (
        select max(extracted_on) as extracted_on
        from invoice_delivery
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = invoice_delivery.extracted_on
    where invoice_delivery.status in ('failed', 'closed')
)

select
    'enrolment' as source,
    enrolment_id as reference,
    concat('Anmälan ', enrolment_id) as subject_sv,
    channel,
    customer_id,
    cast(null as string) as invoice_no,
    cast(null as string) as department,
    reason,
    case reason
        when 'unknown_customer' then 'kunden finns inte i kundregistret'
        when 'other_identity' then 'numret i anmälan är inte kundens'
        when 'other_payer' then 'den som har anmält sig i banken är en annan än kunden'
        else 'kunden har redan en anmälan'
    end as reason_sv,
    case reason
        when 'duplicate' then 'Avvisa anmälan; den första gäller.'
        else 'Avvisa anmälan och be kunden anmäla sig på nytt med rätt kundnummer.'
    end as action_sv,
    enrolled_at as received_at,
    make_array(record) as evidence
from judged_enrolments
where reason is not null
union all
select
    'delivery' as source,
    concat(failed_deliveries.invoice_no, ':', failed_deliveries.channel) as reference,
    concat('Faktura ', failed_deliveries.invoice_no) as subject_sv,
    failed_deliveries.channel,
    ar_invoice.customer_id,
    failed_deliveries.invoice_no,
    ar_invoice.department,
    failed_deliveries.status as reason,
    concat_ws(
        ': ',
        case failed_deliveries.status when 'failed' then 'kunde inte levereras' else 'kundens anslutning är avslutad' end,
        failed_deliveries.reason
    ) as reason_sv,
    'Skicka fakturan som brev eller kopia till kunden och ta bort kanalen på kunden tills den är anmäld på nytt.'
        as action_sv,
    failed_deliveries.status_at as received_at,
    make_array(failed_deliveries.record) as evidence
from failed_deliveries
left join ar_invoice
    on ar_invoice.invoice_no = failed_deliveries.invoice_no

/*
title = "Kontroller av begäran om kreditering, makulering och återbetalning"
description = """
AR14-AR16 [S]: each request with the result of each rule that the service description states for its kind.

Credit: the invoice is made out to an organisation, the attest is valid, the invoice is unpaid, it has not gone to
collection. Cancellation: the same without the first. Refund: the attest is valid, what has been paid covers the refund, the
invoice is not overdue, it is not written down. An attest is valid when the attest list gives the user this right for the
department on the day of the attest, up to the amount. Unpaid is when what remains is the original amount. What cannot be known is said to be unknown, never taken
for right."""
kind = "table"
key = ["request_id", "rule"]
catalogue = ["AR14", "AR15", "AR16"]

[columns]
request_id = "case"
rule = "organisation, attest, unpaid, collection, paid, overdue or written_down"
kind = "credit, cancellation or refund"
department = "department that asks"
invoice_no = "invoice; null when the request names none"
amount = "amount asked for"
result = "ok, failed, special (may be done, but in another way) or unknown"
reason_sv = "why, in Swedish; null when ok"
is_open = "true when the request is not closed"
record = "reference to the case's record"
*/
with requests as (
    select
        service_request.request_id,
        service_request.kind,
        service_request.department,
        service_request.invoice_no,
        service_request.amount,
        service_request.attested_by,
        service_request.attested_on,
        service_request.closed_at is null as is_open,
        record_ref(
            'service_request',
            service_request.file_id,
            service_request.ordinal,
            service_request.byte_start,
            service_request.byte_end
        ) as record
    from service_request
    inner join (
        select max(extracted_on) as extracted_on
        from service_request
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = service_request.extracted_on
    where service_request.kind in ('credit', 'cancellation', 'refund')
),

rules as (
    select
        kind,
        rule
    from ref_request_rule
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

rights as (
    select
        attest_right.user_id,
        attest_right.department,
        attest_right.kind,
        attest_right.max_amount,
        attest_right.valid_from,
        attest_right.valid_to
    from attest_right
    inner join (
        select max(extracted_on) as extracted_on
        from attest_right
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = attest_right.extracted_on
),

-- the rights of the attester on the day, and whether one of them reaches the amount
attests as (
    select
        requests.request_id,
        bool_or(rights.max_amount is null or rights.max_amount >= requests.amount) as reaches
    from requests
    inner join rights
        on rights.user_id = requests.attested_by
        and rights.department = requests.department
        and rights.kind = requests.kind
        and rights.valid_from <= requests.attested_on
        and (rights.valid_to is null or rights.valid_to >= requests.attested_on)
    group by requests.request_id
),

judged as (
    select
        requests.request_id,
        rules.rule,
        requests.kind,
        requests.department,
        requests.invoice_no,
        requests.amount,
        requests.is_open,
        requests.record,
        case
            when rules.rule = 'attest' then
                case
                    when requests.attested_by is null or requests.attested_on is null then 'Underlaget är inte attesterat.'
                    when attests.request_id is null
                        then 'Den som har attesterat finns inte på attestlistan med den rätten för förvaltningen den dagen.'
                    when attests.reaches is null then 'Begäran saknar belopp, så attesträttens gräns kan inte prövas.'
                    when not attests.reaches then 'Beloppet är högre än vad attesträtten räcker till.'
                end
            when requests.invoice_no is null then 'Begäran anger ingen faktura.'
            when ar_invoice.invoice_no is null then 'Fakturan finns inte bland kundfakturorna.'
            when rules.rule = 'organisation' and ar_invoice.customer_kind = 'person'
                then 'Fakturan är ställd till en privatperson.'
            when rules.rule = 'organisation' and ar_invoice.customer_kind is null
                then 'Kunden har inget person- eller organisationsnummer på fakturan.'
            when rules.rule = 'collection' and ar_invoice.collection_sent_on is not null
                then 'Fakturan är skickad till inkasso: återkalla den hos inkassobolaget.'
            when rules.rule = 'written_down' and ar_invoice.written_down <> 0
                then 'Fakturan är nedskriven: betalningen är en återvunnen kundförlust.'
            when rules.rule in ('unpaid', 'paid', 'overdue') and ar_invoice.remaining is null
                then 'Kundreskontran har aldrig visat fakturan, så betalningen är okänd.'
            when rules.rule = 'unpaid' and ar_invoice.remaining <> ar_invoice.original
                then 'Fakturan är helt eller delvis betald.'
            when rules.rule = 'paid' and requests.amount is null then 'Begäran saknar belopp.'
            when rules.rule = 'paid' and ar_invoice.paid < requests.amount
                then 'Det som är betalt räcker inte till återbetalningen.'
            when rules.rule = 'overdue' and ar_invoice.remaining > 0 and ar_invoice.due_date < as_of()
                then 'Fakturan är förfallen och inte färdigbetald: kvitta först.'
        end as reason_sv,
        case
            when rules.rule = 'attest' and attests.reaches is null and attests.request_id is not null then 'unknown'
            when rules.rule = 'attest' then 'failed'
            when requests.invoice_no is null or ar_invoice.invoice_no is null then 'unknown'
            when rules.rule = 'organisation' and ar_invoice.customer_kind is null then 'unknown'
            when rules.rule in ('unpaid', 'paid', 'overdue') and ar_invoice.remaining is null then 'unknown'
            when rules.rule = 'paid' and requests.amount is null then 'unknown'
            when rules.rule in ('collection', 'written_down', 'overdue') then 'special'
            else 'failed'
        end as result_if_not_ok
    from requests
    inner join rules
        on rules.kind = requests.kind
    left join attests
        on attests.request_id = requests.request_id
    left join ar_invoice
        on ar_invoice.invoice_no = requests.invoice_no
)

select
    request_id,
    rule,
    kind,
    department,
    invoice_no,
    amount,
    case when reason_sv is null then 'ok' else result_if_not_ok end as result,
    reason_sv,
    is_open,
    record
from judged

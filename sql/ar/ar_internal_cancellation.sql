/*
title = "Internt makulerade kundfakturor som lever hos köparen"
description = """
AR17: a customer invoice to one of the city's own departments that has been credited or cancelled in full, while the
department's supplier ledger has the invoice and no credit note for it. The supplier invoice is the one that is addressed to the counterpart with the same
number and amount; it is cancelled when a credit note of that amount with the number of the customer credit note is there too."""
kind = "exception"
key = ["invoice_no"]
catalogue = ["AR17"]
amount = "gross"

[exception]
queue = "intern-makulering"
queue_title = "Interna fakturor makulerade bara hos säljaren"
service_level = "SLA19"
why = "Intern faktura {invoice_no} på {gross} till förvaltning {counterpart} är makulerad med {credit_no} i kundreskontran men ligger kvar i leverantörsreskontran."
action = "Be leverantörsreskontran att makulera fakturan hos förvaltning {counterpart}, och stäm av när det är gjort."

[columns]
invoice_no = "customer invoice"
credit_no = "credit note that cancels it"
department = "department that sold"
counterpart = "department that bought"
currency = "ISO 4217"
gross = "amount of the invoice"
document_id = "the invoice in the supplier ledger"
credited_on = "date of the credit note"
received_at = "when the extract with the credit note arrived"
evidence = "references to the invoice, the credit note and the supplier invoice"
*/
with credits as (
    select
        credits_invoice_no,
        min(invoice_no) as credit_no,
        -sum(gross) as credited,
        max(invoice_date) as credited_on,
        max(received_at) as received_at,
        min(record) as record
    from ar_invoice
    where invoice_type = 'credit'
        and credits_invoice_no is not null
    group by credits_invoice_no
),

cancelled as (
    select
        ar_invoice.invoice_no,
        credits.credit_no,
        ar_invoice.department,
        ar_invoice.counterpart,
        ar_invoice.currency,
        ar_invoice.gross,
        credits.credited_on,
        credits.received_at,
        ar_invoice.record as invoice_record,
        credits.record as credit_record
    from ar_invoice
    inner join credits
        on credits.credits_invoice_no = ar_invoice.invoice_no
    where ar_invoice.invoice_type = 'invoice'
        and ar_invoice.counterpart is not null
        and credits.credited = ar_invoice.gross
),

supplier_documents as (
    select
        document_id,
        number_key,
        department,
        currency,
        sign,
        abs(gross) as amount,
        record_ref('supplier_invoice', file_id, ordinal, byte_start, byte_end) as record
    from ap_invoice
),

purchases as (
    select
        cancelled.invoice_no,
        min(supplier_documents.document_id) as document_id,
        min(supplier_documents.record) as record
    from cancelled
    inner join supplier_documents
        on supplier_documents.number_key = ltrim(upper(cancelled.invoice_no), '0')
        and supplier_documents.department = cancelled.counterpart
        and supplier_documents.currency = cancelled.currency
        and supplier_documents.amount = cancelled.gross
    where supplier_documents.sign = 1
    group by cancelled.invoice_no
),

purchases_cancelled as (
    select distinct cancelled.invoice_no
    from cancelled
    inner join supplier_documents
        on supplier_documents.number_key = ltrim(upper(cancelled.credit_no), '0')
        and supplier_documents.department = cancelled.counterpart
        and supplier_documents.currency = cancelled.currency
        and supplier_documents.amount = cancelled.gross
    where supplier_documents.sign = -1
)

select
    cancelled.invoice_no,
    cancelled.credit_no,
    cancelled.department,
    cancelled.counterpart,
    cancelled.currency,
    cancelled.gross,
    purchases.document_id,
    cancelled.credited_on,
    cancelled.received_at,
    make_array(cancelled.invoice_record, cancelled.credit_record, purchases.record) as evidence
from cancelled
inner join purchases
    on purchases.invoice_no = cancelled.invoice_no
left anti join purchases_cancelled
    on purchases_cancelled.invoice_no = cancelled.invoice_no

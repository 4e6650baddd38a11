/*
title = "Nollfakturor"
description = """
AR47: invoices and credit notes that ask for nothing: without lines, with lines of nothing, or with lines that take each
other out. Reminders are left out."""
kind = "exception"
key = ["invoice_no"]
catalogue = ["AR47"]

[exception]
queue = "nollfakturor"
queue_title = "Nollfakturor"
service_level = "SLA27"
why = "Faktura {invoice_no} från förvaltning {department}, daterad {invoice_date}, är på noll kronor: {cause_sv}."
action = "Kontrollera om fakturan skulle ha haft ett belopp. Rätta underlaget eller se till att fakturan inte skickas."

[columns]
invoice_no = "invoice"
department = "department"
customer_id = "customer number"
origin = "system, web or desktop"
source_system = "system that sent the basis"
invoice_date = "invoice date"
line_count = "lines"
largest_line = "largest absolute amount of a line"
cause = "no_lines, zero_lines or lines_cancel_out"
cause_sv = "the cause in Swedish"
received_at = "when the extract arrived"
evidence = "reference to the invoice's record"
*/
with zero_invoices as (
    select
        customer_invoice.*,
        case
            when customer_invoice.line_count = 0 then 'no_lines'
            when customer_invoice.largest_line = 0 then 'zero_lines'
            else 'lines_cancel_out'
        end as cause
    from customer_invoice
    inner join (
        select max(extracted_on) as extracted_on
        from customer_invoice
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_invoice.extracted_on
    where customer_invoice.gross = 0
        and customer_invoice.invoice_type <> 'reminder'
)

select
    invoice_no,
    department,
    customer_id,
    origin,
    source_system,
    invoice_date,
    line_count,
    largest_line,
    cause,
    case cause
        when 'no_lines' then 'den har inga rader'
        when 'zero_lines' then 'alla rader är på noll'
        else 'raderna tar ut varandra'
    end as cause_sv,
    received_at,
    make_array(record_ref('customer_invoice', file_id, ordinal, byte_start, byte_end)) as evidence
from zero_invoices

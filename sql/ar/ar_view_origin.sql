/*
title = "Hur fakturan skapades"
description = """
AR73: the question how an invoice came to be: from a department's system, registered in Agresso web, or in the desktop."""
kind = "table"
key = ["invoice_no"]
catalogue = ["AR73"]

[columns]
invoice_no = "invoice"
customer_id = "customer number"
department = "department"
invoice_type = "invoice, credit, offer or reminder"
invoice_date = "invoice date"
gross = "amount"
origin = "system, web or desktop"
origin_sv = "the answer in Swedish"
source_system = "system that sent the basis; null when none"
run_id = "invoice run"
order_id = "first order that became the invoice; null when the extract has none"
*/
with orders as (
    select
        customer_order.invoice_no,
        min(customer_order.order_id) as order_id
    from customer_order
    inner join (
        select max(extracted_on) as extracted_on
        from customer_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_order.extracted_on
    where customer_order.invoice_no is not null
    group by customer_order.invoice_no
)

select
    customer_invoice.invoice_no,
    customer_invoice.customer_id,
    customer_invoice.department,
    customer_invoice.invoice_type,
    customer_invoice.invoice_date,
    customer_invoice.gross,
    customer_invoice.origin,
    case customer_invoice.origin
        when 'system'
            then concat('Fakturan kom från verksamhetssystemet ', coalesce(customer_invoice.source_system, '(okänt)'), '.')
        when 'web' then 'Fakturan registrerades för hand i Agresso webb.'
        else 'Fakturan registrerades för hand i Agresso desktop.'
    end as origin_sv,
    customer_invoice.source_system,
    customer_invoice.run_id,
    orders.order_id
from customer_invoice
inner join (
    select max(extracted_on) as extracted_on
    from customer_invoice
    where extracted_on <= as_of()
) as latest
    on latest.extracted_on = customer_invoice.extracted_on
left join orders
    on orders.invoice_no = customer_invoice.invoice_no

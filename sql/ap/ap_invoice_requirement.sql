/*
title = "Fakturor som inte uppfyller fakturakraven"
description = """AP11: one row for each document that lacks something that the VAT act or the city demands, with the whole list, as the basis
of the letter that asks for a new invoice. Which demands count, and from when, stands in ref_invoice_requirement; a demand
that is switched off there is not reported. Number and date are not tested: a document without them is rejected when it
is read. The seller's VAT number is demanded where VAT is charged or the buyer is liable (AE, K); the reason for no VAT
for categories E, AE, K, G and O; payment account and due date only where there is something to pay; F-tax only of
Swedish sellers. Together with ap_einvoice_unbalanced these are the faulty invoices of AP01."""
kind = "exception"
key = ["document_id"]
catalogue = ["AP11", "AP01"]
amount = "gross"

[exception]
queue = "leverantor-fakturakrav"
queue_title = "Fakturor som inte uppfyller fakturakraven"
service_level = "SLA06"
why = "Faktura {invoice_no} från {seller_name} på {gross} saknar: {missing_sv}."
action = "Kontakta leverantören och begär en ny faktura med det som saknas. Är uppgiften inte nödvändig: stäng posten med en kommentar."

[columns]
document_id = "the document"
missing = "codes of what is missing, by name"
missing_sv = "what is missing, in Swedish"
missing_count = "how many demands are not met"
seller_key = "supplier"
seller_name = "supplier's name"
invoice_no = "number"
issue_date = "date"
document_kind = "invoice or credit_note"
currency = "currency"
gross = "gross amount"
department = "department"
received_at = "when the document arrived"
evidence = "the document's record"
*/
with document as (
    select
        invoice.document_id,
        invoice.department,
        invoice.vat,
        invoice.sign,
        coalesce(source.payable, 0) <> 0 and invoice.sign = 1 as is_to_pay,
        source.issue_date,
        source.due_date,
        source.tax_amount,
        source.delivery_date,
        source.period_start,
        source.buyer_reference,
        source.order_reference,
        source.seller,
        source.buyer,
        source.lines,
        source.vat_breakdown,
        source.payment_means
    from supplier_invoice as source
    inner join ap_invoice as invoice
        on invoice.file_id = source.file_id
        and invoice.ordinal = source.ordinal
),

line_fact as (
    select
        document_id,
        bool_and(nullif(trim(coalesce(line['name'], line['description'])), '') is not null) as has_description,
        bool_and(line['quantity'] is not null) as has_quantity,
        bool_and(line['price'] is not null) as has_price
    from (
        select
            document_id,
            unnest(lines) as line
        from document
    ) as lines
    group by
        document_id
),

vat_fact as (
    select
        document_id,
        bool_and(part['taxable_amount'] is not null) as has_base,
        bool_and(part['rate'] is not null or coalesce(part['category'], '') <> 'S') as has_rate,
        bool_or(coalesce(part['category'], '') in ('AE', 'K')) as is_reverse_charge,
        bool_and(
            coalesce(part['category'], '') not in ('E', 'AE', 'K', 'G', 'O')
            or nullif(trim(coalesce(part['exemption_reason'], part['exemption_code'])), '') is not null
        ) as has_reason
    from (
        select
            document_id,
            unnest(vat_breakdown) as part
        from document
    ) as parts
    group by
        document_id
),

payment_fact as (
    select
        document_id,
        bool_or(nullif(trim(mean['account']), '') is not null) as has_account,
        bool_or(mean['due_date'] is not null) as has_due_date
    from (
        select
            document_id,
            unnest(payment_means) as mean
        from document
    ) as means
    group by
        document_id
),

-- one column a demand: whether the document meets it
fact as (
    select
        document.document_id,
        document.issue_date,
        coalesce(nullif(trim(document.seller['legal_name']), ''), nullif(trim(document.seller['name']), '')) is not null
            as seller_name,
        coalesce(document.seller['city'], document.seller['postcode'], document.seller['street']) is not null
            as seller_address,
        document.seller['vat_no'] is not null
        or (document.vat = 0 and not coalesce(vat_fact.is_reverse_charge, false)) as seller_vat_no,
        coalesce(nullif(trim(document.buyer['legal_name']), ''), nullif(trim(document.buyer['name']), '')) is not null
            as buyer_name,
        coalesce(document.buyer['city'], document.buyer['postcode'], document.buyer['street']) is not null
            as buyer_address,
        document.buyer['vat_no'] is not null or not coalesce(vat_fact.is_reverse_charge, false) as buyer_vat_no,
        coalesce(line_fact.has_description, false) as description,
        coalesce(line_fact.has_quantity, false) as quantity,
        coalesce(line_fact.has_price, false) as unit_price,
        coalesce(document.delivery_date, document.period_start) is not null as supply_date,
        coalesce(vat_fact.has_base, false) as taxable_base,
        coalesce(vat_fact.has_rate, false) as vat_rate,
        document.tax_amount is not null as vat_amount,
        coalesce(vat_fact.has_reason, true) as exemption_reason,
        coalesce(nullif(trim(document.order_reference), ''), nullif(trim(document.buyer_reference), '')) is not null
            as reference,
        document.department is not null as department,
        coalesce(payment_fact.has_account, false) or not document.is_to_pay as payment_account,
        coalesce(upper(document.seller['tax_registration']) like '%F-SKATT%', false)
        or coalesce(document.seller['country'], 'SE') <> 'SE' as f_tax,
        document.due_date is not null
        or coalesce(payment_fact.has_due_date, false)
        or not document.is_to_pay as due_date
    from document
    left join line_fact
        on line_fact.document_id = document.document_id
    left join vat_fact
        on vat_fact.document_id = document.document_id
    left join payment_fact
        on payment_fact.document_id = document.document_id
),

-- a code that the table has and this statement does not know is reported on every document, not passed over
not_met as (
    select
        fact.document_id,
        requirement.code,
        requirement.title
    from fact
    cross join ref_invoice_requirement as requirement
    where requirement.required
        and requirement.valid_from <= fact.issue_date
        and (requirement.valid_to is null or requirement.valid_to >= fact.issue_date)
        and not coalesce(
            case requirement.code
                when 'seller_name' then fact.seller_name
                when 'seller_address' then fact.seller_address
                when 'seller_vat_no' then fact.seller_vat_no
                when 'buyer_name' then fact.buyer_name
                when 'buyer_address' then fact.buyer_address
                when 'buyer_vat_no' then fact.buyer_vat_no
                when 'description' then fact.description
                when 'quantity' then fact.quantity
                when 'unit_price' then fact.unit_price
                when 'supply_date' then fact.supply_date
                when 'taxable_base' then fact.taxable_base
                when 'vat_rate' then fact.vat_rate
                when 'vat_amount' then fact.vat_amount
                when 'exemption_reason' then fact.exemption_reason
                when 'reference' then fact.reference
                when 'department' then fact.department
                when 'payment_account' then fact.payment_account
                when 'f_tax' then fact.f_tax
                when 'due_date' then fact.due_date
            end,
            false
        )
),

missing as (
    select
        document_id,
        array_to_string(array_sort(array_agg(code)), ', ') as codes,
        array_to_string(array_sort(array_agg(title)), ', ') as titles,
        count(*) as demands
    from not_met
    group by
        document_id
)

select
    missing.document_id,
    missing.codes as missing,
    missing.titles as missing_sv,
    missing.demands as missing_count,
    invoice.seller_key,
    coalesce(invoice.seller_name, invoice.seller_key) as seller_name,
    invoice.invoice_no,
    invoice.issue_date,
    invoice.document_kind,
    invoice.currency,
    invoice.gross,
    invoice.department,
    invoice.received_at,
    make_array(
        record_ref('supplier_invoice', invoice.file_id, invoice.ordinal, invoice.byte_start, invoice.byte_end)
    ) as evidence
from missing
inner join ap_invoice as invoice
    on invoice.document_id = missing.document_id

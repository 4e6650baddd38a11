/*
title = "Leverantörsfakturor, en rad per dokument"
description = "Every received e-invoice and credit note with the keys that the controls compare: normalised number, sign, organisation number, department. Amounts as the supplier wrote them. There is no contract for cancellations yet, so every received document is live."
kind = "table"
key = ["document_id"]
catalogue = ["AP01", "AP09"]

[columns]
document_id = "identity of the document: file and ordinal in it"
file_id = "raw file"
ordinal = "number of the record in the file"
byte_start = "first byte of the record"
byte_end = "one past its last byte"
received_at = "when the file arrived (UTC)"
seller_key = "supplier identity"
seller_name = "supplier's registered or trading name"
seller_org_no = "supplier's organisation number, ten digits, from the registration or else the Swedish VAT number"
document_kind = "invoice or credit_note"
sign = "1 when the city is to pay, -1 when it is credited: a credit note, or an invoice with a negative total"
invoice_no = "number as written"
number_key = "number in upper case without anything but letters and digits and without leading zeros"
issue_date = "date of the document"
due_date = "due date"
currency = "currency of the amounts"
net = "total without VAT (BT-109)"
vat = "total VAT (BT-110); where the document gives none, the sum of its VAT breakdown"
gross = "total with VAT (BT-112), else net plus VAT"
signed_gross = "gross, negative when the city is credited"
department = "three-digit department that the document is addressed to (STH nnn), where it says so"
*/
with breakdown as (
    select
        invoice.file_id,
        invoice.ordinal,
        sum(invoice.part['tax_amount']) as vat
    from (
        select
            file_id,
            ordinal,
            unnest(vat_breakdown) as part
        from supplier_invoice
    ) as invoice
    group by
        invoice.file_id,
        invoice.ordinal
),

amounts as (
    select
        invoice.file_id,
        invoice.ordinal,
        invoice.byte_start,
        invoice.byte_end,
        invoice.received_at,
        invoice.seller_key,
        coalesce(invoice.seller['legal_name'], invoice.seller['name']) as seller_name,
        regexp_replace(coalesce(invoice.seller['company_id'], ''), '[^0-9]', '', 'g') as registration_digits,
        regexp_replace(upper(coalesce(invoice.seller['vat_no'], '')), '[^0-9A-Z]', '', 'g') as vat_no,
        invoice.document_kind,
        invoice.invoice_no,
        -- AP01: norm(invoice_no) is upper case, letters and digits only, no leading zeros
        regexp_replace(upper(invoice.invoice_no), '[^\p{L}\p{N}]', '', 'g') as number_characters,
        invoice.issue_date,
        invoice.due_date,
        invoice.currency,
        invoice.tax_exclusive as net,
        cast(coalesce(
            invoice.tax_amount,
            round_half_up(breakdown.vat, 2),
            cast(0 as decimal(18, 2))
        ) as decimal(18, 2)) as vat,
        invoice.tax_inclusive,
        -- AP02: the department's code in the buyer's identifiers, names or address
        regexp_match(
            upper(concat_ws(
                ' ',
                array_to_string(invoice.buyer['identifiers'], ' '),
                invoice.buyer['name'],
                invoice.buyer['legal_name'],
                invoice.buyer['street']
            )),
            '\bSTH[ :-]?([0-9]{3})\b'
        ) as addressed_to
    from supplier_invoice as invoice
    left join breakdown
        on breakdown.file_id = invoice.file_id
        and breakdown.ordinal = invoice.ordinal
),

totals as (
    select
        amounts.*,
        cast(coalesce(amounts.tax_inclusive, amounts.net + amounts.vat) as decimal(18, 2)) as gross
    from amounts
),

signs as (
    select
        totals.*,
        cast(
            case when totals.document_kind = 'credit_note' then -1 else 1 end
            * case when totals.gross < 0 then -1 else 1 end
            as int
        ) as sign
    from totals
)

select
    concat(signs.file_id, ':', cast(signs.ordinal as varchar)) as document_id,
    signs.file_id,
    signs.ordinal,
    signs.byte_start,
    signs.byte_end,
    signs.received_at,
    signs.seller_key,
    signs.seller_name,
    case
        when char_length(signs.registration_digits) = 10 then signs.registration_digits
        when char_length(signs.registration_digits) = 12 then substr(signs.registration_digits, 3)
        when signs.vat_no like 'SE____________' then substr(signs.vat_no, 3, 10)
    end as seller_org_no,
    signs.document_kind,
    signs.sign,
    signs.invoice_no,
    case
        when signs.number_characters = '' then null
        when ltrim(signs.number_characters, '0') = '' then '0'
        else ltrim(signs.number_characters, '0')
    end as number_key,
    signs.issue_date,
    signs.due_date,
    signs.currency,
    signs.net,
    signs.vat,
    signs.gross,
    cast(abs(signs.gross) * signs.sign as decimal(18, 2)) as signed_gross,
    signs.addressed_to[1] as department
from signs

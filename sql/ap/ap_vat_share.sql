/*
title = "Fakturor med avvikande momsandel"
description = """AP09, the population: every document whose VAT is below 5 % of the net amount or above 25 % of it [S]. The upper bound
allows P:round_tol for rounding; the lower one is taken as written. Credit notes and negative amounts are compared by
their absolute values. A net amount of zero has no share and is a class of its own.
The cause is read from the VAT breakdown: arithmetic_error when the stated VAT differs by more than P:round_tol from
what the breakdown's bases and rates give (or is above 25 %, which no rate allows); reverse_charge when untaxed bases
are of category AE or K; no_vat_exempt when nothing is taxed; mixed_rates when taxed and untaxed bases are mixed.
The period is the month of the document's date."""
kind = "table"
key = ["document_id"]
catalogue = ["AP09"]

[columns]
document_id = "the document"
period = "first day of the month of the document's date"
class = "below (VAT share under the lower bound), above (over the upper bound) or net_zero (no net amount)"
cause = "no_vat_exempt, reverse_charge, mixed_rates, arithmetic_error or no_amount"
cause_sv = "the cause in Swedish"
seller_key = "supplier"
seller_name = "supplier's name"
invoice_no = "number"
issue_date = "date"
document_kind = "invoice or credit_note"
currency = "currency"
net = "net amount as written"
vat = "VAT as written"
gross = "gross amount as written"
vat_percent = "VAT in per cent of the net amount, two decimals, rounded half up; null when the net amount is zero"
expected_vat = "VAT that the breakdown's bases and rates give, null without a breakdown"
department = "department"
received_at = "when the document arrived"
file_id = "raw file"
ordinal = "number of the record in the file"
byte_start = "first byte of the record"
byte_end = "one past its last byte"
*/
with limits as (
    select
        max(case when name = 'vat_share_low' then cast(value as decimal(5, 4)) end) as low,
        max(case when name = 'vat_share_high' then cast(value as decimal(5, 4)) end) as high,
        max(case when name = 'round_tol' then cast(value as decimal(18, 2)) end) as round_tol
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

breakdown as (
    select
        concat(parts.file_id, ':', cast(parts.ordinal as varchar)) as document_id,
        sum(cast(
            coalesce(parts.part['taxable_amount'], 0) * coalesce(parts.part['rate'], 0) / 100
            as decimal(30, 6)
        )) as expected_vat,
        bool_or(
            coalesce(parts.part['rate'], 0) > 0 and coalesce(parts.part['taxable_amount'], 0) <> 0
        ) as has_taxed,
        bool_or(
            coalesce(parts.part['rate'], 0) = 0 and coalesce(parts.part['taxable_amount'], 0) <> 0
        ) as has_untaxed,
        bool_or(coalesce(parts.part['category'], '') in ('AE', 'K')) as has_reverse_charge
    from (
        select
            file_id,
            ordinal,
            unnest(vat_breakdown) as part
        from supplier_invoice
    ) as parts
    group by
        concat(parts.file_id, ':', cast(parts.ordinal as varchar))
),

classed as (
    select
        invoice.*,
        breakdown.expected_vat,
        coalesce(breakdown.has_taxed, false) as has_taxed,
        coalesce(breakdown.has_untaxed, false) as has_untaxed,
        coalesce(breakdown.has_reverse_charge, false) as has_reverse_charge,
        limits.round_tol,
        case
            when invoice.net = 0 then 'net_zero'
            when abs(invoice.vat) < limits.low * abs(invoice.net) then 'below'
            when abs(invoice.vat) > limits.high * abs(invoice.net) + limits.round_tol then 'above'
        end as class
    from ap_invoice as invoice
    left join breakdown
        on breakdown.document_id = invoice.document_id
    cross join limits
),

caused as (
    select
        classed.*,
        case
            when classed.class = 'net_zero' and classed.vat = 0 then 'no_amount'
            when classed.class = 'net_zero' then 'arithmetic_error'
            when classed.class = 'above' then 'arithmetic_error'
            when abs(abs(classed.vat) - abs(classed.expected_vat)) > classed.round_tol then 'arithmetic_error'
            when classed.has_taxed and classed.has_untaxed then 'mixed_rates'
            when classed.has_reverse_charge then 'reverse_charge'
            when classed.vat = 0 then 'no_vat_exempt'
            else 'arithmetic_error'
        end as cause
    from classed
    where classed.class is not null
)

select
    caused.document_id,
    caused.issue_date - date_part('day', caused.issue_date) + 1 as period,
    caused.class,
    caused.cause,
    case caused.cause
        when 'no_amount' then 'fakturan saknar belopp'
        when 'arithmetic_error' then 'momsen är fel räknad'
        when 'mixed_rates' then 'momspliktiga och momsfria rader är blandade'
        when 'reverse_charge' then 'omvänd betalningsskyldighet'
        else 'ingen moms, undantaget från moms'
    end as cause_sv,
    caused.seller_key,
    caused.seller_name,
    caused.invoice_no,
    caused.issue_date,
    caused.document_kind,
    caused.currency,
    caused.net,
    caused.vat,
    caused.gross,
    case
        when caused.net <> 0
            then cast(round_half_up(
                cast(abs(caused.vat) * 100 as decimal(30, 6)) / cast(abs(caused.net) as decimal(18, 2)), 2
            ) as decimal(18, 2))
    end as vat_percent,
    cast(round_half_up(caused.expected_vat, 2) as decimal(18, 2)) as expected_vat,
    caused.department,
    caused.received_at,
    caused.file_id,
    caused.ordinal,
    caused.byte_start,
    caused.byte_end
from caused

/*
title = "Stickprov på momsandel"
description = """AP09, the sample: from each month and class of ap_vat_share, P:vat_sample_size documents in the order of
SHA-256(month || document). The hash stands in for a random number that starts with the period: nobody can choose the
sample, and everybody who computes it again gets the same. A month is sampled when it has ended, so that documents
that arrive during the month do not push each other out of the list."""
kind = "exception"
key = ["document_id"]
catalogue = ["AP09"]
amount = "vat"

[exception]
queue = "leverantor-moms-stickprov"
queue_title = "Stickprov: momsandel under 5 % eller över 25 %"
service_level = "SLA06"
why = "Faktura {invoice_no} från {seller_name} har momsen {vat} på nettobeloppet {net}: {class_sv}. Trolig orsak: {cause_sv}."
action = "Kontrollera att momsen är rätt bokförd. Är fakturan fel: begär ny faktura av leverantören. Annars: stäng posten med en kommentar."

[columns]
document_id = "the document"
period = "month that the sample is drawn from"
class = "below, above or net_zero"
class_sv = "the class in Swedish"
cause = "probable cause"
cause_sv = "probable cause in Swedish"
sample_rank = "the document's place in the hash order of its month and class"
sample_hash = "the hash that orders it"
population = "documents of the month and class"
seller_key = "supplier"
seller_name = "supplier's name"
invoice_no = "number"
issue_date = "date"
currency = "currency"
net = "net amount"
vat = "VAT"
gross = "gross amount"
vat_percent = "VAT in per cent of the net amount"
department = "department"
received_at = "when the document arrived"
evidence = "the document's record"
*/
with sample_size as (
    select cast(value as bigint) as n
    from param
    where name = 'vat_sample_size'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

hashed as (
    select
        ap_vat_share.*,
        encode(sha256(concat(cast(period as varchar), document_id)), 'hex') as sample_hash
    from ap_vat_share
    where cast(period + interval '1 month' as date) - 1 <= as_of()
),

ranked as (
    select
        hashed.*,
        row_number() over (
            partition by hashed.period, hashed.class
            order by hashed.sample_hash
        ) as sample_rank,
        count(*) over (partition by hashed.period, hashed.class) as population
    from hashed
)

select
    ranked.document_id,
    ranked.period,
    ranked.class,
    case ranked.class
        when 'below' then 'mindre än 5 procent'
        when 'above' then 'mer än 25 procent'
        else 'nettobeloppet är noll'
    end as class_sv,
    ranked.cause,
    ranked.cause_sv,
    cast(ranked.sample_rank as bigint) as sample_rank,
    ranked.sample_hash,
    ranked.population,
    ranked.seller_key,
    coalesce(ranked.seller_name, ranked.seller_key) as seller_name,
    ranked.invoice_no,
    ranked.issue_date,
    ranked.currency,
    ranked.net,
    ranked.vat,
    ranked.gross,
    ranked.vat_percent,
    ranked.department,
    ranked.received_at,
    make_array(
        record_ref('supplier_invoice', ranked.file_id, ranked.ordinal, ranked.byte_start, ranked.byte_end)
    ) as evidence
from ranked
cross join sample_size
where cast(ranked.sample_rank as bigint) <= sample_size.n

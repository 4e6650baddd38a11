/*
title = "Möjliga dubblettfakturor"
description = """AP01: one row for each pair of documents that may be the same invoice, with the strongest reason.
dup_exact: same supplier, same normalised number and same sign; or the same document image: an attachment with the same
content, carried by at most P:dup_hash_max documents (what more share is terms or a price list), together with the same
number or amount. The same file bytes delivered again never land twice, so equal files need no rule here.
dup_strong: same supplier, gross amount, currency and date, different number.
dup_suspect: same organisation number or payee account under different supplier identities, same gross amount and
currency, at most P:dup_days between the dates.
The dates of a pair lie at most P:dup_window days apart: a number that comes again in a later year is no duplicate.
An invoice and a credit note have different signs and never pair; where the image is the same, an invoice is also kept
apart from the document that names it as preceding. Nothing is cancelled by the stream. Cancelled documents cannot be
left out before there is a contract for cancellations."""
kind = "exception"
key = ["first_document", "second_document"]
catalogue = ["AP01"]
amount = "gross"

[exception]
queue = "leverantor-dubbletter"
queue_title = "Möjliga dubblettfakturor"
service_level = "SLA06"
why = "Faktura {second_invoice_no} från {seller_name} på {gross} daterad {second_issue_date} kan vara samma som faktura {first_invoice_no} daterad {first_issue_date}: {reason_sv}."
action = "Jämför dokumenten. Är de samma faktura: makulera den senare och meddela leverantören. Annars: stäng posten med en kommentar."

[columns]
first_document = "document that arrived first"
second_document = "document that arrived later, the one to question"
class = "dup_exact, dup_strong or dup_suspect"
rules = "every rule that pairs the two"
reason_sv = "the strongest rule in Swedish"
first_invoice_no = "number of the first document"
second_invoice_no = "number of the second document"
first_issue_date = "date of the first document"
second_issue_date = "date of the second document"
first_seller_key = "supplier of the first document"
second_seller_key = "supplier of the second document"
seller_name = "supplier's name on the second document"
document_kind = "kind of the second document"
currency = "currency of the second document"
gross = "gross amount of the second document"
days_apart = "days between the two dates"
department = "department that the second document is addressed to"
received_at = "when the second document arrived"
evidence = "the records of both documents"
*/
with limits as (
    select
        max(case when name = 'dup_days' then cast(value as int) end) as dup_days,
        max(case when name = 'dup_window' then cast(value as int) end) as dup_window,
        max(case when name = 'dup_hash_max' then cast(value as int) end) as dup_hash_max
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

invoice as (
    select
        document_id,
        received_at,
        seller_key,
        seller_org_no,
        sign,
        number_key,
        issue_date,
        currency,
        signed_gross
    from ap_invoice
),

payee_account as (
    select distinct
        concat(means.file_id, ':', cast(means.ordinal as varchar)) as document_id,
        regexp_replace(upper(means.mean['account']), '[^0-9A-Z]', '', 'g') as account
    from (
        select
            file_id,
            ordinal,
            unnest(payment_means) as mean
        from supplier_invoice
    ) as means
    where regexp_replace(upper(means.mean['account']), '[^0-9A-Z]', '', 'g') <> ''
),

image as (
    select distinct
        concat(attached.file_id, ':', cast(attached.ordinal as varchar)) as document_id,
        attached.attachment['sha256'] as sha256
    from (
        select
            file_id,
            ordinal,
            unnest(attachments) as attachment
        from supplier_invoice
    ) as attached
    where attached.attachment['sha256'] is not null
),

rare_image as (
    select
        sha256
    from image
    cross join limits
    group by
        sha256,
        limits.dup_hash_max
    having count(*) between 2 and limits.dup_hash_max
),

named_as_preceding as (
    select distinct
        concat(named.file_id, ':', cast(named.ordinal as varchar)) as document_id,
        ltrim(regexp_replace(upper(named.preceding['invoice_no']), '[^\p{L}\p{N}]', '', 'g'), '0') as number_key
    from (
        select
            file_id,
            ordinal,
            unnest(invoice_references) as preceding
        from supplier_invoice
    ) as named
),

-- Every rule joins on equal keys, so that the work grows with the duplicates and not with the square of the documents.
-- The first document of a pair is the one that arrived first; documents that arrived together are ordered by identity.
same_number as (
    select
        first.document_id as first_document,
        second.document_id as second_document,
        'same_number' as rule
    from invoice as first
    inner join invoice as second
        on second.seller_key = first.seller_key
        and second.number_key = first.number_key
        and second.sign = first.sign
    where (first.received_at, first.document_id) < (second.received_at, second.document_id)
),

same_image as (
    select
        first.document_id as first_document,
        second.document_id as second_document,
        'same_image' as rule
    from rare_image
    inner join image as first_image
        on first_image.sha256 = rare_image.sha256
    inner join image as second_image
        on second_image.sha256 = rare_image.sha256
    inner join invoice as first
        on first.document_id = first_image.document_id
    inner join invoice as second
        on second.document_id = second_image.document_id
    left join named_as_preceding as first_names
        on first_names.document_id = first.document_id
        and first_names.number_key = second.number_key
    left join named_as_preceding as second_names
        on second_names.document_id = second.document_id
        and second_names.number_key = first.number_key
    where (first.received_at, first.document_id) < (second.received_at, second.document_id)
        and (first.number_key = second.number_key or abs(first.signed_gross) = abs(second.signed_gross))
        and first_names.document_id is null
        and second_names.document_id is null
),

same_amount_and_date as (
    select
        first.document_id as first_document,
        second.document_id as second_document,
        'same_amount_and_date' as rule
    from invoice as first
    inner join invoice as second
        on second.seller_key = first.seller_key
        and second.signed_gross = first.signed_gross
        and second.currency = first.currency
        and second.issue_date = first.issue_date
    where (first.received_at, first.document_id) < (second.received_at, second.document_id)
        and (second.number_key is distinct from first.number_key)
        and first.signed_gross <> 0
),

same_organisation as (
    select
        first.document_id as first_document,
        second.document_id as second_document,
        'same_organisation' as rule
    from invoice as first
    inner join invoice as second
        on second.seller_org_no = first.seller_org_no
        and second.signed_gross = first.signed_gross
        and second.currency = first.currency
    cross join limits
    where (first.received_at, first.document_id) < (second.received_at, second.document_id)
        and second.seller_key <> first.seller_key
        and first.signed_gross <> 0
        and abs(second.issue_date - first.issue_date) <= limits.dup_days
),

same_account as (
    select distinct
        first.document_id as first_document,
        second.document_id as second_document,
        'same_account' as rule
    from invoice as first
    inner join payee_account as first_account
        on first_account.document_id = first.document_id
    inner join payee_account as second_account
        on second_account.account = first_account.account
    inner join invoice as second
        on second.document_id = second_account.document_id
        and second.signed_gross = first.signed_gross
        and second.currency = first.currency
    cross join limits
    where (first.received_at, first.document_id) < (second.received_at, second.document_id)
        and second.seller_key <> first.seller_key
        and first.signed_gross <> 0
        and abs(second.issue_date - first.issue_date) <= limits.dup_days
),

paired as (
    select first_document, second_document, rule, 1 as strength from same_number
    union all
    select first_document, second_document, rule, 2 as strength from same_image
    union all
    select first_document, second_document, rule, 3 as strength from same_amount_and_date
    union all
    select first_document, second_document, rule, 4 as strength from same_organisation
    union all
    select first_document, second_document, rule, 5 as strength from same_account
),

pair as (
    select
        first_document,
        second_document,
        min(strength) as strength,
        array_to_string(array_sort(array_agg(distinct rule)), ', ') as rules
    from paired
    group by
        first_document,
        second_document
)

select
    pair.first_document,
    pair.second_document,
    case
        when pair.strength <= 2 then 'dup_exact'
        when pair.strength = 3 then 'dup_strong'
        else 'dup_suspect'
    end as class,
    pair.rules,
    case pair.strength
        when 1 then 'samma leverantör och samma fakturanummer'
        when 2 then 'samma fakturabild är bifogad'
        when 3 then 'samma leverantör, belopp och datum men olika nummer'
        when 4 then 'samma organisationsnummer och belopp under olika leverantörsidentiteter'
        else 'samma betalkonto och belopp men olika leverantörer'
    end as reason_sv,
    first.invoice_no as first_invoice_no,
    second.invoice_no as second_invoice_no,
    first.issue_date as first_issue_date,
    second.issue_date as second_issue_date,
    first.seller_key as first_seller_key,
    second.seller_key as second_seller_key,
    coalesce(second.seller_name, second.seller_key) as seller_name,
    second.document_kind,
    second.currency,
    second.gross,
    cast(abs(second.issue_date - first.issue_date) as int) as days_apart,
    second.department,
    second.received_at,
    make_array(
        record_ref('supplier_invoice', first.file_id, first.ordinal, first.byte_start, first.byte_end),
        record_ref('supplier_invoice', second.file_id, second.ordinal, second.byte_start, second.byte_end)
    ) as evidence
from pair
inner join ap_invoice as first
    on first.document_id = pair.first_document
inner join ap_invoice as second
    on second.document_id = pair.second_document
cross join limits
where abs(second.issue_date - first.issue_date) <= limits.dup_window

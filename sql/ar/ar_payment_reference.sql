/*
title = "Betalningsreferenser"
description = """
The references of every payment (deductions apart) and what each of them points at. Roles: `main` is the whole
reference of the payment, `extra` a further reference of its own (BgMax TK22, TK23), `text` a whole number inside a
longer reference (only where the bank found no further references itself). A number inside another number is never a
reference.

Zeros in front of a number are padding. A number that no item carries today is read by the former OCR series of
ref_ocr_series, which say where the invoice number stands in it. An amount with öre is no reference, and a number that
is written in groups is tried as a whole, too.

Several records of the same reference in one payment are one row with their amounts added. An OCR that belongs to
several items is unique when exactly one of them was known and open on the payment date; otherwise it is ambiguous.
"""
kind = "table"
key = ["payment_id", "role", "reference", "negative"]
catalogue = ["AR35", "AR23"]

[columns]
payment_id = "payment"
role = "main, extra or text"
reference = "reference as received"
negative = "true for TK23, a reference that reduces the payment"
amount = "amount of the reference where the bank gives one"
number = "the reference without zeros in front"
series = "former OCR series that the reference is of; null for one of today"
finding = "item, closed, ambiguous, unknown, bad_check_digit or not_a_number"
item_id = "item that the reference points at, for finding item or closed"
item_count = "open items with this OCR"
*/
with param_value as (
    select cast(max(value) as bigint) as min_digits
    from param
    where name = 'ar_text_reference_min_digits'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- AR35: OCR numbers of former systems, from which the invoice number can be read
old_series as (
    select
        ref_ocr_series.series,
        ref_ocr_series.length,
        ref_ocr_series.prefix,
        ref_ocr_series.invoice_start,
        ref_ocr_series.invoice_digits
    from ref_ocr_series
    inner join ref_match_pass
        on ref_match_pass.pass = 'series'
        and ref_match_pass.enabled
        and ref_match_pass.valid_from <= as_of()
        and (ref_match_pass.valid_to is null or ref_match_pass.valid_to >= as_of())
    where ref_ocr_series.valid_from <= as_of()
        and (ref_ocr_series.valid_to is null or ref_ocr_series.valid_to >= as_of())
),

in_scope as (
    select
        payment_id,
        file_id,
        ordinal,
        payment_date,
        reference,
        reference_count
    from ar_payment
    where scope in ('match', 'currency')
),

whole as (
    select
        payment_id,
        payment_date,
        'main' as role,
        reference,
        false as negative,
        cast(null as decimal(18, 2)) as amount
    from in_scope
    where reference is not null
),

extra_records as (
    select
        in_scope.payment_id,
        in_scope.payment_date,
        unnest(payment_in."references") as extra
    from payment_in
    inner join in_scope
        on in_scope.payment_id = payment_in.payment_id
        and in_scope.file_id = payment_in.file_id
        and in_scope.ordinal = payment_in.ordinal
    where in_scope.reference_count > 0
),

extra as (
    select
        payment_id,
        payment_date,
        'extra' as role,
        coalesce(nullif(trim(extra['reference']), ''), '-') as reference,
        extra['negative'] as negative,
        -- one record without amount makes the sum unknown
        cast(case when count(*) = count(extra['amount']) then sum(extra['amount']) end as decimal(18, 2)) as amount
    from extra_records
    group by
        payment_id,
        payment_date,
        coalesce(nullif(trim(extra['reference']), ''), '-'),
        extra['negative']
),

written as (
    -- an amount is no reference; then what stands between blanks and punctuation, without what it ends with
    select
        payment_id,
        payment_date,
        reference,
        regexp_replace(
            regexp_replace(
                regexp_replace(reference, '\b[0-9]{1,9}[,.][0-9]{2}\b', ' ', 'g'),
                '[\s,;:/+&()#"''!?=*]+',
                ' ',
                'g'
            ),
            '(^|\s)[.-]+|[.-]+(\s|$)',
            ' ',
            'g'
        ) as words
    from in_scope
    where reference_count = 0
        and reference is not null
        and not regexp_like(reference, '^[0-9]+$')
),

text_words as (
    -- whole numbers, never a part of a longer number
    select
        payment_id,
        payment_date,
        unnest(string_to_array(words, ' ')) as word
    from written
    union all
    -- one number that was written in groups: 10 000 016
    select
        payment_id,
        payment_date,
        regexp_replace(reference, '[^0-9]', '', 'g') as word
    from written
    where regexp_like(reference, '^[0-9]+([\s.-][0-9]+)+$')
),

text_numbers as (
    select distinct
        text_words.payment_id,
        text_words.payment_date,
        'text' as role,
        text_words.word as reference,
        false as negative,
        cast(null as decimal(18, 2)) as amount
    from text_words
    cross join param_value
    where regexp_like(text_words.word, '^[0-9]+$')
        and character_length(text_words.word) >= param_value.min_digits
        and ocr_valid(text_words.word)
),

all_references as (
    select payment_id, payment_date, role, reference, negative, amount from whole
    union all
    select payment_id, payment_date, role, reference, negative, amount from extra
    union all
    select payment_id, payment_date, role, reference, negative, amount from text_numbers
),

judged as (
    select
        payment_id,
        payment_date,
        role,
        reference,
        -- zeros in front are the bank's padding, not the payer's number
        nullif(ltrim(reference, '0'), '') as number,
        negative,
        amount,
        -- AR35: the check digit must be right before a reference may settle anything
        case
            when not regexp_like(reference, '^[0-9]+$') then 'not_a_number'
            when not ocr_valid(reference) then 'bad_check_digit'
        end as fault
    from all_references
),

numbered_items as (
    select
        nullif(ltrim(ocr, '0'), '') as number,
        item_id,
        closed_on,
        first_seen_on,
        invoice_date
    from ar_item
    where currency = 'SEK'
        and ocr_valid(ocr)
),

items_by_number as (
    select
        number,
        count(*) as item_count,
        min(item_id) as only_item_id,
        min(closed_on) as only_closed_on
    from numbered_items
    where number is not null
    group by number
),

by_old_series as (
    select
        judged.payment_id,
        judged.role,
        judged.reference,
        judged.negative,
        count(distinct ar_item.item_id) as item_count,
        min(ar_item.item_id) as only_item_id,
        min(ar_item.closed_on) as only_closed_on,
        min(old_series.series) as series
    from judged
    inner join old_series
        on old_series.length = character_length(judged.reference)
    inner join ar_item
        on ltrim(ar_item.invoice_no, '0')
            = ltrim(substr(judged.reference, old_series.invoice_start, old_series.invoice_digits), '0')
        and ar_item.currency = 'SEK'
    where judged.fault is null
        and starts_with(judged.reference, old_series.prefix)
        and (ar_item.ocr is null or ltrim(ar_item.ocr, '0') <> judged.number)
    group by judged.payment_id, judged.role, judged.reference, judged.negative
),

-- an OCR that several items carry: which of them were known and open on the payment date
several as (
    select
        judged.payment_id,
        judged.role,
        judged.reference,
        judged.negative,
        count(*) filter (where numbered_items.closed_on is null or numbered_items.closed_on >= judged.payment_date)
            as open_count,
        count(*) filter (
            where (numbered_items.closed_on is null or numbered_items.closed_on >= judged.payment_date)
                and (
                    numbered_items.first_seen_on <= judged.payment_date
                    or numbered_items.invoice_date <= judged.payment_date
                )
        ) as known_count,
        min(numbered_items.item_id)
            filter (where numbered_items.closed_on is null or numbered_items.closed_on >= judged.payment_date)
            as open_item_id,
        min(numbered_items.item_id) filter (
            where (numbered_items.closed_on is null or numbered_items.closed_on >= judged.payment_date)
                and (
                    numbered_items.first_seen_on <= judged.payment_date
                    or numbered_items.invoice_date <= judged.payment_date
                )
        ) as known_item_id,
        max(numbered_items.item_id) as latest_item_id
    from judged
    inner join items_by_number
        on items_by_number.number = judged.number
    inner join numbered_items
        on numbered_items.number = judged.number
    where items_by_number.item_count > 1
        and judged.fault is null
    group by judged.payment_id, judged.role, judged.reference, judged.negative
),

found as (
    select
        judged.payment_id,
        judged.role,
        judged.reference,
        judged.number,
        judged.negative,
        judged.amount,
        judged.payment_date,
        judged.fault,
        coalesce(items_by_number.item_count, 0) as present_count,
        coalesce(by_old_series.item_count, 0) as old_count,
        case when items_by_number.number is null then by_old_series.series end as series,
        case when items_by_number.number is null then by_old_series.only_item_id else items_by_number.only_item_id end
            as only_item_id,
        case
            when items_by_number.number is null then by_old_series.only_closed_on
            else items_by_number.only_closed_on
        end as only_closed_on,
        several.open_count,
        several.known_count,
        several.open_item_id,
        several.known_item_id,
        several.latest_item_id
    from judged
    left join items_by_number
        on items_by_number.number = judged.number
    left join by_old_series
        on by_old_series.payment_id = judged.payment_id
        and by_old_series.role = judged.role
        and by_old_series.reference = judged.reference
        and by_old_series.negative = judged.negative
    left join several
        on several.payment_id = judged.payment_id
        and several.role = judged.role
        and several.reference = judged.reference
        and several.negative = judged.negative
)

select
    payment_id,
    role,
    reference,
    number,
    negative,
    amount,
    series,
    case
        when fault is not null then fault
        when present_count + old_count = 0 then 'unknown'
        -- a number of today that is also one of a former series says nothing by itself
        when present_count > 0 and old_count > 0 or present_count = 0 and old_count > 1 then 'ambiguous'
        when present_count + old_count = 1 and only_closed_on < payment_date then 'closed'
        when present_count + old_count = 1 then 'item'
        when open_count = 0 then 'closed'
        when known_count = 1 or open_count = 1 then 'item'
        else 'ambiguous'
    end as finding,
    case
        when fault is not null then null
        when present_count > 0 and old_count > 0 or present_count = 0 and old_count > 1 then null
        when present_count + old_count = 1 then only_item_id
        when open_count = 0 then latest_item_id
        when known_count = 1 then known_item_id
        when open_count = 1 then open_item_id
    end as item_id,
    cast(
        case
            when fault is not null or present_count + old_count = 0 then 0
            when present_count > 0 and old_count > 0 or present_count = 0 and old_count > 1
                then present_count + old_count
            when present_count + old_count = 1 then case when only_closed_on < payment_date then 0 else 1 end
            else open_count
        end
        as bigint
    ) as item_count
from found

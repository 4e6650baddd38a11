/*
title = "Betalningsreferenser"
description = """
The references of every payment (deductions apart) and what each of them points at. Roles: `main` is the whole
reference of the payment, `extra` a further reference of its own (BgMax TK22, TK23), `text` a whole number inside a
longer reference (only where the bank found no further references itself). A number inside another number is never a
reference.

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

text_words as (
    -- whole numbers between blanks or punctuation, never a part of a longer number
    select
        in_scope.payment_id,
        in_scope.payment_date,
        unnest(string_to_array(regexp_replace(in_scope.reference, '[,;:/+&()]', ' ', 'g'), ' ')) as word
    from in_scope
    where in_scope.reference_count = 0
        and in_scope.reference is not null
        and not regexp_like(in_scope.reference, '^[0-9]+$')
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
        negative,
        amount,
        -- AR35: the check digit must be right before a reference may settle anything
        case
            when not regexp_like(reference, '^[0-9]+$') then 'not_a_number'
            when not ocr_valid(reference) then 'bad_check_digit'
        end as fault
    from all_references
),

items_by_ocr as (
    select
        ocr,
        count(*) as item_count,
        min(item_id) as only_item_id,
        min(closed_on) as only_closed_on
    from ar_item
    where ocr is not null
        and currency = 'SEK'
    group by ocr
),

-- an OCR that several items carry: which of them were known and open on the payment date
several as (
    select
        judged.payment_id,
        judged.role,
        judged.reference,
        judged.negative,
        count(*) filter (where ar_item.closed_on is null or ar_item.closed_on >= judged.payment_date) as open_count,
        count(*) filter (
            where (ar_item.closed_on is null or ar_item.closed_on >= judged.payment_date)
                and (ar_item.first_seen_on <= judged.payment_date or ar_item.invoice_date <= judged.payment_date)
        ) as known_count,
        min(ar_item.item_id) filter (where ar_item.closed_on is null or ar_item.closed_on >= judged.payment_date)
            as open_item_id,
        min(ar_item.item_id) filter (
            where (ar_item.closed_on is null or ar_item.closed_on >= judged.payment_date)
                and (ar_item.first_seen_on <= judged.payment_date or ar_item.invoice_date <= judged.payment_date)
        ) as known_item_id,
        max(ar_item.item_id) as latest_item_id
    from judged
    inner join items_by_ocr
        on items_by_ocr.ocr = judged.reference
    inner join ar_item
        on ar_item.ocr = judged.reference
        and ar_item.currency = 'SEK'
    where items_by_ocr.item_count > 1
        and judged.fault is null
    group by judged.payment_id, judged.role, judged.reference, judged.negative
)

select
    judged.payment_id,
    judged.role,
    judged.reference,
    judged.negative,
    judged.amount,
    case
        when judged.fault is not null then judged.fault
        when items_by_ocr.ocr is null then 'unknown'
        when items_by_ocr.item_count = 1 and items_by_ocr.only_closed_on < judged.payment_date then 'closed'
        when items_by_ocr.item_count = 1 then 'item'
        when several.open_count = 0 then 'closed'
        when several.known_count = 1 or several.open_count = 1 then 'item'
        else 'ambiguous'
    end as finding,
    case
        when judged.fault is not null then null
        when items_by_ocr.item_count = 1 then items_by_ocr.only_item_id
        when several.open_count = 0 then several.latest_item_id
        when several.known_count = 1 then several.known_item_id
        when several.open_count = 1 then several.open_item_id
    end as item_id,
    cast(
        case
            when judged.fault is not null or items_by_ocr.ocr is null then 0
            when items_by_ocr.item_count = 1
                then case when items_by_ocr.only_closed_on < judged.payment_date then 0 else 1 end
            else several.open_count
        end
        as bigint
    ) as item_count
from judged
left join items_by_ocr
    on items_by_ocr.ocr = judged.reference
left join several
    on several.payment_id = judged.payment_id
    and several.role = judged.role
    and several.reference = judged.reference
    and several.negative = judged.negative

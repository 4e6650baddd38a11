/*
title = "Ej matchade kundinbetalningar"
description = """
AR23: what is left of a payment after AR35, with the reason and up to five candidates. Candidates: a valid OCR whose
item is already paid, closed or one of several; an OCR that is right but for its check digit; an OCR or invoice
number in the text or message; a payer known by account, identity or payer number; the only open item of the amount;
a set of at most six of the customer's items that adds up. Each reason gives points; the likeness of the names only
ranks what another reason has found. What the ERP has booked by hand is left out, so the row closes when the data
says so.
"""
kind = "exception"
key = ["payment_id", "file_id", "ordinal"]
catalogue = ["AR23"]
amount = "residual"

[exception]
queue = "kund-ej-matchade"
queue_title = "Ej matchade inbetalningar"
service_level = "SLA27"
why = "Av inbetalningen {payment_id} den {payment_date} kunde {residual} inte kopplas till någon faktura: {reason_sv}."
action = "Välj rätt faktura bland förslagen och boka inbetalningen på den. Stämmer inget förslag, fråga betalaren eller betala tillbaka."

[columns]
payment_id = "payment"
file_id = "file of the record"
ordinal = "number of the record in its file"
received_at = "when the file arrived"
payment_date = "date of the deposit"
currency = "ISO 4217"
amount = "amount of the payment"
residual = "what is left to match or pay back"
reason_code = "why it is left"
reason_sv = "the reason in Swedish"
reference = "reference as received"
candidates = "up to five items, best first: item, invoice, customer, department, open amount, score, reasons in Swedish"
department = "department of the best candidate when a reference points at it"
evidence = "reference to the payment's record"
*/
-- allow literal: points rank hints for the reader; no money and no right hangs on them
with param_value as (
    select
        cast(max(value) filter (where name = 'ar_candidates_max') as bigint) as most_candidates,
        cast(max(value) filter (where name = 'ar_subset_max_items') as bigint) as max_items,
        cast(max(value) filter (where name = 'ar_subset_max_candidates') as bigint) as max_candidates,
        cast(max(value) filter (where name = 'ar_text_reference_min_digits') as bigint) as min_digits
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

unmatched as (
    select
        payment_id,
        file_id,
        ordinal,
        received_at,
        record,
        scope,
        payment_date,
        currency,
        amount,
        case when unmatched > 0 then unmatched - greatest(handled_in_ledger, 0) else unmatched end as residual,
        reason_code,
        reason_sv
    from ar_payment_outcome
    where unmatched <> 0
        -- a payment and its reversal make nothing together
        and scope not in ('reversed', 'reversal')
        and (unmatched < 0 or unmatched > handled_in_ledger)
),

sought as (
    select
        unmatched.payment_id,
        unmatched.payment_date,
        unmatched.residual,
        unmatched.currency,
        ar_payment.reference,
        ar_payment.sender_account,
        ar_payment.payer_number,
        ar_payment.payer_identity,
        payment_in.payer_name,
        payment_in.messages
    from unmatched
    inner join ar_payment
        on ar_payment.payment_id = unmatched.payment_id
        and ar_payment.file_id = unmatched.file_id
        and ar_payment.ordinal = unmatched.ordinal
    inner join payment_in
        on payment_in.payment_id = unmatched.payment_id
        and payment_in.file_id = unmatched.file_id
        and payment_in.ordinal = unmatched.ordinal
    where unmatched.scope in ('match', 'currency')
        and unmatched.residual > 0
),

items as (
    select
        item_id,
        ocr,
        nullif(ltrim(ocr, '0'), '') as number,
        invoice_no,
        customer_id,
        customer_name,
        customer_identity,
        department,
        due_date,
        currency,
        payer_account,
        autogiro_payer_number,
        is_open and remaining > 0 as is_open,
        case when closed_on is null then remaining else cast(0 as decimal(18, 2)) end as remaining
    from ar_item_balance
),

by_reference as (
    -- a reference that points at items which could not be settled by it
    select
        sought.payment_id,
        items.item_id,
        case when items.is_open then 80 else 70 end as points,
        case
            when items.is_open and ar_payment_reference.finding = 'ambiguous'
                then 'OCR-numret är fakturans, men finns på flera öppna fakturor'
            when items.is_open then 'OCR-numret är fakturans'
            else 'OCR-numret är fakturans, men fakturan är redan betald eller reglerad'
        end as reason
    from sought
    inner join ar_payment_reference
        on ar_payment_reference.payment_id = sought.payment_id
    inner join items
        on items.number = ar_payment_reference.number
    where ar_payment_reference.finding in ('item', 'closed', 'ambiguous')
),

by_digits as (
    -- AR35 demands a right check digit; here a wrong one is a clue
    select
        sought.payment_id,
        items.item_id,
        60 as points,
        'OCR-numret är fakturans utom kontrollsiffran' as reason
    from sought
    inner join ar_payment_reference
        on ar_payment_reference.payment_id = sought.payment_id
    inner join items
        on left(items.number, character_length(items.number) - 1)
            = left(ar_payment_reference.number, character_length(ar_payment_reference.number) - 1)
    where ar_payment_reference.finding = 'bad_check_digit'
        and character_length(ar_payment_reference.reference) >= 5
        and items.number is not null
),

words as (
    select
        payment_id,
        unnest(
            string_to_array(
                regexp_replace(
                    concat(coalesce(reference, ''), ' ', coalesce(array_to_string(messages, ' '), '')),
                '[^0-9A-Za-zÅÄÖåäö]+',
                ' ',
                'g'
                ),
                ' '
            )
        ) as word
    from sought
),

numbers as (
    select distinct
        words.payment_id,
        words.word
    from words
    cross join param_value
    where regexp_like(words.word, '^[0-9]+$')
        and character_length(words.word) >= param_value.min_digits
),

by_text as (
    select
        numbers.payment_id,
        items.item_id,
        60 as points,
        'OCR-numret står i betalarens text' as reason
    from numbers
    inner join items
        on items.ocr = numbers.word
    left anti join by_reference
        on by_reference.payment_id = numbers.payment_id
        and by_reference.item_id = items.item_id
    where ocr_valid(numbers.word)
    union all
    select
        numbers.payment_id,
        items.item_id,
        50 as points,
        'Fakturanumret står i betalarens text' as reason
    from numbers
    inner join items
        on items.invoice_no = numbers.word
    where items.is_open
),

-- allow union: a customer with many items is found once by each clue
payer_customers as (
    select
        sought.payment_id,
        items.customer_id,
        30 as points,
        'Betalarens konto är känt för kunden' as reason
    from sought
    inner join items
        on items.payer_account = sought.sender_account
    union
    select
        sought.payment_id,
        items.customer_id,
        30 as points,
        'Betalarens person- eller organisationsnummer är kundens' as reason
    from sought
    inner join items
        on items.customer_identity = sought.payer_identity
    union
    select
        sought.payment_id,
        items.customer_id,
        30 as points,
        'Betalarnumret är kundens' as reason
    from sought
    inner join items
        on items.autogiro_payer_number = sought.payer_number
),

by_payer as (
    select
        payer_customers.payment_id,
        items.item_id,
        payer_customers.points,
        payer_customers.reason
    from payer_customers
    inner join items
        on items.customer_id = payer_customers.customer_id
    where items.is_open
),

amounts_once as (
    select
        remaining,
        currency,
        min(item_id) as item_id
    from items
    where is_open
    group by remaining, currency
    having count(*) = 1
),

by_amount as (
    select
        sought.payment_id,
        amounts_once.item_id,
        20 as points,
        'Den enda öppna fakturan med beloppet' as reason
    from sought
    inner join amounts_once
        on amounts_once.remaining = sought.residual
        and amounts_once.currency = sought.currency
),

one_customer as (
    select
        payment_id,
        min(customer_id) as customer_id
    from payer_customers
    group by payment_id
    having count(distinct customer_id) = 1
),

customer_items as (
    select
        sought.payment_id,
        sought.residual,
        array_agg(items.remaining order by items.due_date, items.item_id) as amounts,
        array_agg(items.item_id order by items.due_date, items.item_id) as item_ids
    from one_customer
    inner join sought
        on sought.payment_id = one_customer.payment_id
    inner join items
        on items.customer_id = one_customer.customer_id
        and items.currency = sought.currency
    where items.is_open
    group by sought.payment_id, sought.residual
    having count(*) >= 2
),

sums as (
    select
        customer_items.payment_id,
        customer_items.item_ids,
        unnest(subset_sum(customer_items.amounts, customer_items.residual, param_value.max_items)) as position
    from customer_items
    cross join param_value
    where cardinality(customer_items.amounts) <= param_value.max_candidates
),

by_sum as (
    select
        payment_id,
        item_ids[position] as item_id,
        25 as points,
        'Ingår i den enda kombination av kundens fakturor som ger beloppet' as reason
    from sums
),

-- allow union: the same reason found twice counts once
reasons as (
    select payment_id, item_id, points, reason from by_reference
    union
    select payment_id, item_id, points, reason from by_digits
    union
    select payment_id, item_id, points, reason from by_text
    union
    select payment_id, item_id, points, reason from by_payer
    union
    select payment_id, item_id, points, reason from by_amount
    union
    select payment_id, item_id, points, reason from by_sum
),

pairs as (
    select
        payment_id,
        item_id,
        sum(points) as points,
        max(points) as best_points,
        array_agg(reason order by points desc, reason) as reasons
    from reasons
    group by payment_id, item_id
),

scored as (
    select
        pairs.payment_id,
        pairs.item_id,
        items.invoice_no,
        items.customer_id,
        items.department,
        items.due_date,
        items.remaining,
        pairs.best_points,
        -- an equal amount strengthens every other reason; the name only ranks (at most 9 points)
        cast(
            least(
                pairs.points
                    + case when items.is_open and items.remaining = sought.residual then 20 else 0 end
                    + case
                        when sought.payer_name is null or items.customer_name is null then 0
                        else similarity(sought.payer_name, items.customer_name) * 9 / 100
                    end,
                100
            )
            as int
        ) as score,
        case
            when items.is_open and items.remaining = sought.residual
                then array_append(pairs.reasons, 'Beloppet är det som återstår')
            else pairs.reasons
        end as reasons
    from pairs
    inner join sought
        on sought.payment_id = pairs.payment_id
    inner join items
        on items.item_id = pairs.item_id
),

ranked as (
    select
        payment_id,
        array_agg(
            named_struct(
                'item_id', item_id,
                'invoice_no', invoice_no,
                'customer_id', customer_id,
                'department', department,
                'remaining', remaining,
                'score', score,
                'reasons', reasons
            )
            order by score desc, due_date, item_id
        ) as candidates,
        first_value(case when best_points >= 60 then department end order by score desc, due_date, item_id)
            as department
    from scored
    group by payment_id
)

select
    unmatched.payment_id,
    unmatched.file_id,
    unmatched.ordinal,
    unmatched.received_at,
    unmatched.payment_date,
    unmatched.currency,
    unmatched.amount,
    cast(unmatched.residual as decimal(18, 2)) as residual,
    unmatched.reason_code,
    unmatched.reason_sv,
    ar_payment.reference,
    array_slice(
        case when unmatched.scope in ('match', 'currency') then ranked.candidates end,
        1,
        param_value.most_candidates
    ) as candidates,
    case when unmatched.scope in ('match', 'currency') then ranked.department end as department,
    make_array(unmatched.record) as evidence
from unmatched
cross join param_value
inner join ar_payment
    on ar_payment.payment_id = unmatched.payment_id
    and ar_payment.file_id = unmatched.file_id
    and ar_payment.ordinal = unmatched.ordinal
left join ranked
    on ranked.payment_id = unmatched.payment_id

/*
title = "Anspråk från inbetalningar på öppna poster"
description = """
What each payment claims of which item, before anyone is served. A `free` claim takes what is left of the item up to
its amount. An `exact` claim belongs to a payment whose claims hold together or not at all: the sum of what is open
must equal the payment (or the listed amounts must fit), and ar_exact_claim decides that.

Basis: `reference` one whole OCR (AR35 P1-P3, P6); `amounts` several references with amounts (P5); `sum` several
references without amounts (P5); `text` numbers inside a text, which count only when the amount agrees (P1, P5);
`autogiro` payer number, due date and amount (P4); `decision` what a handler has confirmed (ar_match_decision), which
replaces all that the passes would find for the payment. A pass that ref_match_pass switches off claims nothing.
"""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]

[columns]
payment_id = "payment"
item_id = "item claimed"
payment_date = "date of the payment"
basis = "decision, reference, amounts, sum, text or autogiro"
binding = "free or exact"
payment_amount = "amount of the payment"
claimed = "amount claimed, positive; null where it is what is open of the item"
set_off = "true when the reference reduces the payment (TK23) and so must point at a credit"
item_sign = "1 for a claim on the customer, -1 for a credit to the customer"
capacity = "open amount on the payment date before any payment that we hold, positive in the direction of item_sign"
reference = "the reference that points at the item; null for autogiro"
reference_count = "references that the payment gives, among them those that point at nothing"
*/
with passes as (
    select
        coalesce(bool_and(enabled) filter (where pass in ('P1', 'P2', 'P3', 'P6')), false) as any_amount,
        coalesce(bool_or(enabled) filter (where pass in ('P1', 'P2', 'P3')), false) as one_reference,
        coalesce(bool_or(enabled) filter (where pass = 'P4'), false) as autogiro,
        coalesce(bool_or(enabled) filter (where pass = 'P5'), false) as several,
        coalesce(bool_or(enabled) filter (where pass = 'text'), false) as text
    from ref_match_pass
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

decided as (
    select distinct payment_id
    from ar_match_decision
    where kind in ('confirm', 'undo')
),

in_scope as (
    select
        ar_payment.payment_id,
        ar_payment.payment_date,
        ar_payment.amount,
        ar_payment.payer_number
    from ar_payment
    left anti join decided
        on decided.payment_id = ar_payment.payment_id
    where ar_payment.scope = 'match'
),

reference_facts as (
    select
        payment_id,
        max(finding) filter (where role = 'main') as main_finding,
        max(reference) filter (where role = 'main') as main_reference,
        count(*) filter (where role = 'extra') as extras,
        count(*) filter (where role = 'extra' and finding = 'item') as extras_found,
        count(distinct reference) filter (where role = 'extra') as extra_numbers,
        count(amount) filter (where role = 'extra') as extras_with_amount,
        sum(amount) filter (where role = 'extra') as extras_amount,
        bool_or(negative) as any_negative,
        max(reference) filter (where role = 'extra') as some_extra_reference,
        count(*) filter (where role = 'text' and finding = 'item') as texts_found,
        count(*) filter (where role = 'text' and finding = 'ambiguous') as texts_ambiguous,
        count(*) filter (where finding in ('item', 'closed', 'ambiguous')) as known_references
    from ar_payment_reference
    group by payment_id
),

classified as (
    select
        in_scope.payment_id,
        in_scope.payment_date,
        in_scope.amount,
        reference_facts.any_negative,
        reference_facts.extra_numbers,
        case
            -- BgMax extended registration: every further reference has its amount and they add up to the payment
            when reference_facts.extras > 0
                and reference_facts.extras_with_amount = reference_facts.extras
                then case
                    when reference_facts.extras_amount <> in_scope.amount then 'none'
                    when reference_facts.any_negative
                        and reference_facts.extras_found < reference_facts.extras
                        then 'none'
                    else 'amounts'
                end
            when reference_facts.extras_with_amount > 0 then 'none'
            when reference_facts.extras = 0 and reference_facts.main_finding = 'item' then 'reference'
            when reference_facts.extra_numbers = 1
                and not reference_facts.any_negative
                and (
                    reference_facts.main_finding is null
                    or reference_facts.main_finding in ('not_a_number', 'bad_check_digit')
                    or reference_facts.main_reference = reference_facts.some_extra_reference
                )
                then case when reference_facts.extras_found = 1 then 'reference' else 'none' end
            -- several references without amounts: each must be known, the main one too when it is a valid number
            when reference_facts.extras > 0
                then case
                    when reference_facts.extras_found < reference_facts.extras then 'none'
                    when reference_facts.main_finding in ('closed', 'ambiguous', 'unknown') then 'none'
                    else 'sum'
                end
            when reference_facts.texts_found > 0 and reference_facts.texts_ambiguous = 0 then 'text'
            else 'none'
        end as basis
    from in_scope
    inner join reference_facts
        on reference_facts.payment_id = in_scope.payment_id
),

by_reference as (
    select
        classified.payment_id,
        ar_payment_reference.item_id,
        min(classified.payment_date) as payment_date,
        min(classified.basis) as basis,
        case
            when min(classified.basis) = 'reference' and bool_and(passes.any_amount) then 'free'
            when min(classified.basis) = 'amounts' and not bool_or(classified.any_negative) then 'free'
            else 'exact'
        end as binding,
        min(classified.amount) as payment_amount,
        case
            when min(classified.basis) = 'reference' then min(classified.amount)
            when min(classified.basis) = 'amounts' then abs(sum(ar_payment_reference.amount))
        end as claimed,
        bool_or(ar_payment_reference.negative) as set_off,
        min(ar_payment_reference.reference) as reference,
        min(classified.extra_numbers) as numbers_given
    from classified
    inner join ar_payment_reference
        on ar_payment_reference.payment_id = classified.payment_id
    cross join passes
    where ar_payment_reference.finding = 'item'
        and (
            classified.basis = 'reference' and ar_payment_reference.role in ('main', 'extra') and passes.one_reference
            or classified.basis = 'sum' and ar_payment_reference.role in ('main', 'extra') and passes.several
            or classified.basis = 'amounts' and ar_payment_reference.role = 'extra' and passes.several
            or classified.basis = 'text' and ar_payment_reference.role = 'text' and passes.text
        )
    group by classified.payment_id, ar_payment_reference.item_id
),

-- AR35 P4: the bank collects a direct debit on the due date, or on the next working day when that is not one
by_autogiro as (
    select
        in_scope.payment_id,
        ar_item.item_id,
        in_scope.payment_date,
        'autogiro' as basis,
        'exact' as binding,
        in_scope.amount as payment_amount,
        cast(null as decimal(18, 2)) as claimed,
        false as set_off,
        cast(null as string) as reference,
        cast(1 as bigint) as numbers_given
    from in_scope
    left join reference_facts
        on reference_facts.payment_id = in_scope.payment_id
    inner join ar_item
        on ar_item.autogiro_payer_number = in_scope.payer_number
    cross join passes
    where passes.autogiro
        and in_scope.payment_date in (ar_item.due_date, workday_add(ar_item.due_date, 1))
        and ar_item.currency = 'SEK'
        and (ar_item.closed_on is null or ar_item.closed_on >= in_scope.payment_date)
        and coalesce(reference_facts.known_references, 0) = 0
),

by_decision as (
    select
        ar_match_decision.payment_id,
        ar_match_decision.item_id,
        ar_payment.payment_date,
        'decision' as basis,
        -- with a credit among them the parts hold together or not at all
        case
            when min(ar_match_decision.item_sign) over (partition by ar_match_decision.payment_id) = 1 then 'free'
            else 'exact'
        end as binding,
        ar_payment.amount as payment_amount,
        ar_match_decision.amount as claimed,
        ar_match_decision.item_sign = -1 as set_off,
        cast(null as string) as reference,
        cast(1 as bigint) as numbers_given
    from ar_match_decision
    inner join ar_payment
        on ar_payment.payment_id = ar_match_decision.payment_id
        and ar_payment.scope = 'match'
    where ar_match_decision.kind = 'confirm'
        and ar_match_decision.fault is null
),

claims as (
    select
        payment_id, item_id, payment_date, basis, binding, payment_amount, claimed, set_off, reference, numbers_given
    from by_reference
    union all
    select
        payment_id, item_id, payment_date, basis, binding, payment_amount, claimed, set_off, reference, numbers_given
    from by_autogiro
    union all
    select
        payment_id, item_id, payment_date, basis, binding, payment_amount, claimed, set_off, reference, numbers_given
    from by_decision
),

claim_counts as (
    select
        payment_id,
        greatest(count(*), max(numbers_given)) as reference_count
    from claims
    group by payment_id
),

changes_before as (
    select
        claims.payment_id,
        claims.item_id,
        sum(ar_item_change.amount) as amount
    from claims
    inner join ar_item_change
        on ar_item_change.item_id = claims.item_id
    where ar_item_change.changed_on < claims.payment_date
    group by claims.payment_id, claims.item_id
)

select
    claims.payment_id,
    claims.item_id,
    claims.payment_date,
    claims.basis,
    claims.binding,
    cast(claims.payment_amount as decimal(18, 2)) as payment_amount,
    cast(claims.claimed as decimal(18, 2)) as claimed,
    claims.set_off,
    cast(case when ar_item.opening_remaining < 0 then -1 else 1 end as int) as item_sign,
    cast(
        case when ar_item.opening_remaining < 0
            then -(ar_item.opening_remaining + coalesce(changes_before.amount, 0))
            else ar_item.opening_remaining + coalesce(changes_before.amount, 0)
        end
        as decimal(18, 2)
    ) as capacity,
    claims.reference,
    claim_counts.reference_count
from claims
inner join ar_item
    on ar_item.item_id = claims.item_id
inner join claim_counts
    on claim_counts.payment_id = claims.payment_id
left join changes_before
    on changes_before.payment_id = claims.payment_id
    and changes_before.item_id = claims.item_id

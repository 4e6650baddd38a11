/*
title = "Återbetalningar som kommit i retur"
description = """
AR28: payments out that the bank reports as returned (PG returns, payout cards that nobody cashed) and the refund that each of them
was: the one whose number stands in the payment's own reference, else the only paid refund of the same amount to the same account on
or before the return's date. Where several fit, or none, the handler has to find out. A refund of which nothing else can be the
source is matched once: of two returns that lead to it, neither is certain.
"""
kind = "exception"
key = ["status_id"]
catalogue = ["AR28"]
amount = "amount"

[exception]
queue = "kund-returer"
queue_title = "Återbetalningar i retur"
service_level = "SLA16"
why = "En utbetalning på {amount} kom i retur den {returned_on}. {reason_sv}"
action = "Boka returen, fråga kunden efter ett rätt konto och gör återbetalningen på nytt. Kan återbetalningen inte pekas ut, sök i arkivet."

[columns]
status_id = "the bank's report"
received_at = "when the bank's file arrived"
returned_on = "date of the report"
amount = "amount returned"
refund_id = "refund that came back; null when not certain"
customer_id = "customer; null when not certain"
clue = "reference or account; null when not certain"
refunds_fitting = "refunds that fit"
reason_sv = "what was found, in Swedish"
evidence = "references to the records"
*/
with returned as (
    select
        status_id,
        min(received_at) as received_at,
        min(reported_on) as returned_on,
        min(abs(amount)) as amount,
        min(counterpart_account) as account,
        min(concat(coalesce(own_reference, ''), ' ', coalesce(reference, ''))) as words,
        min(record_ref('payment_status', file_id, ordinal, byte_start, byte_end)) as record
    from payment_status
    where status = 'returned'
        and direction = 'out'
        and scope = 'payment'
        and reported_on <= as_of()
    group by status_id
),

refunds as (
    select
        refund_order.refund_id,
        refund_order.customer_id,
        refund_order.amount,
        refund_order.paid_on,
        coalesce(refund_order.payee_account, refund_order.requested_account) as account,
        record_ref(
            'refund_order',
            refund_order.file_id,
            refund_order.ordinal,
            refund_order.byte_start,
            refund_order.byte_end
        ) as record
    from refund_order
    inner join (
        select max(extracted_on) as extracted_on
        from refund_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = refund_order.extracted_on
    where refund_order.paid_on is not null
),

by_reference as (
    select
        returned.status_id,
        refunds.refund_id,
        'reference' as clue
    from returned
    inner join refunds
        on refunds.amount = returned.amount
    where refunds.paid_on <= returned.returned_on
        and array_has(string_to_array(returned.words, ' '), refunds.refund_id)
),

by_account as (
    select
        returned.status_id,
        refunds.refund_id,
        'account' as clue
    from returned
    inner join refunds
        on refunds.amount = returned.amount
        and refunds.account = returned.account
    left anti join by_reference
        on by_reference.status_id = returned.status_id
    where refunds.paid_on <= returned.returned_on
),

fitting as (
    select status_id, refund_id, clue from by_reference
    union all
    select status_id, refund_id, clue from by_account
),

counted as (
    select
        status_id,
        refund_id,
        clue,
        count(*) over (partition by status_id) as refunds_fitting,
        count(*) over (partition by refund_id) as returns_fitting
    from fitting
),

certain as (
    select
        status_id,
        refund_id,
        clue
    from counted
    where refunds_fitting = 1
        and returns_fitting = 1
),

counts as (
    select
        status_id,
        count(*) as refunds_fitting
    from counted
    group by status_id
)

select
    returned.status_id,
    returned.received_at,
    returned.returned_on,
    returned.amount,
    certain.refund_id,
    refunds.customer_id,
    certain.clue,
    coalesce(counts.refunds_fitting, 0) as refunds_fitting,
    case
        when certain.clue = 'reference' then concat('Återbetalningens nummer ', certain.refund_id, ' står i utbetalningen.')
        when certain.clue = 'account'
            then concat('Återbetalning ', certain.refund_id, ' är den enda med belopp och konto.')
        when counts.refunds_fitting is null then 'Ingen återbetalning passar.'
        else 'Flera återbetalningar eller returer passar.'
    end as reason_sv,
    array_remove_all(make_array(returned.record, coalesce(refunds.record, '')), '') as evidence
from returned
left join certain
    on certain.status_id = returned.status_id
left join counts
    on counts.status_id = returned.status_id
left join refunds
    on refunds.refund_id = certain.refund_id

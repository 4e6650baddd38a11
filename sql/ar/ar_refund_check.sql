/*
title = "Kontroll av återbetalningar"
description = """
AR26, AR21: every refund that is not paid out yet, from its basis to the payment proposal (XK404), with what is wrong. It needs
two persons, who made it and who attested it; what is paid back may be no more than what the payment has left without an item, or
the credit or prepayment holds; the basis is in the archive. In a proposal, payee and account are those of the request, the date has
not passed, and the refunds add up to the proposal's total. One source is paid back once.
"""
kind = "table"
key = ["refund_id"]
catalogue = ["AR26", "AR21"]
amount = "amount"

[columns]
refund_id = "refund"
customer_id = "customer"
payment_id = "incoming payment that is paid back"
item_id = "credit or prepayment that is paid back"
department = "department of the item"
amount = "amount to pay back"
available = "what there is to pay back; null when the source is unknown"
due_date = "date to pay"
proposal_id = "payment proposal; null when in none"
faults = "codes: not_attested, same_person, unknown_source, exceeds_available, duplicate, attachment_missing, account_missing, payee_differs, account_differs, date_passed, total_differs"
reason_sv = "what is wrong, in Swedish"
received_at = "when the first extract with the refund arrived"
record = "reference to the refund's record"
*/
with refunds as (
    select
        refund_order.*,
        sum(refund_order.amount) over (partition by refund_order.proposal_id) as proposed,
        count(*) over (partition by refund_order.payment_id, refund_order.item_id) as of_source
    from refund_order
    inner join (
        select max(extracted_on) as extracted_on
        from refund_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = refund_order.extracted_on
),

first_seen as (
    select
        refund_id,
        min(received_at) as received_at
    from refund_order
    where extracted_on <= as_of()
    group by refund_id
),

of_payments as (
    select
        payment_id,
        sum(unmatched + overpayment - handled_in_ledger) as available
    from ar_payment_outcome
    where scope = 'match'
    group by payment_id
),

of_items as (
    -- the latest extract shows credits and prepayments on any account of customers
    select
        customer_item.item_id,
        min(customer_item.department) as department,
        -sum(customer_item.remaining) as available
    from customer_item
    inner join (
        select max(extracted_on) as extracted_on
        from customer_item
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_item.extracted_on
    where customer_item.currency = 'SEK'
    group by customer_item.item_id
),

judged as (
    select
        refunds.refund_id,
        refunds.customer_id,
        refunds.payment_id,
        refunds.item_id,
        of_items.department,
        refunds.amount,
        coalesce(of_items.available, of_payments.available) as available,
        refunds.due_date,
        refunds.proposal_id,
        first_seen.received_at,
        record_ref('refund_order', refunds.file_id, refunds.ordinal, refunds.byte_start, refunds.byte_end) as record,
        array_remove_all(
            make_array(
                case
                    when refunds.attested_by is null then 'not_attested'
                    when lower(trim(refunds.attested_by)) = lower(trim(refunds.created_by)) then 'same_person'
                    else ''
                end,
                case
                    when coalesce(of_items.available, of_payments.available) is null then 'unknown_source'
                    when refunds.amount > coalesce(of_items.available, of_payments.available) then 'exceeds_available'
                    else ''
                end,
                case
                    when refunds.of_source > 1 and coalesce(refunds.payment_id, refunds.item_id) is not null
                        then 'duplicate'
                    else ''
                end,
                case when not refunds.attachment then 'attachment_missing' else '' end,
                case when refunds.requested_account is null then 'account_missing' else '' end,
                case
                    when refunds.proposal_id is not null
                        and (refunds.payee_customer_id is null or refunds.payee_customer_id <> refunds.customer_id)
                        then 'payee_differs'
                    else ''
                end,
                case
                    when refunds.proposal_id is not null
                        and refunds.requested_account is not null
                        and (refunds.payee_account is null or refunds.payee_account <> refunds.requested_account)
                        then 'account_differs'
                    else ''
                end,
                case when refunds.due_date < as_of() then 'date_passed' else '' end,
                case
                    when refunds.proposal_id is not null
                        and (refunds.proposal_total is null or refunds.proposal_total <> refunds.proposed)
                        then 'total_differs'
                    else ''
                end
            ),
            ''
        ) as faults
    from refunds
    inner join first_seen
        on first_seen.refund_id = refunds.refund_id
    left join of_payments
        on of_payments.payment_id = refunds.payment_id
    left join of_items
        on of_items.item_id = refunds.item_id
    where refunds.paid_on is null
)

select
    refund_id,
    customer_id,
    payment_id,
    item_id,
    department,
    amount,
    cast(available as decimal(18, 2)) as available,
    due_date,
    proposal_id,
    faults,
    concat_ws(
        ' ',
        case when array_has(faults, 'not_attested') then 'Underlaget är inte attesterat.' end,
        case when array_has(faults, 'same_person') then 'Samma person har upprättat och attesterat.' end,
        case when array_has(faults, 'unknown_source') then 'Det som ska betalas tillbaka finns inte.' end,
        case when array_has(faults, 'exceeds_available') then 'Beloppet är högre än det som finns att betala tillbaka.' end,
        case when array_has(faults, 'duplicate') then 'Det finns flera återbetalningar av samma sak.' end,
        case when array_has(faults, 'attachment_missing') then 'Underlaget saknas i arkivet.' end,
        case when array_has(faults, 'account_missing') then 'Kontot saknas.' end,
        case when array_has(faults, 'payee_differs') then 'Mottagaren är inte kunden.' end,
        case when array_has(faults, 'account_differs') then 'Kontot är inte det som kunden begärt.' end,
        case when array_has(faults, 'date_passed') then 'Förfallodagen har passerat.' end,
        case when array_has(faults, 'total_differs') then 'Förslagets summa är inte återbetalningarnas.' end
    ) as reason_sv,
    received_at,
    record
from judged

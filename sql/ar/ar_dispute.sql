/*
title = "Bestridda fordringar och ärenden hos Kronofogden"
description = """
AR43: each open claim that the customer disputes or that is at Kronofogden or a court, with the bundle that goes to the department:
the invoice, what has been paid and when, the reminders, the last day to answer, and which copies are missing in the archive.
Without a day to answer the service level alone counts.
"""
kind = "exception"
key = ["item_id"]
catalogue = ["AR43"]
amount = "remaining"

[exception]
queue = "kund-tvist"
queue_title = "Bestridda fordringar"
service_level = "SLA23"
why = "Faktura {invoice_no} på {remaining} är bestridd eller hos Kronofogden. Svar senast {answer_due}. {reason_sv}"
action = "Skicka handlingarna till förvaltningens jurist. Hämta de kopior som saknas ur arkivet först, och stoppa kraven så länge tvisten pågår."

[columns]
item_id = "item"
invoice_no = "invoice"
customer_id = "customer"
department = "department"
invoice_date = "invoice date"
due_date = "due date"
amount = "amount of the invoice"
remaining = "what is left of it"
disputed_on = "date on which the customer disputed the claim"
enforcement_case_id = "case at Kronofogden"
collection_case_id = "the agency's case"
answer_due = "last day to answer"
days_left = "days until then; negative when it has passed, null without a day"
reminder_level = "reminders sent"
reminded_on = "date of the latest reminder"
payments = "payments on the claim: payment, date and amount"
missing_copies = "invoice or reminder: copies that the archive does not have"
reason_sv = "what is missing or late, in Swedish"
received_at = "beginning of the day of the dispute, else when the first extract with the case arrived"
evidence = "references to the records"
*/
with status as (
    select
        claim_status.item_id,
        claim_status.disputed_on,
        claim_status.enforcement_case_id,
        claim_status.collection_case_id,
        claim_status.answer_due,
        claim_status.reminder_level,
        claim_status.reminded_on,
        claim_status.invoice_copy,
        claim_status.reminder_copy,
        record_ref(
            'claim_status',
            claim_status.file_id,
            claim_status.ordinal,
            claim_status.byte_start,
            claim_status.byte_end
        ) as record
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
    where claim_status.disputed_on is not null
        or claim_status.enforcement_case_id is not null
),

first_seen as (
    select
        item_id,
        min(received_at) as received_at
    from claim_status
    where extracted_on <= as_of()
        and (disputed_on is not null or enforcement_case_id is not null)
    group by item_id
),

payments as (
    select
        item_id,
        array_agg(
            named_struct('payment_id', payment_id, 'payment_date', payment_date, 'amount', allocated)
            order by payment_date, payment_id
        ) as payments
    from ar_allocation
    group by item_id
),

bundles as (
    select
        status.item_id,
        ar_item.invoice_no,
        ar_item.customer_id,
        ar_item.department,
        ar_item.invoice_date,
        ar_item.due_date,
        ar_item.amount,
        ar_item_balance.remaining,
        status.disputed_on,
        status.enforcement_case_id,
        status.collection_case_id,
        status.answer_due,
        cast(status.answer_due as int) - cast(as_of() as int) as days_left,
        status.reminder_level,
        status.reminded_on,
        payments.payments,
        array_remove_all(
            make_array(
                case when not status.invoice_copy then 'invoice' else '' end,
                case when status.reminder_level > 0 and not status.reminder_copy then 'reminder' else '' end
            ),
            ''
        ) as missing_copies,
        coalesce(cast(status.disputed_on as timestamp), first_seen.received_at) as received_at,
        make_array(ar_item.record, status.record) as evidence
    from status
    inner join ar_item_balance
        on ar_item_balance.item_id = status.item_id
    inner join ar_item
        on ar_item.item_id = status.item_id
    inner join first_seen
        on first_seen.item_id = status.item_id
    left join payments
        on payments.item_id = status.item_id
    where ar_item_balance.is_open
)

select
    item_id,
    invoice_no,
    customer_id,
    department,
    invoice_date,
    due_date,
    amount,
    remaining,
    disputed_on,
    enforcement_case_id,
    collection_case_id,
    answer_due,
    days_left,
    reminder_level,
    reminded_on,
    payments,
    missing_copies,
    concat_ws(
        ' ',
        case when days_left < 0 then 'Svarstiden har gått ut.' end,
        case when array_has(missing_copies, 'invoice') then 'Fakturakopia saknas.' end,
        case when array_has(missing_copies, 'reminder') then 'Påminnelsekopia saknas.' end,
        case when cardinality(missing_copies) = 0 then 'Alla kopior finns.' end
    ) as reason_sv,
    received_at,
    evidence
from bundles

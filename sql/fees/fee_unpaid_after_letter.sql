/*
title = "Obetalt trots brev om risk för uppsägning"
description = """FEE06: payers who got the letter about termination (FEE05), had P:fee_letter_pay_days days to pay and still have as many unpaid
invoices of those in the letter as the letter asks for (P:fee_unpaid_threshold with P:fee_unpaid_inclusive). The
invoices in the letter are those that were due before it was sent. Reported to the district around the 15th (SLA54)."""
kind = "exception"
key = ["customer_id"]
catalogue = ["FEE06"]
amount = "remaining"

[exception]
queue = "avgift-obetalt-efter-brev"
queue_title = "Rapport till stadsdelen: obetalt trots brev"
service_level = "SLA54"
why = "Kund {customer_id} fick brev {sent_on} och har fortfarande {invoices} obetalda avgiftsfakturor på tillsammans {remaining}."
action = "Ta med kunden i rapporten till stadsdelsförvaltning {department}, som beslutar om uppsägning."

[columns]
customer_id = "payer"
sent_on = "when the latest letter was sent"
pay_by = "last day to pay"
invoices = "invoices in the letter that are still unpaid"
invoice_list = "their numbers, the oldest first"
remaining = "what is left to pay of them"
department = "district of the invoices"
received_at = "the day after the last day to pay"
evidence = "the invoices' records"
*/
with latest_family_message as (
    select max(extracted_on) as extracted_on
    from family_message
    where extracted_on <= as_of()
),

limits as (
    select
        max(case when name = 'fee_unpaid_threshold' then cast(value as int) end)
        + 1
        - max(case when name = 'fee_unpaid_inclusive' then cast(value as int) end) as at_least,
        max(case when name = 'fee_letter_pay_days' then cast(value as int) end) as pay_days
    from param
    where name in ('fee_unpaid_threshold', 'fee_unpaid_inclusive', 'fee_letter_pay_days')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

latest_letter as (
    select
        customer_id,
        max(sent_on) as sent_on
    from family_message
    inner join latest_family_message
        on latest_family_message.extracted_on = family_message.extracted_on
    where kind = 'termination_risk'
        and status <> 'failed'
        and sent_on <= as_of()
    group by customer_id
),

letter as (
    select
        latest_letter.customer_id,
        latest_letter.sent_on,
        latest_letter.sent_on + limits.pay_days as pay_by
    from latest_letter
    cross join limits
),

still_unpaid as (
    select
        letter.customer_id,
        letter.sent_on,
        letter.pay_by,
        count(*) as invoices,
        string_agg(
            fee_unpaid_invoice.invoice_no, ', ' order by fee_unpaid_invoice.due_date, fee_unpaid_invoice.invoice_no
        ) as invoice_list,
        cast(sum(fee_unpaid_invoice.remaining) as decimal(18, 2)) as remaining,
        min(fee_unpaid_invoice.department) as department,
        array_agg(
            fee_unpaid_invoice.record order by fee_unpaid_invoice.due_date, fee_unpaid_invoice.invoice_no
        ) as evidence
    from letter
    inner join fee_unpaid_invoice
        on fee_unpaid_invoice.customer_id = letter.customer_id
        and fee_unpaid_invoice.due_date < letter.sent_on
    where letter.pay_by < as_of()
    group by
        letter.customer_id,
        letter.sent_on,
        letter.pay_by
)

select
    still_unpaid.customer_id,
    still_unpaid.sent_on,
    still_unpaid.pay_by,
    still_unpaid.invoices,
    still_unpaid.invoice_list,
    still_unpaid.remaining,
    still_unpaid.department,
    arrow_cast(still_unpaid.pay_by + 1, 'Timestamp(Millisecond, Some("+00:00"))') as received_at,
    still_unpaid.evidence
from still_unpaid
cross join limits
where still_unpaid.invoices >= limits.at_least

/*
title = "Brev om risk för uppsägning"
description = """FEE05: payers with a child in a municipal placement and several unpaid fee invoices (fee_unpaid_invoice), who shall get the letter
that the place may be terminated. How many are several is P:fee_unpaid_threshold, read as at least or as more than by
P:fee_unpaid_inclusive, because the service description says both. A payer whose credit, in BER and in the ledger,
covers the debt gets no letter, and none gets a second one for the same invoices: a letter covers those that were due
before the day it was sent, so there is a new one only when an invoice has become overdue since."""
kind = "exception"
key = ["customer_id"]
catalogue = ["FEE05"]
amount = "remaining"

[exception]
queue = "avgift-uppsagningsrisk"
queue_title = "Brev om risk för uppsägning av plats"
service_level = "SLA54"
why = "Kund {customer_id} har {invoices} obetalda avgiftsfakturor på tillsammans {remaining}, den äldsta förfallen {oldest_due}."
action = "Skicka brevet om risk för uppsägning. Posten stängs när brevet har registrerats eller fakturorna har betalats."

[columns]
customer_id = "payer"
invoices = "unpaid invoices"
invoice_list = "their numbers, the oldest first"
remaining = "what is left to pay"
credit = "the payer's credit in BER and in the ledger"
oldest_due = "when the oldest was due"
newest_due = "when the newest was due"
department = "district of the placement"
received_at = "the day after the newest was due, when the letter became due"
evidence = "the invoices' records"
*/
with latest_family_credit as (
    select max(extracted_on) as extracted_on
    from family_credit
    where extracted_on <= as_of()
),

latest_family_message as (
    select max(extracted_on) as extracted_on
    from family_message
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

threshold as (
    select
        max(case when name = 'fee_unpaid_threshold' then cast(value as int) end)
        + 1
        - max(case when name = 'fee_unpaid_inclusive' then cast(value as int) end) as at_least
    from param
    where name in ('fee_unpaid_threshold', 'fee_unpaid_inclusive')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

debt as (
    select
        customer_id,
        count(*) as invoices,
        string_agg(invoice_no, ', ' order by due_date, invoice_no) as invoice_list,
        cast(sum(remaining) as decimal(18, 2)) as remaining,
        min(due_date) as oldest_due,
        max(due_date) as newest_due,
        array_agg(record order by due_date, invoice_no) as evidence
    from fee_unpaid_invoice
    group by customer_id
),

credit as (
    select
        customer_id,
        cast(sum(amount) as decimal(18, 2)) as amount
    from (
        select
            customer_id,
            amount
        from family_credit
        inner join latest_family_credit
            on latest_family_credit.extracted_on = family_credit.extracted_on
        union all
        select
            customer_id,
            -remaining as amount
        from ar_item_balance
        where is_open
            and remaining < 0
    ) as credits
    group by customer_id
),

-- The payers with a child in a municipal place today, through the household that is valid today.
placed_payer as (
    select
        household.customer_id,
        min(fee_placement.department) as department
    from fee_placement
    inner join household
        on household.household_id = fee_placement.household_id
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where fee_placement.municipal
        and fee_placement.starts_on <= as_of()
        and (fee_placement.ends_on is null or fee_placement.ends_on >= as_of())
        and not household.protected
        and household.valid_from <= as_of()
        and (household.valid_to is null or household.valid_to >= as_of())
    group by household.customer_id
),

letter as (
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
)

select
    debt.customer_id,
    debt.invoices,
    debt.invoice_list,
    debt.remaining,
    coalesce(credit.amount, cast(0 as decimal(18, 2))) as credit,
    debt.oldest_due,
    debt.newest_due,
    placed_payer.department,
    arrow_cast(debt.newest_due + 1, 'Timestamp(Millisecond, Some("+00:00"))') as received_at,
    debt.evidence
from debt
inner join placed_payer
    on placed_payer.customer_id = debt.customer_id
cross join threshold
left join credit
    on credit.customer_id = debt.customer_id
left join letter
    on letter.customer_id = debt.customer_id
where debt.invoices >= threshold.at_least
    and coalesce(credit.amount, 0) < debt.remaining
    and (letter.sent_on is null or letter.sent_on <= debt.newest_due)

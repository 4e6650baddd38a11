/*
title = "Inkassobolagets redovisningar per ärende"
description = """
AR29: every line of the collection agency's remittances, led to its claim by the case's identity, else by the invoice's
number. What the agency reports as costs, interest and capital is taken as reported, in that order; the capital settles the
claim up to what is left of it. Of several lines on one claim the earlier remittance goes first, then the line's number.

`finding` says what is wrong with a line, null when nothing is: the claim is unknown, the parts are not the line's amount, or
the capital is more than what is left.
"""
kind = "table"
key = ["remittance_id", "line_no"]
catalogue = ["AR29"]
amount = "amount"

[columns]
remittance_id = "remittance"
line_no = "line"
remitted_on = "date of the remittance"
case_id = "the agency's case"
item_id = "claim; null when unknown"
invoice_no = "invoice as reported"
department = "department of the claim"
amount = "what the line pays"
costs = "of it costs"
interest = "of it interest"
capital = "of it capital"
allocated = "capital that settles the claim"
residual = "what of the amount has no place: neither costs, interest nor capital that is owed"
finding = "unknown_claim, parts_differ or too_much; null when the line is right"
received_at = "when the remittance arrived"
record = "reference to the line's record"
*/
with lines as (
    -- a line that arrives twice counts once
    select
        remittance_id,
        line_no,
        remitted_on,
        case_id,
        nullif(ltrim(trim(invoice_no), '0'), '') as invoice_no,
        amount,
        costs,
        interest,
        capital,
        received_at,
        record_ref('collection_remittance', file_id, ordinal, byte_start, byte_end) as record,
        row_number() over (partition by remittance_id, line_no order by received_at, file_id, ordinal) as occurrence
    from collection_remittance
    where remitted_on <= as_of()
),

cases as (
    -- a case leads to a claim when it is about that one only
    select
        claim_status.collection_case_id as case_id,
        min(claim_status.item_id) as item_id
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
    where claim_status.collection_case_id is not null
    group by claim_status.collection_case_id
    having count(distinct claim_status.item_id) = 1
),

invoices as (
    select
        ltrim(invoice_no, '0') as invoice_no,
        min(item_id) as item_id
    from ar_item
    group by ltrim(invoice_no, '0')
    having count(*) = 1
),

led as (
    select
        lines.remittance_id,
        lines.line_no,
        lines.remitted_on,
        lines.case_id,
        lines.invoice_no,
        lines.amount,
        lines.costs,
        lines.interest,
        lines.capital,
        lines.received_at,
        lines.record,
        -- a case and an invoice that lead to different claims lead to none
        case
            when cases.item_id <> invoices.item_id then null
            else coalesce(cases.item_id, invoices.item_id)
        end as item_id
    from lines
    left join cases
        on cases.case_id = lines.case_id
    left join invoices
        on invoices.invoice_no = lines.invoice_no
    where lines.occurrence = 1
),

with_claim as (
    select
        led.*,
        ar_item_balance.department,
        greatest(coalesce(ar_item_balance.remaining, 0), 0) as remaining,
        coalesce(
            sum(led.capital) over (
                partition by led.item_id order by led.remitted_on, led.remittance_id, led.line_no
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as capital_before
    from led
    left join ar_item_balance
        on ar_item_balance.item_id = led.item_id
),

allocated as (
    select
        with_claim.*,
        case
            when item_id is null then 0
            else least(capital, greatest(remaining - capital_before, 0))
        end as allocated
    from with_claim
)

select
    remittance_id,
    line_no,
    remitted_on,
    case_id,
    item_id,
    invoice_no,
    department,
    amount,
    costs,
    interest,
    capital,
    cast(allocated as decimal(18, 2)) as allocated,
    cast(amount - case when item_id is null then 0 else costs + interest end - allocated as decimal(18, 2)) as residual,
    case
        when item_id is null then 'unknown_claim'
        when costs + interest + capital <> amount then 'parts_differ'
        when capital > allocated then 'too_much'
    end as finding,
    received_at,
    record
from allocated

/*
title = "Inkassobolagets redovisningar som inte stämmer"
description = """
AR29: a remittance whose lines do not add up to its total, or whose total is not one deposit from the agency (tolerance 0.00), and
each line that finds no place. A deposit is the remittance's when it is the only positive payment of the amount that names
the remittance in its reference or text. Recovered losses of the former ledger are ar_recovery_posting's.
"""
kind = "exception"
key = ["remittance_id", "line_no"]
catalogue = ["AR29"]
amount = "difference"

[exception]
queue = "kund-inkassoredovisning"
queue_title = "Redovisningar från inkasso"
service_level = "SLA25"
why = "Redovisning {remittance_id}, rad {line_no}, skiljer {difference}: {reason_sv}."
action = "Jämför med inkassobolagets specifikation på Sergel Online. Boka raden på rätt faktura, eller be bolaget om en rättelse."

[columns]
remittance_id = "remittance"
line_no = "line; 0 for the remittance as a whole"
case_id = "the agency's case; null for the remittance as a whole"
invoice_no = "invoice as reported"
department = "department of the claim"
difference = "amount without a place"
reason_code = "unknown_claim, parts_differ, too_much, total_differs or deposit_missing"
reason_sv = "the reason in Swedish"
received_at = "when the remittance arrived"
evidence = "references to the records"
*/
with totals as (
    select
        collection_remittance.remittance_id,
        max(collection_remittance.total) as total,
        min(collection_remittance.total) as least_total,
        min(collection_remittance.received_at) as received_at
    from collection_remittance
    where collection_remittance.remitted_on <= as_of()
    group by collection_remittance.remittance_id
),

sums as (
    select
        remittance_id,
        sum(amount) as amount
    from ar_collection_allocation
    group by remittance_id
),

deposits as (
    select
        totals.remittance_id,
        count(*) as deposits
    from totals
    inner join payment_in
        on payment_in.amount = totals.total
    where payment_in.payment_date <= as_of()
        and payment_in.currency = 'SEK'
        and array_has(
            string_to_array(
                concat(coalesce(payment_in.reference, ''), ' ', coalesce(array_to_string(payment_in.messages, ' '), '')), ' '
            ),
            totals.remittance_id
        )
    group by totals.remittance_id
),

whole as (
    select
        totals.remittance_id,
        totals.received_at,
        case
            when totals.total <> totals.least_total or sums.amount <> totals.total then 'total_differs'
            when coalesce(deposits.deposits, 0) <> 1 then 'deposit_missing'
        end as reason_code,
        case
            when totals.total <> totals.least_total or sums.amount <> totals.total then totals.total - sums.amount
            else totals.total
        end as difference
    from totals
    inner join sums
        on sums.remittance_id = totals.remittance_id
    left join deposits
        on deposits.remittance_id = totals.remittance_id
),

found as (
    select
        remittance_id,
        0 as line_no,
        cast(null as string) as case_id,
        cast(null as string) as invoice_no,
        cast(null as string) as department,
        difference,
        reason_code,
        received_at,
        cast(null as string) as record
    from whole
    where reason_code is not null
    union all
    select
        ar_collection_allocation.remittance_id,
        ar_collection_allocation.line_no,
        ar_collection_allocation.case_id,
        ar_collection_allocation.invoice_no,
        ar_collection_allocation.department,
        ar_collection_allocation.residual as difference,
        ar_collection_allocation.finding as reason_code,
        ar_collection_allocation.received_at,
        ar_collection_allocation.record
    from ar_collection_allocation
    left anti join ar_recovery_posting
        on ar_recovery_posting.remittance_id = ar_collection_allocation.remittance_id
        and ar_recovery_posting.line_no = ar_collection_allocation.line_no
    where ar_collection_allocation.finding is not null
)

select
    remittance_id,
    line_no,
    case_id,
    invoice_no,
    department,
    cast(difference as decimal(18, 2)) as difference,
    reason_code,
    case reason_code
        when 'total_differs' then 'raderna är inte redovisningens summa'
        when 'deposit_missing' then 'ingen ensam insättning har summan och redovisningens nummer'
        when 'unknown_claim' then 'ärendet kan inte kopplas till en faktura'
        when 'parts_differ' then 'kostnad, ränta och kapital är inte radens belopp'
        else 'kapitalet är mer än det som återstår på fakturan'
    end as reason_sv,
    received_at,
    case when record is not null then make_array(record) end as evidence
from found

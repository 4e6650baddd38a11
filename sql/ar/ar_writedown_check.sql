/*
title = "Underlag för nedskrivning som inte stämmer"
description = """
AR50: a department's order to write a claim down that must not be carried out as it stands: the invoice is not in the ledger
or the order names another claim's number, the amount is not what is left, a payment plan is in force, the dunning code does not
allow it, or the attest is missing or not valid. An order whose claim has been written down leaves the list with the claim.
"""
kind = "exception"
key = ["order_id", "item_id"]
catalogue = ["AR50"]
amount = "amount"

[exception]
queue = "kund-nedskrivning"
queue_title = "Underlag för nedskrivning att rätta"
service_level = "SLA19"
why = "Underlag {order_id} vill skriva ned faktura {invoice_no} med {amount}, men: {reason_sv}"
action = "Skicka underlaget tillbaka till förvaltningen med det som ska rättas. Skriv inte ned fordran förrän det stämmer."

[columns]
order_id = "order"
item_id = "item ordered"
invoice_no = "invoice as ordered"
department = "department"
amount = "amount ordered"
remaining = "what is left of the claim"
faults = "codes: unknown_invoice, amount_differs, plan_active, code_forbids, attest_missing or attest_invalid"
reason_sv = "what is wrong, in Swedish"
received_at = "beginning of the day of the order"
evidence = "reference to the order's record"
*/
with orders as (
    select
        writedown_order.*
    from writedown_order
    inner join (
        select max(extracted_on) as extracted_on
        from writedown_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = writedown_order.extracted_on
),

status as (
    select
        claim_status.item_id,
        claim_status.dunning_code
    from claim_status
    inner join (
        select max(extracted_on) as extracted_on
        from claim_status
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = claim_status.extracted_on
),

codes as (
    select dunning_code
    from ref_dunning_code
    where writedown
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

with_plan as (
    select distinct payment_plan.item_id
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.status = 'active'
),

judged as (
    select
        orders.order_id,
        orders.item_id,
        orders.invoice_no,
        orders.department,
        orders.amount,
        case when ar_item_balance.is_open then ar_item_balance.remaining end as remaining,
        cast(orders.ordered_on as timestamp) as received_at,
        record_ref('writedown_order', orders.file_id, orders.ordinal, orders.byte_start, orders.byte_end) as record,
        array_remove_all(
            make_array(
                case
                    when ar_item_balance.item_id is null or ar_item_balance.invoice_no <> orders.invoice_no
                        then 'unknown_invoice'
                    when not ar_item_balance.is_open or ar_item_balance.remaining <> orders.amount then 'amount_differs'
                    else ''
                end,
                case when with_plan.item_id is not null then 'plan_active' else '' end,
                case when codes.dunning_code is null then 'code_forbids' else '' end,
                case
                    when orders.attested_by is null then 'attest_missing'
                    when not orders.attest_valid then 'attest_invalid'
                    else ''
                end
            ),
            ''
        ) as faults
    from orders
    left join ar_item_balance
        on ar_item_balance.item_id = orders.item_id
    left join with_plan
        on with_plan.item_id = orders.item_id
    left join status
        on status.item_id = orders.item_id
    left join codes
        on codes.dunning_code = status.dunning_code
)

select
    order_id,
    item_id,
    invoice_no,
    department,
    amount,
    remaining,
    faults,
    concat_ws(
        ' ',
        case when array_has(faults, 'unknown_invoice') then 'Fakturan finns inte i reskontran.' end,
        case when array_has(faults, 'amount_differs') then 'Beloppet är inte det som återstår.' end,
        case when array_has(faults, 'plan_active') then 'Kunden har anstånd eller avbetalningsplan.' end,
        case when array_has(faults, 'code_forbids') then 'Kravkoden tillåter ingen nedskrivning.' end,
        case when array_has(faults, 'attest_missing') then 'Attest saknas.' end,
        case when array_has(faults, 'attest_invalid') then 'Attestanten har inte rätten.' end
    ) as reason_sv,
    received_at,
    make_array(record) as evidence
from judged
where cardinality(faults) > 0

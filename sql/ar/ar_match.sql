/*
title = "Matchade inbetalningar"
description = """
AR35: every part of a payment that is matched to an open item, confirmed or suggested, with the pass that found it.

P1 one OCR and exactly what is open; P2 less than what is open; P3 more than what is open, the rest is an
over-payment (account 2482); P4 direct debit by payer number, due date and amount; P5 several references in one
payment; P6 a further payment with the OCR of an item that an earlier payment has reduced; P7 payer's account and
amount; P8 a set of the payer's items that adds up. P1-P6 are confirmed, P7 and P8 suggested; P0 is what a handler has
decided. Which passes are on says ref_match_pass. The calculation is in ar_match_decision, ar_claim, ar_exact_claim, ar_allocation and ar_suggestion.

A match group holds the payments and items that hang together: 1:1, 1:N (one payment), N:1 (one item) or N:M. It is
named after its smallest payment id. Chains of more than four payments through shared items may fall into several
groups.
"""
kind = "table"
key = ["payment_id", "item_id"]
catalogue = ["AR35"]
amount = "matched_amount"

[columns]
match_group_id = "group of matches that hang together"
kind = "1:1, 1:N, N:1 or N:M"
payment_id = "payment"
item_id = "item"
pass = "P0 to P8"
status = "confirmed or suggested"
matched_amount = "amount settled; negative when a credit to the customer is set off"
payment_amount = "amount of the payment"
payment_residual = "what the payment has left when all its confirmed and suggested matches are subtracted"
overpayment = "part of the residual that was paid beyond what the item owed"
item_remaining_before = "open amount of the item before this match"
item_remaining_after = "open amount of the item after this match"
reference = "reference that the match rests on"
reason = "code of the reason: what made the match, as reason_sv says in words"
reason_sv = "the reason in Swedish"
payment_date = "date of the payment"
invoice_no = "invoice number of the item"
due_date = "due date of the item"
department = "department of the item"
customer_id = "customer of the item"
account = "ledger account of the item"
evidence = "references to the payment's and the item's records"
*/
with members as (
    select
        payment_id,
        item_id,
        'confirmed' as status,
        -- the pass says what was known when the payment came: a later payment does not change it
        case
            when basis = 'decision' then 'P0'
            when basis = 'autogiro' then 'P4'
            when reference_count > 1 then 'P5'
            when earlier_payments > 0 then 'P6'
            when overpayment > 0 then 'P3'
            when item_remaining_after <> 0 then 'P2'
            else 'P1'
        end as pass,
        case
            when basis in ('decision', 'autogiro') then basis
            when reference_count > 1 and basis = 'amounts' then 'listed_amounts'
            when reference_count > 1 then 'sum_of_references'
            when earlier_payments > 0 then 'further_payment'
            when overpayment > 0 then 'overpaid'
            when item_remaining_after <> 0 then 'partial'
            else 'exact'
        end as reason,
        allocated as matched_amount,
        overpayment,
        item_remaining_before,
        item_remaining_after,
        reference
    from ar_allocation
    union all
    select
        payment_id,
        item_id,
        'suggested' as status,
        pass,
        case when pass = 'P7' then 'payer_and_amount' else 'sum_of_items' end as reason,
        amount as matched_amount,
        cast(0 as decimal(18, 2)) as overpayment,
        item_remaining_before,
        cast(item_remaining_before - amount as decimal(18, 2)) as item_remaining_after,
        cast(null as string) as reference
    from ar_suggestion
),

payment_totals as (
    select
        payment_id,
        sum(matched_amount) as matched_amount,
        count(*) as items
    from members
    group by payment_id
),

-- groups: what shares a payment or an item belongs together; two rounds of passing on the smallest payment id
shared_items as (
    select
        item_id,
        min(payment_id) as smallest
    from ar_allocation
    group by item_id
    having count(*) > 1
),

linked as (
    -- payments that share an item with another payment
    select
        ar_allocation.payment_id,
        ar_allocation.item_id
    from ar_allocation
    left semi join (
        select ar_allocation.payment_id
        from ar_allocation
        left semi join shared_items
            on shared_items.item_id = ar_allocation.item_id
    ) as sharing
        on sharing.payment_id = ar_allocation.payment_id
),

payment_smallest as (
    select
        linked.payment_id,
        min(coalesce(shared_items.smallest, linked.payment_id)) as smallest
    from linked
    left join shared_items
        on shared_items.item_id = linked.item_id
    group by linked.payment_id
),

item_smallest as (
    select
        linked.item_id,
        min(payment_smallest.smallest) as smallest
    from linked
    inner join payment_smallest
        on payment_smallest.payment_id = linked.payment_id
    group by linked.item_id
),

payment_group as (
    select
        linked.payment_id,
        min(item_smallest.smallest) as smallest
    from linked
    inner join item_smallest
        on item_smallest.item_id = linked.item_id
    group by linked.payment_id
),

group_size as (
    select
        payment_group.smallest,
        count(distinct linked.item_id) as items
    from payment_group
    inner join linked
        on linked.payment_id = payment_group.payment_id
    group by payment_group.smallest
)

select
    concat('m:', coalesce(payment_group.smallest, members.payment_id)) as match_group_id,
    case
        when group_size.items > 1 then 'N:M'
        when group_size.items = 1 then 'N:1'
        when payment_totals.items > 1 then '1:N'
        else '1:1'
    end as kind,
    members.payment_id,
    members.item_id,
    members.pass,
    members.status,
    members.matched_amount,
    ar_payment.amount as payment_amount,
    cast(ar_payment.amount - payment_totals.matched_amount as decimal(18, 2)) as payment_residual,
    members.overpayment,
    members.item_remaining_before,
    members.item_remaining_after,
    members.reference,
    members.reason,
    case members.reason
        when 'decision' then 'En handläggare har beslutat att inbetalningen avser fakturan.'
        when 'exact' then 'OCR-numret och beloppet stämmer exakt.'
        when 'partial' then 'OCR-numret stämmer. Beloppet är lägre än det som återstår: delbetalning.'
        when 'overpaid' then 'OCR-numret stämmer. Beloppet är högre än det som återstår: överinbetalning.'
        when 'autogiro' then 'Betalarnummer, förfallodag och belopp stämmer med autogirot.'
        when 'listed_amounts' then 'Banken anger ett belopp för varje OCR-nummer.'
        when 'sum_of_references' then 'Det som återstår på de angivna OCR-numren är tillsammans exakt inbetalningen.'
        when 'further_payment' then 'OCR-numret stämmer. En tidigare inbetalning har redan betalat en del.'
        when 'payer_and_amount' then 'Betalaren är känd och en enda öppen faktura har beloppet.'
        else 'En enda kombination av kundens öppna fakturor är tillsammans exakt inbetalningen.'
    end as reason_sv,
    ar_payment.payment_date,
    ar_item.invoice_no,
    ar_item.due_date,
    ar_item.department,
    ar_item.customer_id,
    ar_item.account,
    make_array(ar_payment.record, ar_item.record) as evidence
from members
inner join ar_payment
    on ar_payment.payment_id = members.payment_id
    and ar_payment.scope = 'match'
inner join ar_item
    on ar_item.item_id = members.item_id
inner join payment_totals
    on payment_totals.payment_id = members.payment_id
left join payment_group
    on payment_group.payment_id = members.payment_id
left join group_size
    on group_size.smallest = payment_group.smallest

/*
title = "Överinbetalningar att besluta om"
description = """
AR24 for what a customer paid beyond the invoice (account 2482, AR35 P3). The rule: open claims exist, set off the
oldest first; no claims and the customer is billed regularly (BER, LOIS), prepayment on 2489, 2954 or 2955; else
refund. A row of ref_decision_override for the department, and for the billing source where it names one, goes
before the rule.

The proposal counts the customer's open claims after all confirmed matches, without the item that was overpaid.
"""
kind = "exception"
key = ["payment_id", "item_id"]
catalogue = ["AR24", "AR35"]
amount = "overpayment"

[exception]
queue = "kund-overinbetalning"
queue_title = "Överinbetalningar"
service_level = "SLA16"
why = "Inbetalningen {payment_id} den {payment_date} är {overpayment} högre än det som återstod på faktura {invoice_no}. Förslag: {proposal_sv}"
action = "Besluta om kvittning, förskott eller återbetalning och boka om från konto 2482."

[columns]
payment_id = "payment"
item_id = "item that was overpaid"
received_at = "when the payment's file arrived"
payment_date = "date of the deposit"
overpayment = "paid beyond what the item owed"
invoice_no = "invoice that was overpaid"
customer_id = "customer"
department = "department of the item"
billing_source = "system that bills the customer regularly; null when none"
open_claims = "sum of the customer's other open claims"
proposal = "set_off, prepayment or refund"
proposal_account = "account of the prepayment; null otherwise"
proposal_sv = "the proposal in Swedish"
set_off_items = "claims to set off, oldest first, with the amount of each"
overridden = "true when the department's own rule decided"
evidence = "references to the payment's and the item's records"
*/
with over as (
    select
        ar_allocation.payment_id,
        ar_allocation.item_id,
        ar_allocation.overpayment,
        ar_item.customer_id,
        ar_item.department,
        ar_item.invoice_no,
        case when lower(ar_item.billing_source) = 'none' then null else ar_item.billing_source end as billing_source,
        ar_item.record
    from ar_allocation
    inner join ar_item
        on ar_item.item_id = ar_allocation.item_id
    where ar_allocation.overpayment > 0
),

open_claims as (
    select
        item_id,
        customer_id,
        invoice_no,
        due_date,
        remaining
    from ar_item_balance
    where currency = 'SEK'
        and is_open
        and remaining > 0
),

set_offs as (
    select
        over.payment_id,
        over.item_id,
        over.overpayment,
        open_claims.item_id as claim_id,
        open_claims.invoice_no,
        open_claims.due_date,
        open_claims.remaining,
        coalesce(
            sum(open_claims.remaining) over (
                partition by over.payment_id, over.item_id
                order by open_claims.due_date, open_claims.item_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as set_off_before
    from over
    inner join open_claims
        on open_claims.customer_id = over.customer_id
    where open_claims.item_id <> over.item_id
),

set_off_lists as (
    select
        payment_id,
        item_id,
        cast(sum(remaining) as decimal(18, 2)) as open_claims,
        array_agg(
            named_struct(
                'item_id', claim_id,
                'invoice_no', invoice_no,
                'due_date', due_date,
                'amount', cast(least(remaining, overpayment - set_off_before) as decimal(18, 2))
            )
            order by due_date, claim_id
        ) filter (where set_off_before < overpayment) as set_off_items
    from set_offs
    group by payment_id, item_id
),

-- the row that names the billing source goes before the row for the whole department
overrides as (
    select
        over.payment_id,
        over.item_id,
        first_value(ref_decision_override.decision order by ref_decision_override.billing_source asc nulls last)
            as decision,
        first_value(ref_decision_override.account order by ref_decision_override.billing_source asc nulls last)
            as account
    from over
    inner join ref_decision_override
        on ref_decision_override.department = over.department
    where (ref_decision_override.billing_source is null or ref_decision_override.billing_source = over.billing_source)
        and ref_decision_override.valid_from <= as_of()
        and (ref_decision_override.valid_to is null or ref_decision_override.valid_to >= as_of())
    group by over.payment_id, over.item_id
),

prepayment_accounts as (
    select
        billing_source,
        account
    from ref_prepayment_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

other_prepayment_account as (
    select max(account) as account
    from prepayment_accounts
    where billing_source = 'other'
),

proposed as (
    select
        over.payment_id,
        over.item_id,
        over.overpayment,
        over.invoice_no,
        over.customer_id,
        over.department,
        over.billing_source,
        over.record,
        coalesce(set_off_lists.open_claims, 0) as open_claims,
        set_off_lists.set_off_items,
        overrides.decision is not null as overridden,
        coalesce(
            overrides.decision,
            case
                when set_off_lists.open_claims > 0 then 'set_off'
                when over.billing_source is not null then 'prepayment'
                else 'refund'
            end
        ) as proposal,
        coalesce(overrides.account, prepayment_accounts.account, other_prepayment_account.account) as prepayment_account
    from over
    cross join other_prepayment_account
    left join set_off_lists
        on set_off_lists.payment_id = over.payment_id
        and set_off_lists.item_id = over.item_id
    left join overrides
        on overrides.payment_id = over.payment_id
        and overrides.item_id = over.item_id
    left join prepayment_accounts
        on prepayment_accounts.billing_source = over.billing_source
)

select
    proposed.payment_id,
    proposed.item_id,
    ar_payment.received_at,
    ar_payment.payment_date,
    proposed.overpayment,
    proposed.invoice_no,
    proposed.customer_id,
    proposed.department,
    proposed.billing_source,
    cast(proposed.open_claims as decimal(18, 2)) as open_claims,
    proposed.proposal,
    case when proposed.proposal = 'prepayment' then proposed.prepayment_account end as proposal_account,
    case proposed.proposal
        when 'set_off' then 'kvitta mot kundens äldsta öppna fakturor.'
        when 'prepayment' then concat('boka som förskott på konto ', proposed.prepayment_account, '.')
        else 'betala tillbaka till kunden.'
    end as proposal_sv,
    case when proposed.proposal = 'set_off' then proposed.set_off_items end as set_off_items,
    proposed.overridden,
    make_array(ar_payment.record, proposed.record) as evidence
from proposed
inner join ar_payment
    on ar_payment.payment_id = proposed.payment_id
    and ar_payment.scope = 'match'

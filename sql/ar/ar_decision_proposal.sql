/*
title = "Förslag till beslut om omatchade inbetalningar"
description = """
AR24 for what AR35 has left of a payment whose customer is known: by an item that its references name, else by account, identity or
payer number, and by one customer only. Open claims exist: set off, the oldest first; no claims and the customer is billed regularly
(BER, LOIS): prepayment on 2489, 2954 or 2955; else refund. A row of ref_decision_override for the department, and for the billing source
where it names one, goes before the rule. Of several payments of a customer the earlier is set off first: no claim is used twice.

What was paid beyond an item that a payment did settle is ar_overpayment's.
"""
kind = "table"
key = ["payment_id"]
catalogue = ["AR24"]
amount = "residual"

[columns]
payment_id = "payment"
payment_date = "date of the deposit"
residual = "what is left of the payment"
customer_id = "customer"
clue = "reference, or payer"
department = "department of the item that was named, else of the customer's items when there is one"
billing_source = "system that bills the customer regularly; null when none"
open_claims = "what the customer's open claims take of the residual"
proposal = "set_off, prepayment or refund"
proposal_account = "account of the prepayment; null otherwise"
set_off_items = "claims to set off, oldest first, with the amount of each"
overridden = "true when the department's own rule decided"
proposal_sv = "the proposal in Swedish"
*/
with left_over as (
    select
        payment_id,
        payment_date,
        unmatched - greatest(handled_in_ledger, 0) as residual
    from ar_payment_outcome
    where scope = 'match'
        and unmatched > greatest(handled_in_ledger, 0)
),

named_customers as (
    select distinct
        left_over.payment_id,
        ar_item.customer_id,
        ar_item.department
    from left_over
    inner join ar_payment_reference
        on ar_payment_reference.payment_id = left_over.payment_id
    inner join ar_item
        on ar_item.item_id = ar_payment_reference.item_id
    where ar_payment_reference.finding in ('item', 'closed')
),

-- allow union: a customer that several clues point at is one customer
paying_customers as (
    select
        ar_payment.payment_id,
        ar_item.customer_id
    from ar_payment
    inner join ar_item
        on ar_item.payer_account = ar_payment.sender_account
    where ar_payment.scope = 'match'
    union
    select
        ar_payment.payment_id,
        ar_item.customer_id
    from ar_payment
    inner join ar_item
        on ar_item.customer_identity = ar_payment.payer_identity
    where ar_payment.scope = 'match'
    union
    select
        ar_payment.payment_id,
        ar_item.customer_id
    from ar_payment
    inner join ar_item
        on ar_item.autogiro_payer_number = ar_payment.payer_number
    where ar_payment.scope = 'match'
),

known as (
    select
        payment_id,
        customer_id,
        department,
        'reference' as clue
    from named_customers
    union all
    select
        paying_customers.payment_id,
        paying_customers.customer_id,
        cast(null as string) as department,
        'payer' as clue
    from paying_customers
    left anti join named_customers
        on named_customers.payment_id = paying_customers.payment_id
),

one_customer as (
    select
        payment_id,
        min(customer_id) as customer_id,
        case when min(department) = max(department) then min(department) end as department,
        min(clue) as clue
    from known
    group by payment_id
    having count(distinct customer_id) = 1
),

customer_facts as (
    select
        customer_id,
        case when min(department) = max(department) then min(department) end as department,
        max(case when lower(billing_source) = 'none' then null else billing_source end) as billing_source
    from ar_item
    group by customer_id
),

residuals as (
    select
        left_over.payment_id,
        left_over.payment_date,
        left_over.residual,
        one_customer.customer_id,
        one_customer.clue,
        coalesce(one_customer.department, customer_facts.department) as department,
        customer_facts.billing_source,
        sum(left_over.residual) over (
            partition by one_customer.customer_id order by left_over.payment_date, left_over.payment_id
        ) as until
    from left_over
    inner join one_customer
        on one_customer.payment_id = left_over.payment_id
    inner join customer_facts
        on customer_facts.customer_id = one_customer.customer_id
),

open_claims as (
    select
        item_id,
        customer_id,
        invoice_no,
        due_date,
        remaining,
        sum(remaining) over (partition by customer_id order by due_date, item_id) as until
    from ar_item_balance
    where is_open
        and remaining > 0
        and currency = 'SEK'
),

-- residuals and claims of a customer laid side by side: what overlaps is set off
set_offs as (
    select
        residuals.payment_id,
        open_claims.item_id,
        open_claims.invoice_no,
        open_claims.due_date,
        least(residuals.until, open_claims.until)
            - greatest(residuals.until - residuals.residual, open_claims.until - open_claims.remaining) as amount
    from residuals
    inner join open_claims
        on open_claims.customer_id = residuals.customer_id
),

set_off_lists as (
    select
        payment_id,
        sum(amount) as amount,
        array_agg(
            named_struct(
                'item_id', item_id,
                'invoice_no', invoice_no,
                'due_date', due_date,
                'amount', cast(amount as decimal(18, 2))
            )
            order by due_date, item_id
        ) as items
    from set_offs
    where amount > 0
    group by payment_id
),

overrides as (
    select
        residuals.payment_id,
        first_value(ref_decision_override.decision order by ref_decision_override.billing_source asc nulls last)
            as decision,
        first_value(ref_decision_override.account order by ref_decision_override.billing_source asc nulls last)
            as account
    from residuals
    inner join ref_decision_override
        on ref_decision_override.department = residuals.department
    where (
            ref_decision_override.billing_source is null
            or ref_decision_override.billing_source = residuals.billing_source
        )
        and ref_decision_override.valid_from <= as_of()
        and (ref_decision_override.valid_to is null or ref_decision_override.valid_to >= as_of())
    group by residuals.payment_id
),

prepayment_accounts as (
    select
        billing_source,
        account
    from ref_prepayment_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

proposed as (
    select
        residuals.payment_id,
        residuals.payment_date,
        residuals.residual,
        residuals.customer_id,
        residuals.clue,
        residuals.department,
        residuals.billing_source,
        coalesce(set_off_lists.amount, 0) as open_claims,
        set_off_lists.items,
        overrides.decision is not null as overridden,
        coalesce(
            overrides.decision,
            case
                when set_off_lists.amount > 0 then 'set_off'
                when residuals.billing_source is not null then 'prepayment'
                else 'refund'
            end
        ) as proposal,
        coalesce(overrides.account, of_source.account, of_others.account) as account
    from residuals
    left join set_off_lists
        on set_off_lists.payment_id = residuals.payment_id
    left join overrides
        on overrides.payment_id = residuals.payment_id
    left join prepayment_accounts as of_source
        on of_source.billing_source = residuals.billing_source
    left join prepayment_accounts as of_others
        on of_others.billing_source = 'other'
)

select
    payment_id,
    payment_date,
    cast(residual as decimal(18, 2)) as residual,
    customer_id,
    clue,
    department,
    billing_source,
    cast(open_claims as decimal(18, 2)) as open_claims,
    proposal,
    case when proposal = 'prepayment' then account end as proposal_account,
    case when proposal = 'set_off' then items end as set_off_items,
    overridden,
    case proposal
        when 'set_off' then 'Kvitta mot kundens äldsta öppna fakturor.'
        when 'prepayment' then concat('Boka som förskott på konto ', account, '.')
        else 'Betala tillbaka till kunden.'
    end as proposal_sv
from proposed

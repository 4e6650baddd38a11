/*
title = "Tillgodohavanden i BER"
description = """FEE15, monthly: every credit balance of the latest BER list with the action that the routine gives, in this order:
cancel: the payer has an unpaid fee invoice in the ledger; it is cancelled in full when the credit covers all of it,
else in part.
set_off: the household has a municipal placement on the as-of; the next invoice is reduced.
refund: no placement, and the credit is at least P:fee_min_refund.
remove: no placement, and less than that.
Several credits of a payer are judged each for itself, the oldest first: what an older one uses of the unpaid invoices
is gone for the next. Credits that BER says are decided keep their row, with the decision, until BER drops them.
Households with protected identity are left to the restricted zone (FEE38)."""
kind = "table"
key = ["credit_id"]
catalogue = ["FEE15"]
amount = "amount"

[columns]
credit_id = "credit balance"
customer_id = "payer"
household_id = "household"
amount = "amount owed to the payer"
arisen_on = "day when it arose"
age_days = "days since then"
unpaid = "what is left of the payer's unpaid fee invoices for this credit"
proposal = "cancel, set_off, refund or remove"
cancel_kind = "full when the credit covers all that is unpaid, partial when it covers a part; null for other proposals"
decision = "decision in BER, null while undecided"
decided_on = "day of the decision"
received_at = "when the extract arrived"
record = "record of the credit"
*/
with latest_family_credit as (
    select max(extracted_on) as extracted_on
    from family_credit
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

limits as (
    select max(value) as min_refund
    from param
    where name = 'fee_min_refund'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

protected_household as (
    select distinct
        household_id,
        customer_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
),

credit as (
    select
        family_credit.credit_id,
        family_credit.customer_id,
        family_credit.household_id,
        family_credit.amount,
        family_credit.arisen_on,
        family_credit.decision,
        family_credit.decided_on,
        family_credit.received_at,
        record_ref(
            'family_credit', family_credit.file_id, family_credit.ordinal,
            family_credit.byte_start, family_credit.byte_end
        ) as record,
        sum(family_credit.amount) over (
            partition by family_credit.customer_id
            order by family_credit.arisen_on, family_credit.credit_id
            rows between unbounded preceding and current row
        ) - family_credit.amount as older
    from family_credit
    left anti join protected_household as by_household
        on by_household.household_id = family_credit.household_id
    left anti join protected_household as by_customer
        on by_customer.customer_id = family_credit.customer_id
    inner join latest_family_credit
        on latest_family_credit.extracted_on = family_credit.extracted_on
),

-- Not only what is overdue: an invoice that has been sent can be cancelled before it is due.
unpaid as (
    select
        ar_item.customer_id,
        sum(ar_item_balance.remaining) as amount
    from ar_item
    inner join ar_item_balance
        on ar_item_balance.item_id = ar_item.item_id
    where ar_item.billing_source = 'BER'
        and ar_item_balance.is_open
        and ar_item_balance.remaining > 0
    group by ar_item.customer_id
),

placed_household as (
    select distinct household_id
    from fee_placement
    where municipal
        and starts_on <= as_of()
        and (ends_on is null or ends_on >= as_of())
),

judged as (
    select
        credit.*,
        cast(greatest(coalesce(unpaid.amount, 0) - credit.older, 0) as decimal(18, 2)) as unpaid,
        placed_household.household_id is not null as is_placed
    from credit
    left join unpaid
        on unpaid.customer_id = credit.customer_id
    left join placed_household
        on placed_household.household_id = credit.household_id
)

select
    judged.credit_id,
    judged.customer_id,
    judged.household_id,
    judged.amount,
    judged.arisen_on,
    cast(as_of() - judged.arisen_on as bigint) as age_days,
    judged.unpaid,
    case
        when judged.unpaid > 0 then 'cancel'
        when judged.is_placed then 'set_off'
        when judged.amount >= limits.min_refund then 'refund'
        else 'remove'
    end as proposal,
    case
        when judged.unpaid > 0 and judged.amount >= judged.unpaid then 'full'
        when judged.unpaid > 0 then 'partial'
    end as cancel_kind,
    judged.decision,
    judged.decided_on,
    judged.received_at,
    judged.record
from judged
cross join limits

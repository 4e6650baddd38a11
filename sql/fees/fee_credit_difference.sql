/*
title = "Tillgodohavanden: BER mot Agresso"
description = """FEE17, monthly: the credit balances that BER lists against those of the customer ledger, for each payer and in total, to the öre
(tolerance 0.00), both ways. The ledger's side of a payer is the open items on the account of advances from BER
customers (ref_account: 2489) and the open credit items of invoices from BER. The total compares BER's sum with the
general ledger's latest balance of 2489 together with the credit items, so that a booking without a customer is seen:
it is the row of payer `*`. Credits of protected households are compared in the total only (FEE38)."""
kind = "exception"
key = ["customer_id"]
catalogue = ["FEE17"]
amount = "difference"

[exception]
queue = "avgift-tillgodohavande-differens"
queue_title = "Tillgodohavanden som skiljer mellan BER och Agresso"
service_level = "SLA28"
why = "Tillgodohavande för kund {customer_id} är {ber_amount} i BER och {ledger_amount} i Agresso. Skillnad {difference}."
action = "Utred skillnaden och rätta där den har uppstått: i BER, i kundreskontran eller på konto 2489."

[columns]
customer_id = "payer; * for the total"
ber_amount = "credit in BER"
ledger_amount = "credit in the ledger, positive"
difference = "BER less the ledger"
missing_in = "ber or ledger when the payer is only on the other side, null otherwise"
received_at = "when the later of the extracts arrived"
evidence = "records of both sides; none for the total"
*/
with latest_customer_item as (
    select max(extracted_on) as extracted_on
    from customer_item
    where extracted_on <= as_of()
),

latest_family_credit as (
    select max(extracted_on) as extracted_on
    from family_credit
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

latest_ledger_balance as (
    select max(extracted_on) as extracted_on
    from ledger_balance
    where extracted_on <= as_of()
),

protected_customer as (
    select distinct customer_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
        and customer_id is not null
),

advance_account as (
    select distinct account
    from ref_account
    where account = '2489'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

ber_credit as (
    select
        customer_id,
        amount,
        received_at,
        record_ref('family_credit', file_id, ordinal, byte_start, byte_end) as record
    from family_credit
    inner join latest_family_credit
        on latest_family_credit.extracted_on = family_credit.extracted_on
),

ledger_item as (
    select
        customer_item.customer_id,
        advance_account.account is not null as is_advance,
        -customer_item.remaining as amount,
        customer_item.received_at,
        record_ref(
            'customer_item', customer_item.file_id, customer_item.ordinal,
            customer_item.byte_start, customer_item.byte_end
        ) as record
    from customer_item
    left join advance_account
        on advance_account.account = customer_item.account
    inner join latest_customer_item
        on latest_customer_item.extracted_on = customer_item.extracted_on
    where customer_item.remaining <> 0
        and (
            advance_account.account is not null
            or (customer_item.billing_source = 'BER' and customer_item.remaining < 0)
        )
),

side as (
    select
        customer_id,
        amount as ber_amount,
        cast(0 as decimal(18, 2)) as ledger_amount,
        received_at,
        record,
        1 as in_ber,
        0 as in_ledger
    from ber_credit
    union all
    select
        customer_id,
        cast(0 as decimal(18, 2)) as ber_amount,
        amount as ledger_amount,
        received_at,
        record,
        0 as in_ber,
        1 as in_ledger
    from ledger_item
),

ber_total as (
    select
        sum(amount) as amount,
        max(received_at) as received_at
    from ber_credit
),

by_payer as (
    select
        side.customer_id,
        sum(side.ber_amount) as ber_amount,
        sum(side.ledger_amount) as ledger_amount,
        case
            when max(side.in_ber) = 0 then 'ber'
            when max(side.in_ledger) = 0 then 'ledger'
        end as missing_in,
        max(side.received_at) as received_at,
        array_agg(side.record order by side.record) as evidence
    from side
    -- without a list from BER there is nothing to compare with
    inner join ber_total
        on ber_total.received_at is not null
    left anti join protected_customer
        on protected_customer.customer_id = side.customer_id
    group by side.customer_id
),

-- The balance of the latest period that each department's extract holds.
ledger_account as (
    select
        sum(-latest.closing_balance) as amount,
        max(latest.received_at) as received_at
    from (
        select
            ledger_balance.closing_balance,
            ledger_balance.received_at,
            row_number() over (
                partition by ledger_balance.department, ledger_balance.account
                order by ledger_balance.period desc
            ) as place
        from ledger_balance
        inner join advance_account
            on advance_account.account = ledger_balance.account
        inner join latest_ledger_balance
            on latest_ledger_balance.extracted_on = ledger_balance.extracted_on
    ) as latest
    where latest.place = 1
),

credit_items as (
    select sum(amount) as amount
    from ledger_item
    where not is_advance
),

total as (
    select
        '*' as customer_id,
        coalesce(ber_total.amount, 0) as ber_amount,
        coalesce(ledger_account.amount, 0) + coalesce(credit_items.amount, 0) as ledger_amount,
        cast(null as varchar) as missing_in,
        coalesce(greatest(ber_total.received_at, ledger_account.received_at), ber_total.received_at) as received_at,
        arrow_cast(make_array(), 'List(Utf8)') as evidence
    from ber_total
    cross join ledger_account
    cross join credit_items
    -- without a list from BER there is nothing to compare with
    where ber_total.received_at is not null
)

select
    customer_id,
    cast(ber_amount as decimal(18, 2)) as ber_amount,
    cast(ledger_amount as decimal(18, 2)) as ledger_amount,
    cast(ber_amount - ledger_amount as decimal(18, 2)) as difference,
    missing_in,
    received_at,
    evidence
from (
    select
        customer_id,
        ber_amount,
        ledger_amount,
        missing_in,
        received_at,
        evidence
    from by_payer
    union all
    select
        customer_id,
        ber_amount,
        ledger_amount,
        missing_in,
        received_at,
        evidence
    from total
) as compared
where ber_amount <> ledger_amount

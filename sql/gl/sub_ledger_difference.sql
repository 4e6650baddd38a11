/*
title = "Skillnader mellan kundreskontra och huvudbok"
description = """
AR52-AR55 and the open-item proofs of AR56-AR61 and AR64: item by item, the ledger rows on the account against what
the customer ledger shows as open, and the ledger rows that name no item. Each difference has one cause.

manual: a ledger row without item, that no equal row of opposite sign takes back. cut_off: time explains it: the row
lies in a later period, a later extract agrees, or the row or invoice is so new (after the last working day before
the extract) that the other side may not have it. missing_in_ledger: open in the customer ledger, never booked on
the account. missing_in_sub_ledger: booked for an item that no extract has shown. amount_differs: both sides know
the item with different amounts.

Items invoiced before the ledger rows begin are in the opening balance and left out: what does not agree there is
shown as unexplained by account_reconciliation.
"""
kind = "table"
key = ["account", "owner", "department", "period", "item_key"]
catalogue = ["AR52", "AR53", "AR54", "AR55", "AR56", "AR57", "AR58", "AR59", "AR60", "AR61", "AR64"]
amount = "amount"

[columns]
account = "ledger account"
owner = "who reconciles the account"
department = "department"
period = "accounting period"
item_key = "what the row is about: item: or row: and its identity"
cause = "manual, cut_off, missing_in_ledger, missing_in_sub_ledger or amount_differs"
amount = "ledger less customer ledger"
first_seen = "earliest date that the data shows the difference"
voucher_no = "last voucher of the ledger side"
item_id = "item; null for a manual row"
received_at = "when the data behind the row arrived"
evidence = "references to the records on both sides"
*/
with scope as (
    select
        account,
        owner,
        department,
        period,
        currency,
        sub_ledger_as_of,
        previous_workday(sub_ledger_as_of) as settled_until
    from reconciliation_scope
    where counterpart = 'customer_item'
        and ledger_balance is not null
        and sub_ledger_as_of is not null
),

ledger_rows as (
    select
        ledger_transaction.account,
        ledger_transaction.department,
        ledger_transaction.period,
        ledger_transaction.voucher_no,
        ledger_transaction.line_no,
        ledger_transaction.voucher_date,
        ledger_transaction.amount,
        ledger_transaction.item_id,
        ledger_transaction.received_at,
        record_ref(
            'ledger_transaction',
            ledger_transaction.file_id,
            ledger_transaction.ordinal,
            ledger_transaction.byte_start,
            ledger_transaction.byte_end
        ) as record
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = ledger_transaction.extracted_on
),

coverage as (
    select min(period) as first_period
    from ledger_rows
),

ledger_side as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        ledger_rows.item_id,
        sum(case when ledger_rows.period <= scope.period then ledger_rows.amount else 0 end) as ledger,
        sum(ledger_rows.amount) as ledger_in_all,
        sum(
            case
                when ledger_rows.period <= scope.period and ledger_rows.voucher_date <= scope.settled_until
                    then ledger_rows.amount
                else 0
            end
        ) as ledger_settled,
        count(*) as ledger_rows,
        min(ledger_rows.voucher_date) as first_voucher_date,
        max(ledger_rows.voucher_date) as last_voucher_date,
        last_value(ledger_rows.voucher_no order by ledger_rows.voucher_date, ledger_rows.voucher_no) as voucher_no,
        max(ledger_rows.received_at) as received_at,
        last_value(ledger_rows.record order by ledger_rows.voucher_date, ledger_rows.voucher_no) as record
    from scope
    inner join ledger_rows
        on ledger_rows.account = scope.account
        and ledger_rows.department = scope.department
    where ledger_rows.item_id is not null
    group by scope.account, scope.owner, scope.department, scope.period, ledger_rows.item_id
),

item_side as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        customer_item.item_id,
        sum(customer_item.remaining) as remaining,
        max(customer_item.received_at) as received_at,
        min(
            record_ref(
                'customer_item',
                customer_item.file_id,
                customer_item.ordinal,
                customer_item.byte_start,
                customer_item.byte_end
            )
        ) as record
    from scope
    inner join customer_item
        on customer_item.account = scope.account
        and customer_item.department = scope.department
        and customer_item.extracted_on = scope.sub_ledger_as_of
        and customer_item.currency = scope.currency
    group by scope.account, scope.owner, scope.department, scope.period, customer_item.item_id
),

items_seen as (
    select
        customer_item.item_id,
        min(customer_item.extracted_on) as first_seen_on,
        min(customer_item.invoice_date) as invoice_date,
        min(coalesce(customer_item.period, to_char(customer_item.invoice_date, '%Y%m'))) as invoice_period,
        sum(case when customer_item.extracted_on = latest.extracted_on then customer_item.remaining else 0 end)
            as remaining_last
    from customer_item
    cross join (
        select max(extracted_on) as extracted_on
        from customer_item
        where extracted_on <= as_of()
    ) as latest
    where customer_item.extracted_on <= as_of()
    group by customer_item.item_id
),

compared as (
    select
        coalesce(ledger_side.account, item_side.account) as account,
        coalesce(ledger_side.owner, item_side.owner) as owner,
        coalesce(ledger_side.department, item_side.department) as department,
        coalesce(ledger_side.period, item_side.period) as period,
        coalesce(ledger_side.item_id, item_side.item_id) as item_id,
        coalesce(ledger_side.ledger, 0) as ledger,
        coalesce(ledger_side.ledger_in_all, 0) as ledger_in_all,
        coalesce(ledger_side.ledger_settled, 0) as ledger_settled,
        coalesce(ledger_side.ledger_rows, 0) as ledger_rows,
        coalesce(item_side.remaining, 0) as remaining,
        ledger_side.first_voucher_date,
        ledger_side.last_voucher_date,
        ledger_side.voucher_no,
        greatest(ledger_side.received_at, item_side.received_at) as received_at,
        array_remove_all(make_array(coalesce(ledger_side.record, ''), coalesce(item_side.record, '')), '') as evidence
    from ledger_side
    full join item_side
        on item_side.account = ledger_side.account
        and item_side.owner = ledger_side.owner
        and item_side.department = ledger_side.department
        and item_side.period = ledger_side.period
        and item_side.item_id = ledger_side.item_id
),

differing as (
    select
        compared.account,
        compared.owner,
        compared.department,
        compared.period,
        compared.item_id,
        compared.ledger - compared.remaining as amount,
        case
            when compared.ledger_in_all = compared.remaining then 'cut_off'
            when compared.ledger = items_seen.remaining_last then 'cut_off'
            when compared.ledger_rows > 0 and compared.ledger_settled = compared.remaining then 'cut_off'
            when compared.ledger_rows = 0 and items_seen.invoice_date > scope.settled_until then 'cut_off'
            when compared.ledger_rows = 0 then 'missing_in_ledger'
            when items_seen.item_id is null then 'missing_in_sub_ledger'
            else 'amount_differs'
        end as cause,
        case
            when compared.ledger_rows = 0 then items_seen.first_seen_on
            when items_seen.item_id is null then compared.first_voucher_date
            else compared.last_voucher_date
        end as first_seen,
        compared.voucher_no,
        compared.received_at,
        compared.evidence
    from compared
    cross join coverage
    inner join scope
        on scope.account = compared.account
        and scope.owner = compared.owner
        and scope.department = compared.department
        and scope.period = compared.period
    left join items_seen
        on items_seen.item_id = compared.item_id
    where compared.ledger <> compared.remaining
        and coverage.first_period is not null
        and (compared.ledger_rows > 0 or items_seen.invoice_period >= coverage.first_period)
),

-- a booking by hand that an equal one of opposite sign takes back is no difference
manual_rows as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        ledger_rows.voucher_no,
        ledger_rows.line_no,
        ledger_rows.voucher_date,
        ledger_rows.amount,
        ledger_rows.received_at,
        ledger_rows.record,
        row_number() over (
            partition by
                scope.account, scope.owner, scope.department, scope.period, ledger_rows.amount
            order by ledger_rows.voucher_date, ledger_rows.voucher_no, ledger_rows.line_no
        ) as occurrence
    from scope
    inner join ledger_rows
        on ledger_rows.account = scope.account
        and ledger_rows.department = scope.department
    where ledger_rows.item_id is null
        and ledger_rows.period <= scope.period
        and ledger_rows.amount <> 0
),

manual_left as (
    select
        manual_rows.account,
        manual_rows.owner,
        manual_rows.department,
        manual_rows.period,
        manual_rows.voucher_no,
        manual_rows.line_no,
        manual_rows.voucher_date,
        manual_rows.amount,
        manual_rows.received_at,
        manual_rows.record
    from manual_rows
    left anti join manual_rows as taken_back
        on taken_back.account = manual_rows.account
        and taken_back.owner = manual_rows.owner
        and taken_back.department = manual_rows.department
        and taken_back.period = manual_rows.period
        and taken_back.amount = -manual_rows.amount
        and taken_back.occurrence = manual_rows.occurrence
)

select
    account,
    owner,
    department,
    period,
    concat('item:', item_id) as item_key,
    cause,
    cast(amount as decimal(18, 2)) as amount,
    first_seen,
    voucher_no,
    item_id,
    received_at,
    evidence
from differing
union all
select
    account,
    owner,
    department,
    period,
    concat('row:', voucher_no, '/', cast(line_no as string)) as item_key,
    'manual' as cause,
    amount,
    voucher_date as first_seen,
    voucher_no,
    cast(null as string) as item_id,
    received_at,
    make_array(record) as evidence
from manual_left

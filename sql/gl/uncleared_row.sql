/*
title = "Ej avslutade poster på genomgångs- och balanskonton"
description = """
ZERO accounts (AR62, AR63, AR65, AR66, AP43, GL22-GL25): every ledger row that nothing has cleared. Rows about the
same payment or item clear each other when they add up to zero; rows without either are cleared by the next equal
row of opposite sign. OPEN accounts proven by ledger rows (GL34, GL37, GL55, GL56): the rows with an item are the
open items, listed with their age; a row without one is a difference.

Each row that books a payment is linked to what became of the payment (AR23): unresolved, or matched but not
rebooked. A shared account (9999) is divided by voucher type, so that each row has one owner. An age limit counts
working days on ZERO accounts ([S] ten days on 9894, then 2499) and calendar days on others (AR56).
"""
kind = "table"
key = ["account", "owner", "department", "period", "item_key"]
catalogue = ["AR62", "AR63", "AR65", "AR66", "AP43", "GL22", "GL23", "GL24", "GL25", "GL34", "GL37", "GL55", "GL56"]
amount = "amount"

[columns]
account = "ledger account"
owner = "who reconciles the account"
department = "department"
period = "accounting period"
item_key = "what the row is about: payment:, item: or row: and its identity"
cause = "uncleared, open_item or manual"
amount = "open amount on the account, debit positive"
first_seen = "date of the first voucher"
old_after = "date after which the row must be dealt with; null when the account has no limit"
voucher_no = "first voucher"
voucher_type = "type of the first voucher"
row_count = "ledger rows behind the amount"
item_id = "item; null when none"
payment_id = "payment that the rows book; null when none"
payment_status = "status in ar_payment_outcome, or unknown when we do not hold the payment; null without payment"
payment_reason_sv = "why the payment is unresolved, in Swedish"
received_at = "when the ledger extract arrived"
evidence = "references to the ledger rows and the payment's record"
*/
with scope as (
    select
        account,
        owner,
        department,
        period,
        counterpart,
        pattern,
        is_shared,
        voucher_types,
        age_limit_days
    from reconciliation_scope
    where counterpart in ('zero', 'ledger_item')
        and not_computed_reason is null
        and ledger_balance is not null
),

-- GL25: the voucher types of one owner; the other owner of a shared account has the rest
listed_types as (
    select
        account,
        unnest(string_to_array(voucher_types, ' ')) as voucher_type
    from (
        select distinct
            account,
            voucher_types
        from scope
        where voucher_types is not null
    ) as shared
),

ledger_rows as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        scope.counterpart,
        scope.pattern,
        scope.age_limit_days,
        ledger_transaction.voucher_no,
        ledger_transaction.line_no,
        ledger_transaction.voucher_type,
        ledger_transaction.voucher_date,
        ledger_transaction.amount,
        ledger_transaction.item_id,
        ledger_transaction.payment_id,
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
    inner join scope
        on scope.account = ledger_transaction.account
        and scope.department = ledger_transaction.department
    left join listed_types
        on listed_types.account = ledger_transaction.account
        and listed_types.voucher_type = ledger_transaction.voucher_type
    where ledger_transaction.period <= scope.period
        and ledger_transaction.amount <> 0
        and (not scope.is_shared or (scope.voucher_types is not null) = (listed_types.voucher_type is not null))
),

linked as (
    select
        account,
        owner,
        department,
        period,
        counterpart,
        case
            when counterpart = 'zero' and payment_id is not null then concat('payment:', payment_id)
            else concat('item:', item_id)
        end as item_key,
        sum(amount) as amount,
        min(pattern) as pattern,
        min(age_limit_days) as age_limit_days,
        min(voucher_date) as first_seen,
        first_value(voucher_no order by voucher_date, voucher_no, line_no) as voucher_no,
        first_value(voucher_type order by voucher_date, voucher_no, line_no) as voucher_type,
        count(*) as row_count,
        min(item_id) as item_id,
        min(payment_id) as payment_id,
        min(received_at) as received_at,
        array_agg(record order by voucher_date, voucher_no, line_no) as records
    from ledger_rows
    where counterpart = 'zero' and payment_id is not null
        or item_id is not null
    group by
        account,
        owner,
        department,
        period,
        counterpart,
        case
            when counterpart = 'zero' and payment_id is not null then concat('payment:', payment_id)
            else concat('item:', item_id)
        end
    having sum(amount) <> 0
),

unlinked as (
    select
        account,
        owner,
        department,
        period,
        counterpart,
        pattern,
        age_limit_days,
        voucher_no,
        line_no,
        voucher_type,
        voucher_date,
        amount,
        payment_id,
        received_at,
        record,
        row_number() over (
            partition by account, owner, department, period, amount
            order by voucher_date, voucher_no, line_no
        ) as occurrence
    from ledger_rows
    where item_id is null
        and (counterpart <> 'zero' or payment_id is null)
),

unlinked_left as (
    select
        unlinked.account,
        unlinked.owner,
        unlinked.department,
        unlinked.period,
        unlinked.counterpart,
        unlinked.pattern,
        unlinked.age_limit_days,
        unlinked.voucher_no,
        unlinked.line_no,
        unlinked.voucher_type,
        unlinked.voucher_date,
        unlinked.amount,
        unlinked.payment_id,
        unlinked.received_at,
        unlinked.record
    from unlinked
    left anti join unlinked as cleared_by
        on cleared_by.account = unlinked.account
        and cleared_by.owner = unlinked.owner
        and cleared_by.department = unlinked.department
        and cleared_by.period = unlinked.period
        and cleared_by.amount = -unlinked.amount
        and cleared_by.occurrence = unlinked.occurrence
),

open_rows as (
    select
        account, owner, department, period, item_key, pattern, age_limit_days,
        case when counterpart = 'zero' then 'uncleared' else 'open_item' end as cause,
        amount, first_seen, voucher_no, voucher_type, row_count, item_id, payment_id, received_at, records
    from linked
    union all
    select
        account, owner, department, period,
        concat('row:', voucher_no, '/', cast(line_no as string)) as item_key,
        pattern, age_limit_days,
        case when counterpart = 'zero' then 'uncleared' else 'manual' end as cause,
        amount,
        voucher_date as first_seen,
        voucher_no, voucher_type,
        cast(1 as bigint) as row_count,
        cast(null as string) as item_id,
        payment_id, received_at,
        make_array(record) as records
    from unlinked_left
),

payments as (
    select
        payment_id,
        status,
        reason_sv,
        record
    from ar_payment_outcome
    where scope <> 'repeat'
)

select
    open_rows.account,
    open_rows.owner,
    open_rows.department,
    open_rows.period,
    open_rows.item_key,
    open_rows.cause,
    cast(open_rows.amount as decimal(18, 2)) as amount,
    open_rows.first_seen,
    case
        when open_rows.age_limit_days is null then null
        when open_rows.pattern = 'ZERO' then workday_add(open_rows.first_seen, open_rows.age_limit_days)
        else cast(cast(open_rows.first_seen as int) + open_rows.age_limit_days as date)
    end as old_after,
    open_rows.voucher_no,
    open_rows.voucher_type,
    open_rows.row_count,
    open_rows.item_id,
    open_rows.payment_id,
    case
        when open_rows.payment_id is null then null
        else coalesce(payments.status, 'unknown')
    end as payment_status,
    payments.reason_sv as payment_reason_sv,
    open_rows.received_at,
    case
        when payments.record is null then open_rows.records
        else array_append(open_rows.records, payments.record)
    end as evidence
from open_rows
left join payments
    on payments.payment_id = open_rows.payment_id

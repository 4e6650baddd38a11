/*
title = "Nedskrivningar på värderegleringskontona"
description = """
AR67, AR68: item by item, what the valuation account holds against what the decisions on write-downs say. What is to
stand there is the part of each decided, attested write-down that is still open in the customer ledger: the balance is the sum of
it with the sign turned. A decision counts from the day of its order.

agrees: nothing is wrong. missing_in_ledger: decided, not booked. missing_in_sub_ledger: booked, and no decision says so. amount_differs: both know
the item with different amounts. not_reversed: the item has been paid or closed, so that the write-down must be taken back by as much.
manual: a row without item that no equal row of opposite sign takes back."""
kind = "table"
key = ["account", "owner", "department", "period", "item_key"]
catalogue = ["AR67", "AR68"]
amount = "amount"

[columns]
account = "valuation account"
owner = "who reconciles it"
department = "department"
period = "accounting period"
item_key = "item: or row: and its identity"
cause = "agrees, missing_in_ledger, missing_in_sub_ledger, amount_differs, not_reversed or manual"
amount = "ledger less decisions"
booked = "on the valuation account, debit positive"
decided = "what the decisions say should stand there, debit positive"
first_seen = "earliest date that the data shows the difference"
voucher_no = "last voucher of the ledger side"
item_id = "item; null for a row without"
received_at = "when the data behind the row arrived"
evidence = "references to the records on both sides"
*/
with scope as (
    select
        account,
        owner,
        department,
        period,
        period_end,
        cut_off
    from reconciliation_scope
    where counterpart = 'writedown_order'
        and ledger_balance is not null
),

claim_accounts as (
    select
        account,
        claim_account
    from ref_valuation_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

ledger_rows as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
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
    inner join scope
        on scope.account = ledger_transaction.account
        and scope.department = ledger_transaction.department
    where ledger_transaction.period <= scope.period
        and ledger_transaction.amount <> 0
),

booked as (
    select
        account,
        owner,
        department,
        period,
        item_id,
        sum(amount) as amount,
        max(voucher_date) as last_voucher_date,
        last_value(voucher_no order by voucher_date, voucher_no, line_no) as voucher_no,
        max(received_at) as received_at,
        last_value(record order by voucher_date, voucher_no, line_no) as record
    from ledger_rows
    where item_id is not null
    group by account, owner, department, period, item_id
),

orders as (
    select
        writedown_order.item_id,
        sum(writedown_order.amount) as amount,
        min(writedown_order.ordered_on) as ordered_on,
        max(writedown_order.received_at) as received_at,
        min(
            record_ref(
                'writedown_order',
                writedown_order.file_id,
                writedown_order.ordinal,
                writedown_order.byte_start,
                writedown_order.byte_end
            )
        ) as record
    from writedown_order
    inner join (
        select max(extracted_on) as extracted_on
        from writedown_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = writedown_order.extracted_on
    where writedown_order.attest_valid
        and writedown_order.ordered_on <= as_of()
    group by writedown_order.item_id
),

-- the latest account and department of each item, and what is left of it in the latest extract
item_states as (
    select
        item_id,
        last_value(account order by extracted_on) as account,
        last_value(department order by extracted_on) as department,
        sum(case when is_latest then remaining else 0 end) as remaining
    from (
        select
            customer_item.item_id,
            customer_item.account,
            customer_item.department,
            customer_item.extracted_on,
            customer_item.remaining,
            customer_item.extracted_on = latest.extracted_on as is_latest
        from customer_item
        cross join (
            select max(extracted_on) as extracted_on
            from customer_item
            where extracted_on <= as_of()
        ) as latest
        where customer_item.extracted_on <= as_of()
    ) as items
    group by item_id
),

decided as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        orders.item_id,
        orders.amount as ordered,
        least(orders.amount, greatest(item_states.remaining, 0)) as amount,
        orders.ordered_on,
        orders.received_at,
        orders.record
    from orders
    inner join item_states
        on item_states.item_id = orders.item_id
    inner join claim_accounts
        on claim_accounts.claim_account = item_states.account
    inner join scope
        on scope.account = claim_accounts.account
        and scope.department = item_states.department
        and scope.period_end >= orders.ordered_on
),

compared as (
    select
        coalesce(booked.account, decided.account) as account,
        coalesce(booked.owner, decided.owner) as owner,
        coalesce(booked.department, decided.department) as department,
        coalesce(booked.period, decided.period) as period,
        coalesce(booked.item_id, decided.item_id) as item_id,
        coalesce(booked.amount, 0) as booked,
        -coalesce(decided.amount, 0) as decided,
        -coalesce(decided.ordered, 0) as ordered,
        booked.item_id is null as is_unbooked,
        decided.item_id is null as is_undecided,
        coalesce(booked.last_voucher_date, decided.ordered_on) as first_seen,
        booked.voucher_no,
        greatest(booked.received_at, decided.received_at) as received_at,
        array_remove_all(make_array(coalesce(booked.record, ''), coalesce(decided.record, '')), '') as evidence
    from booked
    full join decided
        on decided.account = booked.account
        and decided.owner = booked.owner
        and decided.department = booked.department
        and decided.period = booked.period
        and decided.item_id = booked.item_id
),

unlinked as (
    select
        account,
        owner,
        department,
        period,
        voucher_no,
        line_no,
        voucher_date,
        amount,
        received_at,
        record,
        row_number() over (
            partition by account, owner, department, period, amount
            order by voucher_date, voucher_no, line_no
        ) as occurrence
    from ledger_rows
    where item_id is null
)

select
    account,
    owner,
    department,
    period,
    concat('item:', item_id) as item_key,
    case
        when booked = decided then 'agrees'
        when is_undecided then 'missing_in_sub_ledger'
        when is_unbooked then 'missing_in_ledger'
        when booked = ordered then 'not_reversed'
        else 'amount_differs'
    end as cause,
    cast(booked - decided as decimal(18, 2)) as amount,
    cast(booked as decimal(18, 2)) as booked,
    cast(decided as decimal(18, 2)) as decided,
    first_seen,
    voucher_no,
    item_id,
    received_at,
    evidence
from compared
where booked <> 0 or decided <> 0
union all
select
    unlinked.account,
    unlinked.owner,
    unlinked.department,
    unlinked.period,
    concat('row:', unlinked.voucher_no, '/', cast(unlinked.line_no as string)) as item_key,
    'manual' as cause,
    unlinked.amount,
    unlinked.amount as booked,
    cast(0 as decimal(18, 2)) as decided,
    unlinked.voucher_date as first_seen,
    unlinked.voucher_no,
    cast(null as string) as item_id,
    unlinked.received_at,
    make_array(unlinked.record) as evidence
from unlinked
left anti join unlinked as taken_back
    on taken_back.account = unlinked.account
    and taken_back.owner = unlinked.owner
    and taken_back.department = unlinked.department
    and taken_back.period = unlinked.period
    and taken_back.amount = -unlinked.amount
    and taken_back.occurrence = unlinked.occurrence

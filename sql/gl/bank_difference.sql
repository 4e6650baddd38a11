/*
title = "Skillnader mellan huvudbok och bank"
description = """
GL26-GL33: liquidity accounts against the bank statement, for the two-days-back date of reconciliation_scope. A day
on which the sums agree is settled as a whole (a deposit may be one entry and many ledger rows). On the other days
entries and rows of the same amount settle each other, the earliest first; what is left is a difference: missing
when only the bank has it, manual when only the ledger has it, cut_off when the other side has it after the cut-off.

Which bank account belongs to which ledger account and department is in ref_bank_account; without a row there the
account is listed as not computed.
"""
kind = "table"
key = ["account", "owner", "department", "period", "item_key"]
catalogue = ["GL26", "GL27", "GL28", "GL29", "GL30", "GL31", "GL32", "GL33"]
amount = "amount"

[columns]
account = "ledger account"
owner = "who reconciles the account"
department = "department"
period = "accounting period"
item_key = "what the row is about: entry: or row: and its identity"
cause = "missing, manual or cut_off"
amount = "ledger less bank"
first_seen = "date of the entry or voucher"
voucher_no = "voucher; null for a bank entry"
received_at = "when the data behind the row arrived"
evidence = "reference to the entry or ledger row"
*/
with scope as (
    select
        account,
        owner,
        department,
        period,
        currency,
        period_start,
        cut_off
    from reconciliation_scope
    where counterpart = 'statement_entry'
        and ledger_balance is not null
),

bank_accounts as (
    select
        bank_account,
        account,
        department
    from ref_bank_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

both_sides as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        'entry' as side,
        concat('entry:', statement_entry.entry_id) as item_key,
        cast(null as string) as voucher_no,
        statement_entry.booking_date as booked_on,
        statement_entry.booking_date > scope.cut_off as is_later,
        statement_entry.amount,
        statement_entry.received_at,
        record_ref(
            'statement_entry',
            statement_entry.file_id,
            statement_entry.ordinal,
            statement_entry.byte_start,
            statement_entry.byte_end
        ) as record
    from scope
    inner join bank_accounts
        on bank_accounts.account = scope.account
        and bank_accounts.department = scope.department
    inner join statement_entry
        on statement_entry.account = bank_accounts.bank_account
        and statement_entry.currency = scope.currency
    where statement_entry.booking_date >= scope.period_start
        and statement_entry.booking_date <= as_of()
        and statement_entry.amount <> 0
    union all
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        'row' as side,
        concat('row:', ledger_transaction.voucher_no, '/', cast(ledger_transaction.line_no as string)) as item_key,
        ledger_transaction.voucher_no,
        ledger_transaction.voucher_date as booked_on,
        ledger_transaction.voucher_date > scope.cut_off as is_later,
        ledger_transaction.amount,
        ledger_transaction.received_at,
        record_ref(
            'ledger_transaction',
            ledger_transaction.file_id,
            ledger_transaction.ordinal,
            ledger_transaction.byte_start,
            ledger_transaction.byte_end
        ) as record
    from scope
    left semi join bank_accounts
        on bank_accounts.account = scope.account
        and bank_accounts.department = scope.department
    inner join ledger_transaction
        on ledger_transaction.account = scope.account
        and ledger_transaction.department = scope.department
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = ledger_transaction.extracted_on
    where ledger_transaction.voucher_date >= scope.period_start
        and ledger_transaction.amount <> 0
),

settled_days as (
    select
        account,
        owner,
        department,
        period,
        booked_on
    from both_sides
    group by account, owner, department, period, booked_on
    having sum(case when side = 'entry' then amount else -amount end) = 0
),

unsettled as (
    select
        both_sides.account,
        both_sides.owner,
        both_sides.department,
        both_sides.period,
        both_sides.side,
        both_sides.item_key,
        both_sides.voucher_no,
        both_sides.booked_on,
        both_sides.is_later,
        both_sides.amount,
        both_sides.received_at,
        both_sides.record,
        row_number() over (
            partition by
                both_sides.account,
                both_sides.owner,
                both_sides.department,
                both_sides.period,
                both_sides.side,
                both_sides.amount
            order by both_sides.booked_on, both_sides.item_key
        ) as occurrence
    from both_sides
    left anti join settled_days
        on settled_days.account = both_sides.account
        and settled_days.owner = both_sides.owner
        and settled_days.department = both_sides.department
        and settled_days.period = both_sides.period
        and settled_days.booked_on = both_sides.booked_on
),

paired as (
    select
        unsettled.account,
        unsettled.owner,
        unsettled.department,
        unsettled.period,
        unsettled.side,
        unsettled.item_key,
        unsettled.voucher_no,
        unsettled.booked_on,
        unsettled.is_later,
        unsettled.amount,
        unsettled.received_at,
        unsettled.record,
        other.is_later as other_is_later
    from unsettled
    left join unsettled as other
        on other.account = unsettled.account
        and other.owner = unsettled.owner
        and other.department = unsettled.department
        and other.period = unsettled.period
        and other.amount = unsettled.amount
        and other.occurrence = unsettled.occurrence
        and other.side <> unsettled.side
)

select
    account,
    owner,
    department,
    period,
    item_key,
    case
        when other_is_later then 'cut_off'
        when side = 'entry' then 'missing'
        else 'manual'
    end as cause,
    cast(case when side = 'entry' then -amount else amount end as decimal(18, 2)) as amount,
    booked_on as first_seen,
    voucher_no,
    received_at,
    make_array(record) as evidence
from paired
where not is_later
    and (other_is_later is null or other_is_later)

/*
title = "Konton att stämma av"
description = """
What the generic reconciliation works on: every account of the account table, per department and period, with its
ledger balance and the dates that both sides stand for. The latest balance extract decides; its last
P:reconciliation_periods periods are reconciled. An account without any balance has one row with department `alla`,
so that it is seen and not skipped. Classes of accounts (patterns VIEW and RULE) are no accounts and left out.

The sub-ledger side is the last extract of customer items on or before the period's end and the balance extract. The
bank side stands for two working days before the as-of, because the bank reports late (GL02).
"""
kind = "table"
key = ["account", "owner", "department", "period"]
catalogue = ["AR52", "AR53", "AR54", "AR55"]
amount = "ledger_balance"

[columns]
account = "ledger account"
owner = "AR, AP or GL: who reconciles it"
department = "department, or alla when the ledger has no balance for the account"
period = "accounting period YYYYMM"
name = "name of the account"
pattern = "SUB, OPEN, ZERO, BANK, VAL or LIST"
counterpart = "what the balance is compared with: customer_item, ledger_item, statement_entry, writedown_order, zero or none"
mirror = "account that must mirror this one"
voucher_types = "voucher types of this owner's part of a shared account; null: the rest, or the whole account"
is_shared = "true when several owners share the account by voucher type"
tolerance = "difference that still counts as none"
age_limit_days = "days after which an open row must be dealt with"
rebooking_account = "account that old rows are rebooked to"
catalogue = "catalogue row"
service_level = "service level of the account's reconciliation"
not_computed_reason = "why the account cannot be reconciled yet, in Swedish; null when it can"
currency = "currency of the balance"
ledger_balance = "closing balance; null when the ledger has none"
ledger_as_of = "date of the balance extract"
period_start = "first day of the period"
period_end = "last day of the period"
cut_off = "date that the comparison stands for"
sub_ledger_as_of = "customer-item extract compared with; null when there is none"
is_current = "true for the last period"
received_at = "when the balance extract arrived"
evidence = "reference to the balance record"
*/
with param_value as (
    select
        cast(max(value) filter (where name = 'reconciliation_periods') as bigint) as periods,
        cast(max(value) filter (where name = 'bank_cutoff_working_days') as bigint) as bank_days
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

accounts as (
    select
        account,
        owner,
        name,
        pattern,
        counterpart,
        mirror,
        voucher_types,
        tolerance,
        age_limit_days,
        rebooking_account,
        catalogue,
        service_level,
        not_computed_reason
    from ref_account
    where pattern not in ('VIEW', 'RULE')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

shared_accounts as (
    select account
    from accounts
    group by account
    having count(*) > 1
),

latest_balances as (
    select
        ledger_balance.department,
        ledger_balance.account,
        ledger_balance.period,
        ledger_balance.currency,
        ledger_balance.closing_balance,
        ledger_balance.extracted_on,
        ledger_balance.received_at,
        record_ref(
            'ledger_balance',
            ledger_balance.file_id,
            ledger_balance.ordinal,
            ledger_balance.byte_start,
            ledger_balance.byte_end
        ) as record
    from ledger_balance
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_balance
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = ledger_balance.extracted_on
),

periods as (
    select
        period,
        max(period) over () as last_period,
        row_number() over (order by period desc) as age
    from (
        select distinct period
        from latest_balances
        where period <= to_char(as_of(), '%Y%m')
    ) as distinct_periods
),

dated_periods as (
    select
        periods.period,
        periods.period = periods.last_period as is_current,
        -- a thirteenth period (year end) counts as December
        cast(
            concat(left(periods.period, 4), '-', least(substr(periods.period, 5, 2), '12'), '-01') as date
        ) as period_start
    from periods
    cross join param_value
    where periods.age <= param_value.periods
),

balances as (
    select
        latest_balances.department,
        latest_balances.account,
        latest_balances.period,
        latest_balances.currency,
        latest_balances.closing_balance,
        latest_balances.extracted_on,
        latest_balances.received_at,
        latest_balances.record,
        dated_periods.is_current,
        dated_periods.period_start,
        cast(dated_periods.period_start + interval '1 month' - interval '1 day' as date) as period_end
    from latest_balances
    inner join dated_periods
        on dated_periods.period = latest_balances.period
),

-- T-2: the bank has reported everything up to the second working day before the as-of
bank_date as (
    select
        case
            when bank_days <= 0 then as_of()
            when bank_days = 1 then previous_workday(as_of())
            else previous_workday(previous_workday(as_of()))
        end as bank_as_of
    from param_value
),

with_balance as (
    select
        accounts.account,
        accounts.owner,
        balances.department,
        balances.period,
        balances.currency,
        balances.closing_balance,
        balances.extracted_on,
        balances.period_start,
        balances.period_end,
        balances.is_current,
        balances.received_at,
        balances.record,
        case
            when accounts.pattern = 'BANK' then least(balances.period_end, bank_date.bank_as_of)
            else least(balances.period_end, balances.extracted_on)
        end as cut_off
    from accounts
    cross join bank_date
    inner join balances
        on balances.account = accounts.account
),

item_extracts as (
    select
        with_balance.account,
        with_balance.owner,
        with_balance.department,
        with_balance.period,
        max(extracts.extracted_on) as extracted_on
    from with_balance
    cross join (
        select distinct extracted_on
        from customer_item
        where extracted_on <= as_of()
    ) as extracts
    where extracts.extracted_on <= with_balance.cut_off
    group by with_balance.account, with_balance.owner, with_balance.department, with_balance.period
)

select
    accounts.account,
    accounts.owner,
    coalesce(with_balance.department, 'alla') as department,
    coalesce(with_balance.period, to_char(as_of(), '%Y%m')) as period,
    accounts.name,
    accounts.pattern,
    accounts.counterpart,
    accounts.mirror,
    accounts.voucher_types,
    shared_accounts.account is not null as is_shared,
    accounts.tolerance,
    accounts.age_limit_days,
    accounts.rebooking_account,
    accounts.catalogue,
    accounts.service_level,
    accounts.not_computed_reason,
    with_balance.currency,
    with_balance.closing_balance as ledger_balance,
    with_balance.extracted_on as ledger_as_of,
    with_balance.period_start,
    with_balance.period_end,
    with_balance.cut_off,
    case when accounts.counterpart = 'customer_item' then item_extracts.extracted_on end as sub_ledger_as_of,
    coalesce(with_balance.is_current, true) as is_current,
    with_balance.received_at,
    with_balance.record as evidence
from accounts
left join shared_accounts
    on shared_accounts.account = accounts.account
left join with_balance
    on with_balance.account = accounts.account
    and with_balance.owner = accounts.owner
left join item_extracts
    on item_extracts.account = with_balance.account
    and item_extracts.owner = with_balance.owner
    and item_extracts.department = with_balance.department
    and item_extracts.period = with_balance.period

/*
title = "Kontoavstämning"
description = """
One row per account, department and period: the ledger balance, what it is compared with, the difference and its
causes. Patterns of the account table: SUB the customer ledger's open items; OPEN the listed open items; ZERO
nothing, the account must clear; BANK the bank's balance; VAL the decided write-downs of claims that are still open;
what has no data yet is listed as not computed with the reason. Tolerance 0.00 unless the table says otherwise (AR52).

What the causes do not explain is shown as unexplained, never spread: an opening balance older than the ledger rows,
rows missing from the extract, or sides that stand for different dates. The mirror compares the account with its
mirror account over all departments (1542 and 2542, 2522 and 1915): together they should be zero.
"""
kind = "table"
key = ["account", "owner", "department", "period"]
catalogue = [
    "AR52", "AR53", "AR54", "AR55", "AR56", "AR57", "AR58", "AR59", "AR60", "AR61", "AR62", "AR63", "AR64",
    "AR65", "AR66", "GL22", "GL23", "GL24", "GL25", "GL26", "GL27", "GL28", "GL29", "GL30", "GL31", "GL32",
    "GL33", "GL34", "GL37", "AP43", "AR67", "AR68",
]
amount = "difference"

[columns]
account = "ledger account"
owner = "AR, AP or GL: who reconciles it"
department = "department, or alla when the ledger has no balance for the account"
period = "accounting period YYYYMM"
name = "name of the account"
pattern = "SUB, OPEN, ZERO, BANK, VAL or LIST"
catalogue = "catalogue row"
service_level = "service level of the reconciliation"
currency = "currency of the balance"
ledger_balance = "balance in the ledger at the cut-off; of a shared account, this owner's rows"
counterpart_balance = "what it is compared with: open items, bank balance or zero; null when not computed"
difference = "ledger less counterpart; null when not computed"
manual = "part booked by hand, without item"
cut_off = "part that only time separates"
missing = "part that one side lacks altogether"
amount_differs = "part where both sides know the item with different amounts, or a write-down that was not reversed"
uncleared = "part of rows that nothing has cleared (ZERO)"
unexplained = "part that no row explains"
open_rows = "rows behind the difference, or listed as open"
first_seen = "earliest date of a row behind the difference"
status = "ok, difference, no_data or not_computed"
status_sv = "the status in Swedish, with the reason when it is not computed"
mirror = "mirror account"
mirror_difference = "sum of the account and its mirror over all departments; null when there is none"
ledger_as_of = "date of the balance extract"
counterpart_as_of = "date that the other side stands for"
is_current = "true for the last period"
evidence = "reference to the balance record"
*/
with sub_ledger as (
    select
        reconciliation_scope.account,
        reconciliation_scope.owner,
        reconciliation_scope.department,
        reconciliation_scope.period,
        sum(customer_item.remaining) as balance
    from reconciliation_scope
    inner join customer_item
        on customer_item.account = reconciliation_scope.account
        and customer_item.department = reconciliation_scope.department
        and customer_item.extracted_on = reconciliation_scope.sub_ledger_as_of
        and customer_item.currency = reconciliation_scope.currency
    where reconciliation_scope.counterpart = 'customer_item'
    group by
        reconciliation_scope.account,
        reconciliation_scope.owner,
        reconciliation_scope.department,
        reconciliation_scope.period
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

-- the balance after the last entry on or before the cut-off, of every bank account behind the ledger account
bank_balances as (
    select
        reconciliation_scope.account,
        reconciliation_scope.owner,
        reconciliation_scope.department,
        reconciliation_scope.period,
        statement_entry.account as bank_account,
        last_value(
            statement_entry.balance_after
            order by statement_entry.booking_date, statement_entry.received_at, statement_entry.ordinal
        ) as balance
    from reconciliation_scope
    inner join bank_accounts
        on bank_accounts.account = reconciliation_scope.account
        and bank_accounts.department = reconciliation_scope.department
    inner join statement_entry
        on statement_entry.account = bank_accounts.bank_account
        and statement_entry.currency = reconciliation_scope.currency
    where reconciliation_scope.counterpart = 'statement_entry'
        and statement_entry.booking_date <= reconciliation_scope.cut_off
    group by
        reconciliation_scope.account,
        reconciliation_scope.owner,
        reconciliation_scope.department,
        reconciliation_scope.period,
        statement_entry.account
),

bank as (
    select
        account,
        owner,
        department,
        period,
        -- one account without a balance makes the sum unknown
        case when count(*) = count(balance) then sum(balance) end as balance
    from bank_balances
    group by account, owner, department, period
),

mapped_accounts as (
    select distinct
        account,
        department
    from bank_accounts
),

latest_rows as (
    select
        ledger_transaction.account,
        ledger_transaction.department,
        ledger_transaction.period,
        ledger_transaction.voucher_date,
        ledger_transaction.amount
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = ledger_transaction.extracted_on
),

-- GL02: the ledger as it stood on the day that the bank has reported
after_cut_off as (
    select
        reconciliation_scope.account,
        reconciliation_scope.owner,
        reconciliation_scope.department,
        reconciliation_scope.period,
        sum(latest_rows.amount) as amount
    from reconciliation_scope
    inner join latest_rows
        on latest_rows.account = reconciliation_scope.account
        and latest_rows.department = reconciliation_scope.department
    where reconciliation_scope.counterpart = 'statement_entry'
        and latest_rows.period <= reconciliation_scope.period
        and latest_rows.voucher_date > reconciliation_scope.cut_off
    group by
        reconciliation_scope.account,
        reconciliation_scope.owner,
        reconciliation_scope.department,
        reconciliation_scope.period
),

differences as (
    select account, owner, department, period, cause, amount, first_seen
    from sub_ledger_difference
    union all
    select account, owner, department, period, cause, amount, first_seen
    from uncleared_row
    union all
    select account, owner, department, period, cause, amount, first_seen
    from bank_difference
    union all
    select account, owner, department, period, cause, amount, first_seen
    from open_account_item
    union all
    select account, owner, department, period, cause, amount, first_seen
    from valuation_item
    where cause <> 'agrees'
),

decided_writedowns as (
    select
        account,
        owner,
        department,
        period,
        sum(decided) as amount
    from valuation_item
    group by account, owner, department, period
),

causes as (
    select
        account,
        owner,
        department,
        period,
        sum(case when cause = 'manual' then amount else 0 end) as manual,
        sum(case when cause = 'cut_off' then amount else 0 end) as cut_off,
        sum(case when cause in ('missing', 'missing_in_ledger', 'missing_in_sub_ledger') then amount else 0 end)
            as missing,
        sum(case when cause in ('amount_differs', 'not_reversed') then amount else 0 end) as amount_differs,
        sum(case when cause = 'uncleared' then amount else 0 end) as uncleared,
        sum(case when cause = 'open_item' then amount else 0 end) as listed,
        count(*) as open_rows,
        min(first_seen) filter (where cause <> 'open_item') as first_seen
    from differences
    group by account, owner, department, period
),

mirror_sums as (
    select
        account,
        period,
        sum(ledger_balance) as balance
    from (
        select distinct
            account,
            department,
            period,
            ledger_balance
        from reconciliation_scope
    ) as balances
    group by account, period
),

compared as (
    select
        scope.account,
        scope.owner,
        scope.department,
        scope.period,
        scope.name,
        scope.pattern,
        scope.catalogue,
        scope.service_level,
        scope.currency,
        case
            -- of a shared account only the owner's rows are known, not a balance
            when scope.is_shared then coalesce(causes.uncleared, 0)
            else scope.ledger_balance - coalesce(after_cut_off.amount, 0)
        end as ledger_balance,
        scope.ledger_balance is null as has_no_balance,
        case scope.counterpart
            when 'customer_item'
                then case when scope.sub_ledger_as_of is not null then coalesce(sub_ledger.balance, 0) end
            when 'ledger_item' then coalesce(causes.listed, 0)
            when 'writedown_order' then coalesce(decided_writedowns.amount, 0)
            when 'statement_entry' then bank.balance
            when 'zero' then 0
        end as counterpart_balance,
        coalesce(causes.manual, 0) as manual,
        coalesce(causes.cut_off, 0) as cut_off,
        coalesce(causes.missing, 0) as missing,
        coalesce(causes.amount_differs, 0) as amount_differs,
        coalesce(causes.uncleared, 0) as uncleared,
        coalesce(causes.open_rows, 0) as open_rows,
        causes.first_seen,
        scope.tolerance,
        coalesce(
            scope.not_computed_reason,
            case
                when scope.counterpart = 'statement_entry' and mapped_accounts.account is null
                    then 'Det är inte angivet vilket bankkonto som hör till redovisningskontot.'
            end
        ) as not_computed_reason,
        scope.mirror,
        case
            when scope.mirror is not null then own_sum.balance + mirror_sum.balance
        end as mirror_difference,
        scope.ledger_as_of,
        case scope.counterpart
            when 'customer_item' then scope.sub_ledger_as_of
            else scope.cut_off
        end as counterpart_as_of,
        scope.is_current,
        scope.evidence
    from reconciliation_scope as scope
    left join sub_ledger
        on sub_ledger.account = scope.account
        and sub_ledger.owner = scope.owner
        and sub_ledger.department = scope.department
        and sub_ledger.period = scope.period
    left join bank
        on bank.account = scope.account
        and bank.owner = scope.owner
        and bank.department = scope.department
        and bank.period = scope.period
    left join after_cut_off
        on after_cut_off.account = scope.account
        and after_cut_off.owner = scope.owner
        and after_cut_off.department = scope.department
        and after_cut_off.period = scope.period
    left join causes
        on causes.account = scope.account
        and causes.owner = scope.owner
        and causes.department = scope.department
        and causes.period = scope.period
    left join decided_writedowns
        on decided_writedowns.account = scope.account
        and decided_writedowns.owner = scope.owner
        and decided_writedowns.department = scope.department
        and decided_writedowns.period = scope.period
    left join mapped_accounts
        on mapped_accounts.account = scope.account
        and mapped_accounts.department = scope.department
    left join mirror_sums as own_sum
        on own_sum.account = scope.account
        and own_sum.period = scope.period
    left join mirror_sums as mirror_sum
        on mirror_sum.account = scope.mirror
        and mirror_sum.period = scope.period
),

judged as (
    select
        compared.account,
        compared.owner,
        compared.department,
        compared.period,
        compared.name,
        compared.pattern,
        compared.catalogue,
        compared.service_level,
        compared.currency,
        compared.ledger_balance,
        case when compared.not_computed_reason is null then compared.counterpart_balance end as counterpart_balance,
        case
            when compared.not_computed_reason is null
                then compared.ledger_balance - compared.counterpart_balance
        end as difference,
        compared.manual,
        compared.cut_off,
        compared.missing,
        compared.amount_differs,
        compared.uncleared,
        compared.open_rows,
        compared.first_seen,
        compared.tolerance,
        compared.has_no_balance,
        compared.not_computed_reason,
        compared.mirror,
        compared.mirror_difference,
        compared.ledger_as_of,
        compared.counterpart_as_of,
        compared.is_current,
        compared.evidence
    from compared
)

select
    account,
    owner,
    department,
    period,
    name,
    pattern,
    catalogue,
    service_level,
    currency,
    cast(case when has_no_balance then null else ledger_balance end as decimal(18, 2)) as ledger_balance,
    cast(case when has_no_balance then null else counterpart_balance end as decimal(18, 2)) as counterpart_balance,
    cast(case when has_no_balance then null else difference end as decimal(18, 2)) as difference,
    cast(manual as decimal(18, 2)) as manual,
    cast(cut_off as decimal(18, 2)) as cut_off,
    cast(missing as decimal(18, 2)) as missing,
    cast(amount_differs as decimal(18, 2)) as amount_differs,
    cast(uncleared as decimal(18, 2)) as uncleared,
    cast(
        case when has_no_balance then null else difference - manual - cut_off - missing - amount_differs - uncleared end
        as decimal(18, 2)
    ) as unexplained,
    open_rows,
    first_seen,
    case
        when not_computed_reason is not null then 'not_computed'
        when has_no_balance or counterpart_balance is null then 'no_data'
        when abs(difference) > tolerance or uncleared <> 0 or open_rows > 0 and pattern = 'ZERO' then 'difference'
        else 'ok'
    end as status,
    case
        when not_computed_reason is not null then not_computed_reason
        when has_no_balance then 'Huvudboken har inget saldo för kontot.'
        when counterpart_balance is null and pattern = 'BANK'
            then 'Banken har inte lämnat något saldo för dagen.'
        when counterpart_balance is null then 'Det finns inget utdrag ur kundreskontran för perioden.'
        when abs(difference) > tolerance then 'Saldot skiljer sig.'
        when open_rows > 0 and pattern = 'ZERO' then 'Saldot är noll, men det finns poster som inte är avslutade.'
        else 'Stämmer.'
    end as status_sv,
    mirror,
    cast(mirror_difference as decimal(18, 2)) as mirror_difference,
    ledger_as_of,
    counterpart_as_of,
    is_current,
    evidence
from judged

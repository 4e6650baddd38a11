/*
title = "Avstämningsunderlag per förvaltning"
description = """
AR70 [S]: what a department gets back at the second tertial (August) and at the year end (December): each account of the
customer ledger with balance, proof, difference, its open items and their age, and whether the reconciliation at the closing of the period has been signed off.
Only periods that ref_pack_period names are in it, as far as the generation reconciles them."""
kind = "table"
key = ["department", "period", "account"]
catalogue = ["AR70"]
amount = "difference"

[columns]
department = "department"
period = "accounting period YYYYMM"
account = "ledger account"
name = "name of the account"
pack = "T2 or bokslut"
catalogue = "catalogue row of the account"
ledger_balance = "balance in the ledger"
counterpart_balance = "what it is compared with"
difference = "ledger less the other side"
manual = "part booked by hand"
cut_off = "part that only time separates"
missing = "part that one side lacks"
amount_differs = "part with different amounts"
uncleared = "part that nothing has cleared"
unexplained = "part that no row explains"
open_rows = "rows behind the difference"
first_seen = "date of the oldest of them"
age_days = "its age at the as-of"
older_than_30 = "rows first seen more than thirty days before the as-of"
older_than_90 = "rows first seen more than ninety days before"
status_sv = "result of the reconciliation, in Swedish"
signed_by = "who signed it off at the closing; null when nobody has"
signed_at = "when"
signed_sv = "how the sign-off stands, in Swedish"
*/
with packs as (
    select
        month,
        pack
    from ref_pack_period
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- allow literal: classes of age of the report, as its columns are named
ages as (
    select
        account,
        department,
        period,
        count(*) filter (where age_days > 30) as older_than_30,
        count(*) filter (where age_days > 90) as older_than_90
    from account_reconciliation_item
    where owner = 'AR'
    group by account, department, period
),

signed as (
    select
        subject,
        to_char(occurrence, '%Y%m') as period,
        signed_by,
        signed_at,
        status_sv
    from sla_recurring_status
    where service_level = 'SLA30'
)

select
    account_reconciliation.department,
    account_reconciliation.period,
    account_reconciliation.account,
    account_reconciliation.name,
    packs.pack,
    account_reconciliation.catalogue,
    account_reconciliation.ledger_balance,
    account_reconciliation.counterpart_balance,
    account_reconciliation.difference,
    account_reconciliation.manual,
    account_reconciliation.cut_off,
    account_reconciliation.missing,
    account_reconciliation.amount_differs,
    account_reconciliation.uncleared,
    account_reconciliation.unexplained,
    account_reconciliation.open_rows,
    account_reconciliation.first_seen,
    cast(as_of() as int) - cast(account_reconciliation.first_seen as int) as age_days,
    coalesce(ages.older_than_30, 0) as older_than_30,
    coalesce(ages.older_than_90, 0) as older_than_90,
    account_reconciliation.status_sv,
    signed.signed_by,
    signed.signed_at,
    coalesce(signed.status_sv, 'ej påbörjad') as signed_sv
from account_reconciliation
inner join packs
    on packs.month = cast(substr(account_reconciliation.period, 5, 2) as int)
left join ages
    on ages.account = account_reconciliation.account
    and ages.department = account_reconciliation.department
    and ages.period = account_reconciliation.period
left join signed
    on signed.subject = account_reconciliation.account
    and signed.period = account_reconciliation.period
where account_reconciliation.owner = 'AR'

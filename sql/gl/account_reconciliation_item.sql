/*
title = "Avstämningsposter att utreda"
description = """
AR52-AR68, GL22-GL37, AP43: each open row behind a difference in the current period, carried from run to run by its
own identity with the date when the data first shows it. On accounts that must clear (AR63: 9181) each row is linked
to its unresolved payment. Listed open items of a proof account appear when they are older than the account's limit
(AR56).
"""
kind = "exception"
key = ["account", "owner", "department", "item_key"]
catalogue = [
    "AR52", "AR53", "AR54", "AR55", "AR56", "AR62", "AR63", "AR65", "AR66", "GL22", "GL23", "GL24", "GL25",
    "GL26", "GL34", "AP43", "AR67", "AR68",
]
amount = "amount"

[exception]
queue = "kontoavstamning"
queue_title = "Kontoavstämning"
service_level = "SLA28"
why = "{amount} på konto {account} ({name}) i förvaltning {department} stämmer inte sedan {first_seen}: {reason_sv}"
action = "Utred posten och boka rättningen, eller vänta in andra sidan om bara tiden skiljer. {advice_sv}"

[columns]
account = "ledger account"
owner = "AR, AP or GL: who reconciles the account"
department = "department"
period = "accounting period"
item_key = "identity of the row on the account"
name = "name of the account"
pattern = "SUB, OPEN, ZERO, BANK or VAL"
catalogue = "catalogue row of the account"
service_level = "service level of the account"
cause = "why it is open"
amount = "amount, ledger less the other side"
first_seen = "earliest date that the data shows it"
age_days = "days from then to the as-of"
is_old = "true when the account's age limit has passed"
voucher_no = "voucher"
item_id = "item of the customer ledger or the open-item list"
payment_id = "payment that the row books"
payment_status = "what became of the payment"
reason_sv = "the cause in Swedish"
advice_sv = "what is special to do, in Swedish; empty when nothing"
received_at = "when the data behind the row arrived"
evidence = "references to the records"
*/
with open_rows as (
    select
        account, owner, department, period, item_key, cause, amount, first_seen, voucher_no, item_id,
        cast(null as string) as payment_id,
        cast(null as string) as payment_status,
        cast(null as string) as payment_reason_sv,
        cast(null as date) as old_after,
        received_at, evidence
    from sub_ledger_difference
    union all
    select
        account, owner, department, period, item_key, cause, amount, first_seen, voucher_no, item_id,
        payment_id, payment_status, payment_reason_sv, old_after, received_at, evidence
    from uncleared_row
    union all
    select
        account, owner, department, period, item_key, cause, amount, first_seen, voucher_no,
        cast(null as string) as item_id,
        cast(null as string) as payment_id,
        cast(null as string) as payment_status,
        cast(null as string) as payment_reason_sv,
        cast(null as date) as old_after,
        received_at, evidence
    from bank_difference
    union all
    select
        account, owner, department, period, item_key, cause, amount, first_seen, voucher_no, item_id,
        cast(null as string) as payment_id,
        cast(null as string) as payment_status,
        cast(null as string) as payment_reason_sv,
        cast(null as date) as old_after,
        received_at, evidence
    from valuation_item
    where cause <> 'agrees'
    union all
    -- an open item that also differs is reported once, as a difference
    select
        account, owner, department, period, item_key, cause, amount, first_seen, voucher_no, item_id,
        cast(null as string) as payment_id,
        cast(null as string) as payment_status,
        cast(null as string) as payment_reason_sv,
        old_after, received_at, evidence
    from open_account_item
    left anti join sub_ledger_difference
        on sub_ledger_difference.account = open_account_item.account
        and sub_ledger_difference.owner = open_account_item.owner
        and sub_ledger_difference.department = open_account_item.department
        and sub_ledger_difference.period = open_account_item.period
        and sub_ledger_difference.item_key = open_account_item.item_key
)

select
    open_rows.account,
    open_rows.owner,
    open_rows.department,
    open_rows.period,
    open_rows.item_key,
    reconciliation_scope.name,
    reconciliation_scope.pattern,
    reconciliation_scope.catalogue,
    reconciliation_scope.service_level,
    open_rows.cause,
    open_rows.amount,
    open_rows.first_seen,
    cast(as_of() as int) - cast(open_rows.first_seen as int) as age_days,
    coalesce(open_rows.old_after < as_of(), false) as is_old,
    open_rows.voucher_no,
    open_rows.item_id,
    open_rows.payment_id,
    open_rows.payment_status,
    case
        when open_rows.cause = 'manual' and reconciliation_scope.pattern = 'BANK'
            then 'raden är bokförd men finns inte hos banken.'
        when reconciliation_scope.pattern = 'VAL' and open_rows.cause = 'missing_in_ledger'
            then 'nedskrivningen är beslutad men inte bokförd.'
        when reconciliation_scope.pattern = 'VAL' and open_rows.cause = 'missing_in_sub_ledger'
            then 'nedskrivningen är bokförd men inget beslut finns.'
        when reconciliation_scope.pattern = 'VAL' and open_rows.cause = 'amount_differs'
            then 'nedskrivningen är bokförd med ett annat belopp än beslutet.'
        when open_rows.cause = 'not_reversed'
            then 'fordran är betald eller avslutad men nedskrivningen är inte återförd.'
        when open_rows.cause = 'manual' then 'raden är bokförd utan koppling till någon post.'
        when open_rows.cause = 'cut_off' then 'sidorna har posten i olika perioder eller vid olika tid.'
        when open_rows.cause = 'missing' then 'banken har posten men den är inte bokförd.'
        when open_rows.cause = 'missing_in_ledger' then 'posten är öppen i kundreskontran men inte bokförd på kontot.'
        when open_rows.cause = 'missing_in_sub_ledger' then 'raden är bokförd på en post som kundreskontran inte har.'
        when open_rows.cause = 'amount_differs' then 'posten har olika belopp i kundreskontran och i huvudboken.'
        when open_rows.cause = 'open_item' then 'posten är öppen längre än gränsen för kontot.'
        when open_rows.payment_status = 'matched'
            then 'inbetalningen är matchad men inte ombokad från kontot.'
        when open_rows.payment_status = 'unknown' then 'raden avser en inbetalning som vi inte har fått från banken.'
        when open_rows.payment_reason_sv is not null
            then concat('inbetalningen är inte utredd, ', open_rows.payment_reason_sv, '.')
        else 'raden är inte avslutad och saknar koppling till någon inbetalning.'
    end as reason_sv,
    case
        when coalesce(open_rows.old_after < as_of(), false) and reconciliation_scope.rebooking_account is not null
            then concat('Tiden är ute: boka om till konto ', reconciliation_scope.rebooking_account, '.')
        when open_rows.cause = 'not_reversed' then 'Återför nedskrivningen med det som är betalt.'
        when open_rows.payment_status = 'matched' then 'Boka om inbetalningen till fakturan.'
        when open_rows.payment_status in ('unmatched', 'suggested', 'partly_matched')
            then 'Inbetalningen finns bland de ej matchade inbetalningarna eller förslagen.'
        else ''
    end as advice_sv,
    open_rows.received_at,
    open_rows.evidence
from open_rows
inner join reconciliation_scope
    on reconciliation_scope.account = open_rows.account
    and reconciliation_scope.owner = open_rows.owner
    and reconciliation_scope.department = open_rows.department
    and reconciliation_scope.period = open_rows.period
where reconciliation_scope.is_current
    and (open_rows.cause <> 'open_item' or open_rows.old_after < as_of())

/*
title = "Öppna poster på balanskonton i kundreskontran"
description = """
The listed side of the open-item proof for accounts whose items the customer ledger holds (AR56-AR61, AR64): every
open item with its age. AR56: an over-payment on 2482 older than thirty days must be decided.
"""
kind = "table"
key = ["account", "owner", "department", "period", "item_key"]
catalogue = ["AR56", "AR57", "AR58", "AR59", "AR60", "AR61", "AR64"]
amount = "amount"

[columns]
account = "ledger account"
owner = "who reconciles the account"
department = "department"
period = "accounting period"
item_key = "item: and its identity"
cause = "open_item"
amount = "open amount, debit positive"
first_seen = "invoice date of the item"
old_after = "last day before the account's age limit has passed; null when the account has no limit"
voucher_no = "voucher"
item_id = "item"
received_at = "when the extract arrived"
evidence = "reference to the item's record"
*/
select
    reconciliation_scope.account,
    reconciliation_scope.owner,
    reconciliation_scope.department,
    reconciliation_scope.period,
    concat('item:', customer_item.item_id) as item_key,
    'open_item' as cause,
    customer_item.remaining as amount,
    customer_item.invoice_date as first_seen,
    case
        when reconciliation_scope.age_limit_days is not null
            then cast(cast(customer_item.invoice_date as int) + reconciliation_scope.age_limit_days as date)
    end as old_after,
    customer_item.voucher_no,
    customer_item.item_id,
    customer_item.received_at,
    make_array(
        record_ref(
            'customer_item',
            customer_item.file_id,
            customer_item.ordinal,
            customer_item.byte_start,
            customer_item.byte_end
        )
    ) as evidence
from reconciliation_scope
inner join customer_item
    on customer_item.account = reconciliation_scope.account
    and customer_item.department = reconciliation_scope.department
    and customer_item.extracted_on = reconciliation_scope.sub_ledger_as_of
    and customer_item.currency = reconciliation_scope.currency
where reconciliation_scope.pattern = 'OPEN'
    and reconciliation_scope.counterpart = 'customer_item'
    and customer_item.remaining <> 0

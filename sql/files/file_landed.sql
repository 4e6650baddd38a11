/*
title = "Landade rader per fil"
description = """AP04, AR02, GL42, the landed side: the rows of each file in the landing tables, by contract and currency, accepted and
rejected. Counted in the tables themselves and not in the file record, so that a row that was lost or doubled on the
way is seen. The amount is the one that the file record sums: payments, entries, ledger and voucher rows by their
amount, open items by what remains, balances by their debit, rent components by the month, e-invoices by what is payable, credit notes subtracted. A
receipt counts the debits of a voucher file, whose signed sum is zero when it balances."""
kind = "table"
key = ["file_id", "contract", "currency"]

[columns]
file_id = "the file"
contract = "contract that the rows were meant for"
currency = "currency; empty for rows without one"
records = "accepted rows"
amount = "their sum; null for contracts without an amount"
debit = "the sum of the positive amounts among them"
rejected_records = "rejected rows"
rejected_amount = "the sum of those whose amount can be read"
*/
with landed as (
    select
        file_id,
        'account_balance' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from account_balance
    union all
    select
        file_id,
        'customer_item' as contract,
        coalesce(currency, '') as currency,
        cast(remaining as decimal(18, 2)) as amount,
        false as rejected
    from customer_item
    union all
    select
        file_id,
        'household' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from household
    union all
    select
        file_id,
        'income_declaration' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from income_declaration
    union all
    select
        file_id,
        'interface_error' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from interface_error
    union all
    select
        file_id,
        'interface_receipt' as contract,
        coalesce(currency, '') as currency,
        cast(received_amount as decimal(18, 2)) as amount,
        false as rejected
    from interface_receipt
    union all
    select
        file_id,
        'lease' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from lease
    union all
    select
        file_id,
        'ledger_balance' as contract,
        coalesce(currency, '') as currency,
        cast(debit as decimal(18, 2)) as amount,
        false as rejected
    from ledger_balance
    union all
    select
        file_id,
        'ledger_transaction' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from ledger_transaction
    union all
    select
        file_id,
        'mandate_event' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from mandate_event
    union all
    select
        file_id,
        'payment_in' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from payment_in
    union all
    select
        file_id,
        'payment_status' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from payment_status
    union all
    select
        file_id,
        'placement' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from placement
    union all
    select
        file_id,
        'rent_component' as contract,
        'SEK' as currency,
        cast(amount_per_month as decimal(18, 2)) as amount,
        false as rejected
    from rent_component
    union all
    select
        file_id,
        'statement_entry' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from statement_entry
    union all
    select
        file_id,
        'supplier_invoice' as contract,
        coalesce(currency, '') as currency,
        cast(case when document_kind = 'credit_note' then -payable else payable end as decimal(18, 2)) as amount,
        false as rejected
    from supplier_invoice
    union all
    select
        file_id,
        'voucher_row' as contract,
        coalesce(currency, '') as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from voucher_row
    union all
    select
        file_id,
        contract,
        coalesce(currency, '') as currency,
        amount,
        true as rejected
    from reject
)

select
    file_id,
    contract,
    currency,
    cast(sum(case when rejected then 0 else 1 end) as bigint) as records,
    cast(sum(case when not rejected then amount end) as decimal(18, 2)) as amount,
    cast(sum(case when not rejected and amount > 0 then amount end) as decimal(18, 2)) as debit,
    cast(sum(case when rejected then 1 else 0 end) as bigint) as rejected_records,
    cast(sum(case when rejected then amount end) as decimal(18, 2)) as rejected_amount
from landed
group by
    file_id,
    contract,
    currency

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
        'attest_right' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from attest_right
    union all
    select
        file_id,
        'autogiro_mandate' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from autogiro_mandate
    union all
    select
        file_id,
        'ber_run' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from ber_run
    union all
    select
        file_id,
        'ber_setting' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from ber_setting
    union all
    select
        file_id,
        'claim_status' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from claim_status
    union all
    select
        file_id,
        'collection_remittance' as contract,
        'SEK' as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from collection_remittance
    union all
    select
        file_id,
        'company_record' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from company_record
    union all
    select
        file_id,
        'customer' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from customer
    union all
    select
        file_id,
        'customer_invoice' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from customer_invoice
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
        'customer_order' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from customer_order
    union all
    select
        file_id,
        'einvoice_enrolment' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from einvoice_enrolment
    union all
    select
        file_id,
        'family_credit' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from family_credit
    union all
    select
        file_id,
        'family_message' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from family_message
    union all
    select
        file_id,
        'fee_case' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from fee_case
    union all
    select
        file_id,
        'fee_charge' as contract,
        'SEK' as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from fee_charge
    union all
    select
        file_id,
        'guardian_contact' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from guardian_contact
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
        'invoice_delivery' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from invoice_delivery
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
        'legacy_writeoff' as contract,
        'SEK' as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from legacy_writeoff
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
        'match_decision' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from match_decision
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
        'payment_plan' as contract,
        'SEK' as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from payment_plan
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
        'population_record' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from population_record
    union all
    select
        file_id,
        'refund_order' as contract,
        'SEK' as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from refund_order
    union all
    select
        file_id,
        'registered_person' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from registered_person
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
        'request_pause' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from request_pause
    union all
    select
        file_id,
        'service_request' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from service_request
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
        'taxed_income' as contract,
        'SEK' as currency,
        cast(employment_income as decimal(18, 2)) as amount,
        false as rejected
    from taxed_income
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
        'workflow_rule' as contract,
        '' as currency,
        cast(null as decimal(18, 2)) as amount,
        false as rejected
    from workflow_rule
    union all
    select
        file_id,
        'writedown_order' as contract,
        'SEK' as currency,
        cast(amount as decimal(18, 2)) as amount,
        false as rejected
    from writedown_order
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

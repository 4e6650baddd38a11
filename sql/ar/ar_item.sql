/*
title = "Öppna poster att matcha mot"
description = """
The claims that customer payments can be matched to: every item of the customer ledger that any extract up to the
as-of has shown on a sub-ledger account of the AR owner, with the latest extract's attributes.

What was open is taken from the first extract that shows the item, not from the latest: the ERP books yesterday's
payments during the night, and the item would otherwise vanish before its payment can be explained. What the ERP
does to an item later, apart from the payments we hold, comes from ar_item_change. Limit: a payment dated before the
first extract may already be part of the first remaining amount. Where the ledger rows name the payment it is added
back; where they do not, it cannot be known.

An item that a later extract no longer shows was closed at the latest on that extract's date (closed_on); payments
dated after it are not matched to the item.
"""
kind = "table"
key = ["item_id"]
catalogue = ["AR35"]
amount = "opening_remaining"

[columns]
item_id = "ledger item"
ocr = "OCR reference printed on the invoice; null when none"
customer_id = "customer number"
customer_name = "customer's name in the latest extract"
customer_identity = "personal or organisation number, its last ten digits"
department = "department, three digits"
account = "ledger account"
invoice_no = "invoice number"
invoice_date = "invoice date"
due_date = "due date"
currency = "ISO 4217"
amount = "original amount; negative for a credit note"
first_remaining = "open amount in the first extract that shows the item"
opening_remaining = "open amount before any payment that we hold"
ledger_remaining = "open amount in the latest extract; 0 when the item is no longer there"
first_seen_on = "date of the first extract with the item"
last_seen_on = "date of the last extract with the item"
closed_on = "date of the first extract without the item after the last with it; null when still open"
billing_source = "system that bills the customer regularly: BER, LOIS or null"
autogiro_payer_number = "payer number of the direct-debit mandate, without leading zeros"
payer_account = "sender account known for the customer, without leading zeros"
record = "reference to the latest record of the item"
*/
with claim_accounts as (
    -- AR52-AR55: accounts of claims are those that the account table lists as sub-ledgers of the AR owner
    select distinct account
    from ref_account
    where pattern = 'SUB'
        and owner = 'AR'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

extracted as (
    select
        customer_item.*
    from customer_item
    inner join claim_accounts
        on claim_accounts.account = customer_item.account
    where customer_item.extracted_on <= as_of()
),

extract_dates as (
    -- all accounts count: an extract without any claim still says that the claims are closed
    select distinct extracted_on
    from customer_item
    where extracted_on <= as_of()
),

next_extract as (
    select
        extracted_on,
        lead(extracted_on) over (order by extracted_on) as next_on
    from extract_dates
),

seen as (
    select
        item_id,
        min(extracted_on) as first_seen_on,
        max(extracted_on) as last_seen_on
    from extracted
    group by item_id
),

first_remaining as (
    select
        seen.item_id,
        sum(extracted.remaining) as remaining
    from seen
    inner join extracted
        on extracted.item_id = seen.item_id
        and extracted.extracted_on = seen.first_seen_on
    group by seen.item_id
),

posted_before_first_extract as (
    -- payments that we hold and that the ERP had booked on the item before we first saw it
    select
        ledger_transaction.item_id,
        sum(ledger_transaction.amount) as amount
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest_ledger
        on latest_ledger.extracted_on = ledger_transaction.extracted_on
    inner join claim_accounts
        on claim_accounts.account = ledger_transaction.account
    inner join payment_in
        on payment_in.payment_id = ledger_transaction.payment_id
    inner join seen
        on seen.item_id = ledger_transaction.item_id
    where ledger_transaction.voucher_date <= seen.first_seen_on
        and payment_in.payment_date <= as_of()
    group by ledger_transaction.item_id
)

select
    seen.item_id,
    nullif(trim(latest.ocr), '') as ocr,
    latest.customer_id,
    latest.customer_name,
    nullif(right(regexp_replace(latest.customer_identity, '[^0-9]', '', 'g'), 10), '') as customer_identity,
    latest.department,
    latest.account,
    latest.invoice_no,
    latest.invoice_date,
    latest.due_date,
    latest.currency,
    latest.amount,
    cast(first_remaining.remaining as decimal(18, 2)) as first_remaining,
    cast(first_remaining.remaining - coalesce(posted_before_first_extract.amount, 0) as decimal(18, 2))
        as opening_remaining,
    cast(case when next_extract.next_on is null then latest.remaining else 0 end as decimal(18, 2)) as ledger_remaining,
    seen.first_seen_on,
    seen.last_seen_on,
    next_extract.next_on as closed_on,
    latest.billing_source,
    nullif(ltrim(latest.autogiro_payer_number, ' 0'), '') as autogiro_payer_number,
    nullif(ltrim(latest.payer_account, ' 0'), '') as payer_account,
    record_ref('customer_item', latest.file_id, latest.ordinal, latest.byte_start, latest.byte_end) as record
from seen
inner join extracted as latest
    on latest.item_id = seen.item_id
    and latest.extracted_on = seen.last_seen_on
inner join first_remaining
    on first_remaining.item_id = seen.item_id
inner join next_extract
    on next_extract.extracted_on = seen.last_seen_on
left join posted_before_first_extract
    on posted_before_first_extract.item_id = seen.item_id

/*
title = "Inbetalningar att boka enligt beslut"
description = """
AR25: what a handler has confirmed (ar_match_decision) and the ledger has not booked yet, with the lines to post: unidentified
payments (9181) are debited with what the payment pays, each claim is credited on its account, a credit that is set off is
debited, and what is paid beyond the claim is credited on 2482. Debit and credit are the same to the öre. The row closes when the
ledger has booked the payment on the items.
"""
kind = "exception"
key = ["payment_id"]
catalogue = ["AR25"]
amount = "paid"

[exception]
queue = "kund-manuell-inbetalning"
queue_title = "Inbetalningar att boka"
service_level = "SLA27"
why = "Inbetalningen {payment_id} den {payment_date} är bekräftad på {items} poster men inte bokad i reskontran."
action = "Boka verifikationen enligt förslaget."

[columns]
payment_id = "payment"
payment_date = "date of the deposit"
received_at = "when the decision's file arrived"
decided_by = "who decided"
items = "claims and credits that it is confirmed on"
paid = "what is debited on 9181"
posting = "lines of the posting: department, account, item, debit, credit"
department = "department of the claims when there is one"
evidence = "references to the records of payment and decisions"
*/
with accounts as (
    select
        max(account) filter (where purpose = 'unidentified') as unidentified,
        max(account) filter (where purpose = 'overpayment') as overpayment
    from ref_posting_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

confirmed as (
    select
        ar_allocation.payment_id,
        ar_allocation.payment_date,
        ar_allocation.item_id,
        ar_allocation.allocated,
        ar_allocation.overpayment,
        ar_item.account,
        ar_item.department
    from ar_allocation
    inner join ar_item
        on ar_item.item_id = ar_allocation.item_id
    where ar_allocation.basis = 'decision'
),

booked as (
    select
        ledger_transaction.payment_id,
        ledger_transaction.item_id,
        -sum(ledger_transaction.amount) as amount
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = ledger_transaction.extracted_on
    inner join confirmed
        on confirmed.payment_id = ledger_transaction.payment_id
        and confirmed.item_id = ledger_transaction.item_id
        and confirmed.account = ledger_transaction.account
    where ledger_transaction.voucher_date <= as_of()
    group by ledger_transaction.payment_id, ledger_transaction.item_id
),

to_book as (
    select
        confirmed.payment_id,
        confirmed.payment_date,
        confirmed.item_id,
        confirmed.account,
        confirmed.department,
        confirmed.overpayment,
        confirmed.allocated - coalesce(booked.amount, 0) as amount
    from confirmed
    left join booked
        on booked.payment_id = confirmed.payment_id
        and booked.item_id = confirmed.item_id
    where confirmed.allocated <> coalesce(booked.amount, 0)
),

lines as (
    select
        to_book.payment_id,
        2 as place,
        to_book.department,
        to_book.account,
        to_book.item_id,
        -to_book.amount as amount
    from to_book
    union all
    select
        to_book.payment_id,
        3 as place,
        to_book.department,
        accounts.overpayment as account,
        to_book.item_id,
        -to_book.overpayment as amount
    from to_book
    cross join accounts
    where to_book.overpayment > 0
    union all
    select
        to_book.payment_id,
        1 as place,
        min(to_book.department) as department,
        min(accounts.unidentified) as account,
        cast(null as string) as item_id,
        sum(to_book.amount + to_book.overpayment) as amount
    from to_book
    cross join accounts
    group by to_book.payment_id
),

postings as (
    select
        payment_id,
        sum(case when place = 1 then amount else 0 end) as paid,
        count(distinct item_id) as items,
        case when min(department) = max(department) then min(department) end as department,
        array_agg(
            named_struct(
                'department', department,
                'account', account,
                'item_id', item_id,
                'debit', cast(greatest(amount, 0) as decimal(18, 2)),
                'credit', cast(greatest(-amount, 0) as decimal(18, 2))
            )
            order by place, item_id
        ) as posting
    from lines
    group by payment_id
),

decisions as (
    select
        payment_id,
        max(received_at) as received_at,
        max(decided_by) as decided_by,
        array_agg(record order by item_id) as records
    from ar_match_decision
    where kind = 'confirm'
        and fault is null
    group by payment_id
)

select
    postings.payment_id,
    ar_payment.payment_date,
    decisions.received_at,
    decisions.decided_by,
    postings.items,
    cast(postings.paid as decimal(18, 2)) as paid,
    postings.posting,
    postings.department,
    array_concat(make_array(ar_payment.record), decisions.records) as evidence
from postings
inner join ar_payment
    on ar_payment.payment_id = postings.payment_id
    and ar_payment.scope = 'match'
inner join decisions
    on decisions.payment_id = postings.payment_id

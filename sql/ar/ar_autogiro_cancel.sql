/*
title = "Autogirouttag att makulera"
description = """
AR33: withdrawals by direct debit that wait at the bank although the invoice needs them no more: it has been credited or paid, or a
deferral moves it past the withdrawal's date. A withdrawal is the bank's latest word about the payer number, date and amount; its invoice
is the only one of the payer number with that due date (or the working day that the bank draws it on) and original amount. The
withdrawal can be stopped until P:ar_autogiro_cutoff_days working days before its date; after that it leaves the list, and the
money has to be paid back.
"""
kind = "exception"
key = ["payer_number", "withdrawal_date", "amount"]
catalogue = ["AR33"]
amount = "amount"

[exception]
queue = "kund-autogiro-makulera"
queue_title = "Autogirouttag att makulera"
service_level = "SLA17"
why = "Uttaget på {amount} den {withdrawal_date} från betalarnummer {payer_number} avser faktura {invoice_no}: {reason_sv}."
action = "Makulera uttaget hos banken före sista tid, eller ändra beloppet till det som återstår."

[columns]
payer_number = "payer number"
withdrawal_date = "date of the withdrawal"
amount = "amount of the withdrawal"
item_id = "item"
invoice_no = "invoice"
customer_id = "customer"
department = "department"
remaining = "what is left of the claim"
reason = "settled, reduced or deferred"
reason_sv = "the reason in Swedish"
received_at = "when the bank's report arrived"
evidence = "references to the records"
*/
with param_value as (
    select cast(max(value) as bigint) as cutoff_days
    from param
    where name = 'ar_autogiro_cutoff_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

reports as (
    select
        ltrim(payer_number, '0') as payer_number,
        coalesce(new_payment_date, payment_date) as withdrawal_date,
        amount,
        status,
        received_at,
        record_ref('payment_status', file_id, ordinal, byte_start, byte_end) as record,
        row_number() over (
            partition by ltrim(payer_number, '0'), payment_date, amount
            order by reported_on desc nulls last, received_at desc, file_id desc, ordinal desc
        ) as place
    from payment_status
    where direction = 'in'
        and scope = 'payment'
        and kind = 'payment'
        and payer_number is not null
        and coalesce(reported_on, as_of()) <= as_of()
),

pending as (
    select
        reports.payer_number,
        reports.withdrawal_date,
        reports.amount,
        reports.received_at,
        reports.record
    from reports
    cross join param_value
    where reports.place = 1
        and reports.status in ('ordered', 'accepted', 'pending', 'changed', 'unchanged')
        -- today is the first of the working days
        and workday_add(as_of(), param_value.cutoff_days + 1) <= reports.withdrawal_date
),

deferrals as (
    select
        payment_plan.item_id,
        max(payment_plan.due_date) as deferred_to
    from payment_plan
    inner join (
        select max(extracted_on) as extracted_on
        from payment_plan
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = payment_plan.extracted_on
    where payment_plan.kind = 'deferral'
        and payment_plan.status = 'active'
    group by payment_plan.item_id
),

candidates as (
    select
        pending.payer_number,
        pending.withdrawal_date,
        pending.amount,
        ar_item.item_id,
        count(*) over (partition by pending.payer_number, pending.withdrawal_date, pending.amount) as items
    from pending
    inner join ar_item
        on ar_item.autogiro_payer_number = pending.payer_number
        and ar_item.amount = pending.amount
    where pending.withdrawal_date in (ar_item.due_date, workday_add(ar_item.due_date, 1))
),

judged as (
    select
        pending.payer_number,
        pending.withdrawal_date,
        pending.amount,
        pending.received_at,
        pending.record,
        ar_item_balance.item_id,
        ar_item_balance.invoice_no,
        ar_item_balance.customer_id,
        ar_item_balance.department,
        ar_item_balance.record as item_record,
        case when ar_item_balance.is_open then ar_item_balance.remaining else 0 end as remaining,
        case
            when not ar_item_balance.is_open or ar_item_balance.remaining <= 0 then 'settled'
            when deferrals.deferred_to > pending.withdrawal_date then 'deferred'
            when ar_item_balance.remaining < pending.amount then 'reduced'
        end as reason
    from pending
    inner join candidates
        on candidates.payer_number = pending.payer_number
        and candidates.withdrawal_date = pending.withdrawal_date
        and candidates.amount = pending.amount
        and candidates.items = 1
    inner join ar_item_balance
        on ar_item_balance.item_id = candidates.item_id
    left join deferrals
        on deferrals.item_id = candidates.item_id
)

select
    payer_number,
    withdrawal_date,
    amount,
    item_id,
    invoice_no,
    customer_id,
    department,
    cast(remaining as decimal(18, 2)) as remaining,
    reason,
    case reason
        when 'settled' then 'fakturan är betald eller krediterad'
        when 'deferred' then 'kunden har anstånd'
        else 'fakturan är krediterad eller betald till en del'
    end as reason_sv,
    received_at,
    make_array(record, item_record) as evidence
from judged
where reason is not null

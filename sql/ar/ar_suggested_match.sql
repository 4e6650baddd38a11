/*
title = "Föreslagna matchningar att bekräfta"
description = "AR35 P7 and P8: one row per payment with a suggested match, for a handler to confirm or refuse. Closes when the payment has been booked on items in the ledger."
kind = "exception"
key = ["payment_id"]
catalogue = ["AR35", "AR23"]
amount = "suggested"

[exception]
queue = "kund-forslag"
queue_title = "Föreslagna matchningar"
service_level = "SLA27"
why = "Inbetalningen {payment_id} på {suggested} den {payment_date} saknar säker referens men passar {item_count} av kundens öppna fakturor: {reason_sv}"
action = "Kontrollera att betalaren menar fakturan eller fakturorna i förslaget. Boka inbetalningen på dem, eller avvisa förslaget."

[columns]
payment_id = "payment"
received_at = "when the file arrived"
payment_date = "date of the deposit"
suggested = "amount suggested for items"
pass = "P7 or P8"
item_count = "items in the suggestion"
items = "item, invoice, due date and amount of each member, by due date"
customer_id = "customer of the items"
reason_sv = "why it is suggested, in Swedish"
department = "department of the items when there is one"
evidence = "references to the payment's and the items' records"
*/
with members as (
    select
        ar_suggestion.payment_id,
        min(ar_suggestion.pass) as pass,
        count(*) as item_count,
        array_agg(
            named_struct(
                'item_id', ar_item.item_id,
                'invoice_no', ar_item.invoice_no,
                'due_date', ar_item.due_date,
                'amount', ar_suggestion.amount
            )
            order by ar_item.due_date, ar_item.item_id
        ) as items,
        array_agg(ar_item.record order by ar_item.due_date, ar_item.item_id) as records,
        min(ar_item.customer_id) as customer_id,
        min(ar_suggestion.clue) as clue,
        case when min(ar_item.department) = max(ar_item.department) then min(ar_item.department) end as department
    from ar_suggestion
    inner join ar_item
        on ar_item.item_id = ar_suggestion.item_id
    group by ar_suggestion.payment_id
)

select
    members.payment_id,
    ar_payment_outcome.received_at,
    ar_payment_outcome.payment_date,
    ar_payment_outcome.suggested,
    members.pass,
    members.item_count,
    members.items,
    members.customer_id,
    concat(
        case members.clue
            when 'account' then 'betalarens konto är känt för kunden'
            when 'identity' then 'betalarens person- eller organisationsnummer är kundens'
            else 'betalarnumret är kundens'
        end,
        case
            when members.pass = 'P7' then ' och en enda öppen faktura har beloppet.'
            else ' och en enda kombination av öppna fakturor ger beloppet.'
        end
    ) as reason_sv,
    members.department,
    array_concat(make_array(ar_payment_outcome.record), members.records) as evidence
from members
inner join ar_payment_outcome
    on ar_payment_outcome.payment_id = members.payment_id
    and ar_payment_outcome.scope = 'match'
where ar_payment_outcome.handled_in_ledger < ar_payment_outcome.suggested

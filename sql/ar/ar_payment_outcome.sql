/*
title = "Utfall per inbetalning"
description = """
What became of every payment record, to the öre: amount = confirmed + suggested + overpayment + unmatched. Confirmed
is settled against items, suggested waits for a handler's yes, overpayment is money beyond what the named item owed
(account 2482) and unmatched is the rest. A deduction keeps its negative amount as unmatched.

What the ERP has booked on an item by hand, with the payment named in the ledger row, is shown beside that as
handled_in_ledger; the work-lists leave out what is handled.
"""
kind = "table"
key = ["payment_id", "file_id", "ordinal"]
catalogue = ["AR35", "AR23"]
amount = "amount"

[columns]
payment_id = "payment"
file_id = "file of the record"
ordinal = "number of the record in its file"
received_at = "when the file arrived"
record = "reference to the record"
scope = "match, or why the payment is not matched, as in ar_payment"
payment_date = "date of the deposit"
currency = "ISO 4217"
amount = "amount in the currency; negative for a deduction"
confirmed = "settled by confirmed matches"
suggested = "suggested for items, not yet confirmed"
overpayment = "paid beyond what the items owed"
unmatched = "the rest"
handled_in_ledger = "booked by hand on items in the ledger, other than the confirmed matches"
status = "matched, overpaid, partly_matched, suggested, unmatched, reversed or zero"
reason_code = "why something is left; null when nothing is"
reason_sv = "the reason in Swedish"
department = "department of the matched items when there is one; null otherwise"
*/
with matched as (
    select
        payment_id,
        sum(allocated) as confirmed,
        sum(overpayment) as overpayment
    from ar_allocation
    group by payment_id
),

proposed as (
    select
        payment_id,
        sum(amount) as suggested
    from ar_suggestion
    group by payment_id
),

departments as (
    select
        members.payment_id,
        case when min(ar_item.department) = max(ar_item.department) then min(ar_item.department) end as department
    from (
        select payment_id, item_id from ar_allocation
        union all
        select payment_id, item_id from ar_suggestion
    ) as members
    inner join ar_item
        on ar_item.item_id = members.item_id
    group by members.payment_id
),

booked_by_hand as (
    select
        ledger_transaction.payment_id,
        -sum(ledger_transaction.amount) as amount
    from ledger_transaction
    inner join (
        select max(extracted_on) as extracted_on
        from ledger_transaction
        where extracted_on <= as_of()
    ) as latest_ledger
        on latest_ledger.extracted_on = ledger_transaction.extracted_on
    inner join ar_item
        on ar_item.item_id = ledger_transaction.item_id
        and ar_item.account = ledger_transaction.account
    left anti join ar_allocation
        on ar_allocation.payment_id = ledger_transaction.payment_id
        and ar_allocation.item_id = ledger_transaction.item_id
    where ledger_transaction.payment_id is not null
        and ledger_transaction.voucher_date <= as_of()
    group by ledger_transaction.payment_id
),

reference_facts as (
    select
        payment_id,
        count(*) filter (where role in ('main', 'extra') and finding = 'ambiguous') as ambiguous,
        count(*) filter (where role in ('main', 'extra') and finding = 'item') as found,
        count(*) filter (where role in ('main', 'extra') and finding = 'closed') as closed,
        count(*) filter (where role in ('main', 'extra') and finding = 'unknown') as unknown,
        count(*) filter (where role in ('main', 'extra') and finding = 'bad_check_digit') as bad_check_digit,
        count(*) filter (where role = 'extra') as extras,
        count(*) filter (where role = 'extra' and finding = 'item') as extras_found,
        count(amount) filter (where role = 'extra') as extras_with_amount,
        sum(amount) filter (where role = 'extra') as extras_amount,
        count(*) filter (where role = 'text' and finding in ('item', 'ambiguous', 'closed')) as in_text,
        count(distinct item_id) filter (where role in ('main', 'extra') and finding = 'item') as items_found
    from ar_payment_reference
    group by payment_id
),

summed as (
    select
        ar_payment.payment_id,
        ar_payment.file_id,
        ar_payment.ordinal,
        ar_payment.received_at,
        ar_payment.record,
        ar_payment.scope,
        ar_payment.payment_date,
        ar_payment.currency,
        ar_payment.amount,
        ar_payment.payer_number,
        -- a repeat of a record has no matches of its own
        case when ar_payment.scope = 'match' then coalesce(matched.confirmed, 0) else 0 end as confirmed,
        case when ar_payment.scope = 'match' then coalesce(proposed.suggested, 0) else 0 end as suggested,
        case when ar_payment.scope = 'match' then coalesce(matched.overpayment, 0) else 0 end as overpayment,
        case when ar_payment.scope = 'match' then coalesce(booked_by_hand.amount, 0) else 0 end as handled_in_ledger,
        case when ar_payment.scope = 'match' then departments.department end as department
    from ar_payment
    left join matched
        on matched.payment_id = ar_payment.payment_id
    left join proposed
        on proposed.payment_id = ar_payment.payment_id
    left join booked_by_hand
        on booked_by_hand.payment_id = ar_payment.payment_id
    left join departments
        on departments.payment_id = ar_payment.payment_id
),

judged as (
    select
        summed.payment_id,
        summed.file_id,
        summed.ordinal,
        summed.received_at,
        summed.record,
        summed.scope,
        summed.payment_date,
        summed.currency,
        summed.amount,
        summed.confirmed,
        summed.suggested,
        summed.overpayment,
        summed.amount - summed.confirmed - summed.suggested - summed.overpayment as unmatched,
        summed.handled_in_ledger,
        summed.department,
        case
            when summed.amount = summed.confirmed then null
            when summed.scope <> 'match' then summed.scope
            when summed.amount = summed.confirmed + summed.overpayment then 'overpaid'
            when summed.suggested <> 0 then 'suggested'
            when summed.confirmed <> 0 then 'part_without_item'
            when reference_facts.ambiguous > 0 then 'ambiguous'
            when reference_facts.extras_with_amount > 0 and reference_facts.extras_with_amount < reference_facts.extras
                then 'amounts_missing'
            when reference_facts.extras_with_amount > 0 and reference_facts.extras_amount <> summed.amount
                then 'amounts_differ'
            when reference_facts.extras > 0
                and reference_facts.extras_found > 0
                and (reference_facts.extras_found < reference_facts.extras or reference_facts.unknown > 0)
                then 'some_references_unknown'
            when reference_facts.items_found > 1 then 'sum_differs'
            when reference_facts.found > 0 then 'already_paid'
            when reference_facts.closed > 0 then 'closed_item'
            when reference_facts.unknown > 0 then 'unknown_reference'
            when reference_facts.bad_check_digit > 0 then 'bad_check_digit'
            when reference_facts.in_text > 0 then 'text_amount_differs'
            when summed.payer_number is not null then 'autogiro_without_item'
            when reference_facts.payment_id is not null then 'no_ocr'
            else 'no_reference'
        end as reason_code
    from summed
    left join reference_facts
        on reference_facts.payment_id = summed.payment_id
)

select
    payment_id,
    file_id,
    ordinal,
    received_at,
    record,
    scope,
    payment_date,
    currency,
    amount,
    cast(confirmed as decimal(18, 2)) as confirmed,
    cast(suggested as decimal(18, 2)) as suggested,
    cast(overpayment as decimal(18, 2)) as overpayment,
    cast(unmatched as decimal(18, 2)) as unmatched,
    cast(handled_in_ledger as decimal(18, 2)) as handled_in_ledger,
    case
        when scope = 'zero' then 'zero'
        when scope in ('reversed', 'reversal') then 'reversed'
        when amount = confirmed then 'matched'
        when suggested <> 0 then 'suggested'
        when unmatched = 0 then 'overpaid'
        when confirmed <> 0 then 'partly_matched'
        else 'unmatched'
    end as status,
    case when scope = 'zero' then null else reason_code end as reason_code,
    case reason_code
        when 'repeat' then 'samma inbetalning har redan tagits emot i en annan fil'
        when 'reversed' then 'banken har tagit tillbaka inbetalningen'
        when 'reversal' then 'det är ett återtagande av en tidigare inbetalning'
        when 'stray_reversal' then 'det är ett återtagande, men vilken inbetalning som togs tillbaka är inte säkert'
        when 'deduction' then 'det är ett avdrag som avsändaren har gjort'
        when 'currency' then 'den är i en annan valuta än svenska kronor'
        when 'overpaid' then 'beloppet är högre än det som återstod att betala'
        when 'suggested' then 'det finns ett förslag som måste bekräftas'
        when 'part_without_item' then 'en del av beloppet avser en referens som inte kan kopplas till en öppen faktura'
        when 'ambiguous' then 'OCR-numret finns på flera öppna fakturor'
        when 'amounts_missing' then 'banken anger belopp för bara en del av referenserna'
        when 'amounts_differ' then 'referensernas belopp stämmer inte med inbetalningen'
        when 'some_references_unknown' then 'en eller flera av referenserna kan inte kopplas till en öppen faktura'
        when 'sum_differs' then 'det som återstår på de angivna fakturorna stämmer inte med beloppet'
        when 'already_paid' then 'fakturan är redan betald eller reglerad'
        when 'closed_item' then 'fakturan var inte längre öppen när betalningen kom'
        when 'unknown_reference' then 'ingen faktura har OCR-numret'
        when 'bad_check_digit' then 'OCR-numrets kontrollsiffra är fel'
        when 'text_amount_differs' then 'ett OCR-nummer finns i texten men beloppet stämmer inte'
        when 'autogiro_without_item' then 'ingen öppen faktura har autogirots betalarnummer, förfallodag och belopp'
        when 'no_ocr' then 'referensen är inget OCR-nummer'
        when 'no_reference' then 'den saknar referens'
    end as reason_sv,
    department
from judged

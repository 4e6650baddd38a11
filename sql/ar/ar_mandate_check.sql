/*
title = "Autogiromedgivanden som inte stämmer"
description = """
AR31, AR32: the ledger's mandates beside what the bank says, the latest word about each payer number. A mandate that is active
here and not at the bank, or the other way round; another account or another identity; registered here without a second person's
check. An application through the internet bank (event applied) gets a proposal: accept it when the payer number is a customer's
and the identity is the customer's, else refuse; so with a mandate that exists already and with a customer who is not active.
"""
kind = "exception"
key = ["payer_number"]
catalogue = ["AR31", "AR32"]

[exception]
queue = "kund-medgivanden"
queue_title = "Autogiromedgivanden"
service_level = "SLA26"
why = "Medgivandet för betalarnummer {payer_number}: {reason_sv}"
action = "Rätta registret eller svara banken enligt förslaget. Den som kontrollerar får inte vara den som registrerade."

[columns]
payer_number = "payer number"
customer_id = "customer; null when nobody has the number"
bank_event = "the bank's latest word: created, registered, cancelled, rejected, payer_number_changed or applied"
bank_date = "its date"
status = "status in the ledger; null when not there"
faults = "codes: not_at_bank, not_in_ledger, account_differs, identity_differs, not_checked, same_person, unknown_payer, duplicate, inactive_customer"
proposal = "accept or refuse an application; null for the rest"
reason_sv = "what is wrong, in Swedish"
received_at = "when the bank's file arrived, else the beginning of the day of the registration"
evidence = "references to the records"
*/
with bank_events as (
    select
        payer_number,
        event,
        event_date,
        reported_on,
        payer_account,
        nullif(right(regexp_replace(payer_identity, '[^0-9]', '', 'g'), 10), '') as payer_identity,
        received_at,
        record_ref('mandate_event', file_id, ordinal, byte_start, byte_end) as record,
        row_number() over (
            partition by payer_number
            order by coalesce(reported_on, event_date) desc nulls last, received_at desc, file_id desc, ordinal desc
        ) as place
    from mandate_event
    where coalesce(reported_on, event_date, as_of()) <= as_of()
),

bank as (
    select
        payer_number,
        event,
        coalesce(event_date, reported_on) as event_date,
        payer_account,
        payer_identity,
        received_at,
        record,
        event in ('created', 'registered', 'payer_number_changed') as active
    from bank_events
    where place = 1
),

ledger as (
    select
        autogiro_mandate.payer_number,
        autogiro_mandate.customer_id,
        nullif(right(regexp_replace(autogiro_mandate.customer_identity, '[^0-9]', '', 'g'), 10), '') as customer_identity,
        autogiro_mandate.payer_account,
        autogiro_mandate.status,
        autogiro_mandate.customer_active,
        autogiro_mandate.registered_by,
        autogiro_mandate.checked_by,
        cast(autogiro_mandate.registered_on as timestamp) as registered_at,
        record_ref(
            'autogiro_mandate',
            autogiro_mandate.file_id,
            autogiro_mandate.ordinal,
            autogiro_mandate.byte_start,
            autogiro_mandate.byte_end
        ) as record
    from autogiro_mandate
    inner join (
        select max(extracted_on) as extracted_on
        from autogiro_mandate
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = autogiro_mandate.extracted_on
),

-- customers that the payer number of an application may be of: the city gives the customer number as payer number
customers as (
    select
        ltrim(regexp_replace(customer_id, '[^0-9]', '', 'g'), '0') as payer_number,
        min(customer_id) as customer_id,
        min(customer_identity) as customer_identity
    from ar_item
    group by ltrim(regexp_replace(customer_id, '[^0-9]', '', 'g'), '0')
    having count(distinct customer_id) = 1
),

compared as (
    select
        coalesce(ledger.payer_number, bank.payer_number) as payer_number,
        coalesce(ledger.customer_id, customers.customer_id) as customer_id,
        bank.event as bank_event,
        bank.event_date as bank_date,
        ledger.status,
        bank.event = 'applied' as applied,
        coalesce(bank.active, false) as active_at_bank,
        coalesce(ledger.status = 'active', false) as active_in_ledger,
        coalesce(bank.payer_account <> ledger.payer_account, false) as account_differs,
        coalesce(
            bank.payer_identity <> coalesce(ledger.customer_identity, customers.customer_identity), false
        ) as identity_differs,
        ledger.customer_active,
        ledger.registered_by,
        ledger.checked_by,
        coalesce(bank.received_at, ledger.registered_at) as received_at,
        array_remove_all(make_array(coalesce(bank.record, ''), coalesce(ledger.record, '')), '') as evidence
    from bank
    full join ledger
        on ledger.payer_number = bank.payer_number
    left join customers
        on customers.payer_number = bank.payer_number
),

judged as (
    select
        compared.*,
        array_remove_all(
            make_array(
                case
                    when applied and customer_id is null then 'unknown_payer'
                    when applied and active_in_ledger then 'duplicate'
                    when applied and not coalesce(customer_active, true) then 'inactive_customer'
                    when not coalesce(applied, false) and active_in_ledger and not active_at_bank then 'not_at_bank'
                    when active_at_bank and not active_in_ledger then 'not_in_ledger'
                    else ''
                end,
                case when account_differs and (active_at_bank or active_in_ledger) then 'account_differs' else '' end,
                case
                    when identity_differs and (applied or active_at_bank or active_in_ledger) then 'identity_differs'
                    else ''
                end,
                case
                    when not active_in_ledger then ''
                    when checked_by is null then 'not_checked'
                    when lower(trim(checked_by)) = lower(trim(registered_by)) then 'same_person'
                    else ''
                end
            ),
            ''
        ) as faults
    from compared
)

select
    payer_number,
    customer_id,
    bank_event,
    bank_date,
    status,
    faults,
    case
        when not coalesce(applied, false) then null
        when array_has(faults, 'unknown_payer')
            or array_has(faults, 'duplicate')
            or array_has(faults, 'inactive_customer')
            or array_has(faults, 'identity_differs')
            then 'refuse'
        else 'accept'
    end as proposal,
    concat_ws(
        ' ',
        case when applied and cardinality(faults) = 0 then 'Ansökan från internetbanken kan godkännas.' end,
        case when array_has(faults, 'unknown_payer') then 'Betalarnumret är ingen kunds: avvisa ansökan.' end,
        case when array_has(faults, 'duplicate') then 'Kunden har redan ett medgivande: avvisa ansökan.' end,
        case when array_has(faults, 'inactive_customer') then 'Kunden är inte aktiv: avvisa ansökan.' end,
        case when array_has(faults, 'not_at_bank') then 'Det är aktivt i reskontran men inte hos banken.' end,
        case when array_has(faults, 'not_in_ledger') then 'Det är aktivt hos banken men inte i reskontran.' end,
        case when array_has(faults, 'account_differs') then 'Bankkontot är ett annat.' end,
        case when array_has(faults, 'identity_differs') then 'Personnumret är ett annat.' end,
        case when array_has(faults, 'not_checked') then 'Registreringen är inte kontrollerad.' end,
        case when array_has(faults, 'same_person') then 'Samma person har registrerat och kontrollerat.' end
    ) as reason_sv,
    received_at,
    evidence
from judged
where cardinality(faults) > 0
    or applied

/*
title = "Avvikelser i filer från försystem"
description = """AP04, AR02, GL42: every case that the control of files finds, for the lists of AP, AR and GL. Causes:
missing_file, an expected file has not come by its due day; refused, a file was refused, until one of the same name at the same place is
accepted; difference, sender, file, landed rows and receipt do not agree; no_receipt, a file's receipt has not come by the end of the
receipt_days-th working day after its business date; receipt_without_file, a receipt that no file answers to; loaded_twice, a second
receipt for one file; unbalanced, debit and credit of a voucher file differ; row_error, records that were refused, one case for each
file, cause, department and currency. The same bytes never land twice: the file is known by their hash."""
kind = "table"
key = ["case_key"]
amount = "amount"

[columns]
case_key = "the case: cause and what it is about"
area = "AP, AR or GL: whose list it is on"
cause = "missing_file, refused, difference, no_receipt, receipt_without_file, loaded_twice, unbalanced or row_error"
interface = "interface, or unknown"
name = "file name, or what the file is"
business_date = "day that the file is for"
department = "department; null when not known"
currency = "currency of the amount; null without one"
amount = "what is wrong, in money; null when it is not about money"
count = "number of records that are wrong; null when it is not about records"
reason_sv = "what is wrong, in Swedish"
received_at = "when the case came to be known"
evidence = "reference to the record behind the case; null for a file that has not come"
*/
with promised_receipt as (
    select
        interface_file.file_id,
        case
            when ref_interface.receipt_days = 0 then interface_file.business_date
            else workday_add(cast(interface_file.business_date + interval '1 day' as date), cast(ref_interface.receipt_days as bigint))
        end as due_on
    from interface_file
    inner join ref_interface
        on ref_interface.interface = interface_file.interface
    where interface_file.status = 'accepted'
        and ref_interface.receipt_days is not null
        and ref_interface.valid_from <= interface_file.business_date
        and (ref_interface.valid_to is null or ref_interface.valid_to >= interface_file.business_date)
),

accepted_again as (
    select
        landing,
        upper(name) as name,
        max(received_at) as received_at
    from interface_file
    where status = 'accepted'
    group by
        landing,
        upper(name)
),

unbalanced as (
    select
        file_id,
        currency,
        sum(net) as net
    from voucher_file_total
    group by
        file_id,
        currency
    having sum(net) <> 0
),

owner as (
    select
        interface,
        min(area) as area
    from ref_interface
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
    group by
        interface
),

found as (
    select
        concat('missing_file:', interface, ':', cast(business_date as varchar)) as case_key,
        area,
        'missing_file' as cause,
        interface,
        title as name,
        business_date,
        department,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        cast(null as bigint) as count,
        concat('väntad senast ', cast(due_on as varchar), ' och inte mottagen') as reason_sv,
        known_at as received_at,
        cast(null as varchar) as record
    from interface_expected
    where is_missing
    union all
    select
        concat('refused:', interface_file.file_id),
        interface_file.area,
        'refused',
        coalesce(interface_file.interface, 'unknown'),
        interface_file.name,
        interface_file.business_date,
        interface_file.department,
        null,
        null,
        null,
        interface_file.reason,
        interface_file.received_at,
        interface_file.record
    from interface_file
    left join accepted_again
        on accepted_again.landing = interface_file.landing
        and accepted_again.name = upper(interface_file.name)
        and accepted_again.received_at >= interface_file.received_at
    where interface_file.status = 'refused'
        and accepted_again.name is null
    union all
    select
        concat('difference:', interface_control.file_id, ':', interface_control.measure),
        interface_control.area,
        'difference',
        coalesce(interface_control.interface, 'unknown'),
        interface_control.name,
        interface_control.business_date,
        interface_file.department,
        nullif(interface_control.measure, 'antal'),
        case
            when interface_control.measure <> 'antal' then
                interface_control.read - coalesce(interface_control.loaded, interface_control.landed)
        end,
        case
            when interface_control.measure = 'antal' then
                cast(interface_control.read - coalesce(interface_control.loaded, interface_control.landed) as bigint)
        end,
        interface_control.difference_sv,
        interface_file.received_at,
        interface_file.record
    from interface_control
    inner join interface_file
        on interface_file.file_id = interface_control.file_id
    where not interface_control.is_equal
    union all
    select
        concat('no_receipt:', interface_file.file_id),
        interface_file.area,
        'no_receipt',
        interface_file.interface,
        interface_file.name,
        interface_file.business_date,
        interface_file.department,
        null,
        null,
        null,
        concat('kvittens väntad senast ', cast(promised_receipt.due_on as varchar), ' och inte mottagen'),
        cast(promised_receipt.due_on + interval '1 day' as timestamp),
        interface_file.record
    from promised_receipt
    inner join interface_file
        on interface_file.file_id = promised_receipt.file_id
    left join interface_receipt_match as matched
        on matched.file_id = promised_receipt.file_id
    where promised_receipt.due_on < as_of()
        and matched.receipt_id is null
    union all
    select
        concat(case when matched.is_repeat then 'loaded_twice:' else 'receipt_without_file:' end, matched.receipt_id),
        coalesce(owner.area, 'GL'),
        case when matched.is_repeat then 'loaded_twice' else 'receipt_without_file' end,
        matched.interface,
        matched.file_name,
        matched.loaded_on,
        null,
        null,
        null,
        null,
        case
            when matched.is_repeat then 'samma fil har en kvittens till: den kan vara inläst två gånger'
            else 'kvittens för en fil som inte är mottagen'
        end,
        matched.received_at,
        matched.record
    from interface_receipt_match as matched
    left join owner
        on owner.interface = matched.interface
    where matched.file_id is null
    union all
    select
        concat('unbalanced:', unbalanced.file_id, ':', unbalanced.currency),
        interface_file.area,
        'unbalanced',
        coalesce(interface_file.interface, 'unknown'),
        interface_file.name,
        interface_file.business_date,
        interface_file.department,
        unbalanced.currency,
        unbalanced.net,
        null,
        'debet och kredit i filen är inte lika',
        interface_file.received_at,
        interface_file.record
    from unbalanced
    inner join interface_file
        on interface_file.file_id = unbalanced.file_id
    union all
    select
        concat('row_error:', delivery, ':', source, ':', cause, ':', department, ':', currency),
        area,
        'row_error',
        interface,
        coalesce(name, delivery),
        business_date,
        nullif(department, ''),
        nullif(currency, ''),
        amount,
        faults,
        concat(cause, ': ', coalesce(cause_sv, 'utan text')),
        received_at,
        record
    from interface_fault
    where source <> 'file'
)

select
    case_key,
    area,
    cause,
    interface,
    name,
    business_date,
    department,
    currency,
    cast(amount as decimal(18, 2)) as amount,
    count,
    reason_sv,
    received_at,
    case when record is not null then make_array(record) end as evidence
from found

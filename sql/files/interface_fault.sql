/*
title = "Fel i filer från försystem"
description = """AP04, AP05, AR02, AR03, GL42, GL43: what was wrong in the files, one row for each file, cause, department and currency. Three
sources: file, a file that was refused as a whole (one fault); reader, records that we rejected; receiver, records of the receiving
system's error list. The department is the error list's where it says one, otherwise the sender's in ref_interface.
Rejects of a refused file are no faults of their own: nothing of it was delivered."""
kind = "table"
key = ["delivery", "source", "cause", "department", "currency"]

[columns]
delivery = "the file; for an error list whose receipt answers to no file, receipt: and the receipt"
source = "file, reader or receiver"
cause = "code of the cause"
department = "department; empty when not known"
currency = "currency of the amount; empty without one"
interface = "interface; unknown when none is known"
area = "AP, AR or GL"
file_id = "the file; null when not known"
name = "file name"
business_date = "day that the file is for; of an error list without a file, the date of the load run"
month = "its month"
cause_sv = "the cause in Swedish"
faults = "number of faults"
amount = "their sum, where it is known"
received_at = "when the fault came to be known"
record = "reference to the first record behind it"
*/
with rejected as (
    select
        file_id,
        code as cause,
        coalesce(currency, '') as currency,
        min(message_sv) as cause_sv,
        count(*) as faults,
        sum(amount) as amount,
        min(received_at) as received_at,
        min(record_ref('reject', file_id, ordinal, byte_start, byte_end)) as record
    from reject
    group by
        file_id,
        code,
        coalesce(currency, '')
),

receipt as (
    select
        matched.receipt_id,
        matched.interface,
        matched.file_name,
        matched.loaded_on,
        coalesce(matched.file_id, matched.first_file_id) as file_id,
        ref_interface.area,
        ref_interface.department
    from interface_receipt_match as matched
    left join ref_interface
        on ref_interface.interface = matched.interface
        and ref_interface.valid_from <= matched.loaded_on
        and (ref_interface.valid_to is null or ref_interface.valid_to >= matched.loaded_on)
),

listed as (
    select
        coalesce(receipt.file_id, concat('receipt:', interface_error.receipt_id)) as delivery,
        interface_error.cause,
        coalesce(interface_error.department, receipt.department, '') as department,
        interface_error.currency,
        min(coalesce(receipt.interface, 'unknown')) as interface,
        min(coalesce(receipt.area, 'GL')) as area,
        min(receipt.file_id) as file_id,
        min(receipt.file_name) as name,
        min(receipt.loaded_on) as loaded_on,
        min(interface_error.cause_text) as cause_sv,
        count(*) as faults,
        sum(interface_error.amount) as amount,
        min(interface_error.received_at) as received_at,
        min(
            record_ref(
                'interface_error',
                interface_error.file_id,
                interface_error.ordinal,
                interface_error.byte_start,
                interface_error.byte_end
            )
        ) as record
    from interface_error
    left join receipt
        on receipt.receipt_id = interface_error.receipt_id
    group by
        coalesce(receipt.file_id, concat('receipt:', interface_error.receipt_id)),
        interface_error.cause,
        coalesce(interface_error.department, receipt.department, ''),
        interface_error.currency
),

fault as (
    select
        file_id as delivery,
        'file' as source,
        coalesce(reason_code, 'unknown') as cause,
        coalesce(department, '') as department,
        '' as currency,
        coalesce(interface, 'unknown') as interface,
        area,
        file_id,
        name,
        business_date,
        reason as cause_sv,
        1 as faults,
        cast(null as decimal(18, 2)) as amount,
        received_at,
        record
    from interface_file
    where status = 'refused'
    union all
    select
        rejected.file_id as delivery,
        'reader' as source,
        rejected.cause,
        coalesce(interface_file.department, '') as department,
        rejected.currency,
        coalesce(interface_file.interface, 'unknown') as interface,
        interface_file.area,
        rejected.file_id,
        interface_file.name,
        interface_file.business_date,
        rejected.cause_sv,
        rejected.faults,
        rejected.amount,
        rejected.received_at,
        rejected.record
    from rejected
    inner join interface_file
        on interface_file.file_id = rejected.file_id
    where interface_file.status = 'accepted'
    union all
    select
        listed.delivery,
        'receiver' as source,
        listed.cause,
        listed.department,
        listed.currency,
        listed.interface,
        listed.area,
        listed.file_id,
        listed.name,
        coalesce(interface_file.business_date, listed.loaded_on, cast(listed.received_at as date)) as business_date,
        listed.cause_sv,
        listed.faults,
        listed.amount,
        listed.received_at,
        listed.record
    from listed
    left join interface_file
        on interface_file.file_id = listed.file_id
)

select
    delivery,
    source,
    cause,
    department,
    currency,
    interface,
    area,
    file_id,
    name,
    business_date,
    cast(date_trunc('month', business_date) as date) as month,
    cause_sv,
    cast(faults as bigint) as faults,
    cast(amount as decimal(18, 2)) as amount,
    received_at,
    record
from fault

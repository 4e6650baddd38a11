/*
title = "Kvittenser och filer"
description = """AP04, AR02, GL42: which file each receipt is for. By the hash where the receipt states one; else by interface and name,
the first receipt of a name to the first accepted file of that name, the second to the second. A receipt that no file
answers to has none; one for a file that has its receipt already says that the file was loaded twice."""
kind = "table"
key = ["receipt_id"]

[columns]
receipt_id = "the receipt"
interface = "interface, as the receipt says"
file_name = "name of the file, as the receipt says"
loaded_on = "date of the load run"
file_id = "the file; null when none answers to it"
is_repeat = "true when an earlier receipt is for the same file"
first_file_id = "for a repeated receipt: the file; otherwise null"
received_at = "when the receipt arrived"
record = "reference to the receipt"
*/
with receipt as (
    -- a load run has one row for each currency; what identifies the file is the same on all of them
    select
        receipt_id,
        min(interface) as interface,
        min(file_name) as file_name,
        min(lower(file_hash)) as file_hash,
        min(loaded_on) as loaded_on,
        min(received_at) as received_at,
        min(record_ref('interface_receipt', file_id, ordinal, byte_start, byte_end)) as record
    from interface_receipt
    where loaded_on <= as_of()
    group by
        receipt_id
),

accepted_file as (
    select
        file_id,
        interface,
        -- the receipt has the name without folders
        upper(regexp_replace(name, '^.*/', '')) as file_name,
        received_at
    from interface_file
    where status = 'accepted'
),

numbered_file as (
    select
        file_id,
        interface,
        file_name,
        row_number() over (
            partition by interface, file_name
            order by received_at, file_id
        ) as occurrence
    from accepted_file
),

numbered_receipt as (
    select
        receipt_id,
        interface,
        upper(file_name) as file_name,
        row_number() over (
            partition by interface, upper(file_name)
            order by loaded_on, receipt_id
        ) as occurrence
    from receipt
    where file_hash is null
),

answered as (
    select
        receipt.receipt_id,
        accepted_file.file_id
    from receipt
    inner join accepted_file
        on accepted_file.file_id = receipt.file_hash
    union all
    select
        numbered_receipt.receipt_id,
        numbered_file.file_id
    from numbered_receipt
    inner join numbered_file
        on numbered_file.interface = numbered_receipt.interface
        and numbered_file.file_name = numbered_receipt.file_name
        and numbered_file.occurrence = numbered_receipt.occurrence
),

-- the last file of a name, for receipts beyond it
last_of_name as (
    select
        interface,
        file_name,
        file_id
    from (
        select
            interface,
            file_name,
            file_id,
            row_number() over (
                partition by interface, file_name
                order by received_at desc, file_id desc
            ) as place
        from accepted_file
    ) as ranked
    where place = 1
),

in_order as (
    select
        receipt_id,
        file_id,
        row_number() over (
            partition by file_id
            order by receipt_id
        ) as place
    from answered
)

select
    receipt.receipt_id,
    receipt.interface,
    receipt.file_name,
    receipt.loaded_on,
    case when in_order.place = 1 then in_order.file_id end as file_id,
    coalesce(in_order.place > 1, last_of_name.file_id is not null) as is_repeat,
    case
        when in_order.place > 1 then in_order.file_id
        when in_order.place is null then last_of_name.file_id
    end as first_file_id,
    receipt.received_at,
    receipt.record
from receipt
left join in_order
    on in_order.receipt_id = receipt.receipt_id
left join last_of_name
    on last_of_name.interface = receipt.interface
    and last_of_name.file_name = upper(receipt.file_name)
    and receipt.file_hash is null

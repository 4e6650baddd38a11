/*
title = "Trevägskontroll av filer"
description = """AP04, AR02, GL42: what the sender declares, what we read, what has landed, and what the receiving system's receipt says, for
each accepted file: one row for the number of records (measure antal) and one for the sum of each currency. Tolerance
0.00, and 0 records. All that is stated must be equal: declared = read = landed + rejected, and
received = read = loaded + refused by the receiving system. A receipt counts the debits of a voucher file, otherwise
the amounts. A side that says nothing is null and compared with nothing; a receipt that should be there and is not is a
case of interface_difference. Several contracts in one file: the sum is that of payments, else of ledger rows, else of
the contract that there is, as the file record sums them."""
kind = "table"
key = ["file_id", "measure"]

[columns]
file_id = "the file"
measure = "antal, or the currency of a sum"
interface = "interface; null when none is known"
area = "AP, AR or GL"
name = "file name"
business_date = "day that the file is for"
declared = "what the sender's header or trailer declares"
read = "what we read, accepted and rejected"
landed = "accepted rows in the landing tables"
rejected = "rejected rows in the landing tables"
receipt_id = "the receipt; null when there is none"
received = "what the receiving system found in the file"
loaded = "what it loaded"
refused = "what it refused"
is_equal = "true when everything that is stated agrees"
difference_sv = "what does not agree, in Swedish"
*/
with accepted_file as (
    select
        interface_file.file_id,
        interface_file.interface,
        interface_file.area,
        interface_file.name,
        interface_file.business_date,
        file.declared_records,
        file.read_records,
        file.totals
    from interface_file
    inner join file
        on file.file_id = interface_file.file_id
    where file.status = 'accepted'
),

stated_sum as (
    select
        taken.file_id,
        taken.total['currency'] as measure,
        sum(taken.total['declared_amount']) as declared,
        sum(taken.total['read_amount'] + taken.total['rejected_amount']) as read
    from (
        select
            file_id,
            unnest(totals) as total
        from accepted_file
    ) as taken
    group by
        taken.file_id,
        taken.total['currency']
),

main_contract as (
    select
        file_id,
        contract
    from (
        select
            file_id,
            contract,
            row_number() over (
                partition by file_id
                order by
                    case contract
                        when 'payment_in' then 1
                        when 'ledger_transaction' then 2
                        else 3
                    end,
                    contract
            ) as place
        from (
            select distinct
                file_id,
                contract
            from file_landed
            where amount is not null or rejected_amount is not null
        ) as with_amounts
    ) as ranked
    where place = 1
),

landed_sum as (
    select
        file_landed.file_id,
        file_landed.currency as measure,
        file_landed.amount,
        file_landed.debit,
        file_landed.rejected_amount,
        file_landed.contract = 'voucher_row' as is_voucher
    from file_landed
    inner join main_contract
        on main_contract.file_id = file_landed.file_id
        and main_contract.contract = file_landed.contract
    where file_landed.currency <> ''
),

landed_count as (
    select
        file_id,
        sum(records) as records,
        sum(rejected_records) as rejected_records
    from file_landed
    group by
        file_id
),

receipt_side as (
    select
        matched.file_id,
        interface_receipt.receipt_id,
        interface_receipt.currency,
        interface_receipt.received_records,
        interface_receipt.received_amount,
        interface_receipt.loaded_records,
        interface_receipt.loaded_amount,
        interface_receipt.error_records,
        interface_receipt.error_amount
    from interface_receipt_match as matched
    inner join interface_receipt
        on interface_receipt.receipt_id = matched.receipt_id
    where matched.file_id is not null
),

receipt_count as (
    select
        file_id,
        receipt_id,
        sum(received_records) as received,
        sum(loaded_records) as loaded,
        sum(error_records) as refused
    from receipt_side
    group by
        file_id,
        receipt_id
),

-- allow union: each file and currency once, on whichever side it was seen
measure as (
    select file_id, measure from stated_sum
    union
    select file_id, measure from landed_sum
    union
    select file_id, currency as measure from receipt_side
),

compared as (
    select
        accepted_file.file_id,
        'antal' as measure,
        cast(accepted_file.declared_records as decimal(18, 2)) as declared,
        cast(accepted_file.read_records as decimal(18, 2)) as read,
        cast(coalesce(landed_count.records, 0) as decimal(18, 2)) as landed,
        cast(coalesce(landed_count.rejected_records, 0) as decimal(18, 2)) as rejected,
        receipt_count.receipt_id,
        cast(receipt_count.received as decimal(18, 2)) as received,
        cast(receipt_count.loaded as decimal(18, 2)) as loaded,
        cast(receipt_count.refused as decimal(18, 2)) as refused,
        cast(accepted_file.read_records as decimal(18, 2)) as countable
    from accepted_file
    left join landed_count
        on landed_count.file_id = accepted_file.file_id
    left join receipt_count
        on receipt_count.file_id = accepted_file.file_id
    union all
    select
        measure.file_id,
        measure.measure,
        stated_sum.declared,
        stated_sum.read,
        coalesce(landed_sum.amount, 0) as landed,
        coalesce(landed_sum.rejected_amount, 0) as rejected,
        receipt_count.receipt_id,
        -- a receipt that is silent on a currency of the file has found none of it
        case when receipt_count.receipt_id is not null then coalesce(receipt_side.received_amount, 0) end as received,
        case when receipt_count.receipt_id is not null then coalesce(receipt_side.loaded_amount, 0) end as loaded,
        case when receipt_count.receipt_id is not null then coalesce(receipt_side.error_amount, 0) end as refused,
        case
            when landed_sum.is_voucher then landed_sum.debit
            when stated_sum.read is not null then stated_sum.read
            else landed_sum.amount
        end as countable
    from measure
    left join stated_sum
        on stated_sum.file_id = measure.file_id
        and stated_sum.measure = measure.measure
    left join landed_sum
        on landed_sum.file_id = measure.file_id
        and landed_sum.measure = measure.measure
    left join receipt_count
        on receipt_count.file_id = measure.file_id
    left join receipt_side
        on receipt_side.file_id = measure.file_id
        and receipt_side.currency = measure.measure
),

judged as (
    select
        file_id,
        measure,
        declared,
        read,
        landed,
        rejected,
        receipt_id,
        received,
        loaded,
        refused,
        coalesce(declared <> read, false) as declared_differs,
        coalesce(read <> landed + rejected, false) as landed_differs,
        coalesce(received <> coalesce(countable, 0), false) as receipt_differs,
        coalesce(received <> loaded + refused, false) as loaded_differs
    from compared
)

select
    judged.file_id,
    judged.measure,
    accepted_file.interface,
    accepted_file.area,
    accepted_file.name,
    accepted_file.business_date,
    cast(judged.declared as decimal(18, 2)) as declared,
    cast(judged.read as decimal(18, 2)) as read,
    cast(judged.landed as decimal(18, 2)) as landed,
    cast(judged.rejected as decimal(18, 2)) as rejected,
    judged.receipt_id,
    cast(judged.received as decimal(18, 2)) as received,
    cast(judged.loaded as decimal(18, 2)) as loaded,
    cast(judged.refused as decimal(18, 2)) as refused,
    not (judged.declared_differs or judged.landed_differs or judged.receipt_differs or judged.loaded_differs)
        as is_equal,
    nullif(
        array_to_string(
            make_array(
                case when judged.declared_differs then 'avsändaren anger annat än filen innehåller' end,
                case when judged.landed_differs then 'inläst stämmer inte med filen' end,
                case when judged.receipt_differs then 'kvittensen stämmer inte med filen' end,
                case when judged.loaded_differs then 'kvittensens inlästa och felaktiga är inte det mottagna' end
            ),
            '; '
        ),
        ''
    ) as difference_sv
from judged
inner join accepted_file
    on accepted_file.file_id = judged.file_id

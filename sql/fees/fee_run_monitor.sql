/*
title = "Månadens körningar i BER"
description = """FEE28: for each month of fee_schedule up to the as-of's, what became of the invoice basis and of the integration: planned
day, order and result; of the integration, which sends the file, the number of lines and the sum three times: what BER
says that it made, what came in its file (fee_charge of the day when the run ended), and what the ledger's receipt says. Of several runs of a month the
one ordered last counts: a failed run is ordered again. Invoices that are in the file and not in the customer ledger are
counted when a later extract of the ledger has arrived."""
kind = "table"
key = ["period", "kind"]
catalogue = ["FEE28"]
amount = "amount"

[columns]
period = "first day of the month"
kind = "basis or integration"
planned_on = "day in the schedule"
run_id = "the run, null when none has been ordered"
status = "ordered, ok or failed; null when none has been ordered"
ordered_on = "day of the order"
finished_on = "day when it ended"
rows = "invoice lines that BER made"
amount = "their sum"
file_rows = "lines in the file of the integration"
file_amount = "their sum"
received_rows = "lines of the receipt"
received_amount = "their sum"
not_loaded = "invoices of the file that the customer ledger does not have; null until it can be known"
received_at = "when the extract with the run arrived, or the planned day when there is none"
record = "the run's record"
*/
with latest_ber_run as (
    select max(extracted_on) as extracted_on
    from ber_run
    where extracted_on <= as_of()
),

latest_run as (
    select
        ber_run.run_id,
        ber_run.kind,
        ber_run.period,
        ber_run.ordered_on,
        ber_run.finished_on,
        ber_run.status,
        ber_run.rows,
        ber_run.amount,
        ber_run.received_rows,
        ber_run.received_amount,
        ber_run.received_at,
        record_ref('ber_run', ber_run.file_id, ber_run.ordinal, ber_run.byte_start, ber_run.byte_end) as record,
        row_number() over (
            partition by ber_run.kind, ber_run.period
            order by ber_run.ordered_on desc, ber_run.run_id desc
        ) as place
    from ber_run
    inner join latest_ber_run
        on latest_ber_run.extracted_on = ber_run.extracted_on
    where (ber_run.ordered_on is null or ber_run.ordered_on <= as_of())
),

loaded_invoice as (
    select distinct invoice_no
    from ar_item
    where billing_source = 'BER'
),

ledger_extract as (
    select max(extracted_on) as extracted_on
    from customer_item
    where extracted_on <= as_of()
),

delivered as (
    select
        fee_charge.extracted_on,
        count(*) as rows,
        sum(fee_charge.amount) as amount,
        count(distinct case
            when loaded_invoice.invoice_no is null then fee_charge.invoice_no
        end) as not_loaded
    from fee_charge
    left join loaded_invoice
        on loaded_invoice.invoice_no = fee_charge.invoice_no
    where fee_charge.extracted_on <= as_of()
    group by fee_charge.extracted_on
)

select
    fee_schedule.month as period,
    fee_schedule.step as kind,
    fee_schedule.day as planned_on,
    latest_run.run_id,
    latest_run.status,
    latest_run.ordered_on,
    latest_run.finished_on,
    latest_run.rows,
    latest_run.amount,
    case when latest_run.status = 'ok' and latest_run.kind = 'integration' then coalesce(delivered.rows, 0) end as file_rows,
    case
        when latest_run.status = 'ok' and latest_run.kind = 'integration'
            then cast(coalesce(delivered.amount, 0) as decimal(18, 2))
    end as file_amount,
    latest_run.received_rows,
    latest_run.received_amount,
    case
        when latest_run.status = 'ok'
            and latest_run.kind = 'integration'
            and ledger_extract.extracted_on > latest_run.finished_on
            then coalesce(delivered.not_loaded, 0)
    end as not_loaded,
    coalesce(
        latest_run.received_at,
        arrow_cast(fee_schedule.day, 'Timestamp(Millisecond, Some("+00:00"))')
    ) as received_at,
    latest_run.record
from fee_schedule
cross join ledger_extract
left join latest_run
    on latest_run.period = fee_schedule.month
    and latest_run.kind = fee_schedule.step
    and latest_run.place = 1
left join delivered
    on delivered.extracted_on = latest_run.finished_on
where fee_schedule.chain = 'month'
    and fee_schedule.step in ('basis', 'integration')
    and (fee_schedule.day <= as_of() or latest_run.run_id is not null)

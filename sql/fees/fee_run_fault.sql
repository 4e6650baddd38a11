/*
title = "Fel i månadens körningar i BER"
description = """FEE28: what is wrong with the runs of fee_run_monitor, from the month that BER's list of runs begins with.
not_ordered: the planned day has come and no run has been ordered. late: it was ordered, the planned day has passed, and
it has not ended. failed: it ended with an error. file_differs: BER's lines or sum are not those of the file.
receipt_missing: the day after it ended the ledger has given no receipt. receipt_differs: the receipt's lines or sum are
not BER's. not_loaded: invoices of the file are missing in the customer ledger."""
kind = "exception"
key = ["period", "kind", "fault"]
catalogue = ["FEE28"]
amount = "amount"

[exception]
queue = "avgift-korning"
queue_title = "Fel i månadens körningar i BER"
service_level = "SLA51"
why = "{kind_sv} för {period}, planerad {planned_on}: {fault_sv}."
action = "{action_sv}"

[columns]
period = "first day of the month"
kind = "basis or integration"
kind_sv = "the same in Swedish"
fault = "code of the fault"
fault_sv = "the fault in Swedish"
action_sv = "what to do, in Swedish"
planned_on = "day in the schedule"
run_id = "the run, null when none has been ordered"
amount = "difference of the sums, null where sums are not compared"
received_at = "when the extract with the run arrived, or the planned day"
evidence = "the run's record; none when none has been ordered"
*/
with first_known as (
    select min(period) as period
    from ber_run
    where extracted_on <= as_of()
),

judged as (
    select
        fee_run_monitor.*,
        unnest(make_array(
            case when run_id is null then 'not_ordered' end,
            case when status = 'ordered' and planned_on < as_of() then 'late' end,
            case when status = 'failed' then 'failed' end,
            case
                when kind = 'integration'
                    and status = 'ok'
                    and ((rows is distinct from file_rows) or (amount is distinct from file_amount))
                    then 'file_differs'
            end,
            case
                when kind = 'integration' and status = 'ok' and received_rows is null and finished_on < as_of()
                    then 'receipt_missing'
                when kind = 'integration'
                    and status = 'ok'
                    and received_rows is not null
                    and ((rows is distinct from received_rows) or (amount is distinct from received_amount))
                    then 'receipt_differs'
            end,
            case when not_loaded > 0 then 'not_loaded' end
        )) as fault
    from fee_run_monitor
)

select
    judged.period,
    judged.kind,
    case judged.kind
        when 'basis' then 'Fakturaunderlaget'
        else 'Integrationen'
    end as kind_sv,
    judged.fault,
    case judged.fault
        when 'not_ordered' then 'körningen är inte beställd'
        when 'late' then 'körningen är försenad'
        when 'failed' then 'körningen har misslyckats'
        when 'file_differs' then concat('BER har ', cast(coalesce(judged.rows, 0) as varchar), ' rader, filen ', cast(judged.file_rows as varchar))
        when 'receipt_missing' then 'kvittens saknas från Agresso'
        when 'receipt_differs' then concat('BER har ', cast(coalesce(judged.rows, 0) as varchar), ' rader, kvittensen ', cast(judged.received_rows as varchar))
        else concat('antal fakturor som saknas i kundreskontran: ', cast(judged.not_loaded as varchar))
    end as fault_sv,
    case judged.fault
        when 'not_ordered' then 'Beställ körningen hos driftleverantören i dag.'
        when 'late' then 'Fråga driftleverantören när körningen blir klar, och flytta de följande stegen i schemat.'
        when 'failed' then 'Felsök med driftleverantören, rätta och beställ körningen igen.'
        when 'file_differs' then 'Stoppa inläsningen och be driftleverantören om en hel fil.'
        when 'receipt_missing' then 'Kontrollera att filen har lästs in i Agresso.'
        when 'receipt_differs' then 'Jämför filen med inläsningens fellista i Agresso och läs in det som saknas.'
        else 'Sök fakturorna i Agressos fellista och läs in dem.'
    end as action_sv,
    judged.planned_on,
    judged.run_id,
    cast(case judged.fault
        when 'file_differs' then judged.amount - judged.file_amount
        when 'receipt_differs' then judged.amount - judged.received_amount
    end as decimal(18, 2)) as amount,
    judged.received_at,
    case
        when judged.record is null then arrow_cast(make_array(), 'List(Utf8)')
        else make_array(judged.record)
    end as evidence
from judged
inner join first_known
    on first_known.period <= judged.period
where judged.fault is not null

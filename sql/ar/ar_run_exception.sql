/*
title = "Fel i fakturakörningar"
description = """
AR09: what is wrong with an invoice run: orders that vanished, sums that differ from the basis, sums far from the department's
former runs, and single invoices of nothing, above P:run_control_large kronor, without a way of delivery or without due date. Runs of the last
P:run_control_days days; a run without invoices is always shown."""
kind = "exception"
key = ["run_id", "department", "fault", "invoice_no"]
catalogue = ["AR09"]
amount = "amount"

[exception]
queue = "fakturakorning"
queue_title = "Fel i fakturakörningar"
service_level = "SLA21"
why = "Körning {run_id}, förvaltning {department}: {reason_sv}"
action = "{action_sv}"

[columns]
run_id = "invoice run"
department = "department"
fault = "lost_orders, sum_differs, outlier, zero, large, no_channel or no_due_date"
invoice_no = "invoice; - when the fault is the run's"
amount = "amount that it is about"
reason_sv = "what is wrong, in Swedish"
action_sv = "what to do, in Swedish"
run_date = "date of the run"
received_at = "when the extract arrived"
evidence = "reference to the invoice's record; none for the run"
*/
with limits as (
    select
        cast(max(case when name = 'run_control_days' then value end) as bigint) as days,
        max(case when name = 'run_control_large' then value end) as large
    from param
    where name in ('run_control_days', 'run_control_large')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

runs as (
    select ar_run_control.*
    from ar_run_control
    cross join limits
    where ar_run_control.run_date is null
        or cast(ar_run_control.run_date as int) >= cast(as_of() as int) - limits.days
),

invoices as (
    select
        customer_invoice.run_id,
        customer_invoice.department,
        customer_invoice.invoice_no,
        customer_invoice.gross,
        customer_invoice.channel,
        customer_invoice.due_date,
        runs.run_date,
        customer_invoice.received_at,
        limits.large,
        record_ref(
            'customer_invoice',
            customer_invoice.file_id,
            customer_invoice.ordinal,
            customer_invoice.byte_start,
            customer_invoice.byte_end
        ) as record
    from customer_invoice
    inner join (
        select max(extracted_on) as extracted_on
        from customer_invoice
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_invoice.extracted_on
    inner join runs
        on runs.run_id = customer_invoice.run_id
        and runs.department = customer_invoice.department
    cross join limits
    where customer_invoice.invoice_type <> 'reminder'
),

faults as (
    select
        run_id, department, 'lost_orders' as fault, '-' as invoice_no,
        cast(null as decimal(18, 2)) as amount,
        concat(cast(lost_orders as string), ' order har varken fakturerats eller avvisats.') as reason_sv,
        run_date, received_at,
        '' as record
    from runs
    where lost_orders <> 0
    union all
    select
        run_id, department, 'sum_differs' as fault, '-' as invoice_no,
        sum_difference as amount,
        'fakturornas summa är inte de fakturerade ordrarnas.' as reason_sv,
        run_date, received_at,
        '' as record
    from runs
    where sum_difference <> 0
    union all
    select
        run_id, department, 'outlier' as fault, '-' as invoice_no,
        invoice_sum as amount,
        concat(
            'summan avviker ', replace(cast(deviation_percent as string), '.', ','),
            ' procent från medelvärdet av de senaste körningarna.'
        ) as reason_sv,
        run_date, received_at,
        '' as record
    from runs
    where is_outlier
    union all
    select
        run_id, department, 'zero' as fault, invoice_no,
        gross as amount,
        concat('faktura ', invoice_no, ' är på noll kronor.') as reason_sv,
        run_date, received_at, record
    from invoices
    where gross = 0
    union all
    select
        run_id, department, 'large' as fault, invoice_no,
        gross as amount,
        concat('faktura ', invoice_no, ' är ovanligt stor.') as reason_sv,
        run_date, received_at, record
    from invoices
    where abs(gross) > large
    union all
    select
        run_id, department, 'no_channel' as fault, invoice_no,
        gross as amount,
        concat('faktura ', invoice_no, ' har inget sätt att levereras.') as reason_sv,
        run_date, received_at, record
    from invoices
    where channel is null
    union all
    select
        run_id, department, 'no_due_date' as fault, invoice_no,
        gross as amount,
        concat('faktura ', invoice_no, ' saknar förfallodatum.') as reason_sv,
        run_date, received_at, record
    from invoices
    where due_date is null
        and gross > 0
)

select
    run_id,
    department,
    fault,
    invoice_no,
    amount,
    reason_sv,
    case fault
        when 'lost_orders' then 'Sök upp ordrarna och kör dem i en ny körning, eller avvisa dem med orsak.'
        when 'sum_differs' then 'Jämför fakturorna med ordrarna innan körningen skickas.'
        when 'outlier' then 'Fråga förvaltningen om summan är rätt innan körningen skickas.'
        when 'zero' then 'Se till att fakturan inte skickas, och rätta underlaget.'
        when 'large' then 'Kontrollera beloppet mot underlaget.'
        when 'no_channel' then 'Välj kanal på kunden och skicka fakturan.'
        else 'Sätt förfallodatum enligt villkoren innan fakturan skickas.'
    end as action_sv,
    run_date,
    received_at,
    array_remove_all(make_array(record), '') as evidence
from faults

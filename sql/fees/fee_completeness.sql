/*
title = "Placeringsmånader som inte har fakturerats en gång"
description = """FEE44: every municipal placement has exactly one fee result for each month and is invoiced once. Looked at are the months from
the first to the last one that BER has invoiced (fee_charge of kind fee). A row is a placement and month where
no_result: the child is placed under the maxtaxa, and there is no result (fee_month);
not_invoiced: the fee is more than 0 and no line of kind fee or correction has been invoiced;
invoiced_twice: there is more than one line of kind fee;
no_placement: lines of kind fee and correction do not add up to 0, and there is no result, or a place without a fee.
A refused fee is on fee_exception; another amount than the fee is a correction, counted in fee_volume."""
kind = "exception"
key = ["placement_id", "month"]
catalogue = ["FEE44"]
amount = "amount"

[exception]
queue = "avgift-fullstandighet"
queue_title = "Placeringar som inte har fakturerats en gång"
service_level = "SLA51"
why = "Placering {placement_id}, {month}: {fault_sv}. Avgiften är {fee} och fakturerat är {invoiced}."
action = "{action_sv}"

[columns]
placement_id = "placement"
month = "first day of the month"
fault = "code of the fault"
fault_sv = "the fault in Swedish"
action_sv = "what to do, in Swedish"
fee = "fee of the month, null when there is none"
invoiced = "sum of the invoice lines, fee and correction"
amount = "fee less invoiced"
lines = "lines of kind fee"
department = "district of the placement or of the line"
received_at = "when the later of the extracts arrived"
evidence = "the invoice lines' records"
*/
with invoiced_line as (
    select
        placement_id,
        month,
        kind,
        amount,
        department,
        received_at,
        record_ref('fee_charge', file_id, ordinal, byte_start, byte_end) as record
    from fee_charge
    where extracted_on <= as_of()
        and kind in ('fee', 'correction')
),

invoiced as (
    select
        placement_id,
        month,
        count(case when kind = 'fee' then 1 end) as lines,
        sum(amount) as amount,
        min(department) as department,
        max(received_at) as received_at,
        array_agg(record order by record) as evidence
    from invoiced_line
    group by
        placement_id,
        month
),

span as (
    select
        min(month) as first_month,
        max(month) as last_month
    from invoiced_line
    where kind = 'fee'
),

expected as (
    select
        placement_id,
        cast(month as date) as month,
        min(department) as department
    from (
        select
            fee_placement.placement_id,
            fee_placement.department,
            unnest(generate_series(
                greatest(cast(date_trunc('month', fee_placement.starts_on) as date), span.first_month),
                least(coalesce(fee_placement.ends_on, span.last_month), span.last_month),
                interval '1 month'
            )) as month
        from fee_placement
        cross join span
        where fee_placement.municipal
            and fee_placement.form_in_tariff
            and span.last_month is not null
    ) as placed
    group by
        placement_id,
        cast(month as date)
),

fee_result as (
    select
        fee_month.placement_id,
        fee_month.month,
        sum(fee_month.fee) as fee,
        count(case when fee_month.status = 'refused' then 1 end) as refused,
        min(fee_month.department) as department
    from fee_month
    cross join span
    where fee_month.month between span.first_month and span.last_month
        and fee_month.status <> 'other_tariff'
    group by
        fee_month.placement_id,
        fee_month.month
),

arrived as (
    select
        placement_id,
        min(received_at) as received_at
    from placement
    where extracted_on <= as_of()
    group by placement_id
),

-- A side that is missing is a null; every placement and month of any side is here once.
compared as (
    select
        keys.placement_id,
        keys.month,
        expected.placement_id is not null as is_expected,
        fee_result.placement_id is not null as has_result,
        coalesce(fee_result.refused, 0) > 0 as is_refused,
        fee_result.fee,
        coalesce(invoiced.amount, 0) as invoiced,
        coalesce(invoiced.lines, 0) as lines,
        invoiced.placement_id is not null as has_line,
        coalesce(fee_result.department, expected.department, invoiced.department) as department,
        -- greatest leaves nulls out
        greatest(arrived.received_at, invoiced.received_at) as received_at,
        coalesce(invoiced.evidence, arrow_cast(make_array(), 'List(Utf8)')) as evidence
    from (
        -- allow union: a placement and month that two sides have is one
        select placement_id, month from expected
        union
        select placement_id, month from fee_result
        union
        select placement_id, month from invoiced
    ) as keys
    left join arrived
        on arrived.placement_id = keys.placement_id
    left join expected
        on expected.placement_id = keys.placement_id
        and expected.month = keys.month
    left join fee_result
        on fee_result.placement_id = keys.placement_id
        and fee_result.month = keys.month
    left join invoiced
        on invoiced.placement_id = keys.placement_id
        and invoiced.month = keys.month
),

judged as (
    select
        compared.*,
        case
            when is_expected and not has_result then 'no_result'
            when lines > 1 then 'invoiced_twice'
            when fee > 0 and not is_refused and not has_line then 'not_invoiced'
            when not has_result and invoiced <> 0 then 'no_placement'
        end as fault
    from compared
)

select
    placement_id,
    month,
    fault,
    case fault
        when 'no_result' then 'avgiften är inte beräknad'
        when 'invoiced_twice' then 'avgiften är fakturerad mer än en gång'
        when 'not_invoiced' then 'avgiften är inte fakturerad'
        else 'fakturerat utan placering'
    end as fault_sv,
    case fault
        when 'no_result' then 'Meddela systemförvaltaren: avgiften ska finnas innan fakturor skapas.'
        when 'invoiced_twice' then 'Makulera den faktura som är för mycket.'
        when 'not_invoiced' then 'Ta med avgiften i nästa fakturering som rättelse.'
        else 'Kontrollera placeringen i BER. Makulera fakturan om barnet inte hade plats.'
    end as action_sv,
    cast(fee as decimal(18, 2)) as fee,
    cast(invoiced as decimal(18, 2)) as invoiced,
    cast(coalesce(fee, 0) - invoiced as decimal(18, 2)) as amount,
    lines,
    department,
    received_at,
    evidence
from judged
where fault is not null

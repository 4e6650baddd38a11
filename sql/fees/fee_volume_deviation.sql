/*
title = "Avgiftskörningar med orimlig volym"
description = """FEE13: the month of the as-of in fee_volume against the mean of the P:fee_volume_months months before it, for each district and
for the city (`*`). Numbers of placements and invoice lines, the sums, and the mean fee deviate when they differ by
more than P:fee_volume_deviation of the mean; the shares with the highest fee and with none when they differ by more
than that much of all placements. A known cause (a new tariff, the autumn's starts) is a decision on the row. Invoice
lines and their sum are compared when the month has been invoiced. A district without earlier months is not compared."""
kind = "exception"
key = ["month", "department", "measure"]
catalogue = ["FEE13"]

[exception]
queue = "avgift-volym"
queue_title = "Avgiftskörningar med orimlig volym"
service_level = "SLA51"
why = "{measure_sv} för {month}, stadsdel {department}, är {value} mot normalt {normal}."
action = "Ta reda på orsaken innan fakturorna skickas: ny taxa, terminsstart, fel i en fil eller i en inställning."

[columns]
month = "first day of the month"
department = "district; * for the city"
measure = "placements, fee_total, mean_fee, highest_share, zero_share, invoiced_lines or invoiced_total"
measure_sv = "the measure in Swedish"
value = "value of the month"
normal = "mean of the months before"
deviation = "difference as a share of the mean; of all placements for a share"
months = "months in the mean"
received_at = "the first day of the month: the extracts of a month come in it"
evidence = "empty: the rows are those of fee_volume"
*/
with settings as (
    select
        max(case when name = 'fee_volume_months' then cast(value as int) end) as months,
        max(case when name = 'fee_volume_deviation' then value end) as deviation
    from param
    where name in ('fee_volume_months', 'fee_volume_deviation')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- Months are numbered through the years, so that some months before January are in the year before.
run_month as (
    select
        cast(date_trunc('month', as_of()) as date) as month,
        deviation,
        cast(date_part('year', as_of()) as int) * 12 + cast(date_part('month', as_of()) as int) - 1 - months as first_number
    from settings
),

measured as (
    select
        fee_volume.month,
        fee_volume.department,
        unnest(make_array(
            named_struct('measure', 'placements', 'value', cast(placements as decimal(18, 4))),
            named_struct('measure', 'fee_total', 'value', cast(fee_total as decimal(18, 4))),
            named_struct('measure', 'mean_fee', 'value', cast(mean_fee as decimal(18, 4))),
            named_struct('measure', 'highest_share', 'value', cast(highest_share as decimal(18, 4))),
            named_struct('measure', 'zero_share', 'value', cast(zero_share as decimal(18, 4))),
            named_struct('measure', 'invoiced_lines', 'value', cast(nullif(invoiced_lines, 0) as decimal(18, 4))),
            named_struct(
                'measure', 'invoiced_total',
                'value', case when invoiced_lines > 0 then cast(invoiced_total as decimal(18, 4)) end
            )
        )) as item
    from fee_volume
),

valued as (
    select
        measured.department,
        measured.item['measure'] as measure,
        run_month.month,
        run_month.deviation as limit_share,
        max(case when measured.month = run_month.month then measured.item['value'] end) as value,
        avg(case when measured.month < run_month.month then measured.item['value'] end) as normal,
        count(case when measured.month < run_month.month then measured.item['value'] end) as months
    from measured
    cross join run_month
    where measured.month <= run_month.month
        and measured.month >= make_date(
            run_month.first_number / 12, run_month.first_number % 12 + 1, 1
        )
    group by
        measured.department,
        measured.item['measure'],
        run_month.month,
        run_month.deviation
),

compared as (
    select
        department,
        measure,
        month,
        limit_share,
        cast(value as decimal(18, 4)) as value,
        round_half_up(cast(normal as decimal(18, 6)), 4) as normal,
        months,
        case
            when measure in ('highest_share', 'zero_share') then value - normal
            when normal <> 0 then cast(cast(value - normal as decimal(28, 6)) / normal as decimal(18, 6))
            when value <> 0 then cast(1 as decimal(18, 6))
        end as deviation
    from valued
    where value is not null
        and normal is not null
)

select
    month,
    department,
    measure,
    case measure
        when 'placements' then 'Antal placeringar'
        when 'fee_total' then 'Summa avgifter'
        when 'mean_fee' then 'Medelavgift'
        when 'highest_share' then 'Andel med högsta avgift'
        when 'zero_share' then 'Andel utan avgift'
        when 'invoiced_lines' then 'Antal fakturarader'
        else 'Summa fakturerat'
    end as measure_sv,
    value,
    cast(normal as decimal(18, 4)) as normal,
    cast(round_half_up(cast(deviation as decimal(18, 6)), 4) as decimal(18, 4)) as deviation,
    months,
    arrow_cast(month, 'Timestamp(Millisecond, Some("+00:00"))') as received_at,
    arrow_cast(make_array(), 'List(Utf8)') as evidence
from compared
where abs(deviation) > limit_share

/*
title = "Återkommande fel per försystem"
description = """AP05, AR03, GL43: faults for feedback to the sender, one row for each interface, department, cause and month that has any. Files and
faults of the month, the month before, and the mean of the three months that end with it; the share of the interface's
records of the month. Pareto: the rank of the cause among those of the interface and month by faults, and the share of the faults
that it and those before it make. Repeated: the cause was in P:interface_repeat_files files or more within the three
months, of the same interface and department. Months in which nothing was wrong count as zero."""
kind = "table"
key = ["interface", "department", "cause", "month"]
catalogue = ["AP05", "AR03", "GL43"]

[columns]
interface = "interface; unknown when none is known"
department = "department; empty when not known"
cause = "code of the cause"
month = "first day of the month"
area = "AP, AR or GL"
cause_sv = "the cause in Swedish"
files = "files with the cause"
faults = "faults"
amount = "sum of the faults' amounts in kronor, where known"
records = "records that the interface delivered in the month"
share_percent = "faults of 100 records; null when no records were read"
previous_faults = "faults in the month before"
mean_faults = "mean of the month and the two before it"
files_three_months = "files with the cause in the month and the two before it"
is_repeated = "true when that is as many as P:interface_repeat_files"
place = "rank among the causes of interface and month, 1 the most frequent"
cumulative_percent = "faults of this and the more frequent causes, of 100 faults of interface and month"
*/
with limits as (
    select max(case when name = 'interface_repeat_files' then cast(value as int) end) as repeat_files
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

by_month as (
    select
        interface,
        department,
        cause,
        month,
        min(area) as area,
        min(cause_sv) as cause_sv,
        count(distinct delivery) as files,
        sum(faults) as faults,
        sum(case when currency = 'SEK' then amount end) as amount
    from interface_fault
    where business_date <= as_of()
    group by
        interface,
        department,
        cause,
        month
),

with_history as (
    select
        now.interface,
        now.department,
        now.cause,
        now.month,
        sum(case when earlier.month = now.month - interval '1 month' then earlier.faults else 0 end) as previous_faults,
        sum(earlier.faults) as three_months,
        sum(earlier.files) as files_three_months
    from by_month as now
    inner join by_month as earlier
        on earlier.interface = now.interface
        and earlier.department = now.department
        and earlier.cause = now.cause
        and earlier.month <= now.month
        and earlier.month >= now.month - interval '2 months'
    group by
        now.interface,
        now.department,
        now.cause,
        now.month
),

delivered as (
    select
        coalesce(interface_file.interface, 'unknown') as interface,
        cast(date_trunc('month', interface_file.business_date) as date) as month,
        sum(file.read_records) as records
    from interface_file
    inner join file
        on file.file_id = interface_file.file_id
    where interface_file.status = 'accepted'
    group by
        coalesce(interface_file.interface, 'unknown'),
        cast(date_trunc('month', interface_file.business_date) as date)
),

by_cause as (
    select
        interface,
        month,
        cause,
        sum(faults) as faults
    from by_month
    group by
        interface,
        month,
        cause
),

pareto as (
    select
        interface,
        month,
        cause,
        row_number() over (
            partition by interface, month
            order by faults desc, cause
        ) as place,
        sum(faults) over (
            partition by interface, month
            order by faults desc, cause
            rows between unbounded preceding and current row
        ) as cumulative,
        sum(faults) over (partition by interface, month) as total
    from by_cause
)

select
    by_month.interface,
    by_month.department,
    by_month.cause,
    by_month.month,
    by_month.area,
    by_month.cause_sv,
    by_month.files,
    cast(by_month.faults as bigint) as faults,
    cast(by_month.amount as decimal(18, 2)) as amount,
    cast(delivered.records as bigint) as records,
    cast(
        round_half_up(cast(by_month.faults as decimal(18, 4)) * 100 / nullif(delivered.records, 0), 2) as decimal(18, 2)
    ) as share_percent,
    cast(with_history.previous_faults as bigint) as previous_faults,
    cast(round_half_up(cast(with_history.three_months as decimal(18, 4)) / 3, 2) as decimal(18, 2)) as mean_faults,
    cast(with_history.files_three_months as bigint) as files_three_months,
    with_history.files_three_months >= limits.repeat_files as is_repeated,
    cast(pareto.place as bigint) as place,
    cast(
        round_half_up(cast(pareto.cumulative as decimal(18, 4)) * 100 / pareto.total, 2) as decimal(18, 2)
    ) as cumulative_percent
from by_month
inner join with_history
    on with_history.interface = by_month.interface
    and with_history.department = by_month.department
    and with_history.cause = by_month.cause
    and with_history.month = by_month.month
inner join pareto
    on pareto.interface = by_month.interface
    and pareto.month = by_month.month
    and pareto.cause = by_month.cause
left join delivered
    on delivered.interface = by_month.interface
    and delivered.month = by_month.month
cross join limits

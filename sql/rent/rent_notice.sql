/*
title = "Hyresavier"
description = """RENT10: one notice for each lease and month from the lease's first month to the month after the as-of. The amount is the sum of
its printed lines (rent_notice_line): rent and supplements less deductions and reductions. Rent is paid in advance: it
falls due on the last working day before the month (JB 12:20). For a lease that is registered later than that,
due_has_passed says that the notice needs another date. A lease without components still has its notice, of 0 kr, so
that it is seen (RENT26)."""
kind = "table"
key = ["lease_id", "month"]
catalogue = ["RENT10"]

[columns]
lease_id = "lease"
month = "first day of the month that the rent is for"
object_id = "dwelling"
tenant_id = "tenant's customer number"
department = "district"
housing_form = "form of housing"
city_internal = "true when a department of the city is the tenant"
vacant = "true for a vacancy"
registered_on = "when the lease was registered"
first_day = "first day of the month that the lease is valid"
last_day = "last such day"
days = "days of the month that the lease is valid"
is_whole_month = "true when the lease is valid the whole month"
is_first = "true for the first notice of the lease"
rent = "sum of the rent lines"
supplements = "sum of the supplements"
deductions = "sum of the deductions, not negative"
reductions = "sum of the reductions, not negative"
amount = "kronor to pay"
lines = "number of lines"
due_date = "last working day before the month; null outside the calendar"
due_has_passed = "true when the lease was registered after the due date"
received_at = "when the register extract with the lease arrived"
file_id = "raw file of the lease"
ordinal = "number of the record in the file"
byte_start = "first byte of the record"
byte_end = "one past its last byte"
*/
with latest_extract as (
    select max(extracted_on) as extracted_on
    from lease
    where extracted_on <= as_of()
),

lease_month as (
    select
        started.*,
        cast(started.month_start as date) as month,
        greatest(started.starts_on, cast(started.month_start as date)) as first_day,
        least(
            coalesce(started.ends_on, cast('9999-12-31' as date)),
            cast(started.month_start + interval '1 month' as date) - 1
        ) as last_day,
        cast(started.month_start + interval '1 month' as date) - cast(started.month_start as date) as month_days
    from (
        select
            lease.lease_id,
            lease.object_id,
            lease.tenant_id,
            lease.department,
            lease.housing_form,
            lease.city_internal,
            lease.vacant,
            lease.registered_on,
            lease.starts_on,
            lease.ends_on,
            lease.received_at,
            lease.file_id,
            lease.ordinal,
            lease.byte_start,
            lease.byte_end,
            -- not date_trunc, which counts in nanoseconds and fails for a mistyped year after 2262
            unnest(generate_series(
                lease.starts_on - date_part('day', lease.starts_on) + 1,
                least(
                    coalesce(lease.ends_on, cast('9999-12-31' as date)),
                    cast(date_trunc('month', as_of()) + interval '1 month' as date)
                ),
                interval '1 month'
            )) as month_start
        from lease
        inner join latest_extract
            on latest_extract.extracted_on = lease.extracted_on
    ) as started
),

line_sum as (
    select
        lease_id,
        month,
        sum(case when kind = 'rent' then amount else cast(0 as decimal(18, 2)) end) as rent,
        sum(case when kind = 'supplement' then amount else cast(0 as decimal(18, 2)) end) as supplements,
        -sum(case when kind = 'deduction' then amount else cast(0 as decimal(18, 2)) end) as deductions,
        -sum(case when kind = 'reduction' then amount else cast(0 as decimal(18, 2)) end) as reductions,
        sum(amount) as amount,
        count(*) as lines
    from rent_notice_line
    group by
        lease_id,
        month
)

select
    lease_month.lease_id,
    lease_month.month,
    lease_month.object_id,
    lease_month.tenant_id,
    lease_month.department,
    lease_month.housing_form,
    lease_month.city_internal,
    lease_month.vacant,
    lease_month.registered_on,
    lease_month.first_day,
    lease_month.last_day,
    lease_month.last_day - lease_month.first_day + 1 as days,
    lease_month.last_day - lease_month.first_day + 1 = lease_month.month_days as is_whole_month,
    lease_month.month <= lease_month.starts_on as is_first,
    cast(coalesce(line_sum.rent, 0) as decimal(18, 2)) as rent,
    cast(coalesce(line_sum.supplements, 0) as decimal(18, 2)) as supplements,
    cast(coalesce(line_sum.deductions, 0) as decimal(18, 2)) as deductions,
    cast(coalesce(line_sum.reductions, 0) as decimal(18, 2)) as reductions,
    cast(coalesce(line_sum.amount, 0) as decimal(18, 2)) as amount,
    coalesce(line_sum.lines, 0) as lines,
    previous_workday(lease_month.month) as due_date,
    lease_month.registered_on > previous_workday(lease_month.month) as due_has_passed,
    lease_month.received_at,
    lease_month.file_id,
    lease_month.ordinal,
    lease_month.byte_start,
    lease_month.byte_end
from lease_month
left join line_sum
    on line_sum.lease_id = lease_month.lease_id
    and line_sum.month = lease_month.month

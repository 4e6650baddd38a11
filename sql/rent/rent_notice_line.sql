/*
title = "Hyresavins rader"
description = """RENT10: what each component of a lease adds to or takes from the notice of a month, from the lease's first month to the month
after the as-of, which is the one to notify next (RENT28, RENT29).
A component counts for the days that both it and the lease are valid in the month. When the lease covers the whole
month, a component that does too is charged whole, and one that changes inside the month for its days of the month's
days. When the lease covers part of the month (it begins or ends in it) the share is days / P:rent_day_basis, or days /
the month's days when the parameter is 0; all days of a part of a month together are never more than a whole month.
Deductions and reductions are subtracted. Each line is rounded half up to öre, so that the printed lines sum to the
notice."""
kind = "table"
key = ["lease_id", "month", "component_id", "valid_from"]
catalogue = ["RENT10"]

[columns]
lease_id = "lease"
month = "first day of the month that the rent is for"
component_id = "component"
valid_from = "first day of the component's row in the register"
kind = "rent, supplement, deduction or reduction"
text = "text on the notice"
amount_per_month = "the component's kronor a month, never negative"
first_day = "first day that counts"
last_day = "last day that counts"
days = "days that count"
lease_days = "days of the month that the lease is valid"
basis_days = "days that a whole month counts as"
amount = "kronor on the notice, negative for deductions and reductions"
received_at = "when the register extract with the component arrived"
file_id = "raw file of the component"
ordinal = "number of the record in the file"
byte_start = "first byte of the record"
byte_end = "one past its last byte"
*/
with latest_lease_extract as (
    select max(extracted_on) as extracted_on
    from lease
    where extracted_on <= as_of()
),

latest_component_extract as (
    select max(extracted_on) as extracted_on
    from rent_component
    where extracted_on <= as_of()
),

lease_month as (
    select
        started.lease_id,
        cast(started.month as date) as month,
        cast(started.month + interval '1 month' as date) - 1 as month_end,
        greatest(started.starts_on, cast(started.month as date)) as lease_first_day,
        least(started.last_day, cast(started.month + interval '1 month' as date) - 1) as lease_last_day
    from (
        select
            lease.lease_id,
            lease.starts_on,
            coalesce(lease.ends_on, cast('9999-12-31' as date)) as last_day,
            -- not date_trunc, which counts in nanoseconds and fails for a mistyped year after 2262
            unnest(generate_series(
                lease.starts_on - date_part('day', lease.starts_on) + 1,
                least(
                    coalesce(lease.ends_on, cast('9999-12-31' as date)),
                    cast(date_trunc('month', as_of()) + interval '1 month' as date)
                ),
                interval '1 month'
            )) as month
        from lease
        inner join latest_lease_extract
            on latest_lease_extract.extracted_on = lease.extracted_on
    ) as started
),

basis as (
    select
        months.month,
        max(cast(param.value as int)) as day_basis
    from (
        select distinct month
        from lease_month
    ) as months
    inner join param
        on param.name = 'rent_day_basis'
        and param.valid_from <= months.month
        and (param.valid_to is null or param.valid_to >= months.month)
    group by
        months.month
),

counted as (
    select
        lease_month.lease_id,
        lease_month.month,
        rent_component.component_id,
        rent_component.valid_from,
        rent_component.kind,
        rent_component.text,
        rent_component.amount_per_month,
        greatest(lease_month.lease_first_day, rent_component.valid_from) as first_day,
        least(
            lease_month.lease_last_day,
            coalesce(rent_component.valid_to, cast('9999-12-31' as date))
        ) as last_day,
        lease_month.lease_last_day - lease_month.lease_first_day + 1 as lease_days,
        lease_month.month_end - lease_month.month + 1 as month_days,
        basis.day_basis,
        rent_component.received_at,
        rent_component.file_id,
        rent_component.ordinal,
        rent_component.byte_start,
        rent_component.byte_end
    from lease_month
    inner join rent_component
        on rent_component.lease_id = lease_month.lease_id
    inner join latest_component_extract
        on latest_component_extract.extracted_on = rent_component.extracted_on
    left join basis
        on basis.month = lease_month.month
    where rent_component.valid_from <= lease_month.lease_last_day
        and (rent_component.valid_to is null or rent_component.valid_to >= lease_month.lease_first_day)
),

-- share of a whole month = days / basis_days
shared as (
    select
        counted.*,
        counted.last_day - counted.first_day + 1 as days,
        case
            when counted.lease_days = counted.month_days or counted.day_basis = 0 then counted.month_days
            else cast(counted.day_basis as bigint)
        end as basis_days
    from counted
)

select
    shared.lease_id,
    shared.month,
    shared.component_id,
    shared.valid_from,
    shared.kind,
    shared.text,
    shared.amount_per_month,
    shared.first_day,
    shared.last_day,
    shared.days,
    shared.lease_days,
    shared.basis_days,
    cast(
        round_half_up(
            cast(shared.amount_per_month * shared.days as decimal(24, 6))
            / cast(shared.basis_days as decimal(4, 0)),
            2
        )
        * case when shared.kind in ('deduction', 'reduction') then -1 else 1 end
        as decimal(18, 2)
    ) as amount,
    shared.received_at,
    shared.file_id,
    shared.ordinal,
    shared.byte_start,
    shared.byte_end
from shared

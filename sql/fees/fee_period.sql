/*
title = "Avgiftens delar, en rad per period inom månaden"
description = """FEE29, the computation. A row is a stretch of days in one month in which everything that decides the fee of a municipal
placement stands still; the month's fee is their sum (fee_month).
1. Category. fritidshem: its own. Preschool and pedagogisk omsorg: part_time from P:fee_part_time_month of the year the
   child turns P:fee_part_time_age whatever the hours; before that full_time above P:fee_full_time_hours a week, else
   part_time. Only general preschool (allmän förskola) of at most P:fee_general_preschool_hours: free from the same month.
2. Position. The children of the household with a placement that day, the youngest first, across the forms; children in
   places that others invoice count. Twins are ordered by their personal number. Free general preschool counts when
   P:fee_general_preschool_in_order is 1.
3. Income. The declaration in force last in the month; of several, the one received last (a late correction). Missing,
   unverifiable, without amount or negative: the ceiling, that is the highest fee.
4. Tariff: the one in force in Stockholm on the day; a tariff that begins inside a month divides the month.
   Base = max(0, min(income, ceiling) - deduction). The deduction is 10 000 kr from 2026-07-01 (SFS 2026:3).
5. Month fee = rate of category and position x base, rounded half up to whole kronor. Child 4 and on: 0.
6. Part of a month: month fee x days / basis days. The basis is the days of the month when P:fee_day_basis is 0 or the
   child is placed the whole month, else P:fee_day_basis.
Every other value is the one in force in that month. What cannot be decided is refused, with a reason, and no fee."""
kind = "table"
key = ["placement_id", "starts_on", "period_from"]
catalogue = ["FEE29", "FEE21"]

[columns]
placement_id = "placement"
starts_on = "first day of the placement's row in the register"
period_from = "first day of the period"
period_to = "last day of the period"
month = "first day of the month"
household_id = "household"
customer_id = "payer"
department = "district of the placement"
form = "form of the placement"
category = "full_time, part_time, fritidshem or general_preschool"
status = "charged, free, other_tariff or refused"
refusal = "why the fee is refused, null otherwise"
position = "place in the household's sibling order, null when it does not count"
income_basis = "declared, over_ceiling, no_declaration, missing, unverifiable, no_amount or negative"
declaration_id = "declaration used, also when it gives no usable income"
declared_income = "income declared, kronor a month"
income_used = "income that the fee is counted on, at most the ceiling"
ceiling = "highest income of the tariff"
deduction = "deduction of the tariff"
base = "income used less the deduction, at least 0"
rate = "rate of category and position"
full_fee = "rate x base, not rounded"
month_fee = "fee of a whole month, rounded half up to kronor"
days = "days of the period"
basis_days = "days that a whole month counts as"
tariff_valid_from = "first day of the tariff in Stockholm"
tariff_source = "source of the tariff"
*/
with placed as (
    select
        fee_placement.*,
        coalesce(ends_on, cast('9999-12-31' as date)) as last_day,
        coalesce(ends_on < starts_on, false) as covers_no_day
    from fee_placement
),

-- The months that the city invoices: from the placement's first month to the month of the as-of.
placement_month as (
    select
        started.placement_id,
        started.starts_on,
        started.household_id,
        started.child_id,
        started.form_in_tariff,
        started.covers_no_day,
        cast(started.month as date) as month,
        cast(started.month + interval '1 month' as date) - 1 as month_end,
        greatest(started.starts_on, cast(started.month as date)) as first_day,
        -- a row that covers no day stands on its first one, to be refused there
        greatest(
            started.starts_on,
            least(started.last_day, cast(started.month + interval '1 month' as date) - 1)
        ) as last_day
    from (
        select
            placement_id,
            starts_on,
            household_id,
            child_id,
            form_in_tariff,
            last_day,
            covers_no_day,
            -- not date_trunc, which counts in nanoseconds and fails for a mistyped year after 2262
            unnest(generate_series(
                starts_on - date_part('day', starts_on) + 1,
                least(greatest(starts_on, last_day), cast(date_trunc('month', as_of()) as date)),
                interval '1 month'
            )) as month
        from placed
        where municipal
    ) as started
),

household_month as (
    select distinct
        household_id,
        month,
        month_end
    from placement_month
),

limits as (
    select
        months.month,
        max(case when param.name = 'fee_full_time_hours' then param.value end) as full_time_hours,
        max(case when param.name = 'fee_general_preschool_hours' then param.value end) as general_preschool_hours,
        max(case when param.name = 'fee_general_preschool_in_order' then cast(param.value as int) end) as free_in_order,
        max(case when param.name = 'fee_part_time_age' then cast(param.value as int) end) as part_time_age,
        max(case when param.name = 'fee_part_time_month' then cast(param.value as int) end) as part_time_month,
        max(case when param.name = 'fee_day_basis' then cast(param.value as int) end) as day_basis,
        max(case when param.name = 'fee_min_age_months' then cast(param.value as int) end) as min_age_months,
        max(case when param.name = 'fee_max_age_preschool' then cast(param.value as int) end) as max_age_preschool,
        max(case when param.name = 'fee_min_age_fritidshem' then cast(param.value as int) end) as min_age_fritidshem,
        max(case when param.name = 'fee_max_age_fritidshem' then cast(param.value as int) end) as max_age_fritidshem
    from (
        select distinct month
        from placement_month
    ) as months
    inner join param
        on param.valid_from <= months.month
        and (param.valid_to is null or param.valid_to >= months.month)
    group by
        months.month
),

-- Step 2. The sibling order stands still between the days when a placement of the household begins or has ended, and so
-- does the tariff between the days when another comes into force in Stockholm, which need not be the first of a month.
-- allow union: two changes on a day are one change
order_change as (
    select
        household_id,
        starts_on as change_date
    from placed
    where form_in_tariff
        and not covers_no_day
    union
    select
        household_id,
        ends_on + 1 as change_date
    from placed
    where form_in_tariff
        and not covers_no_day
        and ends_on is not null
),

tariff_change as (
    select distinct valid_from as change_date
    from ref_fee_tariff
    where date_part('day', valid_from) > 1
),

-- allow union: a period begins once on a day, whatever makes it begin
household_period_start as (
    select
        household_id,
        month,
        month_end,
        month as period_from
    from household_month
    union
    select
        household_month.household_id,
        household_month.month,
        household_month.month_end,
        order_change.change_date as period_from
    from household_month
    inner join order_change
        on order_change.household_id = household_month.household_id
    where order_change.change_date between household_month.month and household_month.month_end
    union
    select
        household_month.household_id,
        household_month.month,
        household_month.month_end,
        tariff_change.change_date as period_from
    from household_month
    inner join tariff_change
        on tariff_change.change_date between household_month.month and household_month.month_end
),

household_period as (
    select
        household_id,
        month,
        period_from,
        coalesce(
            lead(period_from) over (partition by household_id, month order by period_from) - 1,
            month_end
        ) as period_to
    from household_period_start
),

sibling_order as (
    select
        household_period.household_id,
        household_period.period_from,
        placed.placement_id,
        placed.starts_on,
        cast(dense_rank() over (
            partition by household_period.household_id, household_period.period_from
            order by placed.child_birth_date desc, placed.child_id
        ) as int) as position
    from household_period
    inner join placed
        on placed.household_id = household_period.household_id
    inner join limits
        on limits.month = household_period.month
    where placed.form_in_tariff
        and household_period.period_from between placed.starts_on and placed.last_day
        and (
            limits.free_in_order = 1
            or not placed.general_preschool
            or coalesce(placed.hours_per_week, limits.general_preschool_hours) > limits.general_preschool_hours
        )
),

-- Step 3. Income: one declaration for each household and month.
ranked_declaration as (
    select
        household_month.household_id,
        household_month.month,
        fee_income.declaration_id,
        fee_income.status,
        fee_income.monthly_income,
        row_number() over (
            partition by household_month.household_id, household_month.month
            order by
                least(coalesce(fee_income.valid_to, household_month.month_end), household_month.month_end) desc,
                fee_income.received_on desc,
                fee_income.valid_from desc,
                fee_income.declaration_id desc
        ) as place
    from household_month
    inner join fee_income
        on fee_income.household_id = household_month.household_id
    where fee_income.valid_from <= household_month.month_end
        and (fee_income.valid_to is null or fee_income.valid_to >= household_month.month)
),

household_income as (
    select
        household_month.household_id,
        household_month.month,
        ranked_declaration.declaration_id,
        ranked_declaration.monthly_income as declared_income,
        case
            when ranked_declaration.declaration_id is null then 'no_declaration'
            when ranked_declaration.status = 'missing' then 'missing'
            when ranked_declaration.status is distinct from 'approved' then 'unverifiable'
            when ranked_declaration.monthly_income is null then 'no_amount'
            when ranked_declaration.monthly_income < 0 then 'negative'
            else 'declared'
        end as income_basis
    from household_month
    left join ranked_declaration
        on ranked_declaration.household_id = household_month.household_id
        and ranked_declaration.month = household_month.month
        and ranked_declaration.place = 1
),

-- The household must be valid on some day of the month; of several rows the last one names the payer.
ranked_household as (
    select
        household_month.household_id,
        household_month.month,
        fee_household.customer_id,
        row_number() over (
            partition by household_month.household_id, household_month.month
            order by fee_household.valid_from desc
        ) as place
    from household_month
    inner join fee_household
        on fee_household.household_id = household_month.household_id
    where fee_household.valid_from <= household_month.month_end
        and (fee_household.valid_to is null or fee_household.valid_to >= household_month.month)
),

-- Step 6. The days of the month that the child is placed, in whatever placements.
child_days as (
    select
        child_id,
        month,
        sum(last_day - first_day + 1) as placed_days
    from placement_month
    where form_in_tariff
        and not covers_no_day
    group by
        child_id,
        month
),

-- Step 1. The child's age in that month, then what the placement is and what cannot be decided.
aged as (
    select
        placement_month.placement_id,
        placement_month.starts_on,
        placement_month.month,
        placement_month.month_end,
        placement_month.first_day,
        placement_month.last_day,
        placement_month.household_id,
        placed.protected,
        placed.department,
        placed.form,
        placed.form_in_tariff,
        placed.hours_per_week,
        placed.general_preschool,
        placed.covers_no_day,
        placed.overlap_from <= placement_month.last_day
        and placed.overlap_to >= placement_month.first_day as is_double,
        placed.child_birth_date,
        cast(date_part('year', placement_month.month) - date_part('year', placed.child_birth_date) as int) as age_this_year,
        -- whole months lived on the first day
        cast(
            (date_part('year', placement_month.first_day) - date_part('year', placed.child_birth_date)) * 12
            + date_part('month', placement_month.first_day) - date_part('month', placed.child_birth_date)
            - case
                when date_part('day', placement_month.first_day) < date_part('day', placed.child_birth_date) then 1
                else 0
            end
            as int
        ) as age_months,
        placement_month.month >= make_date(
            cast(date_part('year', placed.child_birth_date) as int) + limits.part_time_age,
            limits.part_time_month,
            1
        ) as is_part_time_age,
        limits.full_time_hours,
        limits.general_preschool_hours,
        limits.min_age_months,
        limits.max_age_preschool,
        limits.min_age_fritidshem,
        limits.max_age_fritidshem,
        case
            when limits.day_basis = 0
                or child_days.placed_days >= placement_month.month_end - placement_month.month + 1
                then placement_month.month_end - placement_month.month + 1
            else cast(limits.day_basis as bigint)
        end as basis_days
    from placement_month
    inner join placed
        on placed.placement_id = placement_month.placement_id
        and placed.starts_on = placement_month.starts_on
    left join limits
        on limits.month = placement_month.month
    left join child_days
        on child_days.child_id = placement_month.child_id
        and child_days.month = placement_month.month
),

classified as (
    select
        aged.*,
        household_now.customer_id,
        case
            when not aged.form_in_tariff or aged.protected then null
            when aged.form = 'fritidshem' then 'fritidshem'
            when aged.general_preschool
                and coalesce(aged.hours_per_week, aged.general_preschool_hours) <= aged.general_preschool_hours
                then 'general_preschool'
            when aged.is_part_time_age then 'part_time'
            when aged.hours_per_week > aged.full_time_hours then 'full_time'
            when aged.hours_per_week <= aged.full_time_hours then 'part_time'
        end as category,
        case
            when not aged.form_in_tariff then null
            when aged.protected then 'protected'
            when aged.covers_no_day then 'ends_before_start'
            when household_now.household_id is null then 'no_household'
            when aged.is_double then 'double_placement'
            when aged.child_birth_date is null or aged.age_months < aged.min_age_months then 'birth_date'
            when aged.form <> 'fritidshem' and aged.age_this_year > aged.max_age_preschool then 'birth_date'
            when aged.form = 'fritidshem'
                and not aged.age_this_year between aged.min_age_fritidshem and aged.max_age_fritidshem
                then 'birth_date'
            when aged.form <> 'fritidshem' and not aged.is_part_time_age and aged.general_preschool
                then 'general_preschool_too_young'
            when aged.form <> 'fritidshem' and not aged.is_part_time_age and aged.hours_per_week is null
                then 'hours_missing'
        end as register_refusal
    from aged
    left join ranked_household as household_now
        on household_now.household_id = aged.household_id
        and household_now.month = aged.month
        and household_now.place = 1
),

in_periods as (
    select
        classified.*,
        greatest(classified.first_day, household_period.period_from) as period_from,
        least(classified.last_day, household_period.period_to) as period_to,
        sibling_order.position,
        household_income.declaration_id,
        household_income.declared_income,
        household_income.income_basis as declared_basis
    from classified
    inner join household_period
        on household_period.household_id = classified.household_id
        and household_period.month = classified.month
    left join sibling_order
        on sibling_order.household_id = household_period.household_id
        and sibling_order.period_from = household_period.period_from
        and sibling_order.placement_id = classified.placement_id
        and sibling_order.starts_on = classified.starts_on
    left join household_income
        on household_income.household_id = classified.household_id
        and household_income.month = classified.month
    where household_period.period_from <= classified.last_day
        and household_period.period_to >= classified.first_day
),

-- Steps 4 and 5. The tariff in force, the base and the fee of a whole month.
with_tariff as (
    select
        in_periods.*,
        tariff.ceiling,
        tariff.deduction,
        tariff.rate,
        tariff.valid_from as tariff_valid_from,
        tariff.source as tariff_source,
        case
            when not in_periods.form_in_tariff then 'other_tariff'
            when in_periods.register_refusal is not null then 'refused'
            when in_periods.category = 'general_preschool' then 'free'
            when tariff.category is null then 'refused'
            else 'charged'
        end as status,
        case
            when in_periods.register_refusal is not null then in_periods.register_refusal
            when in_periods.form_in_tariff
                and (in_periods.category is distinct from 'general_preschool')
                and tariff.category is null
                then 'no_tariff'
        end as refusal,
        case
            when in_periods.declared_basis = 'declared' then least(in_periods.declared_income, tariff.ceiling)
            else tariff.ceiling
        end as income_used
    from in_periods
    left join ref_fee_tariff as tariff
        on tariff.category = in_periods.category
        and tariff.position = least(in_periods.position, 4)
        and in_periods.period_from between tariff.valid_from and tariff.valid_to
),

with_base as (
    select
        with_tariff.*,
        cast(greatest(
            with_tariff.income_used - with_tariff.deduction,
            cast(0 as decimal(18, 2))
        ) as decimal(18, 2)) as base
    from with_tariff
)

select
    with_base.placement_id,
    with_base.starts_on,
    with_base.period_from,
    with_base.period_to,
    with_base.month,
    with_base.household_id,
    with_base.customer_id,
    with_base.department,
    with_base.form,
    with_base.category,
    with_base.status,
    with_base.refusal,
    case when with_base.status = 'charged' then with_base.position end as position,
    case
        when with_base.status <> 'charged' then null
        when with_base.declared_basis = 'declared' and with_base.declared_income > with_base.ceiling then 'over_ceiling'
        else with_base.declared_basis
    end as income_basis,
    case when with_base.status = 'charged' then with_base.declaration_id end as declaration_id,
    case when with_base.status = 'charged' then with_base.declared_income end as declared_income,
    case when with_base.status = 'charged' then with_base.income_used end as income_used,
    case when with_base.status = 'charged' then with_base.ceiling end as ceiling,
    case when with_base.status = 'charged' then with_base.deduction end as deduction,
    case when with_base.status = 'charged' then with_base.base end as base,
    case when with_base.status = 'charged' then with_base.rate end as rate,
    case when with_base.status = 'charged' then cast(with_base.rate * with_base.base as decimal(18, 6)) end as full_fee,
    case
        when with_base.status = 'charged'
            then cast(round_half_up(cast(with_base.rate * with_base.base as decimal(18, 6)), 0) as decimal(18, 2))
        when with_base.status = 'free' then cast(0 as decimal(18, 2))
    end as month_fee,
    case
        when with_base.covers_no_day then cast(0 as bigint)
        else cast(with_base.period_to - with_base.period_from + 1 as bigint)
    end as days,
    cast(with_base.basis_days as bigint) as basis_days,
    case when with_base.status = 'charged' then with_base.tariff_valid_from end as tariff_valid_from,
    case when with_base.status = 'charged' then with_base.tariff_source end as tariff_source
from with_base

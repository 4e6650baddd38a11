/*
title = "Schema för avgiftskörningar"
description = """FEE27, FEE30, FEE34: the proposed days of the fee runs of the year of the as-of and the next, counted back from the day that the
invoices are due. The steps and how many working days each is before that day are rows of ref_fee_run_step.
Due day: the last day of the month, in Stockholm; when it is no working day, the next working day. A month whose days
are outside the calendar is left out, so that no day is guessed.
Chain month: each month. Chain comparison: once a year, for the income comparison that is invoiced with the month
P:fee_comparison_month. From the first to the last step with closes_ber, BER is closed for changes; the step notice tells
the departments before.
A step of the month is in conflict when it falls on day 1 or 2 of the closing of the period (sla_period_day); a step of
the comparison when it falls where BER is closed, unless it is the invoicing itself."""
kind = "table"
key = ["chain", "month", "step"]
catalogue = ["FEE27", "FEE30"]

[columns]
chain = "month or comparison"
month = "first day of the month that is invoiced"
step = "code of the step"
title_sv = "the step in Swedish"
day = "working day of the step"
due_date = "day that the invoices are due"
closes_ber = "true when BER is closed for changes on that day"
conflict = "period_close, ber_closed, or null"
*/
-- allow ties: a day is once in the calendar
with workday as (
    select
        date,
        row_number() over (order by date) as number
    from ref_calendar
    where is_city_workday
),

months as (
    select distinct cast(date_trunc('month', date) as date) as month
    from ref_calendar
    where date_part('year', date) between date_part('year', as_of()) and date_part('year', as_of()) + 1
),

due as (
    select
        months.month,
        workday.date as due_date,
        workday.number
    from months
    inner join workday
        on workday.date = workday_add(cast(months.month + interval '1 month' as date) - 1, 1)
),

comparison as (
    select cast(value as int) as month
    from param
    where name = 'fee_comparison_month'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

planned as (
    select
        step.chain,
        due.month,
        step.step,
        step.title_sv,
        workday.date as day,
        due.due_date,
        step.closes_ber
    from due
    cross join ref_fee_run_step as step
    cross join comparison
    inner join workday
        on workday.number = due.number - step.workdays_before
    where step.valid_from <= due.month
        and (step.valid_to is null or step.valid_to >= due.month)
        and (step.chain = 'month' or date_part('month', due.month) = comparison.month)
),

closed as (
    select
        month,
        min(day) as first_day,
        max(day) as last_day
    from planned
    where chain = 'month'
        and closes_ber
    group by month
),

-- A day can be day 1 of one period only, and lie in the closing of one month only.
in_conflict as (
    select
        planned.chain,
        planned.month,
        planned.step,
        min(case
            when planned.chain = 'month' and planned.closes_ber and sla_period_day.period is not null
                then 'period_close'
            when planned.chain = 'comparison' and planned.step <> 'invoice' and closed.month is not null
                then 'ber_closed'
        end) as conflict
    from planned
    left join sla_period_day
        on planned.day between sla_period_day.day_1 and sla_period_day.day_2
    left join closed
        on planned.day between closed.first_day and closed.last_day
    group by
        planned.chain,
        planned.month,
        planned.step
)

select
    planned.chain,
    planned.month,
    planned.step,
    planned.title_sv,
    planned.day,
    planned.due_date,
    planned.closes_ber,
    in_conflict.conflict
from planned
inner join in_conflict
    on in_conflict.chain = planned.chain
    and in_conflict.month = planned.month
    and in_conflict.step = planned.step

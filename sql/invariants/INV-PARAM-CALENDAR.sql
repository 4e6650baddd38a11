/*
title = "Kalendern har varje dag en gång och inga arbetsdagar på helger"
description = """B4: one row for each day from the first to the last, no gaps; Saturdays, Sundays and the fixed holidays are no working days; every month has at least fifteen."""
key = ["date"]
*/
with neighbours as (
    select
        date,
        is_bank_day,
        is_city_workday,
        lag(date) over (order by date) as day_before,
        -- 1970-01-01 was a Thursday: 0 is Monday
        (date - cast('1970-01-01' as date) + 3) % 7 as weekday
    from ref_calendar
),

month_size as (
    select
        cast(date_trunc('month', date) as date) as date,
        sum(case when is_city_workday then 1 else 0 end) as workdays
    from ref_calendar
    group by
        cast(date_trunc('month', date) as date)
)

select
    date,
    case
        when is_bank_day is null or is_city_workday is null then 'not decided'
        when day_before is not null and day_before <> date - 1 then 'gap or repetition'
        else 'working day on a day off'
    end as violation
from neighbours
where is_bank_day is null
    or is_city_workday is null
    or (day_before is not null and day_before <> date - 1)
    or (
        (is_bank_day or is_city_workday)
        and (
            weekday >= 5
            or to_char(date, '%m-%d') in
                ('01-01', '01-06', '05-01', '06-06', '12-24', '12-25', '12-26', '12-31')
        )
    )
union all
select
    date,
    'too few working days' as violation
from month_size
where workdays < 15

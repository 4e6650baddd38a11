/*
title = "Maxtaxa som saknas för en kommande period"
description = """FEE24: a category and position of the maxtaxa whose last known day is less than P:tariff_alarm_days days ahead of the as-of. Skolverket
publishes the next year's values by 1 December (5 a § of SFS 2001:160), and the rules can change within a year, as on
2026-07-01. Months without a tariff get no fee (fee_exception), so the alarm comes before they begin. The clock starts
on the day that the alarm became due. The service description
states no handling time for it, so the service level is the one without a time."""
kind = "exception"
key = ["category", "missing_from"]
catalogue = ["FEE24"]

[exception]
queue = "avgift-taxa-saknas"
queue_title = "Maxtaxa som saknas"
service_level = "SLA55"
why = "Taxan för {category_sv} är känd till och med {known_to}. Från {missing_from} kan ingen avgift beräknas."
action = "Hämta Skolverkets belopp och kommunfullmäktiges beslut, lägg in taxan i taxetabellen och låt en kollega godkänna den."

[columns]
category = "full_time, part_time or fritidshem"
category_sv = "the category in Swedish"
known_to = "last day with a tariff"
missing_from = "first day without"
days_left = "days from the as-of to the first day without"
received_at = "when the alarm became due"
evidence = "empty: the tariff is a parameter, not a record"
*/
with alarm as (
    select cast(value as int) as days
    from param
    where name = 'tariff_alarm_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- a category is known as far as the position that is known the shortest time
known_position as (
    select
        category,
        position,
        max(coalesce(valid_to, cast('9999-12-30' as date))) as known_to
    from ref_fee_tariff
    group by
        category,
        position
),

known as (
    select
        category,
        min(known_to) as known_to
    from known_position
    group by
        category
)

select
    known.category,
    case known.category
        when 'full_time' then 'förskola på heltid'
        when 'part_time' then 'förskola på deltid'
        else 'fritidshem'
    end as category_sv,
    known.known_to,
    known.known_to + 1 as missing_from,
    cast(known.known_to + 1 - as_of() as bigint) as days_left,
    arrow_cast(known.known_to + 1 - alarm.days, 'Timestamp(Millisecond, Some("+00:00"))') as received_at,
    arrow_cast(make_array(), 'List(Utf8)') as evidence
from known
cross join alarm
where known.known_to + 1 - as_of() <= alarm.days

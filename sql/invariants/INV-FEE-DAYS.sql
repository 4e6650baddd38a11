/*
title = "Avgiftens perioder täcker placeringens dagar i månaden"
description = """FEE29: the days of a fee are the days that the placement covers in the month, each once."""
key = ["placement_id", "starts_on", "month"]
*/
select
    fee_month.placement_id,
    fee_month.starts_on,
    fee_month.month,
    fee_month.days,
    greatest(0, least(
        coalesce(fee_placement.ends_on, cast('9999-12-31' as date)),
        cast(fee_month.month + interval '1 month' as date) - 1
    ) - greatest(fee_month.starts_on, fee_month.month) + 1) as placed_days
from fee_month
left join fee_placement
    on fee_placement.placement_id = fee_month.placement_id
    and fee_placement.starts_on = fee_month.starts_on
where fee_placement.placement_id is null
    or fee_month.days <> greatest(0, least(
        coalesce(fee_placement.ends_on, cast('9999-12-31' as date)),
        cast(fee_month.month + interval '1 month' as date) - 1
    ) - greatest(fee_month.starts_on, fee_month.month) + 1)

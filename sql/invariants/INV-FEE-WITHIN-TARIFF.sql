/*
title = "Ingen avgift är högre än taxans högsta"
description = """FEE29: a fee stands with its status (charged: 0 kr to the highest fee of its category for a first child in any tariff of the month, in whole kronor; free: 0 kr; otherwise none), and a charged fee has a tariff in force in its month."""
key = ["placement_id", "starts_on", "month"]
*/
with highest as (
    select
        fee_month.placement_id,
        fee_month.starts_on,
        fee_month.month,
        max(tariff.highest_fee) as highest_fee
    from fee_month
    inner join ref_fee_tariff as tariff
        on tariff.category = fee_month.category
        and tariff.position = 1
        and tariff.valid_from < cast(fee_month.month + interval '1 month' as date)
        and tariff.valid_to >= fee_month.month
    where fee_month.status = 'charged'
    group by
        fee_month.placement_id,
        fee_month.starts_on,
        fee_month.month
)

select
    fee_month.placement_id,
    fee_month.starts_on,
    fee_month.month,
    fee_month.status,
    fee_month.refusal,
    fee_month.fee,
    highest.highest_fee
from fee_month
left join highest
    on highest.placement_id = fee_month.placement_id
    and highest.starts_on = fee_month.starts_on
    and highest.month = fee_month.month
where not coalesce(
    case fee_month.status
        when 'charged' then fee_month.fee between 0 and highest.highest_fee
            and fee_month.fee = round_half_up(fee_month.fee, 0)
            and fee_month.refusal is null
        when 'free' then fee_month.fee = 0 and fee_month.refusal is null
        when 'other_tariff' then fee_month.fee is null and fee_month.refusal is null
        when 'refused' then fee_month.fee is null and fee_month.refusal is not null
    end,
    false
)

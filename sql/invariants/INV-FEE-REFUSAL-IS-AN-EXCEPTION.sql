/*
title = "Varje nekad avgift finns på en arbetslista"
description = """FEE29: every refused month is on the work-list fee_exception, under its placement or, when the tariff is missing, under its category."""
key = ["placement_id", "starts_on", "month"]
*/
select
    fee_month.placement_id,
    fee_month.starts_on,
    fee_month.month,
    fee_month.refusal
from fee_month
left join fee_exception
    on fee_exception.reason = fee_month.refusal
    and fee_exception.subject = case
        when fee_month.refusal = 'no_tariff' then fee_month.category
        else concat(fee_month.placement_id, ' ', cast(fee_month.starts_on as varchar))
    end
where fee_month.status = 'refused'
    and (
        fee_exception.reason is null
        or not fee_month.month between fee_exception.first_month and fee_exception.last_month
    )

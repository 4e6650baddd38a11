/*
title = "Maxtaxans högsta avgifter är procent av underlaget"
description = """B1.2: the highest fee of each row is rate x (ceiling - deduction), rounded half up to whole kronor; a further child never pays more than the one before, and the fourth pays nothing."""
key = ["category", "position", "valid_from"]
*/
with compared as (
    select
        category,
        position,
        valid_from,
        rate,
        highest_fee,
        cast(round_half_up(cast(rate * (ceiling - deduction) as decimal(18, 6)), 0) as decimal(18, 2)) as computed_fee,
        lag(rate) over (partition by category, valid_from order by position) as rate_before
    from ref_fee_tariff
)

select
    category,
    position,
    valid_from,
    highest_fee,
    computed_fee
from compared
where highest_fee is null
    or computed_fee is null
    or highest_fee <> computed_fee
    or rate > rate_before
    or (position >= 4 and rate <> 0)

/*
title = "Avins belopp är summan av dess rader"
description = """RENT10: amount = rent + supplements - deductions - reductions = the sum of the lines, to the öre; no line is without a notice; and every line has an amount and a known kind."""
key = ["lease_id", "month"]
*/
with line_sum as (
    select
        lease_id,
        month,
        sum(amount) as amount,
        count(*) as lines,
        sum(case when kind in ('rent', 'supplement', 'deduction', 'reduction') and amount is not null then 0 else 1 end)
            as unusable_lines
    from rent_notice_line
    group by
        lease_id,
        month
)

select
    coalesce(rent_notice.lease_id, line_sum.lease_id) as lease_id,
    coalesce(rent_notice.month, line_sum.month) as month,
    rent_notice.amount,
    line_sum.amount as lines_amount
from rent_notice
full join line_sum
    on line_sum.lease_id = rent_notice.lease_id
    and line_sum.month = rent_notice.month
where rent_notice.lease_id is null
    or line_sum.unusable_lines > 0
    or rent_notice.amount <> coalesce(line_sum.amount, cast(0 as decimal(18, 2)))
    or rent_notice.lines <> coalesce(line_sum.lines, 0)
    or rent_notice.amount
        <> rent_notice.rent + rent_notice.supplements - rent_notice.deductions - rent_notice.reductions

/*
title = "Varje konteringsförslag är i balans"
description = """AR25, AR30: debit and credit of every proposed posting are the same to the öre."""
key = ["proposal"]
*/
with lines as (
    select
        proposal,
        line['debit'] as debit,
        line['credit'] as credit
    from (
        select
            payment_id as proposal,
            unnest(posting) as line
        from ar_manual_payment
    ) as manual_lines
    union all
    select
        proposal,
        line['debit'] as debit,
        line['credit'] as credit
    from (
        select
            concat(remittance_id, ' ', cast(line_no as string)) as proposal,
            unnest(posting) as line
        from ar_recovery_posting
    ) as recovery_lines
)

select
    proposal,
    sum(debit) as debit,
    sum(credit) as credit
from lines
group by proposal
having sum(debit) <> sum(credit)

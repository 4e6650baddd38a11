/*
title = "Avgift för fritidsklubb, en rad per placering och fakturamånad"
description = """FEE43: fritidsklubb has a flat fee for each term, meals included, outside the maxtaxa and the sibling order. It is divided
over four invoices a term: February to May and September to December (P:ref_fee_club). A placement owes the invoice of
each of these months in which it covers a day, once, also when the register has several rows of it in the month. Whether
a child who is there for a part of the term owes all four invoices is not decided (OWN-TBV). A placement of a household
with protected identity is left to the restricted zone (FEE38)."""
kind = "table"
key = ["placement_id", "month"]
catalogue = ["FEE43"]

[columns]
placement_id = "placement"
month = "first day of the invoice month"
household_id = "household"
payer = "customer number of the payer; the household's identity when the register names none"
department = "district of the placement"
term = "spring or autumn"
fee = "the month's share of the term's fee"
term_fee = "the term's fee"
source = "source of the fee"
*/
with placed_month as (
    select
        placed.placement_id,
        placed.starts_on,
        placed.household_id,
        placed.department,
        cast(placed.month as date) as month,
        cast(placed.month + interval '1 month' as date) - 1 as month_end
    from (
        select
            placement_id,
            starts_on,
            household_id,
            department,
            unnest(generate_series(
                starts_on - date_part('day', starts_on) + 1,
                least(coalesce(ends_on, as_of()), cast(date_trunc('month', as_of()) as date)),
                interval '1 month'
            )) as month
        from fee_placement
        where form = 'fritidsklubb'
            and municipal
            and not protected
            and coalesce(ends_on, starts_on) >= starts_on
    ) as placed
),

-- Several rows of one placement in a month are one invoice, to the household it ended with.
ranked_month as (
    select
        placed_month.placement_id,
        placed_month.month,
        placed_month.month_end,
        placed_month.household_id,
        placed_month.department,
        row_number() over (
            partition by placed_month.placement_id, placed_month.month
            order by placed_month.starts_on desc
        ) as place
    from placed_month
),

due as (
    select
        ranked_month.placement_id,
        ranked_month.month,
        ranked_month.month_end,
        ranked_month.household_id,
        ranked_month.department,
        ref_fee_club.term,
        ref_fee_club.amount as fee,
        ref_fee_club.term_fee,
        ref_fee_club.source
    from ranked_month
    inner join ref_fee_club
        on ref_fee_club.invoice_month = cast(date_part('month', ranked_month.month) as int)
        and ref_fee_club.valid_from <= ranked_month.month
        and (ref_fee_club.valid_to is null or ref_fee_club.valid_to >= ranked_month.month)
    where ranked_month.place = 1
),

-- Of several rows of the household in the month, the last names the payer, as for the maxtaxa.
ranked_household as (
    select
        due.placement_id,
        due.month,
        fee_household.customer_id,
        row_number() over (
            partition by due.placement_id, due.month
            order by fee_household.valid_from desc
        ) as place
    from due
    inner join fee_household
        on fee_household.household_id = due.household_id
    where fee_household.valid_from <= due.month_end
        and (fee_household.valid_to is null or fee_household.valid_to >= due.month)
)

select
    due.placement_id,
    due.month,
    due.household_id,
    coalesce(ranked_household.customer_id, due.household_id) as payer,
    due.department,
    due.term,
    due.fee,
    due.term_fee,
    due.source
from due
left join ranked_household
    on ranked_household.placement_id = due.placement_id
    and ranked_household.month = due.month
    and ranked_household.place = 1

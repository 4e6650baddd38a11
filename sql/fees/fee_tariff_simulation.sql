/*
title = "Effekt av föreslagen taxa"
description = """FEE25: what a proposed tariff (ref_fee_tariff_proposal) would change, before it is put into ref_fee_tariff: the whole-month fees
of the month of the as-of (fee_month, charged) computed with the proposal, for each group of households. A group is the
number of children that the household has a fee for and what its fee rests on: no usable income (the highest fee), an
income of at least the proposed ceiling, one that the proposed deduction covers (fee 0), or another declared income.
Categories and positions that the proposal does not have keep their fee. New fee = rate x max(0, min(income, ceiling) -
deduction), rounded half up to whole kronor; without usable income the proposed ceiling stands for it.
is_approved: every row of the proposal was approved by somebody else than who entered it (two persons)."""
kind = "table"
key = ["children", "income_group"]
catalogue = ["FEE25"]
amount = "difference"

[columns]
children = "children with a fee in the household"
income_group = "no_income, over_ceiling, below_deduction or declared"
households = "households"
changed = "households whose fee changes"
fee_before = "sum of the fees of a whole month now"
fee_after = "the same with the proposal"
difference = "after less before"
largest_rise = "largest rise of a household, 0 when none rises"
largest_fall = "largest fall of a household, negative, 0 when none falls"
samples = "the three changed households that come first by identity"
is_approved = "true when two persons stand behind every row of the proposal"
*/
with proposal as (
    select
        category,
        position,
        rate,
        ceiling,
        deduction
    from ref_fee_tariff_proposal
),

approval as (
    select coalesce(bool_and(approved_by <> 'ej godkänd' and approved_by <> entered_by), false) as is_approved
    from ref_fee_tariff_proposal
),

placement_fee as (
    select
        fee_month.household_id,
        fee_month.placement_id,
        fee_month.month_fee as fee_before,
        fee_month.income_basis in ('declared', 'over_ceiling') as has_income,
        fee_month.declared_income,
        proposal.ceiling,
        proposal.deduction,
        case
            when proposal.category is null then fee_month.month_fee
            else round_half_up(cast(
                proposal.rate * greatest(
                    case
                        when fee_month.income_basis in ('declared', 'over_ceiling')
                            then least(fee_month.declared_income, proposal.ceiling)
                        else proposal.ceiling
                    end - proposal.deduction,
                    cast(0 as decimal(18, 2))
                ) as decimal(18, 6)
            ), 0)
        end as fee_after
    from fee_month
    left join proposal
        on proposal.category = fee_month.category
        and proposal.position = least(fee_month.position, 4)
    where fee_month.status = 'charged'
        and fee_month.month = cast(date_trunc('month', as_of()) as date)
        and exists (select 1 from ref_fee_tariff_proposal)
),

household_fee as (
    select
        household_id,
        count(distinct placement_id) as children,
        case
            when not bool_or(has_income) then 'no_income'
            when max(declared_income) >= max(ceiling) then 'over_ceiling'
            when max(declared_income) <= max(deduction) then 'below_deduction'
            else 'declared'
        end as income_group,
        sum(fee_before) as fee_before,
        sum(fee_after) as fee_after
    from placement_fee
    group by household_id
),

-- allow ties: a household is once in household_fee
ranked as (
    select
        household_fee.*,
        row_number() over (
            partition by children, income_group
            order by case when fee_after <> fee_before then 0 else 1 end, household_id
        ) as place
    from household_fee
)

select
    ranked.children,
    ranked.income_group,
    count(*) as households,
    count(case when ranked.fee_after <> ranked.fee_before then 1 end) as changed,
    cast(sum(ranked.fee_before) as decimal(18, 2)) as fee_before,
    cast(sum(ranked.fee_after) as decimal(18, 2)) as fee_after,
    cast(sum(ranked.fee_after - ranked.fee_before) as decimal(18, 2)) as difference,
    cast(max(greatest(ranked.fee_after - ranked.fee_before, 0)) as decimal(18, 2)) as largest_rise,
    cast(min(least(ranked.fee_after - ranked.fee_before, 0)) as decimal(18, 2)) as largest_fall,
    string_agg(
        case when ranked.place <= 3 and ranked.fee_after <> ranked.fee_before then ranked.household_id end,
        ', ' order by ranked.household_id
    ) as samples,
    approval.is_approved
from ranked
cross join approval
group by
    ranked.children,
    ranked.income_group,
    approval.is_approved

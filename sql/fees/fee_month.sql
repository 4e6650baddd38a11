/*
title = "Avgift per placering och månad"
description = """FEE29: exactly one row for each municipal placement row of the register and month, with the fee or the reason why there is
none. The fee is the sum over the month's periods (fee_period) of month fee x days, divided once by the basis days and
rounded half up to whole kronor. Where the sibling order changes inside the month, position, rate and month_fee are
those of the month's last period and derivation_sv tells all of them. Persons are identified by placement only: the
personal number stays in the register."""
kind = "table"
key = ["placement_id", "starts_on", "month"]
catalogue = ["FEE29"]

[columns]
placement_id = "placement"
starts_on = "first day of the placement's row in the register"
month = "first day of the month"
household_id = "household"
customer_id = "payer"
department = "district of the placement"
form = "form of the placement"
category = "full_time, part_time, fritidshem or general_preschool"
status = "charged, free, other_tariff or refused"
refusal = "why the fee is refused, null otherwise"
fee = "fee of the month in whole kronor; 0 when free; null when refused or of another tariff"
position = "place in the sibling order in the month's last period"
rate = "rate of category and position in the month's last period"
income_basis = "what the income rests on"
declaration_id = "declaration used"
declared_income = "income declared"
income_used = "income that the fee is counted on"
ceiling = "highest income of the tariff"
deduction = "deduction of the tariff"
base = "income used less the deduction"
month_fee = "fee of a whole month in the month's last period, whole kronor"
periods = "periods with different sibling order in the month"
days = "days charged"
basis_days = "days that a whole month counts as"
unrounded_fee = "fee before it is rounded to whole kronor, six decimals"
tariff_valid_from = "first day of the tariff in Stockholm"
tariff_source = "source of the tariff"
derivation_sv = "the computation of every period, in Swedish"
*/
with ordered as (
    select
        fee_period.*,
        row_number() over (
            partition by placement_id, starts_on, month
            order by period_from desc
        ) as place_from_end
    from fee_period
),

summed as (
    select
        placement_id,
        starts_on,
        month,
        count(*) as periods,
        sum(days) as days,
        sum(month_fee * days) as fee_days,
        max(refusal) as any_refusal,
        string_agg(
            concat(
                cast(period_from as varchar), '–', cast(period_to as varchar),
                ': barn ', cast(position as varchar),
                ', ', cast(cast(rate * 100 as decimal(5, 2)) as varchar), ' % av ', cast(base as varchar),
                ' = ', cast(month_fee as varchar),
                ' kr, ', cast(days as varchar), ' av ', cast(basis_days as varchar), ' dagar'
            ),
            '; ' order by period_from
        ) filter (where status = 'charged') as derivation_sv
    from fee_period
    group by
        placement_id,
        starts_on,
        month
)

select
    last_period.placement_id,
    last_period.starts_on,
    last_period.month,
    last_period.household_id,
    last_period.customer_id,
    last_period.department,
    last_period.form,
    last_period.category,
    -- one period that cannot be decided refuses the month
    case when summed.any_refusal is not null then 'refused' else last_period.status end as status,
    summed.any_refusal as refusal,
    case
        when summed.any_refusal is null
            then cast(round_half_up(
                cast(summed.fee_days as decimal(24, 6)) / cast(last_period.basis_days as decimal(4, 0)), 0
            ) as decimal(18, 2))
    end as fee,
    last_period.position,
    last_period.rate,
    last_period.income_basis,
    last_period.declaration_id,
    last_period.declared_income,
    last_period.income_used,
    last_period.ceiling,
    last_period.deduction,
    last_period.base,
    last_period.month_fee,
    summed.periods,
    cast(summed.days as bigint) as days,
    last_period.basis_days,
    case
        when summed.any_refusal is null
            then cast(
                cast(summed.fee_days as decimal(24, 6)) / cast(last_period.basis_days as decimal(4, 0))
                as decimal(18, 6)
            )
    end as unrounded_fee,
    last_period.tariff_valid_from,
    last_period.tariff_source,
    case when summed.any_refusal is null then summed.derivation_sv end as derivation_sv
from ordered as last_period
inner join summed
    on summed.placement_id = last_period.placement_id
    and summed.starts_on = last_period.starts_on
    and summed.month = last_period.month
where last_period.place_from_end = 1

/*
title = "Familjens avgifter, med förklaring"
description = """FEE45: what a handler needs when a family asks about its fee: each month and placement of a household, the newest facts in
words. Ordered by household and looked up by it. The explanation tells the category, the income and where it comes from,
the tariff with its first day and source, and the computation of every period (fee_month); what was charged is the sum
of the invoice lines of the month (fee_charge, fee and correction). Protected households have no rows: their questions
are answered in the restricted zone (FEE38)."""
kind = "table"
key = ["household_id", "month", "placement_id", "starts_on"]
catalogue = ["FEE45"]
amount = "fee"

[columns]
household_id = "household"
month = "first day of the month"
placement_id = "placement"
starts_on = "first day of the placement's row in the register"
customer_id = "payer"
department = "district of the placement"
form = "form of the placement"
category = "fee category"
fee = "fee of the month in whole kronor"
invoiced = "invoiced for the placement and month so far, corrections included; on the placement's first row of the month"
income_sv = "the income that counts and why, in Swedish"
tariff_sv = "the tariff, in Swedish"
derivation_sv = "the computation of every period, in Swedish"
status_sv = "what came out, in Swedish"
*/
with invoiced as (
    select
        placement_id,
        month,
        cast(sum(amount) as decimal(18, 2)) as amount
    from fee_charge
    where extracted_on <= as_of()
        and kind in ('fee', 'correction')
    group by
        placement_id,
        month
),

first_row as (
    select
        placement_id,
        month,
        min(starts_on) as starts_on
    from fee_month
    group by
        placement_id,
        month
)

select
    fee_month.household_id,
    fee_month.month,
    fee_month.placement_id,
    fee_month.starts_on,
    fee_month.customer_id,
    fee_month.department,
    fee_month.form,
    fee_month.category,
    fee_month.fee,
    case when first_row.placement_id is not null then invoiced.amount end as invoiced,
    case
        when fee_month.status <> 'charged' then null
        when fee_month.income_basis = 'declared'
            then concat('Inkomst ', cast(fee_month.declared_income as varchar), ' kr i månaden enligt inkomstuppgift ', fee_month.declaration_id, '.')
        when fee_month.income_basis = 'over_ceiling'
            then concat('Inkomsten är högre än inkomsttaket ', cast(fee_month.ceiling as varchar), ' kr, som avgiften räknas på.')
        else concat('Högsta avgift: en godkänd inkomstuppgift saknas, så avgiften räknas på inkomsttaket ', cast(fee_month.ceiling as varchar), ' kr.')
    end as income_sv,
    case
        when fee_month.status = 'charged'
            then concat(
                'Taxa från ', cast(fee_month.tariff_valid_from as varchar),
                case
                    when fee_month.deduction > 0
                        then concat(', avdrag ', cast(fee_month.deduction as varchar), ' kr')
                    else ''
                end,
                ': ', fee_month.tariff_source
            )
    end as tariff_sv,
    fee_month.derivation_sv,
    case fee_month.status
        when 'charged' then concat('Avgift ', cast(cast(fee_month.fee as bigint) as varchar), ' kr.')
        when 'free' then 'Allmän förskola är avgiftsfri.'
        when 'other_tariff' then 'Fritidsklubb har en egen avgift.'
        else 'Avgiften är inte beräknad, se arbetslistan Avgifter som inte kan beräknas.'
    end as status_sv
from fee_month
left join first_row
    on first_row.placement_id = fee_month.placement_id
    and first_row.month = fee_month.month
    and first_row.starts_on = fee_month.starts_on
left join invoiced
    on invoiced.placement_id = fee_month.placement_id
    and invoiced.month = fee_month.month
where fee_month.household_id is not null
    and fee_month.refusal is distinct from 'protected'

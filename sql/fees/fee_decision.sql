/*
title = "Avgiftsbesked för månaden, som text"
description = """FEE29: the fee of the month of the as-of as a decision tells it: what it is, what it rests on, how it was counted and rounded, and
which tariff was used. Everything in it stands in a column of fee_month; a placement whose fee is refused has no decision
(fee_exception says why)."""
kind = "table"
key = ["placement_id", "starts_on", "month"]
catalogue = []

[columns]
placement_id = "placement"
starts_on = "first day of the placement's row in the register"
month = "first day of the month"
household_id = "household"
customer_id = "payer"
fee = "fee of the month in whole kronor"
decision_sv = "the decision, in Swedish"
*/
with decided as (
    select
        fee_month.*,
        case fee_month.category
            when 'full_time' then 'förskola på heltid'
            when 'part_time' then 'förskola på deltid'
            when 'general_preschool' then 'allmän förskola'
            else 'fritidshem'
        end as category_sv
    from fee_month
    where fee_month.month = cast(date_trunc('month', as_of()) as date)
        and fee_month.status in ('charged', 'free')
)

select
    placement_id,
    starts_on,
    month,
    household_id,
    customer_id,
    fee,
    case
        when status = 'free'
            then concat(
                'Avgiften för ', substr(cast(month as varchar), 1, 7), ' är 0 kr. Barnet går bara i allmän förskola, som är avgiftsfri från',
                ' augusti det år barnet fyller tre.'
            )
        else concat_ws(
            ' ',
            concat(
                'Avgiften för ', substr(cast(month as varchar), 1, 7), ' är ', cast(cast(fee as decimal(18, 0)) as varchar), ' kr för ',
                category_sv, '.'
            ),
            case income_basis
                when 'declared' then concat(
                    'Den räknas på hushållets inkomst ', cast(declared_income as varchar), ' kr i månaden enligt uppgift ',
                    declaration_id, '.'
                )
                when 'over_ceiling' then concat(
                    'Hushållets inkomst ', cast(declared_income as varchar), ' kr enligt uppgift ', declaration_id,
                    ' är högre än taxans tak ', cast(ceiling as varchar), ' kr, som avgiften räknas på.'
                )
                when 'no_declaration' then concat(
                    'Ingen inkomstuppgift gäller för månaden, och avgiften räknas på taxans tak ', cast(ceiling as varchar), ' kr.'
                )
                else concat(
                    'Uppgift ', declaration_id, ' går inte att använda, och avgiften räknas på taxans tak ',
                    cast(ceiling as varchar), ' kr.'
                )
            end,
            case
                when deduction > 0 then concat(
                    'Av inkomsten räknas ', cast(deduction as varchar), ' kr inte med (SFS 2026:3), så underlaget är ',
                    cast(base as varchar), ' kr.'
                )
            end,
            concat('Så har avgiften räknats: ', derivation_sv, '. Yngsta barnet är barn 1.'),
            concat(
                'Summan ', cast(unrounded_fee as varchar), ' kr avrundas till hela kronor, en halv krona uppåt.'
            ),
            concat('Taxan gäller från ', cast(tariff_valid_from as varchar), ' (', tariff_source, ').')
        )
    end as decision_sv
from decided

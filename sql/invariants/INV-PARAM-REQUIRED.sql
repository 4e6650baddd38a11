/*
title = "Varje parameter som jobben läser gäller på körningsdagen"
description = """B12, fail closed: a job that finds no value compares with nothing and finds nothing, so every name that a job reads must be in force on the as-of, once."""
key = ["name"]
*/
with required as (
    select name
    from (values
        ('ar_account_amount_days'),
        ('ar_autogiro_cutoff_days'),
        ('ar_candidates_max'),
        ('ar_collection_grace_days'),
        ('ar_dunning_grace_days'),
        ('ar_dunning_min'),
        ('ar_interest_day_basis'),
        ('ar_interest_estate'),
        ('ar_interest_margin'),
        ('ar_interest_min'),
        ('ar_plan_grace_days'),
        ('ar_prepayment_days'),
        ('ar_subset_max_candidates'),
        ('ar_subset_max_items'),
        ('ar_text_reference_min_digits'),
        ('ar_writedown_months'),
        ('bank_cutoff_working_days'),
        ('dup_days'),
        ('dup_hash_max'),
        ('dup_window'),
        ('fee_day_basis'),
        ('fee_full_time_hours'),
        ('fee_general_preschool_hours'),
        ('fee_general_preschool_in_order'),
        ('fee_max_age_fritidshem'),
        ('fee_max_age_preschool'),
        ('fee_min_age_fritidshem'),
        ('fee_min_age_months'),
        ('fee_part_time_age'),
        ('fee_part_time_month'),
        ('reconciliation_periods'),
        ('rent_change_share'),
        ('rent_day_basis'),
        ('rent_high_amount'),
        ('rent_outlier_z'),
        ('round_tol'),
        ('tariff_alarm_days'),
        ('vat_sample_size'),
        ('vat_share_high'),
        ('vat_share_low')
    ) as names (name)
)

select
    required.name,
    count(param.name) as values_in_force
from required
left join param
    on param.name = required.name
    and param.value is not null
    and param.valid_from <= as_of()
    and (param.valid_to is null or param.valid_to >= as_of())
group by
    required.name
having count(param.name) <> 1

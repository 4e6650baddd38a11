/*
title = "Stickprovet har rätt storlek"
description = """AP09: every month that has ended and every class has min(P:vat_sample_size, population) documents in the sample, all of them from the population."""
key = ["period", "class"]
*/
with sample_size as (
    select cast(value as bigint) as n
    from param
    where name = 'vat_sample_size'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

population as (
    select
        period,
        class,
        count(*) as documents
    from ap_vat_share
    where cast(period + interval '1 month' as date) - 1 <= as_of()
    group by
        period,
        class
),

sample as (
    select
        ap_vat_sample.period,
        ap_vat_sample.class,
        count(*) as documents,
        count(ap_vat_share.document_id) as in_population
    from ap_vat_sample
    left join ap_vat_share
        on ap_vat_share.document_id = ap_vat_sample.document_id
        and ap_vat_share.class = ap_vat_sample.class
        and ap_vat_share.period = ap_vat_sample.period
    group by
        ap_vat_sample.period,
        ap_vat_sample.class
)

select
    coalesce(population.period, sample.period) as period,
    coalesce(population.class, sample.class) as class,
    coalesce(population.documents, 0) as population,
    coalesce(sample.documents, 0) as sample
from population
full join sample
    on sample.period = population.period
    and sample.class = population.class
left join sample_size
    on true
where sample_size.n is null
    or coalesce(sample.documents, 0) <> least(sample_size.n, coalesce(population.documents, 0))
    or coalesce(sample.in_population, 0) <> coalesce(sample.documents, 0)

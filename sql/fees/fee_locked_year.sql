/*
title = "Ändringar i låst avgiftsår"
description = """FEE33: the setting of BER that ref_ber_setting has with the rule lock is the latest year in which no fee may change any more; earlier years are locked with
it. A row is a change that was invoiced for a month of a locked year after the lock was set (fault changed: lines of
kind fee or correction, for each placement and month), or a year whose income comparison has been invoiced and that is
not locked P:fee_lock_days days after its last line (fault not_locked)."""
kind = "exception"
key = ["fault", "subject"]
catalogue = ["FEE33"]
amount = "amount"

[exception]
queue = "avgift-last-ar"
queue_title = "Ändringar i låst avgiftsår"
service_level = "SLA55"
why = "{fault_sv}: {subject}, belopp {amount}."
action = "{action_sv}"

[columns]
fault = "changed or not_locked"
fault_sv = "the fault in Swedish"
subject = "placement and month, or the year"
action_sv = "what to do, in Swedish"
placement_id = "placement, null for a year"
amount = "sum of the changes, or of the comparison"
received_at = "when the latest line arrived"
evidence = "the lines' records; none for a year"
*/
with latest_ber_setting as (
    select max(extracted_on) as extracted_on
    from ber_setting
    where extracted_on <= as_of()
),

fee_lock as (
    select
        coalesce(max(try_cast(ber_setting.value as int)), 0) as year,
        max(ber_setting.changed_on) as locked_on
    from ber_setting
    inner join ref_ber_setting
        on ref_ber_setting.name = ber_setting.name
        and ref_ber_setting.rule = 'lock'
    inner join latest_ber_setting
        on latest_ber_setting.extracted_on = ber_setting.extracted_on
    where ber_setting.valid_from <= as_of()
        and (ber_setting.valid_to is null or ber_setting.valid_to >= as_of())
),

limits as (
    select max(cast(value as int)) as lock_days
    from param
    where name = 'fee_lock_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

charge as (
    select
        placement_id,
        month,
        kind,
        amount,
        invoiced_on,
        received_at,
        record_ref('fee_charge', file_id, ordinal, byte_start, byte_end) as record
    from fee_charge
    where extracted_on <= as_of()
),

changed as (
    select
        charge.placement_id,
        charge.month,
        sum(charge.amount) as amount,
        max(charge.received_at) as received_at,
        array_agg(charge.record order by charge.record) as evidence
    from charge
    cross join fee_lock
    where charge.kind in ('fee', 'correction')
        and date_part('year', charge.month) <= fee_lock.year
        and charge.invoiced_on > fee_lock.locked_on
    group by
        charge.placement_id,
        charge.month
),

compared_year as (
    select
        cast(date_part('year', month) as int) as year,
        sum(amount) as amount,
        max(invoiced_on) as last_on,
        max(received_at) as received_at
    from charge
    where kind = 'comparison'
    group by cast(date_part('year', month) as int)
)

select
    'changed' as fault,
    'En avgift i ett låst år har ändrats' as fault_sv,
    concat(placement_id, ' ', cast(month as varchar)) as subject,
    'Ta reda på vem som har ändrat och varför. Makulera ändringen om året ska vara låst.' as action_sv,
    placement_id,
    cast(amount as decimal(18, 2)) as amount,
    received_at,
    evidence
from changed
union all
select
    'not_locked' as fault,
    'Inkomstjämförelsen är fakturerad men året är inte låst' as fault_sv,
    cast(compared_year.year as varchar) as subject,
    'Lås avgiftsändringsåret i BER.' as action_sv,
    cast(null as varchar) as placement_id,
    cast(compared_year.amount as decimal(18, 2)) as amount,
    compared_year.received_at,
    arrow_cast(make_array(), 'List(Utf8)') as evidence
from compared_year
cross join fee_lock
cross join limits
where compared_year.year > fee_lock.year
    and compared_year.last_on + limits.lock_days < as_of()

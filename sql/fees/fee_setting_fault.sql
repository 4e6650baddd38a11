/*
title = "Inställningar i BER som avviker"
description = """FEE26, FEE32, FEE42: what BER is set to against what has been decided. The settings to look at, and what each is compared with,
are rows of ref_ber_setting: the ceiling, deduction or rate of the tariff in force (rates in BER are per cent), a
parameter, or the message on the invoices. A setting is in force on the as-of by its dates in BER.
missing: BER has no such setting in force. other_value: it has another number. other_date: the number is right, but
holds in BER from another day than the tariff's (for what the tariff decides). no_message: the message is empty, or was
not changed in the month of the as-of, so that last month's would be printed."""
kind = "exception"
key = ["name"]
catalogue = ["FEE26", "FEE32", "FEE42"]

[exception]
queue = "avgift-installningar"
queue_title = "Inställningar i BER som avviker"
service_level = "SLA55"
why = "BER: {title_sv} ({name}) {fault_sv}. I BER: {actual}. Beslutat: {expected}."
action = "Rätta inställningen i BER före nästa beräkning, eller lägg in det beslut som gäller i parametertabellen."

[columns]
name = "setting in BER"
title_sv = "what it is, in Swedish"
fault = "missing, other_value, other_date or no_message"
fault_sv = "the fault in Swedish"
actual = "value in BER, null when missing"
expected = "decided value, null for the message"
actual_from = "first day in BER"
expected_from = "first day of the tariff, null for others"
received_at = "when the extract arrived"
evidence = "the setting's record; none when missing"
*/
with latest as (
    select
        max(extracted_on) as extracted_on,
        max(received_at) as received_at
    from ber_setting
    where extracted_on <= as_of()
),

in_force as (
    select
        ber_setting.name,
        ber_setting.value,
        ber_setting.valid_from,
        ber_setting.changed_on,
        ber_setting.received_at,
        record_ref(
            'ber_setting', ber_setting.file_id, ber_setting.ordinal, ber_setting.byte_start, ber_setting.byte_end
        ) as record,
        row_number() over (
            partition by ber_setting.name
            order by ber_setting.valid_from desc
        ) as place
    from ber_setting
    inner join latest
        on latest.extracted_on = ber_setting.extracted_on
    where ber_setting.valid_from <= as_of()
        and (ber_setting.valid_to is null or ber_setting.valid_to >= as_of())
),

decided as (
    select
        setting.name,
        setting.title_sv,
        setting.rule,
        case setting.rule
            when 'ceiling' then cast(tariff.ceiling as decimal(18, 6))
            when 'deduction' then cast(tariff.deduction as decimal(18, 6))
            when 'rate' then cast(tariff.rate * 100 as decimal(18, 6))
            when 'param' then param.value
        end as value,
        tariff.valid_from
    from ref_ber_setting as setting
    left join ref_fee_tariff as tariff
        on tariff.category = setting.category
        and tariff.position = setting.position
        and tariff.valid_from <= as_of()
        and tariff.valid_to >= as_of()
    left join param
        on param.name = setting.param
        and param.name in (
            'fee_full_time_hours', 'fee_general_preschool_hours', 'fee_part_time_age', 'fee_part_time_month',
            'fee_renewal_month', 'fee_renewal_days'
        )
        and param.valid_from <= as_of()
        and (param.valid_to is null or param.valid_to >= as_of())
    -- the lock of a year is no value to compare: fee_locked_year
    where setting.rule <> 'lock'
        and setting.valid_from <= as_of()
        and (setting.valid_to is null or setting.valid_to >= as_of())
),

compared as (
    select
        decided.name,
        decided.title_sv,
        decided.value as expected,
        decided.valid_from as expected_from,
        in_force.value as actual,
        in_force.valid_from as actual_from,
        coalesce(in_force.received_at, latest.received_at) as received_at,
        in_force.record,
        case
            when in_force.name is null then 'missing'
            when decided.rule = 'message'
                then case
                    when coalesce(trim(in_force.value), '') = ''
                        or in_force.changed_on < cast(date_trunc('month', as_of()) as date)
                        then 'no_message'
                end
            when try_cast(in_force.value as decimal(18, 6)) is distinct from decided.value then 'other_value'
            when decided.valid_from <> in_force.valid_from then 'other_date'
        end as fault
    from decided
    -- before the first extract nothing is known about BER's settings
    inner join latest
        on latest.extracted_on is not null
    left join in_force
        on in_force.name = decided.name
        and in_force.place = 1
)

select
    name,
    title_sv,
    fault,
    case fault
        when 'missing' then 'saknas'
        when 'other_value' then 'har ett annat värde'
        when 'other_date' then 'gäller från en annan dag'
        else 'är inte registrerat för månadens fakturor'
    end as fault_sv,
    actual,
    expected,
    actual_from,
    expected_from,
    received_at,
    case
        when record is null then arrow_cast(make_array(), 'List(Utf8)')
        else make_array(record)
    end as evidence
from compared
where fault is not null

/*
title = "Ändringar i BER när det var stängt"
description = """FEE34: incomes and forms that were registered in BER on a day when it was closed for a run (fee_schedule: from the first to
the last step with closes_ber, both included): the run may have missed them. The months are those of the schedule, that
is the year of the as-of. Protected households: the restricted zone (FEE38). The departments are told beforehand by the
schedule's step notice."""
kind = "exception"
key = ["kind", "subject"]
catalogue = ["FEE34"]

[exception]
queue = "avgift-andring-stangt"
queue_title = "Ändringar i BER när det var stängt"
service_level = "SLA55"
why = "{kind_sv} {subject} registrerades {registered_on}, när BER var stängt för körningen av {month}."
action = "Kontrollera att körningen har tagit med ändringen. Annars tas den med som rättelse nästa månad."

[columns]
kind = "income or form"
kind_sv = "the same in Swedish"
subject = "declaration or form"
household_id = "household"
registered_on = "day of the registration"
month = "first day of the month that was run"
closed_from = "first closed day"
closed_to = "last closed day"
received_at = "when the extract arrived"
evidence = "the record"
*/
with latest_fee_case as (
    select max(extracted_on) as extracted_on
    from fee_case
    where extracted_on <= as_of()
),

latest_household as (
    select max(extracted_on) as extracted_on
    from household
    where extracted_on <= as_of()
),

latest_income_declaration as (
    select max(extracted_on) as extracted_on
    from income_declaration
    where extracted_on <= as_of()
),

closed as (
    select
        month,
        min(day) as closed_from,
        max(day) as closed_to
    from fee_schedule
    where closes_ber
        and day <= as_of()
    group by month
),

protected_household as (
    select distinct household_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
),

change as (
    select
        'income' as kind,
        declaration_id as subject,
        household_id,
        received_on as registered_on,
        received_at,
        record_ref('income_declaration', file_id, ordinal, byte_start, byte_end) as record
    from income_declaration
    inner join latest_income_declaration
        on latest_income_declaration.extracted_on = income_declaration.extracted_on
    union all
    select
        'form' as kind,
        case_id as subject,
        household_id,
        registered_on,
        received_at,
        record_ref('fee_case', file_id, ordinal, byte_start, byte_end) as record
    from fee_case
    inner join latest_fee_case
        on latest_fee_case.extracted_on = fee_case.extracted_on
    where kind in ('income', 'income_change', 'family', 'hours')
)

select
    change.kind,
    case change.kind
        when 'income' then 'Inkomstuppgift'
        else 'Blankett'
    end as kind_sv,
    change.subject,
    change.household_id,
    change.registered_on,
    closed.month,
    closed.closed_from,
    closed.closed_to,
    change.received_at,
    make_array(change.record) as evidence
from change
inner join closed
    on change.registered_on between closed.closed_from and closed.closed_to
left anti join protected_household
    on protected_household.household_id = change.household_id

/*
title = "Blanketter om inkomst och familj att registrera"
description = """FEE02, FEE18, FEE19: forms about income and family that have come in and are not registered, each with what differs from BER
and the population register (the words are rows of ref_fee_form_check) and with what the income does to the fee.
Every form: the household is valid in BER on the day that the form holds from; all persons in it are in the population
register; all adults have signed.
Income (income, income_change): the adults are those of the household in BER; no other adult (18 years, neither parent
nor child of an adult of the form) is registered in the child's dwelling; one adult of the form is; the income is not missing or
negative, and at most P:fee_income_plausible_max.
Family: a partner who is new against BER is registered in the dwelling of the first adult; two who are one in BER and have
parted are not; one adult of the form is a guardian in law of the child.
Effect: the household's fees of the month of the as-of (fee_month), and the same with the new income: the rate of each child
times the base. It holds from the first of the month after the form came in, or after the day that the form says when
that is later: a form does not lower or raise months that have begun.
Forms of protected households or with a protected person: the restricted zone (FEE38)."""
kind = "exception"
key = ["case_id"]
catalogue = ["FEE02", "FEE18", "FEE19"]

[exception]
queue = "avgift-blankett"
queue_title = "Blanketter om inkomst och familj att registrera"
service_level = "SLA51"
why = "Blankett {case_id} ({kind_sv}) från hushåll {household_id} kom in {arrived_on}. {findings_sv}"
action = "{action_sv}"

[columns]
case_id = "form"
kind = "income, income_change or family"
kind_sv = "the same in Swedish"
household_id = "household"
arrived_on = "day when it came in"
findings = "codes of what differs, in alphabetical order; empty when nothing does"
findings_sv = "the same in Swedish"
action_sv = "what to do, in Swedish"
monthly_income = "income in the form"
fee_before = "the household's fees a month now, null when none is charged"
fee_after = "the same with the income of the form"
fee_from = "first month with the new fee"
department = "district"
received_at = "when the form came in"
evidence = "the form's record"
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

latest_registered_person as (
    select max(extracted_on) as extracted_on
    from registered_person
    where extracted_on <= as_of()
),

protected_household as (
    select distinct household_id
    from household
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where protected
),

person as (
    select
        person_id,
        birth_date,
        dwelling,
        parent_1,
        parent_2,
        guardian_1,
        guardian_2,
        protected,
        deregistered_on
    from registered_person
    inner join latest_registered_person
        on latest_registered_person.extracted_on = registered_person.extracted_on
),

latest_case as (
    select
        fee_case.*,
        coalesce(fee_case.effective_on, fee_case.arrived_on) as holds_from,
        record_ref('fee_case', fee_case.file_id, fee_case.ordinal, fee_case.byte_start, fee_case.byte_end) as record
    from fee_case
    left anti join protected_household
        on protected_household.household_id = fee_case.household_id
    inner join latest_fee_case
        on latest_fee_case.extracted_on = fee_case.extracted_on
    where fee_case.kind in ('income', 'income_change', 'family')
        and fee_case.registered_on is null
        and fee_case.arrived_on <= as_of()
),

named as (
    select
        case_id,
        'adult_1' as role,
        adult_1 as person_id
    from latest_case
    where adult_1 is not null
    union all
    select
        case_id,
        'adult_2' as role,
        adult_2 as person_id
    from latest_case
    where adult_2 is not null
    union all
    select
        case_id,
        'child' as role,
        child_id as person_id
    from latest_case
    where child_id is not null
),

looked_up as (
    select
        named.case_id,
        bool_or(coalesce(person.protected, false)) as has_protected,
        bool_or(person.person_id is null or coalesce(person.deregistered_on <= as_of(), false)) as has_unknown,
        max(case when named.role = 'adult_1' then person.dwelling end) as dwelling_1,
        max(case when named.role = 'adult_2' then person.dwelling end) as dwelling_2,
        max(case when named.role = 'child' then person.dwelling end) as child_dwelling,
        max(case when named.role = 'child' then person.guardian_1 end) as guardian_1,
        max(case when named.role = 'child' then person.guardian_2 end) as guardian_2
    from named
    left join person
        on person.person_id = named.person_id
    group by named.case_id
),

in_ber as (
    select
        latest_case.case_id,
        min(household.guardian_1) as ber_1,
        min(household.guardian_2) as ber_2
    from latest_case
    inner join household
        on household.household_id = latest_case.household_id
    inner join latest_household
        on latest_household.extracted_on = household.extracted_on
    where household.valid_from <= latest_case.holds_from
        and (household.valid_to is null or household.valid_to >= latest_case.holds_from)
    group by latest_case.case_id
),

form as (
    select
        latest_case.case_id,
        latest_case.kind,
        latest_case.household_id,
        latest_case.child_id,
        latest_case.adult_1,
        latest_case.adult_2,
        latest_case.signatures,
        latest_case.monthly_income,
        latest_case.holds_from,
        latest_case.arrived_on,
        latest_case.arrived_after_noon,
        latest_case.department,
        latest_case.record,
        looked_up.has_unknown,
        looked_up.dwelling_1,
        looked_up.dwelling_2,
        looked_up.child_dwelling,
        looked_up.guardian_1,
        looked_up.guardian_2,
        in_ber.case_id is not null as is_in_ber,
        in_ber.ber_1,
        in_ber.ber_2
    from latest_case
    left join looked_up
        on looked_up.case_id = latest_case.case_id
    left join in_ber
        on in_ber.case_id = latest_case.case_id
    where coalesce(looked_up.has_protected, false) is false
),

other_adult as (
    select distinct form.case_id
    from form
    inner join person
        on person.dwelling = form.child_dwelling
    left join person as one
        on one.person_id = form.adult_1
    left join person as other
        on other.person_id = form.adult_2
    where form.kind <> 'family'
        and not person.protected
        and (person.deregistered_on is null or person.deregistered_on > as_of())
        -- allow literal: 18 years is coming of age (föräldrabalken 9 kap. 1 §)
        and person.birth_date + interval '18 years' <= form.holds_from
        and (person.person_id is distinct from form.adult_1)
        and (person.person_id is distinct from form.adult_2)
        and (person.person_id is distinct from form.child_id)
        and coalesce(person.person_id not in (one.parent_1, one.parent_2), true)
        and coalesce(person.person_id not in (other.parent_1, other.parent_2), true)
        and (person.parent_1 is distinct from form.adult_1)
        and (person.parent_2 is distinct from form.adult_1)
        and (form.adult_2 is null or (person.parent_1 is distinct from form.adult_2))
        and (form.adult_2 is null or (person.parent_2 is distinct from form.adult_2))
),

plausible as (
    select max(value) as income_max
    from param
    where name = 'fee_income_plausible_max'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

tested as (
    select
        form.case_id,
        unnest(make_array(
            case when not form.is_in_ber then 'no_household' end,
            case when form.has_unknown then 'unknown_person' end,
            case
                when coalesce(form.signatures, 0) < case when form.adult_2 is null then 1 else 2 end then 'signature'
            end,
            case
                when form.kind <> 'family'
                    and form.is_in_ber
                    and not coalesce(
                        (form.adult_1 = form.ber_1 and coalesce(form.adult_2, '') = coalesce(form.ber_2, ''))
                        or (form.adult_1 = form.ber_2 and form.adult_2 = form.ber_1),
                        false
                    )
                    then 'adults_ber'
            end,
            case when other_adult.case_id is not null then 'other_adult' end,
            case
                when form.kind <> 'family'
                    and form.child_dwelling is not null
                    and coalesce(form.dwelling_1 <> form.child_dwelling, true)
                    and coalesce(form.dwelling_2 <> form.child_dwelling, true)
                    then 'not_at_address'
            end,
            case
                when form.kind <> 'family' and coalesce(form.monthly_income, -1) < 0 then 'income_missing'
                when form.kind <> 'family' and form.monthly_income > plausible.income_max then 'income_implausible'
            end,
            case
                when form.kind = 'family'
                    and form.adult_2 is not null
                    and coalesce(form.adult_2 not in (form.ber_1, form.ber_2), form.adult_2 <> form.ber_1, true)
                    and coalesce(form.dwelling_1 <> form.dwelling_2, true)
                    then 'new_partner_elsewhere'
            end,
            case
                when form.kind = 'family' and form.adult_2 is null and ber_one.dwelling = ber_other.dwelling
                    then 'still_together'
            end,
            case
                when form.kind = 'family'
                    and form.child_id is not null
                    and not coalesce(form.guardian_1 in (form.adult_1, form.adult_2), false)
                    and not coalesce(form.guardian_2 in (form.adult_1, form.adult_2), false)
                    then 'no_guardian'
            end
        )) as finding
    from form
    cross join plausible
    left join other_adult
        on other_adult.case_id = form.case_id
    left join person as ber_one
        on ber_one.person_id = form.ber_1
    left join person as ber_other
        on ber_other.person_id = form.ber_2
),

findings as (
    select
        tested.case_id,
        string_agg(tested.finding, ', ' order by tested.finding) as findings,
        string_agg(ref_fee_form_check.finding_sv, ' ' order by tested.finding) as findings_sv
    from tested
    left join ref_fee_form_check
        on ref_fee_form_check.finding = tested.finding
        and ref_fee_form_check.valid_from <= as_of()
        and (ref_fee_form_check.valid_to is null or ref_fee_form_check.valid_to >= as_of())
    where tested.finding is not null
    group by tested.case_id
),

effect as (
    select
        form.case_id,
        sum(fee_month.month_fee) as fee_before,
        sum(case
            when form.monthly_income >= 0
                then round_half_up(cast(
                    fee_month.rate * greatest(
                        least(form.monthly_income, fee_month.ceiling) - fee_month.deduction,
                        cast(0 as decimal(18, 2))
                    ) as decimal(18, 6)
                ), 0)
        end) as fee_after
    from form
    inner join fee_month
        on fee_month.household_id = form.household_id
    where form.kind <> 'family'
        and fee_month.month = cast(date_trunc('month', as_of()) as date)
        and fee_month.status = 'charged'
    group by form.case_id
)

select
    form.case_id,
    form.kind,
    case form.kind
        when 'income' then 'inkomstuppgift'
        when 'income_change' then 'ändrad inkomst'
        else 'ändrad familj'
    end as kind_sv,
    form.household_id,
    form.arrived_on,
    coalesce(findings.findings, '') as findings,
    coalesce(findings.findings_sv, 'Uppgifterna stämmer med BER och folkbokföringen.') as findings_sv,
    case
        when findings.case_id is null then 'Registrera blanketten i BER.'
        else 'Utred skillnaderna med vårdnadshavaren innan blanketten registreras i BER.'
    end as action_sv,
    form.monthly_income,
    cast(effect.fee_before as decimal(18, 2)) as fee_before,
    cast(effect.fee_after as decimal(18, 2)) as fee_after,
    case
        when form.kind <> 'family'
            then cast(date_trunc('month', greatest(form.arrived_on, form.holds_from - 1)) + interval '1 month' as date)
    end as fee_from,
    form.department,
    -- noon UTC is after 12:00 in Stockholm, summer and winter; midnight UTC is before
    case
        when form.arrived_after_noon
            then arrow_cast(form.arrived_on, 'Timestamp(Millisecond, Some("+00:00"))') + interval '12 hours'
        else arrow_cast(form.arrived_on, 'Timestamp(Millisecond, Some("+00:00"))')
    end as received_at,
    make_array(form.record) as evidence
from form
left join findings
    on findings.case_id = form.case_id
left join effect
    on effect.case_id = form.case_id

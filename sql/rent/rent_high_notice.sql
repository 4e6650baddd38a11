/*
title = "Hyresavier att kontrollera"
description = """RENT26: the notices that are about to be sent and whose amount must be looked at before the second working day. About to be
sent are the notices of the month after the as-of, and the earlier ones of leases registered in the as-of's month.
over_limit: above P:rent_high_amount, 10 000 kr [S]. The others are judged for plausibility:
outlier: the whole-month notice lies more than P:rent_outlier_z standard deviations from the mean of the other whole-month
notices up to the limit of its housing form and month. With n notices of sum S and sum of squares Q in öre, the distance
(x - S/n) is compared with the deviation by (n x - S)^2 > z^2 (n Q - S^2): whole numbers, no root and no division.
changed: a whole-month notice differs by more than P:rent_change_share from the lease's last whole-month notice.
not_positive: nothing to pay, or a claim on the city, though the dwelling is not vacant."""
kind = "exception"
key = ["lease_id", "month"]
catalogue = ["RENT26"]
amount = "amount"

[exception]
queue = "hyra-hoga-avier"
queue_title = "Hyresavier att kontrollera"
service_level = "SLA57"
why = "Hyresavin för avtal {lease_id}, månaden från {month}, är på {amount}: {reason_sv}."
action = "Kontrollera avins rader mot avtalet i LOIS innan aviseringen. Stämmer beloppet: stäng posten med en kommentar. Annars: rätta hyresraderna."

[columns]
lease_id = "lease"
month = "first day of the month that the rent is for"
reasons = "over_limit, outlier, changed, not_positive; several separated by a comma"
reason_sv = "the reasons in Swedish"
housing_form = "form of housing"
amount = "kronor of the notice"
is_whole_month = "true when the lease is valid the whole month"
previous_amount = "kronor of the lease's last whole-month notice before, null without one"
change = "amount less previous amount, for whole months"
form_notices = "whole-month notices up to the limit of the housing form and month"
form_mean = "their mean, rounded half up to öre"
due_date = "due date of the notice"
department = "district"
received_at = "when the register extract arrived"
evidence = "the records of the lease and of the notice's components"
*/
with limits as (
    select
        max(case when name = 'rent_high_amount' then cast(value as decimal(18, 2)) end) as high_amount,
        max(case when name = 'rent_outlier_z' then cast(value as decimal(6, 2)) end) as outlier_z,
        max(case when name = 'rent_change_share' then cast(value as decimal(6, 4)) end) as change_share
    from param
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- changed: whole months are compared with whole months only
whole_month as (
    select
        lease_id,
        month,
        housing_form,
        amount,
        lag(amount) over (partition by lease_id order by month) as previous_amount
    from rent_notice
    where is_whole_month
),

-- outlier: öre as whole numbers
form_total as (
    select
        whole_month.housing_form,
        whole_month.month,
        count(*) as n,
        sum(cast(whole_month.amount * 100 as decimal(18, 0))) as total,
        sum(cast(cast(whole_month.amount * 100 as decimal(18, 0)) * cast(whole_month.amount * 100 as decimal(18, 0))
            as decimal(36, 0))) as total_squared
    from whole_month
    cross join limits
    where whole_month.amount <= limits.high_amount
    group by
        whole_month.housing_form,
        whole_month.month
),

judged as (
    select
        notice.*,
        whole_month.previous_amount,
        form_total.n as form_notices,
        cast(round_half_up(
            cast(form_total.total as decimal(30, 6)) / cast(form_total.n as decimal(18, 0)), 0
        ) as decimal(18, 0)) as form_mean_ore,
        notice.amount > limits.high_amount as is_over_limit,
        notice.amount <= limits.high_amount
        and coalesce(
            (
                cast(form_total.n as decimal(10, 0)) * cast(whole_month.amount * 100 as decimal(14, 0))
                - cast(form_total.total as decimal(18, 0))
            )
            * (
                cast(form_total.n as decimal(10, 0)) * cast(whole_month.amount * 100 as decimal(14, 0))
                - cast(form_total.total as decimal(18, 0))
            )
            > limits.outlier_z * limits.outlier_z * cast(
                cast(form_total.n as decimal(10, 0)) * cast(form_total.total_squared as decimal(26, 0))
                - cast(form_total.total as decimal(18, 0)) * cast(form_total.total as decimal(18, 0))
                as decimal(32, 0)
            ),
            false
        ) as is_outlier,
        notice.amount <= limits.high_amount
        and coalesce(
            abs(whole_month.amount - whole_month.previous_amount)
                > limits.change_share * abs(whole_month.previous_amount),
            false
        ) as is_changed,
        notice.amount <= 0 and not notice.vacant as is_not_positive
    from rent_notice as notice
    cross join limits
    left join whole_month
        on whole_month.lease_id = notice.lease_id
        and whole_month.month = notice.month
    left join form_total
        on form_total.housing_form = notice.housing_form
        and form_total.month = notice.month
        and notice.is_whole_month
    where notice.month > as_of()
        or notice.registered_on >= cast(date_trunc('month', as_of()) as date)
),

component_record as (
    select
        lease_id,
        month,
        array_sort(array_agg(record_ref('rent_component', file_id, ordinal, byte_start, byte_end))) as records
    from rent_notice_line
    group by
        lease_id,
        month
)

select
    judged.lease_id,
    judged.month,
    concat_ws(
        ', ',
        case when judged.is_over_limit then 'over_limit' end,
        case when judged.is_outlier then 'outlier' end,
        case when judged.is_changed then 'changed' end,
        case when judged.is_not_positive then 'not_positive' end
    ) as reasons,
    concat_ws(
        ' och ',
        case when judged.is_over_limit then 'beloppet överstiger gränsen för kontroll' end,
        case when judged.is_outlier then 'beloppet avviker från andra avier i samma boendeform' end,
        case when judged.is_changed then 'beloppet har ändrats mycket sedan förra hela månaden' end,
        case when judged.is_not_positive then 'det finns ingenting att betala' end
    ) as reason_sv,
    judged.housing_form,
    judged.amount,
    judged.is_whole_month,
    judged.previous_amount,
    case when judged.is_whole_month then cast(judged.amount - judged.previous_amount as decimal(18, 2)) end as change,
    judged.form_notices,
    cast(cast(judged.form_mean_ore as decimal(20, 2)) / 100 as decimal(18, 2)) as form_mean,
    judged.due_date,
    judged.department,
    judged.received_at,
    array_concat(
        make_array(record_ref('lease', judged.file_id, judged.ordinal, judged.byte_start, judged.byte_end)),
        coalesce(component_record.records, arrow_cast(make_array(), 'List(Utf8)'))
    ) as evidence
from judged
left join component_record
    on component_record.lease_id = judged.lease_id
    and component_record.month = judged.month
where judged.is_over_limit
    or judged.is_outlier
    or judged.is_changed
    or judged.is_not_positive

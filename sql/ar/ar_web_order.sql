/*
title = "Webbordrar som har fastnat"
description = """
AR01 [S]: each stuck web order with the four rules of the service description: no line is a credit, no line is on
an account of class 9 (the RULE row of the account table), customer group and number type may go together, and a rule of the
workflow catches the coding of every line. When one is broken the order is to be closed, with the reasons; when none is, it is to be sent again."""
kind = "exception"
key = ["order_id"]
catalogue = ["AR01"]
amount = "amount"

[exception]
queue = "webbordrar"
queue_title = "Webbordrar som har fastnat"
service_level = "SLA21"
why = "Webborder {order_id} från förvaltning {department} på {amount} har fastnat. {reasons_sv}"
action = "{action_sv}"

[columns]
order_id = "order"
department = "department"
customer_id = "customer number"
customer_group = "customer group"
number_type = "number type"
lines = "lines of the order"
amount = "sum of the lines"
proposal = "close or resend"
broken_rules = "credit, account, combination or workflow; null when none"
reasons_sv = "the reasons in Swedish"
action_sv = "what to do, in Swedish"
received_at = "when the order got stuck"
evidence = "references to the lines"
*/
with forbidden_accounts as (
    select replace(account, '*', '') as prefix
    from ref_account
    where pattern = 'RULE'
        and catalogue = 'AR01'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

combinations as (
    select
        customer_group,
        number_type
    from ref_customer_group_number_type
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

workflow as (
    select
        workflow_rule.department,
        workflow_rule.account_from,
        workflow_rule.account_to
    from workflow_rule
    inner join (
        select max(extracted_on) as extracted_on
        from workflow_rule
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = workflow_rule.extracted_on
    where workflow_rule.valid_from <= as_of()
        and (workflow_rule.valid_to is null or workflow_rule.valid_to >= as_of())
),

stuck_lines as (
    select
        customer_order.order_id,
        customer_order.line_no,
        customer_order.department,
        customer_order.customer_id,
        customer_order.customer_group,
        customer_order.number_type,
        customer_order.account,
        customer_order.amount,
        customer_order.status_since,
        record_ref(
            'customer_order',
            customer_order.file_id,
            customer_order.ordinal,
            customer_order.byte_start,
            customer_order.byte_end
        ) as record
    from customer_order
    inner join (
        select max(extracted_on) as extracted_on
        from customer_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_order.extracted_on
    where customer_order.origin = 'web'
        and customer_order.status = 'stuck'
),

forbidden_lines as (
    select distinct
        stuck_lines.order_id,
        stuck_lines.line_no
    from stuck_lines
    inner join forbidden_accounts
        on starts_with(stuck_lines.account, forbidden_accounts.prefix)
),

caught_lines as (
    select distinct
        stuck_lines.order_id,
        stuck_lines.line_no
    from stuck_lines
    inner join workflow
        on workflow.department = stuck_lines.department
        and stuck_lines.account between workflow.account_from and workflow.account_to
),

orders as (
    select
        stuck_lines.order_id,
        min(stuck_lines.department) as department,
        min(stuck_lines.customer_id) as customer_id,
        min(stuck_lines.customer_group) as customer_group,
        min(stuck_lines.number_type) as number_type,
        count(*) as lines,
        sum(stuck_lines.amount) as amount,
        min(stuck_lines.amount) < 0 as has_credit,
        count(forbidden_lines.line_no) > 0 as has_forbidden_account,
        count(caught_lines.line_no) < count(*) as lacks_workflow,
        min(stuck_lines.status_since) as received_at,
        array_agg(stuck_lines.record order by stuck_lines.line_no) as evidence
    from stuck_lines
    left join forbidden_lines
        on forbidden_lines.order_id = stuck_lines.order_id
        and forbidden_lines.line_no = stuck_lines.line_no
    left join caught_lines
        on caught_lines.order_id = stuck_lines.order_id
        and caught_lines.line_no = stuck_lines.line_no
    group by stuck_lines.order_id
),

judged as (
    select
        orders.*,
        array_remove_all(
            make_array(
                case when orders.has_credit then 'credit' else '' end,
                case when orders.has_forbidden_account then 'account' else '' end,
                case when combinations.customer_group is null then 'combination' else '' end,
                case when orders.lacks_workflow then 'workflow' else '' end
            ),
            ''
        ) as broken_rules,
        concat_ws(
            ' ',
            case when orders.has_credit then 'En rad är ett kreditbelopp.' end,
            case when orders.has_forbidden_account then 'En rad är konterad på ett 9-konto.' end,
            case
                when combinations.customer_group is null then 'Kundgruppen och nummertypen får inte användas tillsammans.'
            end,
            case when orders.lacks_workflow then 'Det finns inget arbetsflöde för konteringen.' end
        ) as reasons_sv
    from orders
    left join combinations
        on combinations.customer_group = orders.customer_group
        and combinations.number_type = orders.number_type
)

select
    order_id,
    department,
    customer_id,
    customer_group,
    number_type,
    lines,
    cast(amount as decimal(18, 2)) as amount,
    case when reasons_sv = '' then 'resend' else 'close' end as proposal,
    case when reasons_sv <> '' then broken_rules end as broken_rules,
    case when reasons_sv = '' then 'Ordern uppfyller alla regler.' else reasons_sv end as reasons_sv,
    case
        when reasons_sv = '' then 'Skicka ordern på nytt.'
        else 'Avsluta ordern och meddela förvaltningen orsaken.'
    end as action_sv,
    received_at,
    evidence
from judged

/*
title = "Parkerade ordrar"
description = """
AR46: every parked order with how long it has been so, for the weekly control. The oldest come first by their deadline."""
kind = "exception"
key = ["order_id"]
catalogue = ["AR46"]
amount = "amount"

[exception]
queue = "parkerade-ordrar"
queue_title = "Parkerade ordrar"
service_level = "SLA27"
why = "Order {order_id} från förvaltning {department} på {amount} är parkerad sedan {parked_on}, {age_workdays} arbetsdagar."
action = "Ta reda på varför ordern är parkerad. Släpp den, rätta den eller avsluta den tillsammans med förvaltningen."

[columns]
order_id = "order"
department = "department"
origin = "web, desktop or system"
customer_id = "customer number"
lines = "lines of the order"
amount = "sum of the lines"
parked_on = "day on which it was parked"
age_workdays = "working days since then"
age_class_sv = "högst en vecka, högst en månad or äldre än en månad"
received_at = "when it was parked"
evidence = "references to the lines"
*/
with orders as (
    select
        customer_order.order_id,
        min(customer_order.department) as department,
        min(customer_order.origin) as origin,
        min(customer_order.customer_id) as customer_id,
        count(*) as lines,
        sum(customer_order.amount) as amount,
        min(customer_order.status_since) as parked_at,
        array_agg(
            record_ref(
                'customer_order',
                customer_order.file_id,
                customer_order.ordinal,
                customer_order.byte_start,
                customer_order.byte_end
            )
            order by customer_order.line_no
        ) as evidence
    from customer_order
    inner join (
        select max(extracted_on) as extracted_on
        from customer_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_order.extracted_on
    where customer_order.status = 'parked'
    group by customer_order.order_id
)

select
    order_id,
    department,
    origin,
    customer_id,
    lines,
    cast(amount as decimal(18, 2)) as amount,
    stockholm_date(parked_at) as parked_on,
    workdays_after(stockholm_date(parked_at), as_of()) as age_workdays,
    case
        when stockholm_date(parked_at) + interval '7 days' >= as_of() then 'högst en vecka'
        when stockholm_date(parked_at) + interval '1 month' >= as_of() then 'högst en månad'
        else 'äldre än en månad'
    end as age_class_sv,
    parked_at as received_at,
    evidence
from orders

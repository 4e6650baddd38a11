/*
title = "Fakturakörningar mot underlag"
description = """
AR09: each invoice run and department: what the orders of the run should have become, what became of them, and how its sum compares with the
mean of the department's last P:run_control_runs runs before it. Orders are invoiced or rejected; the run is complete when there are as many, and
when the invoiced orders sum to the invoices. A run is dated by its first invoice."""
kind = "table"
key = ["run_id", "department"]
catalogue = ["AR09"]
amount = "invoice_sum"

[columns]
run_id = "invoice run"
department = "department"
run_date = "date of its first invoice; null when it made none"
orders = "orders that the run took"
invoiced_orders = "of them invoiced"
rejected_orders = "of them rejected"
order_sum = "sum of the invoiced orders"
invoices = "invoices and credit notes that the run made"
invoice_sum = "their sum"
lost_orders = "orders that are neither"
sum_difference = "invoices less invoiced orders"
former_runs = "runs compared with"
former_mean = "mean of their sums; null when there is none"
deviation_percent = "deviation from the mean in per cent with one decimal; null without a mean, or when it is 0"
is_outlier = "true when the deviation is above P:run_control_percent per cent"
received_at = "when the extract arrived"
*/
with limits as (
    select
        cast(max(case when name = 'run_control_runs' then value end) as bigint) as runs,
        max(case when name = 'run_control_percent' then value end) as percent
    from param
    where name in ('run_control_runs', 'run_control_percent')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

invoices as (
    select
        customer_invoice.run_id,
        customer_invoice.department,
        min(customer_invoice.invoice_date) as run_date,
        count(*) as invoices,
        sum(customer_invoice.gross) as amount,
        max(customer_invoice.received_at) as received_at
    from customer_invoice
    inner join (
        select max(extracted_on) as extracted_on
        from customer_invoice
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_invoice.extracted_on
    where customer_invoice.run_id is not null
        and customer_invoice.invoice_type <> 'reminder'
    group by customer_invoice.run_id, customer_invoice.department
),

order_states as (
    select
        customer_order.run_id,
        customer_order.department,
        customer_order.order_id,
        min(customer_order.status) as status,
        sum(customer_order.amount) as amount,
        max(customer_order.received_at) as received_at
    from customer_order
    inner join (
        select max(extracted_on) as extracted_on
        from customer_order
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer_order.extracted_on
    where customer_order.run_id is not null
    group by customer_order.run_id, customer_order.department, customer_order.order_id
),

orders as (
    select
        run_id,
        department,
        count(*) as orders,
        count(*) filter (where status = 'invoiced') as invoiced,
        count(*) filter (where status in ('rejected', 'closed')) as rejected,
        sum(case when status = 'invoiced' then amount else 0 end) as amount,
        max(received_at) as received_at
    from order_states
    group by run_id, department
),

-- the runs before, newest first
former as (
    select
        invoices.run_id,
        invoices.department,
        earlier.amount,
        row_number() over (
            partition by invoices.run_id, invoices.department
            order by earlier.run_date desc, earlier.run_id desc
        ) as age
    from invoices
    inner join invoices as earlier
        on earlier.department = invoices.department
        and (earlier.run_date, earlier.run_id) < (invoices.run_date, invoices.run_id)
),

means as (
    select
        former.run_id,
        former.department,
        count(*) as runs,
        round_half_up(cast(sum(former.amount) as decimal(28, 6)) / count(*), 2) as mean
    from former
    cross join limits
    where former.age <= limits.runs
    group by former.run_id, former.department
),

compared as (
    select
        coalesce(invoices.run_id, orders.run_id) as run_id,
        coalesce(invoices.department, orders.department) as department,
        invoices.run_date,
        coalesce(orders.orders, 0) as orders,
        coalesce(orders.invoiced, 0) as invoiced_orders,
        coalesce(orders.rejected, 0) as rejected_orders,
        coalesce(orders.amount, 0) as order_sum,
        coalesce(invoices.invoices, 0) as invoices,
        coalesce(invoices.amount, 0) as invoice_sum,
        coalesce(means.runs, 0) as former_runs,
        means.mean as former_mean,
        case
            when means.mean <> 0
                then round_half_up(
                    cast((invoices.amount - means.mean) * 100 as decimal(28, 6))
                        / abs(cast(means.mean as decimal(18, 2))),
                    1
                )
        end as deviation,
        greatest(invoices.received_at, orders.received_at) as received_at
    from invoices
    full join orders
        on orders.run_id = invoices.run_id
        and orders.department = invoices.department
    left join means
        on means.run_id = invoices.run_id
        and means.department = invoices.department
)

select
    compared.run_id,
    compared.department,
    compared.run_date,
    compared.orders,
    compared.invoiced_orders,
    compared.rejected_orders,
    cast(compared.order_sum as decimal(18, 2)) as order_sum,
    compared.invoices,
    cast(compared.invoice_sum as decimal(18, 2)) as invoice_sum,
    compared.orders - compared.invoiced_orders - compared.rejected_orders as lost_orders,
    cast(compared.invoice_sum - compared.order_sum as decimal(18, 2)) as sum_difference,
    compared.former_runs,
    cast(compared.former_mean as decimal(18, 2)) as former_mean,
    cast(compared.deviation as decimal(18, 1)) as deviation_percent,
    coalesce(abs(compared.deviation) > limits.percent, false) as is_outlier,
    compared.received_at
from compared
cross join limits

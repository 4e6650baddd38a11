/*
title = "Verifikationsfilernas summor"
description = """AR02, GL42: totals of each voucher file (customer invoices, bookkeeping) by department and account, for comparison with the
sender's own list: debit, credit and what they leave."""
kind = "table"
key = ["file_id", "department", "account", "currency"]
amount = "net"

[columns]
file_id = "the file"
department = "department (förvaltning) that the vouchers belong to; empty when the file does not say"
account = "account"
currency = "currency"
vouchers = "vouchers with a row on the account"
rows = "rows"
debit = "sum of debits"
credit = "sum of credits, positive"
net = "debit less credit"
*/
select
    file_id,
    department,
    account,
    currency,
    count(distinct voucher_no) as vouchers,
    count(*) as rows,
    cast(sum(case when amount > 0 then amount else cast(0 as decimal(18, 2)) end) as decimal(18, 2)) as debit,
    cast(sum(case when amount < 0 then -amount else cast(0 as decimal(18, 2)) end) as decimal(18, 2)) as credit,
    cast(sum(amount) as decimal(18, 2)) as net
from voucher_row
group by
    file_id,
    department,
    account,
    currency

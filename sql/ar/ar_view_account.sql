/*
title = "Kundreskontrans konton"
description = """
AR83: the question which accounts belong to the customer ledger, what they are for and how their reconciliation stands in the last period."""
kind = "table"
key = ["account", "department"]
catalogue = ["AR83"]

[columns]
account = "ledger account"
department = "department, or alla"
name = "name of the account"
pattern_sv = "what its balance must agree with, in Swedish"
period = "last period"
ledger_balance = "balance in the ledger"
difference = "what does not agree"
open_rows = "rows behind it"
first_seen = "since when"
status_sv = "how the reconciliation stands, in Swedish"
catalogue = "catalogue row"
service_level = "service level of its reconciliation"
*/
select
    account,
    department,
    name,
    case pattern
        when 'SUB' then 'Saldot ska vara summan av öppna poster i kundreskontran.'
        when 'OPEN' then 'Saldot ska vara summan av de öppna posterna på kontot.'
        when 'ZERO' then 'Kontot ska gå till noll.'
        when 'VAL' then 'Saldot ska vara summan av det som är nedskrivet.'
        else 'Kontot listas.'
    end as pattern_sv,
    period,
    ledger_balance,
    difference,
    open_rows,
    first_seen,
    status_sv,
    catalogue,
    service_level
from account_reconciliation
where owner = 'AR'
    and is_current

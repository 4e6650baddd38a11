/*
title = "Återvunna kundförluster att bokföra"
description = """
AR30: lines of the collection agency's remittances on claims that were written off in the former ledger (Agresso 5.5) and are
not in the present one, with the posting that they need: the agency's funds (9895) are debited, what is recovered of the loss
is credited on the account for recovered losses, interest and costs on theirs. Debit and credit are the same.
"""
kind = "exception"
key = ["remittance_id", "line_no"]
catalogue = ["AR30"]
amount = "amount"

[exception]
queue = "kund-atervunna"
queue_title = "Återvunna kundförluster"
service_level = "SLA25"
why = "Inkassobolaget har redovisat {amount} på faktura {invoice_no}, som skrevs av {written_off_on} i det förra ekonomisystemet."
action = "Boka enligt förslaget på förvaltning {department}."

[columns]
remittance_id = "remittance"
line_no = "line"
case_id = "the agency's case"
invoice_no = "invoice in the former ledger"
department = "department that bore the loss"
written_off_on = "date of the write-off"
written_off = "what was written off"
amount = "what the line pays"
posting = "lines of the posting: account, debit, credit"
received_at = "when the remittance arrived"
evidence = "reference to the line's record"
*/
with legacy as (
    select
        legacy_writeoff.invoice_no,
        legacy_writeoff.case_id,
        legacy_writeoff.department,
        legacy_writeoff.written_off_on,
        legacy_writeoff.amount
    from legacy_writeoff
    inner join (
        select max(extracted_on) as extracted_on
        from legacy_writeoff
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = legacy_writeoff.extracted_on
),

accounts as (
    select
        max(account) filter (where purpose = 'collection_funds') as funds,
        max(account) filter (where purpose = 'recovered_loss') as loss,
        max(account) filter (where purpose = 'interest_income') as interest,
        max(account) filter (where purpose = 'collection_costs') as costs
    from ref_posting_account
    where valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

-- allow union: case and invoice may name the same write-off
pairs as (
    select
        ar_collection_allocation.remittance_id,
        ar_collection_allocation.line_no,
        legacy.invoice_no
    from ar_collection_allocation
    inner join legacy
        on legacy.case_id = ar_collection_allocation.case_id
    where ar_collection_allocation.item_id is null
    union
    select
        ar_collection_allocation.remittance_id,
        ar_collection_allocation.line_no,
        legacy.invoice_no
    from ar_collection_allocation
    inner join legacy
        on ltrim(legacy.invoice_no, '0') = ar_collection_allocation.invoice_no
    where ar_collection_allocation.item_id is null
),

one_writeoff as (
    select
        remittance_id,
        line_no,
        min(invoice_no) as invoice_no
    from pairs
    group by remittance_id, line_no
    having count(*) = 1
)

select
    ar_collection_allocation.remittance_id,
    ar_collection_allocation.line_no,
    ar_collection_allocation.case_id,
    legacy.invoice_no,
    legacy.department,
    legacy.written_off_on,
    legacy.amount as written_off,
    ar_collection_allocation.amount,
    make_array(
        named_struct(
            'account', accounts.funds,
            'debit', ar_collection_allocation.amount,
            'credit', cast(0 as decimal(18, 2))
        ),
        named_struct(
            'account', accounts.loss,
            'debit', cast(0 as decimal(18, 2)),
            'credit', cast(
                ar_collection_allocation.amount - ar_collection_allocation.interest - ar_collection_allocation.costs
                as decimal(18, 2)
            )
        ),
        named_struct(
            'account', accounts.interest,
            'debit', cast(0 as decimal(18, 2)),
            'credit', ar_collection_allocation.interest
        ),
        named_struct(
            'account', accounts.costs,
            'debit', cast(0 as decimal(18, 2)),
            'credit', ar_collection_allocation.costs
        )
    ) as posting,
    ar_collection_allocation.received_at,
    make_array(ar_collection_allocation.record) as evidence
from one_writeoff
inner join ar_collection_allocation
    on ar_collection_allocation.remittance_id = one_writeoff.remittance_id
    and ar_collection_allocation.line_no = one_writeoff.line_no
inner join legacy
    on legacy.invoice_no = one_writeoff.invoice_no
cross join accounts
where ar_collection_allocation.costs + ar_collection_allocation.interest + ar_collection_allocation.capital
    = ar_collection_allocation.amount

/*
title = "Krav som stannat och behöver ett beslut"
description = """
AR39: late claims that no reminder or collection is proposed for, when somebody has to do something about it: the status or
the dunning code is wrong, the identity is protected and the claim goes another way, the customer is dead or bankrupt. What is
blocked as it should be (a deferral, a plan, a dispute, an internal claim, a code that allows nothing) is not listed here. Where no
extract of the claims' status has come at all, ar_interest_blocked says so once.
"""
kind = "exception"
key = ["item_id"]
catalogue = ["AR39"]
amount = "remaining"

[exception]
queue = "kund-kravstopp"
queue_title = "Krav som stannat"
service_level = "SLA27"
why = "Faktura {invoice_no} på {remaining} förföll {due_date} och får inget krav: {block_sv}."
action = "Rätta kravkod eller status, bevaka fordran i dödsboet eller konkursen, eller skicka kravet vid sidan om för den som har skyddad identitet."

[columns]
item_id = "item"
invoice_no = "invoice"
customer_id = "customer"
department = "department"
due_date = "due date that counts"
remaining = "what is left of the claim"
block = "why no step is taken"
block_sv = "the block in Swedish"
received_at = "beginning of the day on which the step would have been due"
*/
with extracts as (
    select count(*) > 0 as any_extract
    from claim_status
    where extracted_on <= as_of()
)

select
    ar_dunning_proposal.item_id,
    ar_dunning_proposal.invoice_no,
    ar_dunning_proposal.customer_id,
    ar_dunning_proposal.department,
    ar_dunning_proposal.due_date,
    ar_dunning_proposal.remaining,
    ar_dunning_proposal.block,
    ar_dunning_proposal.block_sv,
    cast(ar_dunning_proposal.due_for_step as timestamp) as received_at
from ar_dunning_proposal
cross join extracts
where ar_dunning_proposal.block in ('dunning_code_unknown', 'deceased', 'bankrupt', 'protected')
    or ar_dunning_proposal.block = 'status_missing' and extracts.any_extract

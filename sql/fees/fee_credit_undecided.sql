/*
title = "Tillgodohavanden att besluta om"
description = """FEE15: the credit balances of fee_credit that nobody has decided about, with the action that the routine gives."""
kind = "exception"
key = ["credit_id"]
catalogue = ["FEE15"]
amount = "amount"

[exception]
queue = "avgift-tillgodohavande"
queue_title = "Tillgodohavanden att besluta om"
service_level = "SLA55"
why = "Kund {customer_id} har {amount} till godo sedan {arisen_on}. Förslag: {proposal_sv}."
action = "{action_sv}"

[columns]
credit_id = "credit balance"
customer_id = "payer"
household_id = "household"
amount = "amount owed to the payer"
arisen_on = "day when it arose"
unpaid = "what is left of the payer's unpaid fee invoices for this credit"
proposal = "cancel, set_off, refund or remove"
proposal_sv = "the proposal in Swedish"
action_sv = "what to do, in Swedish"
received_at = "when the extract arrived"
evidence = "the record of the credit"
*/
select
    credit_id,
    customer_id,
    household_id,
    amount,
    arisen_on,
    unpaid,
    proposal,
    case
        when cancel_kind = 'full' then 'makulera hela den obetalda fakturan'
        when cancel_kind = 'partial' then 'makulera en del av den obetalda fakturan'
        when proposal = 'set_off' then 'kvitta mot nästa faktura'
        when proposal = 'refund' then 'betala tillbaka'
        else 'ta bort enligt rutinen för små belopp'
    end as proposal_sv,
    case proposal
        when 'cancel' then 'Makulera fakturan med tillgodohavandets belopp och meddela vårdnadshavaren.'
        when 'set_off' then 'Låt tillgodohavandet minska nästa faktura och meddela vårdnadshavaren.'
        when 'refund' then 'Gör ett återbetalningsunderlag och meddela vårdnadshavaren.'
        else 'Ta bort tillgodohavandet i BER enligt rutinen.'
    end as action_sv,
    received_at,
    make_array(record) as evidence
from fee_credit
where decision is null

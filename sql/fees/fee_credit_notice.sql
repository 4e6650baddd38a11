/*
title = "Besked om tillgodohavande"
description = """FEE16: the payers to tell how their credit balance has been handled: decided credits (fee_credit) without a message about them
that was sent on or after the day of the decision and did not fail. A message is about a credit when its subject is the
credit's identity."""
kind = "table"
key = ["credit_id"]
catalogue = ["FEE16"]
amount = "amount"

[columns]
credit_id = "credit balance"
customer_id = "payer to tell"
household_id = "household"
amount = "amount"
decision = "cancel, set_off, refund or remove"
decision_sv = "what has been decided, in Swedish, as the notice says it"
decided_on = "day of the decision"
record = "record of the credit"
*/
with latest_family_message as (
    select max(extracted_on) as extracted_on
    from family_message
    where extracted_on <= as_of()
),

told as (
    select
        subject,
        max(sent_on) as sent_on
    from family_message
    inner join latest_family_message
        on latest_family_message.extracted_on = family_message.extracted_on
    where kind = 'credit_handled'
        and status <> 'failed'
        and sent_on <= as_of()
    group by subject
)

select
    fee_credit.credit_id,
    fee_credit.customer_id,
    fee_credit.household_id,
    fee_credit.amount,
    fee_credit.decision,
    case fee_credit.decision
        when 'cancel' then 'Ditt tillgodohavande har minskat en faktura som inte är betald.'
        when 'set_off' then 'Ditt tillgodohavande dras av från din nästa faktura.'
        when 'refund' then 'Ditt tillgodohavande betalas tillbaka till dig.'
        else 'Ditt tillgodohavande har tagits bort eftersom beloppet är för litet för att betalas tillbaka.'
    end as decision_sv,
    fee_credit.decided_on,
    fee_credit.record
from fee_credit
left join told
    on told.subject = fee_credit.credit_id
where fee_credit.decision is not null
    and (told.sent_on is null or told.sent_on < fee_credit.decided_on)

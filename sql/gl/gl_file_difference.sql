/*
title = "Bokföringsfiler att åtgärda"
description = """GL42: the cases of interface_difference in the bookkeeping files, and files of no known interface: file against receipt against what was loaded, files and receipts
that have not come, and records that were refused. One working day (SLA45)."""
kind = "exception"
key = ["case_key"]
catalogue = ["GL42"]
amount = "amount"

[exception]
queue = "huvudbok-filer"
queue_title = "Bokföringsfiler att åtgärda"
service_level = "SLA45"
why = "{name} ({interface}) för {business_date}: {reason_sv}."
action = "Rätta felet eller begär en ny fil av avsändaren, och meddela försystemets förvaltning. Stäng posten med en kommentar när filen är rätt inläst."

[columns]
case_key = "the case: cause and what it is about"
cause = "what kind of case it is, see interface_difference"
interface = "interface, or unknown"
name = "file name, or what the file is"
business_date = "day that the file is for"
department = "department; null when not known"
currency = "currency of the amount"
amount = "what is wrong, in money; null when it is not about money"
count = "number of records that are wrong; null when it is not about records"
reason_sv = "what is wrong, in Swedish"
received_at = "when the case came to be known"
evidence = "references to the records behind the case"
*/
select
    case_key,
    cause,
    interface,
    name,
    business_date,
    department,
    currency,
    amount,
    count,
    reason_sv,
    received_at,
    evidence
from interface_difference
where area = 'GL'

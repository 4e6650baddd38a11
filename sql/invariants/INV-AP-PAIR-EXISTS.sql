/*
title = "Varje dubblettpar pekar på två fakturor som finns"
description = """AP01: both documents of a pair exist, are different, and no pair stands in both orders."""
key = ["first_document", "second_document"]
*/
select
    pair.first_document,
    pair.second_document,
    case
        when first.document_id is null then 'the first document does not exist'
        when second.document_id is null then 'the second document does not exist'
        when pair.first_document = pair.second_document then 'a document is paired with itself'
        else 'the pair stands in both orders'
    end as violation
from ap_duplicate_invoice as pair
left join ap_invoice as first
    on first.document_id = pair.first_document
left join ap_invoice as second
    on second.document_id = pair.second_document
left join ap_duplicate_invoice as reversed
    on reversed.first_document = pair.second_document
    and reversed.second_document = pair.first_document
where first.document_id is null
    or second.document_id is null
    or reversed.first_document is not null

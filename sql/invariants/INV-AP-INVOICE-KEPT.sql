/*
title = "Varje leverantörsfaktura finns en gång i fakturalistan"
description = """Every landed supplier invoice is in ap_invoice exactly once, and nothing else is."""
key = ["file_id", "ordinal"]
*/
select
    coalesce(landed.file_id, listed.file_id) as file_id,
    coalesce(landed.ordinal, listed.ordinal) as ordinal,
    coalesce(landed.documents, 0) as landed,
    coalesce(listed.documents, 0) as listed
from (
    select
        file_id,
        ordinal,
        count(*) as documents
    from supplier_invoice
    group by
        file_id,
        ordinal
) as landed
full join (
    select
        file_id,
        ordinal,
        count(*) as documents
    from ap_invoice
    group by
        file_id,
        ordinal
) as listed
    on listed.file_id = landed.file_id
    and listed.ordinal = landed.ordinal
where coalesce(landed.documents, 0) <> 1
    or coalesce(listed.documents, 0) <> 1

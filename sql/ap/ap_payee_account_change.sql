/*
title = "Leverantörer som byter betalkonto"
description = """AP32, the part that e-invoices show: one row for each payee account on an invoice that none of the
supplier's preceding invoices within P:account_change_days days has, when there is such an invoice with an account. A
supplier is an organisation number; a supplier without one is not seen here. Preceding is what arrived before, so that
a row stays when an older invoice comes late; the days are counted between the invoice dates, or from the day of
arrival where an invoice has no date. Accounts are compared without blanks and hyphens: bankgiro, plusgiro and IBAN
alike, and going from one kind to another is a change. An account that the supplier went back to within the days is no
row again, nor is the second invoice on the new account: the first one is the case. Credit notes are not paid and have
no part in it, neither as the new nor as the old; nor have invoices without an account."""
kind = "exception"
key = ["document_id", "new_account"]
amount = "gross"

[exception]
queue = "leverantor-kontobyte"
queue_title = "Leverantörer som byter betalkonto"
service_level = "KONTOBYTE"
why = "Faktura {invoice_no} från {seller_name} ({seller_org_no}) på {gross} ska betalas till {new_account}. Föregående faktura {old_invoice_no} daterad {old_issue_date} hade {old_account}."
action = "Kontrollera kontot mot bankgirots register eller med leverantören på ett telefonnummer som inte står på fakturan. Är bytet riktigt, eller fordran överlåten: ändra leverantören. Annars: stoppa fakturan och senare fakturor med samma konto."

[columns]
document_id = "the invoice with the new account"
new_account = "payee account on it, letters and digits only"
old_account = "accounts of the supplier's nearest preceding invoice within the days, letters and digits only"
old_document_id = "that invoice"
old_invoice_no = "its number"
old_issue_date = "its date"
preceding_invoices = "number of the supplier's preceding invoices within the days that have an account"
seller_org_no = "supplier's organisation number"
seller_key = "supplier identity"
seller_name = "supplier's name"
invoice_no = "number of the invoice"
issue_date = "date of the invoice"
due_date = "due date of the invoice"
currency = "currency of the invoice"
gross = "gross amount of the invoice"
department = "department that the invoice is addressed to"
received_at = "when the invoice arrived"
evidence = "the records of both invoices"
*/
with limits as (
    select
        cast(value as int) as account_change_days
    from param
    where name = 'account_change_days'
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

payee_account as (
    select distinct
        concat(means.file_id, ':', cast(means.ordinal as varchar)) as document_id,
        regexp_replace(upper(means.mean['account']), '[^0-9A-Z]', '', 'g') as account
    from (
        select
            file_id,
            ordinal,
            unnest(payment_means) as mean
        from supplier_invoice
    ) as means
    where regexp_replace(upper(means.mean['account']), '[^0-9A-Z]', '', 'g') <> ''
),

-- A supplier with one account has not changed it. What is compared below is what these few sent.
supplier_with_several as (
    select
        invoice.seller_org_no
    from payee_account
    inner join ap_invoice as invoice
        on invoice.document_id = payee_account.document_id
    where invoice.sign = 1
        and invoice.seller_org_no is not null
    group by
        invoice.seller_org_no
    having count(distinct payee_account.account) > 1
),

invoice as (
    select
        ap_invoice.document_id,
        ap_invoice.seller_org_no,
        ap_invoice.received_at,
        coalesce(ap_invoice.issue_date, cast(ap_invoice.received_at as date)) as dated,
        accounts.accounts
    from supplier_with_several
    inner join ap_invoice
        on ap_invoice.seller_org_no = supplier_with_several.seller_org_no
        and ap_invoice.sign = 1
    inner join (
        select
            document_id,
            array_sort(array_agg(account)) as accounts
        from payee_account
        group by
            document_id
    ) as accounts
        on accounts.document_id = ap_invoice.document_id
),

-- Documents that arrived together follow each other by date, then by identity.
preceding as (
    select
        later.document_id,
        earlier.document_id as earlier_document_id,
        earlier.received_at as earlier_received_at,
        earlier.dated as earlier_dated,
        earlier.accounts as earlier_accounts
    from invoice as later
    inner join invoice as earlier
        on earlier.seller_org_no = later.seller_org_no
    cross join limits
    where (earlier.received_at, earlier.dated, earlier.document_id)
        < (later.received_at, later.dated, later.document_id)
        and abs(later.dated - earlier.dated) <= limits.account_change_days
),

nearest as (
    select
        document_id,
        earlier_document_id,
        array_to_string(earlier_accounts, ', ') as old_account,
        count(*) over (partition by document_id) as preceding_invoices,
        row_number() over (
            partition by document_id
            order by earlier_received_at desc, earlier_dated desc, earlier_document_id desc
        ) as place
    from preceding
),

known_account as (
    select distinct
        preceding.document_id,
        payee_account.account
    from preceding
    inner join payee_account
        on payee_account.document_id = preceding.earlier_document_id
)

select
    nearest.document_id,
    payee_account.account as new_account,
    nearest.old_account,
    nearest.earlier_document_id as old_document_id,
    earlier.invoice_no as old_invoice_no,
    earlier.issue_date as old_issue_date,
    nearest.preceding_invoices,
    later.seller_org_no,
    later.seller_key,
    coalesce(later.seller_name, later.seller_key) as seller_name,
    later.invoice_no,
    later.issue_date,
    later.due_date,
    later.currency,
    later.gross,
    later.department,
    later.received_at,
    make_array(
        record_ref('supplier_invoice', later.file_id, later.ordinal, later.byte_start, later.byte_end),
        record_ref('supplier_invoice', earlier.file_id, earlier.ordinal, earlier.byte_start, earlier.byte_end)
    ) as evidence
from nearest
inner join payee_account
    on payee_account.document_id = nearest.document_id
inner join ap_invoice as later
    on later.document_id = nearest.document_id
inner join ap_invoice as earlier
    on earlier.document_id = nearest.earlier_document_id
left join known_account
    on known_account.document_id = nearest.document_id
    and known_account.account = payee_account.account
where nearest.place = 1
    and known_account.document_id is null

/*
title = "E-fakturor som inte balanserar"
description = """AP10, the arithmetic part: one row for each document and each balance rule it breaks, with the rule's id in EN 16931
(CEN 1.3.16) and Peppol BIS Billing 3 (3.0.21). Totals are compared exactly (BR-CO-10 to -16); VAT per rate may differ
by less than 1.00 (BR-CO-17, BR-S-08, BR-AF-08, BR-AG-08); untaxed categories exactly (BR-Z-08 and its like); a line
may differ by 0.02 from quantity x price (R120), an allowance by 0.02 from its percentage (R040); amounts have at most
two decimals (BR-DEC). Ties are rounded towards plus infinity as XPath's round does. A missing amount fails the rule
that needs it; missing allowance and charge totals are only right when there are none. The tolerances are the rules'
own, so they stand here and not among the parameters.
Not seen here, because the contract does not carry it: a third decimal that is zero (1.230), a VAT total without or with
a repeated currency (BR-CO-14, BR-CO-15), a breakdown of another tax scheme than VAT (BR-CO-17). On 1 306 documents of the
public test suites every other verdict is that of the official rules. Nor the flow part of
AP10 (no active approver, closed dimension, no change of state in time), which needs workflow states that have no
contract yet."""
kind = "exception"
key = ["document_id", "rule"]
catalogue = ["AP10"]
amount = "gross"

[exception]
queue = "leverantor-obalans"
queue_title = "E-fakturor som inte balanserar"
service_level = "SLA06"
why = "Faktura {invoice_no} från {seller_name} på {gross} bryter mot regel {rule}: {reason_sv}. Angivet {stated}, beräknat {computed}."
action = "Kontrollera fakturabilden. Stämmer inte fakturan: avvisa den och begär ny faktura av leverantören med regelns nummer. Annars: hantera den manuellt och stäng posten med en kommentar."

[columns]
document_id = "the document"
rule = "id of the rule"
reason_sv = "what the rule demands, in Swedish"
stated = "the amount that the document states; for rules on parts, of the part with the largest difference; null when missing"
computed = "the amount that the rule gives, rounded half up to two decimals; null for rules that compute none"
difference = "stated minus computed"
parts = "how many lines, VAT rates or allowances break the rule; 1 for rules on totals"
seller_key = "supplier"
seller_name = "supplier's name"
invoice_no = "number"
issue_date = "date"
currency = "currency"
gross = "gross amount"
department = "department"
received_at = "when the document arrived"
evidence = "the document's record"
*/
-- allow literal: the tolerances are those of the rules of EN 16931 and Peppol, and change only with them
with document as (
    select
        concat(file_id, ':', cast(ordinal as varchar)) as document_id,
        line_total,
        allowance_total,
        charge_total,
        tax_exclusive,
        tax_amount,
        tax_inclusive,
        prepaid,
        rounding,
        payable,
        lines,
        allowance_charges,
        vat_breakdown
    from supplier_invoice
),

line as (
    select
        numbered.document_id,
        numbered.line_number,
        numbered.line['net_amount'] as net_amount,
        numbered.line['quantity'] as quantity,
        numbered.line['price'] as price,
        numbered.line['base_quantity'] as base_quantity,
        numbered.line['vat_category'] as vat_category,
        numbered.line['vat_rate'] as vat_rate,
        numbered.line['allowance_charges'] as allowance_charges
    from (
        select
            document_id,
            unnest(lines) as line,
            unnest(range(1, cast(array_length(lines) as bigint) + 1)) as line_number
        from document
    ) as numbered
),

document_allowance as (
    select
        parts.document_id,
        parts.part['charge'] as charge,
        parts.part['amount'] as amount,
        parts.part['base_amount'] as base_amount,
        parts.part['percent'] as percent,
        parts.part['vat_category'] as vat_category,
        parts.part['vat_rate'] as vat_rate
    from (
        select
            document_id,
            unnest(allowance_charges) as part
        from document
    ) as parts
),

line_allowance as (
    select
        parts.document_id,
        parts.line_number,
        parts.part['charge'] as charge,
        parts.part['amount'] as amount,
        parts.part['base_amount'] as base_amount,
        parts.part['percent'] as percent
    from (
        select
            document_id,
            line_number,
            unnest(allowance_charges) as part
        from line
    ) as parts
),

vat_rate as (
    select
        parts.document_id,
        parts.part['taxable_amount'] as taxable_amount,
        parts.part['tax_amount'] as tax_amount,
        parts.part['category'] as category,
        parts.part['rate'] as rate
    from (
        select
            document_id,
            unnest(vat_breakdown) as part
        from document
    ) as parts
),

line_sum as (
    select
        document_id,
        sum(net_amount) as net_amount
    from line
    group by
        document_id
),

allowance_sum as (
    select
        document_id,
        sum(case when not charge then amount end) as allowances,
        sum(case when charge then amount end) as charges
    from document_allowance
    group by
        document_id
),

vat_sum as (
    select
        document_id,
        sum(tax_amount) as tax_amount
    from vat_rate
    group by
        document_id
),

-- The chain of totals. A rule that needs an amount which is missing computes null or compares with null: it fails.
total_chain as (
    select
        document.document_id,
        'BR-CO-10' as rule,
        document.line_total as stated,
        cast(coalesce(line_sum.net_amount, 0) as decimal(34, 6)) as exact,
        true as applies
    from document
    left join line_sum
        on line_sum.document_id = document.document_id
    union all
    select
        document.document_id,
        'BR-CO-11' as rule,
        document.allowance_total as stated,
        cast(coalesce(allowance_sum.allowances, 0) as decimal(34, 6)) as exact,
        document.allowance_total is not null or allowance_sum.allowances is not null as applies
    from document
    left join allowance_sum
        on allowance_sum.document_id = document.document_id
    union all
    select
        document.document_id,
        'BR-CO-12' as rule,
        document.charge_total as stated,
        cast(coalesce(allowance_sum.charges, 0) as decimal(34, 6)) as exact,
        document.charge_total is not null or allowance_sum.charges is not null as applies
    from document
    left join allowance_sum
        on allowance_sum.document_id = document.document_id
    union all
    select
        document_id,
        'BR-CO-13' as rule,
        tax_exclusive as stated,
        cast(line_total - coalesce(allowance_total, 0) + coalesce(charge_total, 0) as decimal(34, 6)) as exact,
        true as applies
    from document
    union all
    select
        document.document_id,
        'BR-CO-14' as rule,
        document.tax_amount as stated,
        cast(coalesce(vat_sum.tax_amount, 0) as decimal(34, 6)) as exact,
        vat_sum.document_id is not null as applies
    from document
    left join vat_sum
        on vat_sum.document_id = document.document_id
    union all
    select
        document_id,
        'BR-CO-15' as rule,
        tax_inclusive as stated,
        cast(tax_exclusive + tax_amount as decimal(34, 6)) as exact,
        true as applies
    from document
    union all
    select
        document_id,
        'BR-CO-16' as rule,
        payable as stated,
        cast(tax_inclusive - coalesce(prepaid, 0) + coalesce(rounding, 0) as decimal(34, 6)) as exact,
        true as applies
    from document
),

broken_total as (
    select
        compared.document_id,
        compared.rule,
        compared.stated,
        compared.computed,
        1 as part
    from (
        select
            document_id,
            rule,
            cast(stated as decimal(24, 6)) as stated,
            -- XPath rounds a tie towards plus infinity, round_half_up away from zero: they differ on negative ties
            cast(
                round_half_up(exact, 2)
                + case
                    when exact - round_half_up(exact, 2) = cast('0.005' as decimal(34, 6)) then cast('0.01' as decimal(5, 2))
                    else cast('0.00' as decimal(5, 2))
                end
                as decimal(24, 6)
            ) as computed
        from total_chain
        where applies
    ) as compared
    where not coalesce(compared.stated = compared.computed, false)
),

-- BR-CO-17: strictly within 1 of base x rate, by absolute values. No rate, or one that rounds to 0: VAT rounds to 0,
-- which with ties towards plus infinity is -0.5 <= VAT < 0.5.
broken_rate as (
    select
        compared.document_id,
        'BR-CO-17' as rule,
        compared.tax_amount as stated,
        compared.computed,
        1 as part
    from (
        select
            document_id,
            cast(tax_amount as decimal(24, 6)) as tax_amount,
            coalesce(rate, 0) >= cast('0.5' as decimal(7, 4)) as taxed,
            cast(
                round_half_up(cast(abs(taxable_amount) * coalesce(rate, 0) / 100 as decimal(34, 6)), 2)
                * case when taxable_amount < 0 then -1 else 1 end
                as decimal(24, 6)
            ) as computed
        from vat_rate
    ) as compared
    where not coalesce(
        case
            when compared.taxed then
                abs(compared.tax_amount) - 1 < abs(compared.computed)
                and abs(compared.tax_amount) + 1 > abs(compared.computed)
            else
                compared.tax_amount >= cast('-0.5' as decimal(24, 6))
                and compared.tax_amount < cast('0.5' as decimal(24, 6))
        end,
        false
    )
),

-- BR-S-08 and its like: what the lines, charges and allowances of a category say is the base of its VAT.
category_rule as (
    select
        category,
        rule,
        by_rate
    from (values
        ('S', 'BR-S-08', true),
        ('L', 'BR-AF-08', true),
        ('M', 'BR-AG-08', true),
        ('Z', 'BR-Z-08', false),
        ('E', 'BR-E-08', false),
        ('AE', 'BR-AE-08', false),
        ('K', 'BR-IC-08', false),
        ('G', 'BR-G-08', false),
        ('O', 'BR-O-08', false)
    ) as rules (category, rule, by_rate)
),

base_part as (
    select
        document_id,
        vat_category as category,
        vat_rate as rate,
        cast(net_amount as decimal(24, 6)) as amount
    from line
    union all
    select
        document_id,
        vat_category as category,
        vat_rate as rate,
        cast(case when charge then amount else -amount end as decimal(24, 6)) as amount
    from document_allowance
),

base_by_rule as (
    select
        base_part.document_id,
        category_rule.rule,
        case when category_rule.by_rate then coalesce(base_part.rate, 0) else cast(0 as decimal(7, 4)) end as rate,
        sum(base_part.amount) as amount
    from base_part
    inner join category_rule
        on category_rule.category = base_part.category
    group by
        base_part.document_id,
        category_rule.rule,
        case when category_rule.by_rate then coalesce(base_part.rate, 0) else cast(0 as decimal(7, 4)) end
),

broken_base as (
    select
        stated.document_id,
        stated.rule,
        stated.taxable_amount as stated,
        cast(coalesce(base_by_rule.amount, 0) as decimal(24, 6)) as computed,
        1 as part
    from (
        select
            vat_rate.document_id,
            category_rule.rule,
            category_rule.by_rate,
            case when category_rule.by_rate then coalesce(vat_rate.rate, 0) else cast(0 as decimal(7, 4)) end as rate,
            cast(vat_rate.taxable_amount as decimal(24, 6)) as taxable_amount
        from vat_rate
        inner join category_rule
            on category_rule.category = vat_rate.category
        -- a base without a rate is no rate to compare
        where vat_rate.rate is not null or not category_rule.by_rate
    ) as stated
    left join base_by_rule
        on base_by_rule.document_id = stated.document_id
        and base_by_rule.rule = stated.rule
        and base_by_rule.rate = stated.rate
    where not coalesce(
        case
            -- a taxed base must also have a line, charge or allowance behind it
            when stated.by_rate then
                abs(stated.taxable_amount - coalesce(base_by_rule.amount, 0)) < 1
                and base_by_rule.document_id is not null
            else
                stated.taxable_amount = coalesce(base_by_rule.amount, 0)
        end,
        false
    )
),

-- R120: line = quantity x price / base quantity + charges - allowances, within 0.02. Missing: amount 0, quantity 1,
-- price 0; base quantity missing or 0 is 1. Multiplied by the base quantity, so that nothing is divided.
line_allowance_sum as (
    select
        document_id,
        line_number,
        round_half_up(sum(case when charge then amount else cast(0 as decimal(24, 6)) end), 2)
        - round_half_up(sum(case when charge then cast(0 as decimal(24, 6)) else amount end), 2) as net
    from line_allowance
    group by
        document_id,
        line_number
),

line_terms as (
    select
        line.document_id,
        cast(coalesce(line.net_amount, 0) as decimal(24, 6)) as net_amount,
        cast(coalesce(line.quantity, 1) as decimal(19, 6)) as quantity,
        cast(coalesce(line.price, 0) as decimal(19, 6)) as price,
        cast(coalesce(nullif(line.base_quantity, 0), 1) as decimal(13, 6)) as base_quantity,
        cast(coalesce(line_allowance_sum.net, 0) as decimal(24, 6)) as allowances
    from line
    left join line_allowance_sum
        on line_allowance_sum.document_id = line.document_id
        and line_allowance_sum.line_number = line.line_number
),

broken_line as (
    select
        document_id,
        'PEPPOL-EN16931-R120' as rule,
        net_amount as stated,
        cast(
            round_half_up(cast(quantity * price as decimal(38, 12)) / base_quantity, 2) + allowances
            as decimal(24, 6)
        ) as computed,
        1 as part
    from line_terms
    where abs((net_amount - allowances) * base_quantity - quantity * price)
        > cast('0.02' as decimal(4, 2)) * abs(base_quantity)
),

-- R040: an allowance with a percentage of a base is that percentage of it, within 0.02.
broken_allowance as (
    select
        document_id,
        'PEPPOL-EN16931-R040' as rule,
        cast(amount as decimal(24, 6)) as stated,
        cast(round_half_up(cast(base_amount * percent / 100 as decimal(34, 6)), 2) as decimal(24, 6)) as computed,
        1 as part
    from (
        select document_id, amount, base_amount, percent from document_allowance
        union all
        select document_id, amount, base_amount, percent from line_allowance
    ) as allowance
    where percent is not null
        and base_amount is not null
        and abs(amount * 100 - base_amount * percent) > 2
),

-- BR-DEC: at most two decimals.
written_amount as (
    select document_id, 'BR-DEC-23' as rule, net_amount as amount from line
    union all
    select document_id, 'BR-DEC-19' as rule, taxable_amount as amount from vat_rate
    union all
    select document_id, 'BR-DEC-20' as rule, tax_amount as amount from vat_rate
    union all
    select document_id, case when charge then 'BR-DEC-05' else 'BR-DEC-01' end as rule, amount from document_allowance
    union all
    select document_id, case when charge then 'BR-DEC-06' else 'BR-DEC-02' end as rule, base_amount as amount from document_allowance
    union all
    select document_id, case when charge then 'BR-DEC-27' else 'BR-DEC-24' end as rule, amount from line_allowance
    union all
    select document_id, case when charge then 'BR-DEC-28' else 'BR-DEC-25' end as rule, base_amount as amount from line_allowance
),

broken_decimals as (
    select
        document_id,
        rule,
        cast(amount as decimal(24, 6)) as stated,
        cast(round_half_up(amount, 2) as decimal(24, 6)) as computed,
        1 as part
    from written_amount
    where amount <> round_half_up(amount, 2)
),

broken as (
    select document_id, rule, stated, computed, part from broken_total
    union all
    select document_id, rule, stated, computed, part from broken_rate
    union all
    select document_id, rule, stated, computed, part from broken_base
    union all
    select document_id, rule, stated, computed, part from broken_line
    union all
    select document_id, rule, stated, computed, part from broken_allowance
    union all
    select document_id, rule, stated, computed, part from broken_decimals
),

worst_first as (
    select
        document_id,
        rule,
        stated,
        computed,
        sum(part) over (partition by document_id, rule) as parts,
        row_number() over (
            partition by document_id, rule
            order by abs(stated - computed) desc nulls first, stated, computed
        ) as place
    from broken
)

select
    worst_first.document_id,
    worst_first.rule,
    case
        when worst_first.rule = 'BR-CO-10' then 'radernas summa ska vara lika med summan av fakturaraderna'
        when worst_first.rule = 'BR-CO-11' then 'summan av avdrag ska vara lika med fakturans avdrag'
        when worst_first.rule = 'BR-CO-12' then 'summan av tillägg ska vara lika med fakturans tillägg'
        when worst_first.rule = 'BR-CO-13' then 'beloppet utan moms ska vara rader minus avdrag plus tillägg'
        when worst_first.rule = 'BR-CO-14' then 'momsen ska vara summan av momsen per momssats'
        when worst_first.rule = 'BR-CO-15' then 'beloppet med moms ska vara belopp utan moms plus moms'
        when worst_first.rule = 'BR-CO-16' then 'att betala ska vara belopp med moms minus redan betalt plus öresutjämning'
        when worst_first.rule = 'BR-CO-17' then 'momsen per momssats ska vara underlag gånger sats, med mindre än 1 krona i skillnad'
        when worst_first.rule in ('BR-S-08', 'BR-AF-08', 'BR-AG-08')
            then 'momsunderlaget per momssats ska stämma med raderna, med mindre än 1 krona i skillnad'
        when worst_first.rule like 'BR-DEC-%' then 'belopp får ha högst två decimaler'
        when worst_first.rule = 'PEPPOL-EN16931-R120' then 'radbeloppet ska vara antal gånger pris plus tillägg minus avdrag, med högst 2 öre i skillnad'
        when worst_first.rule = 'PEPPOL-EN16931-R040' then 'avdrag och tillägg i procent ska vara underlag gånger procent, med högst 2 öre i skillnad'
        else 'momsunderlaget för momsfria belopp ska stämma exakt med raderna'
    end as reason_sv,
    cast(round_half_up(worst_first.stated, 2) as decimal(18, 2)) as stated,
    cast(round_half_up(worst_first.computed, 2) as decimal(18, 2)) as computed,
    cast(round_half_up(worst_first.stated, 2) - round_half_up(worst_first.computed, 2) as decimal(18, 2)) as difference,
    cast(worst_first.parts as bigint) as parts,
    invoice.seller_key,
    coalesce(invoice.seller_name, invoice.seller_key) as seller_name,
    invoice.invoice_no,
    invoice.issue_date,
    invoice.currency,
    invoice.gross,
    invoice.department,
    invoice.received_at,
    make_array(
        record_ref('supplier_invoice', invoice.file_id, invoice.ordinal, invoice.byte_start, invoice.byte_end)
    ) as evidence
from worst_first
inner join ap_invoice as invoice
    on invoice.document_id = worst_first.document_id
where worst_first.place = 1

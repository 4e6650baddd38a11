//! Peppol BIS Billing 3 invoices and credit notes (UBL 2.1), one document a file.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::dates::add_days;
use crate::document::{Document, Line, Supplier};
use crate::names::DEPARTMENTS;
use crate::output::{Landing, point};
use crate::people::with_check_digit;
use crate::truth::{FileTotal, FileTruth};

/// Writes a document to `path`.
///
/// # Errors
/// When it cannot be written.
pub fn write(landing: &Landing, path: &str, document: &Document, suppliers: &[Supplier]) -> io::Result<FileTruth> {
    let mut output = landing.create(path)?;
    output.write_all(xml(document, &suppliers[document.seller]).as_bytes())?;
    let mut file = output.finish("ubl", "supplier_invoice")?;
    file.records = 1;
    let payable = if document.credit { -document.totals.payable } else { document.totals.payable };
    file.totals.insert("SEK".to_owned(), FileTotal { declared_ore: None, read_ore: payable, rejected_ore: 0 });
    Ok(file)
}

fn xml(document: &Document, seller: &Supplier) -> String {
    let kind = if document.credit { "CreditNote" } else { "Invoice" };
    let mut xml = String::with_capacity(8 << 10);
    let _ = writeln!(
        xml,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{kind} \
         xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:{kind}-2\"\n  \
         xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\"\n  \
         xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\">"
    );
    header(&mut xml, document);
    party(
        &mut xml,
        "AccountingSupplierParty",
        &Party {
            endpoint: &seller.organisation,
            street: &seller.street,
            postcode: &seller.postcode,
            vat_no: Some(&seller.vat_no()),
            f_tax: true,
            name: &seller.name,
            registration: document.registration.then_some(seller.organisation.as_str()),
        },
    );
    let (code, name) = DEPARTMENTS[document.department];
    let buyer = with_check_digit(&format!("552999{code}"));
    party(
        &mut xml,
        "AccountingCustomerParty",
        &Party {
            endpoint: &buyer,
            street: "Rådhustorget 1",
            postcode: "99990",
            vat_no: Some(&format!("SE{buyer}01")),
            f_tax: false,
            name: &format!("STH {code} {name}"),
            registration: Some(&buyer),
        },
    );
    payment(&mut xml, document);
    totals(&mut xml, document);
    for (number, line) in (1..).zip(&document.lines) {
        invoice_line(&mut xml, document.credit, number, line);
    }
    let _ = writeln!(xml, "</{kind}>");
    xml
}

fn header(xml: &mut String, document: &Document) {
    element(xml, "CustomizationID", "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0");
    element(xml, "ProfileID", "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0");
    element(xml, "ID", &document.number);
    element(xml, "IssueDate", &document.issued.to_string());
    if document.credit {
        element(xml, "CreditNoteTypeCode", "381");
    } else {
        element(xml, "DueDate", &add_days(document.issued, 30).to_string());
        element(xml, "InvoiceTypeCode", "380");
    }
    element(xml, "Note", "Varor & tjänster enligt avtal <ÅÄÖ>");
    element(xml, "DocumentCurrencyCode", "SEK");
    element(xml, "BuyerReference", &format!("{}0042", DEPARTMENTS[document.department].0));
    if let Some((number, date)) = &document.preceding {
        let _ = writeln!(
            xml,
            "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{}</cbc:ID><cbc:IssueDate>{date}</cbc:IssueDate>\
             </cac:InvoiceDocumentReference></cac:BillingReference>",
            escape(number)
        );
    }
    if let Some(content) = &document.attachment {
        let _ = writeln!(
            xml,
            "<cac:AdditionalDocumentReference><cbc:ID>bilaga</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject \
             mimeCode=\"application/pdf\" filename=\"faktura.pdf\">{}</cbc:EmbeddedDocumentBinaryObject>\
             </cac:Attachment></cac:AdditionalDocumentReference>",
            base64(content)
        );
    }
}

struct Party<'p> {
    endpoint: &'p str,
    street: &'p str,
    postcode: &'p str,
    vat_no: Option<&'p str>,
    f_tax: bool,
    name: &'p str,
    registration: Option<&'p str>,
}

fn party(xml: &mut String, role: &str, party: &Party<'_>) {
    let _ = write!(
        xml,
        "<cac:{role}><cac:Party>\n<cbc:EndpointID schemeID=\"0007\">{}</cbc:EndpointID>\n<cac:PostalAddress>\
         <cbc:StreetName>{}</cbc:StreetName><cbc:CityName>Påhittstad</cbc:CityName><cbc:PostalZone>{}</cbc:PostalZone>\
         <cac:Country><cbc:IdentificationCode>SE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>\n",
        party.endpoint,
        escape(party.street),
        party.postcode
    );
    for (id, scheme) in [(party.vat_no, "VAT"), (party.f_tax.then_some("Godkänd för F-skatt"), "TAX")] {
        if let Some(id) = id {
            let _ = writeln!(
                xml,
                "<cac:PartyTaxScheme><cbc:CompanyID>{id}</cbc:CompanyID><cac:TaxScheme><cbc:ID>{scheme}</cbc:ID>\
                 </cac:TaxScheme></cac:PartyTaxScheme>"
            );
        }
    }
    let _ = write!(xml, "<cac:PartyLegalEntity><cbc:RegistrationName>{}</cbc:RegistrationName>", escape(party.name));
    if let Some(registration) = party.registration {
        let _ = write!(xml, "<cbc:CompanyID schemeID=\"0007\">{registration}</cbc:CompanyID>");
    }
    let _ = writeln!(xml, "</cac:PartyLegalEntity>\n</cac:Party></cac:{role}>");
}

fn payment(xml: &mut String, document: &Document) {
    let _ = writeln!(
        xml,
        "<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cbc:PaymentID>{}</cbc:PaymentID>\
         <cac:PayeeFinancialAccount><cbc:ID>{}</cbc:ID><cac:FinancialInstitutionBranch><cbc:ID>SE:BANKGIRO</cbc:ID>\
         </cac:FinancialInstitutionBranch></cac:PayeeFinancialAccount></cac:PaymentMeans>",
        escape(&document.number),
        document.account
    );
    let adjustments = [(document.totals.allowance, "false", "Rabatt"), (document.totals.charge, "true", "Frakt")];
    for (amount, charge, reason) in adjustments {
        if amount != 0 {
            let _ = writeln!(
                xml,
                "<cac:AllowanceCharge><cbc:ChargeIndicator>{charge}</cbc:ChargeIndicator><cbc:AllowanceChargeReason>\
                 {reason}</cbc:AllowanceChargeReason>{}{}</cac:AllowanceCharge>",
                money("Amount", amount),
                category("TaxCategory", "S", 25, false)
            );
        }
    }
}

fn totals(xml: &mut String, document: &Document) {
    let totals = &document.totals;
    let _ = writeln!(xml, "<cac:TaxTotal>{}", money("TaxAmount", totals.vat));
    for subtotal in &document.subtotals {
        let _ = writeln!(
            xml,
            "<cac:TaxSubtotal>{}{}{}</cac:TaxSubtotal>",
            money("TaxableAmount", subtotal.base),
            money("TaxAmount", subtotal.tax),
            category("TaxCategory", subtotal.category, subtotal.rate, true)
        );
    }
    let _ = writeln!(xml, "</cac:TaxTotal>\n<cac:LegalMonetaryTotal>");
    let amounts = [
        ("LineExtensionAmount", totals.lines, true),
        ("TaxExclusiveAmount", totals.net, true),
        ("TaxInclusiveAmount", totals.gross, true),
        ("AllowanceTotalAmount", totals.allowance, false),
        ("ChargeTotalAmount", totals.charge, false),
        ("PrepaidAmount", totals.prepaid, false),
        ("PayableRoundingAmount", totals.rounding, false),
        ("PayableAmount", totals.payable, true),
    ];
    for (name, amount, _) in amounts.iter().filter(|(_, amount, required)| *required || *amount != 0) {
        let _ = writeln!(xml, "{}", money(name, *amount));
    }
    let _ = writeln!(xml, "</cac:LegalMonetaryTotal>");
}

fn invoice_line(xml: &mut String, credit: bool, number: u32, line: &Line) {
    let (element, quantity) =
        if credit { ("CreditNoteLine", "CreditedQuantity") } else { ("InvoiceLine", "InvoicedQuantity") };
    let _ = writeln!(
        xml,
        "<cac:{element}><cbc:ID>{number}</cbc:ID><cbc:{quantity} unitCode=\"EA\">{}</cbc:{quantity}>{}<cac:Item>\
         <cbc:Name>{}</cbc:Name>{}</cac:Item><cac:Price>{}</cac:Price></cac:{element}>",
        line.quantity,
        money("LineExtensionAmount", line.net),
        escape(line.name),
        category("ClassifiedTaxCategory", line.category, line.rate, false),
        money("PriceAmount", line.price)
    );
}

fn category(element: &str, category: &str, rate: i64, with_reason: bool) -> String {
    let reason = match category {
        "E" if with_reason => "<cbc:TaxExemptionReason>Undantag från skatteplikt</cbc:TaxExemptionReason>",
        "AE" if with_reason => "<cbc:TaxExemptionReason>Omvänd betalningsskyldighet</cbc:TaxExemptionReason>",
        _ => "",
    };
    format!(
        "<cac:{element}><cbc:ID>{category}</cbc:ID><cbc:Percent>{rate}</cbc:Percent>{reason}<cac:TaxScheme><cbc:ID>VAT\
         </cbc:ID></cac:TaxScheme></cac:{element}>"
    )
}

fn element(xml: &mut String, name: &str, text: &str) {
    let _ = writeln!(xml, "<cbc:{name}>{}</cbc:{name}>", escape(text));
}

fn money(name: &str, ore: i64) -> String {
    format!("<cbc:{name} currencyID=\"SEK\">{}</cbc:{name}>", point(ore))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn base64(content: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(content.len().div_ceil(3) * 4);
    for chunk in content.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * position)) as usize & 63];
            text.push(if position > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}

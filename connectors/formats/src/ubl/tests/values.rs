//! Every element that the contract has, read into its column.

use serde_json::{Value, json};

use super::{CREDIT_NOTE, INVOICE, read, with};
use crate::{Total, Verdict};

fn pick(value: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), value[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn the_header_is_read() {
    let row = read(INVOICE).row();
    let names = [
        "document_kind",
        "customization_id",
        "profile_id",
        "invoice_no",
        "issue_date",
        "due_date",
        "type_code",
        "currency",
        "tax_currency",
        "buyer_reference",
        "order_reference",
        "contract_reference",
        "accounting_cost",
        "period_start",
        "period_end",
        "delivery_date",
        "payment_terms",
        "notes",
        "invoice_references",
    ];
    assert_eq!(
        pick(&row, &names),
        json!({
            "document_kind": "invoice",
            "customization_id": "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
            "profile_id": "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
            "invoice_no": "F-1001",
            "issue_date": "2026-03-02",
            "due_date": "2026-04-01",
            "type_code": "380",
            "currency": "SEK",
            "tax_currency": "EUR",
            "buyer_reference": "REF123",
            "order_reference": "O-77",
            "contract_reference": "AVT-9",
            "accounting_cost": "4711",
            "period_start": "2026-02-01",
            "period_end": "2026-02-28",
            "delivery_date": "2026-02-27",
            "payment_terms": "30 dagar",
            "notes": ["Första noten", "Andra & sista"],
            "invoice_references": [{"invoice_no": "F-1000", "issue_date": "2026-02-02"}],
        })
    );
}

#[test]
fn the_row_is_the_whole_document() {
    let row = read(INVOICE).row();
    assert_eq!(
        pick(&row, &["ordinal", "byte_start", "byte_end"]),
        json!({"ordinal": 1, "byte_start": 0, "byte_end": INVOICE.len()})
    );
}

#[test]
fn totals_keep_their_sign_and_both_vat_amounts_find_their_column() {
    let row = read(INVOICE).row();
    let names = [
        "line_total",
        "allowance_total",
        "charge_total",
        "tax_exclusive",
        "tax_amount",
        "tax_amount_accounting",
        "tax_inclusive",
        "prepaid",
        "rounding",
        "payable",
    ];
    assert_eq!(
        pick(&row, &names),
        json!({
            "line_total": "100.00", "allowance_total": "0.00", "charge_total": "10.00", "tax_exclusive": "110.00",
            "tax_amount": "27.50", "tax_amount_accounting": "2.50", "tax_inclusive": "137.50", "prepaid": "1.00",
            "rounding": "0.50", "payable": "137.00",
        })
    );
}

#[test]
fn parties_are_read_with_all_that_identifies_them() {
    let row = read(INVOICE).row();
    assert_eq!(
        row["seller"],
        json!({
            "endpoint": "5560000001", "endpoint_scheme": "0007",
            "identifiers": ["0088:7300010000001", "LEV-5"],
            "name": "Provleverantören", "legal_name": "Provleverantören AB",
            "company_id": "556000-0001", "company_scheme": "0007",
            "vat_no": "SE556000000101", "tax_registration": "Godkänd för F-skatt",
            "street": "Provgatan 1", "city": "Stockholm", "postcode": "111 11", "country": "SE",
            "contact_name": "Kontakt Ett", "contact_phone": "08-000 00 00", "contact_email": "ett@example.com",
        })
    );
    assert_eq!(
        pick(&row["buyer"], &["endpoint", "legal_name", "identifiers", "vat_no"]),
        json!({
            "endpoint": "2120000142", "legal_name": "Provstaden", "identifiers": [], "vat_no": null,
        })
    );
    assert_eq!(
        pick(&row["payee"], &["name", "company_id", "company_scheme", "legal_name"]),
        json!({
            "name": "Provfactoring AB", "company_id": "5560000019", "company_scheme": "0007", "legal_name": null,
        })
    );
}

#[test]
fn without_a_payee_the_column_is_null() {
    let start = INVOICE.find("<cac:PayeeParty>").unwrap();
    let end = INVOICE.find("<cac:Delivery>").unwrap();
    let row = read(format!("{}{}", &INVOICE[..start], &INVOICE[end..])).row();
    assert_eq!(row["payee"], Value::Null);
}

#[test]
fn lines_keep_six_decimals_and_price_allowances_are_none_of_the_lines() {
    let row = read(INVOICE).row();
    assert_eq!(
        row["lines"][0],
        json!({
            "line_id": "1", "quantity": "3.000000", "unit": "HUR", "net_amount": "100.000000", "name": "Städning",
            "description": "Städning enligt avtal", "seller_item": "ART-1", "price": "35.123456",
            "base_quantity": "1.000000", "vat_category": "S", "vat_rate": "25.0000", "accounting_cost": "4010",
            "order_line": "7",
            "allowance_charges": [{
                "charge": false, "amount": "5.000000", "base_amount": null, "percent": null, "reason": "Rabatt",
                "reason_code": null, "vat_category": null, "vat_rate": null,
            }],
        })
    );
    assert_eq!(
        pick(&row["lines"][1], &["line_id", "quantity", "unit", "net_amount", "name", "allowance_charges"]),
        json!({
            "line_id": "2", "quantity": null, "unit": null, "net_amount": "0.000000", "name": "Textrad",
            "allowance_charges": [],
        })
    );
    assert_eq!(row["lines"].as_array().unwrap().len(), 2);
}

#[test]
fn allowances_of_the_document_and_the_vat_breakdown_are_read() {
    let row = read(INVOICE).row();
    assert_eq!(
        row["allowance_charges"],
        json!([{
            "charge": true, "amount": "10.000000", "base_amount": "100.000000", "percent": "10.000000",
            "reason": "Frakt", "reason_code": "FC", "vat_category": "S", "vat_rate": "25.0000",
        }])
    );
    assert_eq!(
        row["vat_breakdown"],
        json!([{
            "taxable_amount": "110.000000", "tax_amount": "27.500000", "category": "S", "rate": "25.0000",
            "exemption_reason": "Prov", "exemption_code": "VATEX-SE",
        }])
    );
}

#[test]
fn giro_accounts_are_digits_and_others_are_as_written() {
    let row = read(INVOICE).row();
    assert_eq!(
        row["payment_means"],
        json!([
            {"code": "30", "payment_id": "12345674", "account": "9912346", "branch": "SE:BANKGIRO",
             "account_name": "Provleverantören AB", "due_date": null},
            {"code": "58", "payment_id": null, "account": "SE00 0000 0001", "branch": null,
             "account_name": null, "due_date": null},
        ])
    );
    assert_eq!(read(CREDIT_NOTE).row()["payment_means"][0]["account"], "2865434");
}

#[test]
fn a_credit_note_counts_negative_and_is_due_with_its_payment() {
    let outcome = read(CREDIT_NOTE);
    let row = outcome.row();
    let names = ["document_kind", "type_code", "payable", "due_date", "seller_key"];
    assert_eq!(
        pick(&row, &names),
        json!({
            "document_kind": "credit_note", "type_code": "381", "payable": "137.50", "due_date": "2026-04-04",
            "seller_key": "5560000001",
        })
    );
    assert_eq!(pick(&row["lines"][0], &["quantity", "unit"]), json!({"quantity": "3.000000", "unit": "HUR"}));
    let total = Total { currency: "SEK".to_owned(), declared: None, read: -13750, rejected: 0 };
    assert_eq!(outcome.summary.totals, [total]);
}

#[test]
fn a_project_or_invoiced_object_is_no_attachment() {
    let outcome = read(CREDIT_NOTE);
    assert_eq!(outcome.row()["attachments"], json!([]));
    assert!(outcome.remark("ubl.not_kept").message.contains("[cbc:DocumentTypeCode='50'] × 1"));
    let coded = |id: &str, code: &str| {
        let element = format!("<cbc:ID>{id}</cbc:ID>");
        let coded = with(&element, &format!("{element}<cbc:DocumentTypeCode>{code}</cbc:DocumentTypeCode>"));
        read(coded).row()["attachments"].as_array().unwrap().len()
    };
    assert_eq!(coded("BIL-1", "130"), 2, "what has content is an attachment");
    assert_eq!(coded("BIL-2", "50"), 2, "an invoice has projects elsewhere");
    let object = with(
        "<cac:AccountingSupplierParty>",
        "<cac:AdditionalDocumentReference><cbc:ID>OBJ</cbc:ID><cbc:DocumentTypeCode>130</cbc:DocumentTypeCode>\
         </cac:AdditionalDocumentReference><cac:AccountingSupplierParty>",
    );
    assert_eq!(read(object).row()["attachments"].as_array().unwrap().len(), 2);
}

#[test]
fn an_invoice_is_due_when_its_header_says_so_only() {
    let invoice = with("<cbc:DueDate>2026-04-01</cbc:DueDate>", "");
    let invoice = invoice.replacen(
        "<cbc:PaymentMeansCode>30</cbc:PaymentMeansCode>",
        "<cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cbc:PaymentDueDate>2026-04-09</cbc:PaymentDueDate>",
        1,
    );
    let row = read(invoice).row();
    assert_eq!(row["due_date"], Value::Null);
    assert_eq!(row["payment_means"][0]["due_date"], "2026-04-09");
}

#[test]
fn control_totals_are_the_amount_payable() {
    let summary = read(INVOICE).summary;
    let total = Total { currency: "SEK".to_owned(), declared: None, read: 13700, rejected: 0 };
    assert_eq!((summary.verdict, summary.totals), (Verdict::Accepted, vec![total]));
    assert_eq!((summary.read_records, summary.rejected_records, summary.declared_records), (1, 0, None));
}

#[test]
fn the_seller_key_is_the_best_identity_there_is() {
    let key = |document: String| read(document).row()["seller_key"].as_str().unwrap().to_owned();
    let company = r#"<cbc:CompanyID schemeID="0007">556000-0001</cbc:CompanyID>"#;
    let vat = "<cbc:CompanyID>SE556000000101</cbc:CompanyID>";
    let endpoint = r#"<cbc:EndpointID schemeID="0007">5560000001</cbc:EndpointID>"#;
    let legal = "<cbc:RegistrationName>Provleverantören AB</cbc:RegistrationName>";
    assert_eq!(key(INVOICE.to_owned()), "5560000001");
    assert_eq!(key(with(company, "<cbc:CompanyID>utan siffror</cbc:CompanyID>")), "SE556000000101");
    let no_company = with(company, "");
    assert_eq!(key(no_company.replace(vat, "<cbc:CompanyID>se 556000-000101</cbc:CompanyID>")), "SE556000000101");
    let no_vat = no_company.replace(vat, "");
    assert_eq!(key(no_vat.clone()), "5560000001");
    let no_endpoint = no_vat.replace(endpoint, "");
    assert_eq!(key(no_endpoint.clone()), "Provleverantören AB");
    assert_eq!(key(no_endpoint.replace(legal, "")), "Provleverantören");
}

#[test]
fn any_prefix_will_do_and_a_wrong_namespace_will_not() {
    let swapped = INVOICE
        .replace("cbc:", "b:")
        .replace(":cbc=", ":b=")
        .replace("cac:", "x-1:")
        .replace(":cac=", ":x-1=")
        .replace("<Invoice xmlns=", "<ubl:Invoice xmlns:ubl=")
        .replace("</Invoice>", "</ubl:Invoice>");
    assert_eq!(read(&swapped).row()["lines"], read(INVOICE).row()["lines"]);
    let locally = with(
        "<cbc:ID>F-1001</cbc:ID>",
        r#"<ID xmlns="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">F-1001</ID>"#,
    );
    assert_eq!(read(locally).row()["invoice_no"], "F-1001");
    let elsewhere = with("<cbc:ID>F-1001</cbc:ID>", r#"<cbc:ID xmlns:cbc="urn:other">F-1001</cbc:ID>"#);
    assert_eq!(read(elsewhere).reject().finding.code, "ubl.missing");
}

#[test]
fn text_is_put_together_and_trimmed() {
    let split = with("F-1001", "\n  F<!-- x -->-<![CDATA[1]]>0&#48;&#x31;&amp;&lt;&gt;&quot;&apos;\t ");
    assert_eq!(read(split).row()["invoice_no"], "F-1001&<>\"'");
    let lines = with("Första noten", "Rad ett\r\nRad två\rRad tre");
    assert_eq!(read(lines).row()["notes"][0], "Rad ett\nRad två\nRad tre");
}

#[test]
fn what_the_contract_lacks_is_remarked_by_path_once() {
    let more = with(
        "<cbc:ID>F-1001</cbc:ID>",
        r#"<ext:UBLExtensions xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2">
             <ext:UBLExtension><ext:ExtensionContent><any xmlns="urn:x">&#65;<b/></any></ext:ExtensionContent></ext:UBLExtension>
           </ext:UBLExtensions>
           <cbc:UUID>1</cbc:UUID><cbc:UUID>2</cbc:UUID><cbc:ID>F-1001</cbc:ID>"#,
    );
    let outcome = read(more);
    assert_eq!(outcome.row()["invoice_no"], "F-1001");
    let remark = outcome.remark("xml.unmapped");
    assert_eq!(
        remark.message,
        "elements are not in the contract: /Invoice/ext:UBLExtensions × 1, /Invoice/cbc:UUID × 2, \
         /Invoice/cac:InvoiceLine/cac:Price/cac:AllowanceCharge × 1"
    );
    assert_eq!(remark.position.line, Some(7));
    assert_eq!(outcome.remark("xml.empty_elements").message.matches("any/?:b × 1").count(), 1);
}

#[test]
fn text_between_elements_is_remarked() {
    let outcome = read(with("<cac:OrderReference>", "<cac:OrderReference>lös text"));
    assert_eq!(outcome.row()["order_reference"], "O-77");
    assert!(outcome.remark("xml.unmapped").message.contains("/Invoice/cac:OrderReference/text() × 1"));
}

#[test]
fn empty_elements_are_remarked_and_null() {
    let outcome =
        read(with("<cbc:BuyerReference>REF123</cbc:BuyerReference>", "<cbc:BuyerReference> </cbc:BuyerReference>"));
    assert_eq!(outcome.row()["buyer_reference"], Value::Null);
    assert_eq!(outcome.remark("xml.empty_elements").message, "elements are empty: /Invoice/cbc:BuyerReference × 1");
    assert!(!read(INVOICE).has_remark("xml.empty_elements"));
}

#[test]
fn the_same_said_twice_is_remarked_and_the_first_of_other_texts_stays() {
    let same = read(with("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID>F-1001</cbc:ID><cbc:ID>F-1001</cbc:ID>"));
    assert_eq!(same.row()["invoice_no"], "F-1001");
    assert!(same.remark("ubl.not_kept").message.contains("/Invoice/cbc:ID × 1"));
    let other = read(with(
        "<cbc:AccountingCost>4711</cbc:AccountingCost>",
        "<cbc:AccountingCost>4711</cbc:AccountingCost><cbc:AccountingCost>12</cbc:AccountingCost>",
    ));
    assert_eq!(other.row()["accounting_cost"], "4711");
    assert!(other.has_remark("ubl.not_kept"));
}

#[test]
fn an_amount_without_currency_is_the_documents_and_remarked() {
    let outcome = read(with(r#"<cbc:PayableAmount currencyID="SEK">"#, "<cbc:PayableAmount>"));
    assert_eq!(outcome.row()["payable"], "137.00");
    assert!(outcome.has_remark("ubl.amount_without_currency"));
}

//! One mutation for every reason to reject a document or to refuse a file.

use super::{CREDIT_NOTE, INVOICE, Outcome, read, with};
use crate::{MAX_RAW, Total};

const PAYABLE: &str = r#"<cbc:PayableAmount currencyID="SEK">137.00</cbc:PayableAmount>"#;

fn payable(text: &str) -> Outcome {
    read(with(PAYABLE, &format!(r#"<cbc:PayableAmount currencyID="SEK">{text}</cbc:PayableAmount>"#)))
}

/// The document is rejected for `code` at `path`, with its amount where that can be read.
fn rejected(outcome: &Outcome, code: &str, path: &str, amount: Option<i128>) {
    let reject = outcome.reject();
    assert_eq!((reject.finding.code, reject.finding.position.path.as_deref()), (code, Some(path)), "{reject:?}");
    assert_eq!(reject.amount, amount);
    assert!(!reject.finding.message.is_empty() && !reject.finding.message_sv.is_empty());
    let totals: Vec<_> = outcome.summary.totals.iter().map(|total| (total.read, total.rejected)).collect();
    let counted = if reject.currency.is_some() { amount } else { None };
    assert_eq!(totals, counted.map(|amount| (0, amount)).into_iter().collect::<Vec<_>>());
}

fn refused(document: impl AsRef<[u8]>, code: &str) -> Outcome {
    let outcome = read(document);
    let refusal = outcome.refusal();
    assert_eq!(refusal.code, code, "{refusal:?}");
    assert!(!refusal.message.is_empty() && !refusal.message_sv.is_empty());
    outcome
}

#[test]
fn mandatory_values_must_be_there() {
    let cases = [
        ("<cbc:ID>F-1001</cbc:ID>", "/Invoice/cbc:ID", Some(13700)),
        ("<cbc:IssueDate>2026-03-02</cbc:IssueDate>", "/Invoice/cbc:IssueDate", Some(13700)),
        ("<cbc:DocumentCurrencyCode>SEK</cbc:DocumentCurrencyCode>", "/Invoice/cbc:DocumentCurrencyCode", Some(13700)),
        (PAYABLE, "/Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount", None),
    ];
    for (element, path, amount) in cases {
        rejected(&read(with(element, "")), "ubl.missing", path, amount);
    }
    for (party, path) in [
        ("AccountingSupplierParty", "/Invoice/cac:AccountingSupplierParty/cac:Party"),
        ("AccountingCustomerParty", "/Invoice/cac:AccountingCustomerParty/cac:Party"),
    ] {
        let start = INVOICE.find(&format!("<cac:{party}>")).unwrap();
        let end = INVOICE.find(&format!("</cac:{party}>")).unwrap() + party.len() + "</cac:>".len();
        let without = format!("{}{}", &INVOICE[..start], &INVOICE[end..]);
        rejected(&read(without), "ubl.missing", path, Some(13700));
    }
}

#[test]
fn an_empty_mandatory_text_is_missing() {
    rejected(&read(with("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID/>")), "ubl.missing", "/Invoice/cbc:ID", Some(13700));
}

#[test]
fn totals_are_exact_decimals_of_two_places() {
    let path = "/Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount";
    for (text, code) in [
        ("", "ubl.number_empty"),
        ("  ", "ubl.number_empty"),
        ("137,00", "ubl.number"),
        ("1 137.00", "ubl.number"),
        ("1e2", "ubl.number"),
        ("NaN", "ubl.number"),
        ("-", "ubl.number"),
        ("1.2.3", "ubl.number"),
        ("137.001", "ubl.decimals"),
        ("10000000000000000", "ubl.range"),
        ("9999999999999999999999999999999999999999999", "ubl.range"),
    ] {
        rejected(&payable(text), code, path, None);
    }
    for (text, amount) in
        [("137.000", 13700), ("-0.5", -50), (" +7 ", 700), ("9999999999999999.99", 999_999_999_999_999_999)]
    {
        assert_eq!(payable(text).summary.totals[0].read, amount, "{text}");
    }
}

#[test]
fn lines_have_at_most_six_decimals_and_rates_four() {
    let line = "/Invoice/cac:InvoiceLine";
    rejected(
        &read(with("35.123456", "35.1234567")),
        "ubl.decimals",
        &format!("{line}/cac:Price/cbc:PriceAmount"),
        Some(13700),
    );
    rejected(
        &read(with("25.00<", "25.00001<")),
        "ubl.decimals",
        "/Invoice/cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent",
        Some(13700),
    );
    rejected(&read(with(">3<", ">tre<")), "ubl.number", &format!("{line}/cbc:InvoicedQuantity"), Some(13700));
}

#[test]
fn an_empty_amount_of_a_line_rejects_the_document_and_leaves_its_total_known() {
    let empty = with(
        r#"<cbc:LineExtensionAmount currencyID="SEK">0</cbc:LineExtensionAmount>"#,
        r#"<cbc:LineExtensionAmount currencyID="SEK"/>"#,
    );
    rejected(&read(empty), "ubl.number_empty", "/Invoice/cac:InvoiceLine/cbc:LineExtensionAmount", Some(13700));
}

#[test]
fn dates_are_year_month_day() {
    for date in ["", "2026-02-30", "26-03-02", "2026-3-2", "20260302", "2026-03-02+01:00", "2026-03-02Z", "+026-03-02"]
    {
        let outcome = read(with("<cbc:DueDate>2026-04-01<", &format!("<cbc:DueDate>{date}<")));
        rejected(&outcome, "ubl.date", "/Invoice/cbc:DueDate", Some(13700));
    }
    let outcome = read(with("2026-03-02", "nyss"));
    rejected(&outcome, "ubl.date", "/Invoice/cbc:IssueDate", Some(13700));
    assert!(!outcome.has_remark("ubl.missing"), "what was wrong is not also missing");
}

#[test]
fn the_currency_is_a_code_and_that_of_every_amount() {
    rejected(
        &read(with(">SEK</cbc:Doc", ">kr</cbc:Doc")),
        "ubl.currency",
        "/Invoice/cbc:DocumentCurrencyCode",
        Some(13700),
    );
    let line = with(r#"<cbc:PriceAmount currencyID="SEK">"#, r#"<cbc:PriceAmount currencyID="NOK">"#);
    rejected(&read(line), "ubl.amount_currency", "/Invoice/cac:InvoiceLine/cac:Price/cbc:PriceAmount", Some(13700));
    let tax = with(r#"<cbc:TaxAmount currencyID="EUR">"#, r#"<cbc:TaxAmount currencyID="NOK">"#);
    rejected(&read(tax), "ubl.amount_currency", "/Invoice/cac:TaxTotal/cbc:TaxAmount", Some(13700));
}

#[test]
fn values_must_not_contradict_each_other() {
    let twice = |element: &str, other: &str| read(with(element, &format!("{element}{other}")));
    rejected(
        &twice("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID>F-1002</cbc:ID>"),
        "ubl.contradiction",
        "/Invoice/cbc:ID",
        Some(13700),
    );
    rejected(
        &twice(PAYABLE, &PAYABLE.replace("137", "138")),
        "ubl.contradiction",
        "/Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount",
        Some(13700),
    );
    let total = r#"<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">2.50</cbc:TaxAmount></cac:TaxTotal>"#;
    rejected(
        &twice(total, &total.replace("2.50", "2.51")),
        "ubl.contradiction",
        "/Invoice/cac:TaxTotal/cbc:TaxAmount",
        Some(13700),
    );
    assert_eq!(twice(total, total).row()["tax_amount_accounting"], "2.50");
}

#[test]
fn an_allowance_says_its_amount_and_whether_it_is_a_charge() {
    let path = "/Invoice/cac:AllowanceCharge";
    let indicator = "<cbc:ChargeIndicator>true</cbc:ChargeIndicator>";
    rejected(&read(with(indicator, "")), "ubl.missing", path, Some(13700));
    let yes = with(indicator, "<cbc:ChargeIndicator>ja</cbc:ChargeIndicator>");
    rejected(&read(yes), "ubl.flag", &format!("{path}/cbc:ChargeIndicator"), Some(13700));
    let amount = r#"<cbc:Amount currencyID="SEK">10.00</cbc:Amount>"#;
    rejected(&read(with(amount, "")), "ubl.missing", path, Some(13700));
    assert_eq!(
        read(with(indicator, "<cbc:ChargeIndicator>1</cbc:ChargeIndicator>")).row()["allowance_charges"][0]["charge"],
        true
    );
}

#[test]
fn a_reference_to_an_earlier_invoice_names_it() {
    let path = "/Invoice/cac:BillingReference/cac:InvoiceDocumentReference";
    rejected(&read(with("<cbc:ID>F-1000</cbc:ID>", "")), "ubl.missing", path, Some(13700));
}

#[test]
fn a_rejected_credit_note_would_have_counted_negative() {
    let outcome = read(CREDIT_NOTE.replace("<cbc:ID>K-1</cbc:ID>", ""));
    assert_eq!(outcome.reject().amount, Some(-13750));
    let total = Total { currency: "SEK".to_owned(), declared: None, read: 0, rejected: -13750 };
    assert_eq!(outcome.summary.totals, [total]);
}

#[test]
fn a_reject_tells_where_and_carries_the_document() {
    let document = with("<cbc:DueDate>2026-04-01</cbc:DueDate>", "<cbc:DueDate>snart</cbc:DueDate>");
    let outcome = read(&document);
    let reject = outcome.reject();
    let byte = document.find("<cbc:DueDate>").unwrap();
    assert_eq!((reject.finding.position.byte, reject.finding.position.line), (byte as u64, Some(9)));
    assert_eq!((reject.ordinal, reject.start, reject.end), (1, 0, document.len() as u64));
    assert_eq!(reject.raw, document.as_bytes());
    assert_eq!(reject.currency.as_deref(), Some("SEK"));
    let long = document.replace("Första noten", &"x".repeat(MAX_RAW));
    assert_eq!(read(&long).reject().raw, &long.as_bytes()[..MAX_RAW]);
}

#[test]
fn further_faults_are_remarked_and_no_text_quotes_a_value() {
    let document = with("2026-04-01", "hemlig-1").replace(">137.00<", ">hemlig-2<").replace("2026-02-28", "hemlig-3");
    let outcome = read(document);
    assert_eq!(outcome.reject().finding.code, "ubl.date");
    assert!(outcome.has_remark("ubl.number") && outcome.has_remark("ubl.date"));
    assert!(!format!("{:?} {:?}", outcome.summary, outcome.reject().finding).contains("hemlig"));
    let many = INVOICE.replace("currencyID=\"SEK\">", "currencyID=\"SEK\">x");
    assert_eq!(read(many).summary.remarks.iter().filter(|remark| remark.code == "ubl.number").count(), 16);
}

#[test]
fn a_file_that_is_no_document_is_refused() {
    refused("", "xml.empty");
    refused(" \n\t", "xml.empty");
    refused("\u{feff}", "xml.empty");
    refused("F-1001;2026-03-02;137,00", "xml.not_well_formed");
    refused("<?xml version=\"1.0\"?>", "xml.not_well_formed");
    refused("<Invoice/>", "ubl.root");
    let other = |from: &str, to: &str| read(INVOICE.replace(from, to)).refusal().message.clone();
    assert!(other("xsd:Invoice-2", "xsd:Order-2").contains("(Invoice)"));
    assert!(
        other("urn:oasis:names:specification:ubl:schema:xsd:Invoice-2", "urn:sfti:documents:BasicInvoice:1:0")
            .contains("Svefaktura 1.0")
    );
    let cii = r#"<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"/>"#;
    assert!(refused(cii, "ubl.root").refusal().message.contains("UN/CEFACT CII"));
    let envelope =
        r#"<StandardBusinessDocument xmlns="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"/>"#;
    assert!(refused(envelope, "ubl.root").refusal().message.contains("SBDH"));
}

#[test]
fn a_document_type_declaration_is_refused_before_anything_of_it_is_used() {
    let laughs = r#"<!DOCTYPE Invoice [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
        <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>"#;
    let external = r#"<!DOCTYPE Invoice SYSTEM "file:///etc/passwd">"#;
    for declaration in [laughs, external, "<!DOCTYPE Invoice>", "<!doctype Invoice>"] {
        let document = INVOICE.replacen("<Invoice", &format!("{declaration}<Invoice"), 1);
        refused(document.replace("F-1001", "&c;"), "xml.dtd");
    }
    let late = INVOICE.replacen("<cbc:ID>", &format!("{external}<cbc:ID>"), 1);
    refused(late, "xml.dtd");
}

#[test]
fn only_predefined_entities_and_characters_can_be_referred_to() {
    for reference in ["&xxe;", "&nbsp;", "&#0;", "&#x1;", "&#xD800;", "&#99999999;", "&#x;", "&#;"] {
        refused(with("F-1001", reference), "xml.entity");
    }
    refused(with("REF123", "a & b"), "xml.not_well_formed");
    refused(with("\"SEK\">137.00", "\"&xxe;\">137.00"), "xml.entity");
    refused(with("<cbc:ID>F-1001", "<cbc:UUID>&xxe;</cbc:UUID><cbc:ID>F-1001"), "xml.entity");
}

#[test]
fn markup_that_is_not_well_formed_is_refused() {
    for (from, to) in [
        ("</Invoice>", ""),
        ("</Invoice>", "</Invoice><Invoice/>"),
        ("</Invoice>", "</Invoice>slut"),
        ("</Invoice>", "</Invoice>&amp;"),
        ("</Invoice>", "</Invoice><![CDATA[ ]]>"),
        ("</Invoice>", "</Invoice></Invoice>"),
        ("</Invoice>", "</Invoice"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID>F-1001</cbc:UUID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID>F-1001"),
        ("<cbc:ID>F-1001</cbc:ID>", "<xyz:ID>F-1001</xyz:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<1ID>F-1001</1ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<?xml version=\"1.0\"?><cbc:ID>F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<!-- a -- b --><cbc:ID>F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID a=\"1\" a=\"2\">F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID xyz:a=\"1\">F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID a=\"<\">F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID a>F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID a=1>F-1001</cbc:ID>"),
        ("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID xmlns:xml=\"urn:x\">F-1001</cbc:ID>"),
        ("F-1001", "F\u{0}1001"),
        ("F-1001", "F\u{1b}1001"),
    ] {
        let outcome = refused(with(from, to), "xml.not_well_formed");
        assert!(outcome.refusal().position.line.is_some());
    }
}

#[test]
fn a_refusal_tells_where() {
    let document = with("<cbc:DueDate>2026-04-01</cbc:DueDate>", "<cbc:DueDate>2026-04-01</cbc:Due>");
    let outcome = refused(&document, "xml.not_well_formed");
    let position = &outcome.refusal().position;
    assert_eq!(position.byte, document.find("</cbc:Due>").unwrap() as u64);
    assert_eq!((position.line, position.path.as_deref()), (Some(9), Some("/Invoice/cbc:DueDate")));
}

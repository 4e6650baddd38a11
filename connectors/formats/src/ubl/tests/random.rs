//! Documents that nobody thought of.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use schemas::money;
use serde_json::{Value, json};

use super::{CREDIT_NOTE, INVOICE, read};

/// A line as its test knows it.
#[derive(Debug, Clone)]
struct Line {
    id: String,
    net: i64,
    name: Option<String>,
    charges: Vec<(bool, i64)>,
}

#[derive(Debug, Clone)]
struct Document {
    credit: bool,
    number: String,
    notes: Vec<String>,
    payable: i64,
    lines: Vec<Line>,
    prefix: String,
}

/// Text as it is after trimming: it has something at both ends.
fn text() -> impl Strategy<Value = String> {
    "[a-zåäöÅÄÖ0-9&<>'\"€][ -~åäö\n\t]{0,20}[a-z&<>åäö]"
}

fn line() -> impl Strategy<Value = Line> {
    let charges = vec((any::<bool>(), -1_000_000_000..1_000_000_000_i64), 0..3);
    (text(), any::<i64>(), proptest::option::of(text()), charges).prop_map(|(id, net, name, charges)| Line {
        id,
        net,
        name,
        charges,
    })
}

fn document() -> impl Strategy<Value = Document> {
    let money = -99_999_999_999_999_999..99_999_999_999_999_999_i64;
    (any::<bool>(), text(), vec(text(), 0..4), money, vec(line(), 0..6), "[a-z][a-z0-9.-]{0,5}").prop_map(
        |(credit, number, notes, payable, lines, prefix)| Document { credit, number, notes, payable, lines, prefix },
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;")
}

impl Document {
    fn write(&self) -> String {
        let kind = if self.credit { "CreditNote" } else { "Invoice" };
        // Never two equal prefixes: the random one begins with a letter, these two with an underscore.
        let (p, b, a) = (&self.prefix, "_b", "_a");
        let urn = "urn:oasis:names:specification:ubl:schema:xsd";
        let mut xml = format!(
            "<{p}:{kind} xmlns:{p}=\"{urn}:{kind}-2\" xmlns:{b}='{urn}:CommonBasicComponents-2' \
             xmlns:{a} = \"{urn}:CommonAggregateComponents-2\">"
        );
        let mut put = |piece: String| xml.push_str(&piece);
        put(format!("<{b}:ID>{}</{b}:ID><{b}:IssueDate>2026-03-02</{b}:IssueDate>", escaped(&self.number)));
        for note in &self.notes {
            put(format!("<{b}:Note>\n{} </{b}:Note>", escaped(note)));
        }
        put(format!("<{b}:DocumentCurrencyCode>SEK</{b}:DocumentCurrencyCode>"));
        for party in ["AccountingSupplierParty", "AccountingCustomerParty"] {
            put(format!(
                "<{a}:{party}><{a}:Party><{b}:EndpointID schemeID='0007'>1</{b}:EndpointID></{a}:Party></{a}:{party}>"
            ));
        }
        let amount = |name: &str, value: String| format!("<{b}:{name} currencyID=\"SEK\">{value}</{b}:{name}>");
        let payable = amount("PayableAmount", money::plain(self.payable.into(), 2));
        put(format!("<{a}:LegalMonetaryTotal >{payable}</{a}:LegalMonetaryTotal >"));
        for line in &self.lines {
            let mut inner = format!("<{b}:ID>{}</{b}:ID>", escaped(&line.id));
            inner.push_str(&amount("LineExtensionAmount", money::plain(line.net.into(), 6)));
            for (charge, value) in &line.charges {
                let value = amount("Amount", money::plain((*value).into(), 6));
                let _ = write!(
                    inner,
                    "<{a}:AllowanceCharge><{b}:ChargeIndicator>{charge}</{b}:ChargeIndicator>{value}</{a}:AllowanceCharge>"
                );
            }
            if let Some(name) = &line.name {
                let _ = write!(inner, "<{a}:Item><{b}:Name>{}</{b}:Name></{a}:Item>", escaped(name));
            }
            put(format!("<{a}:{kind}Line>{inner}</{a}:{kind}Line>"));
        }
        put(format!("</{p}:{kind}>"));
        xml
    }

    fn expected(&self) -> Value {
        let lines = self.lines.iter().map(|line| {
            let charges = line
                .charges
                .iter()
                .map(|(charge, amount)| json!({"charge": charge, "amount": money::plain((*amount).into(), 6)}));
            json!({
                "line_id": line.id, "net_amount": money::plain(line.net.into(), 6), "name": line.name,
                "charges": charges.collect::<Vec<_>>(),
            })
        });
        json!({
            "document_kind": if self.credit { "credit_note" } else { "invoice" },
            "invoice_no": self.number, "notes": self.notes, "payable": money::plain(self.payable.into(), 2),
            "lines": lines.collect::<Vec<_>>(),
        })
    }
}

/// The same facts of a row that was read.
fn facts(row: &Value) -> Value {
    let lines = row["lines"].as_array().unwrap().iter().map(|line| {
        let charges = line["allowance_charges"].as_array().unwrap().iter();
        let charges = charges.map(|item| json!({"charge": item["charge"], "amount": item["amount"]}));
        json!({
            "line_id": line["line_id"], "net_amount": line["net_amount"], "name": line["name"],
            "charges": charges.collect::<Vec<_>>(),
        })
    });
    json!({
        "document_kind": row["document_kind"], "invoice_no": row["invoice_no"], "notes": row["notes"],
        "payable": row["payable"], "lines": lines.collect::<Vec<_>>(),
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(document in document()) {
        let outcome = read(document.write());
        prop_assert_eq!(facts(&outcome.row()), document.expected());
        let payable = i128::from(document.payable);
        prop_assert_eq!(outcome.summary.totals[0].read, if document.credit { -payable } else { payable });
    }

    /// The helper asserts that every document is one row, one reject or a refusal.
    #[test]
    fn damaged_bytes_never_stop_the_reader(
        credit in any::<bool>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let mut bytes = if credit { CREDIT_NOTE } else { INVOICE }.as_bytes().to_vec();
        for (index, byte, how) in damage {
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
            }
            if bytes.is_empty() {
                break;
            }
        }
        read(bytes);
    }

    #[test]
    fn markup_in_any_order_never_stops_the_reader(
        pieces in vec(prop::sample::select(vec![
            "<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'>", "</Invoice>", "<a>", "</a>",
            "<a/>", "<", ">", "&", ";", "&amp;", "&#", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<!", "'", "\"",
            "=", " xmlns:a=''", "\r", "å", "text", "<?xml version='1.0' encoding='iso-8859-1'?>", "<!DOCTYPE a [", "]>",
        ]), 0..30),
    ) {
        read(pieces.concat());
    }
}

//! Tests of the pain.002 reader, by what they hold to account.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use schemas::money::plain;
use serde_json::json;

use crate::Verdict;
use crate::testing::{Outcome, read, samples};

/// An order that was accepted in part; test identities only.
const REPORT: &str = include_str!("tests/report.xml");

fn pain(document: impl AsRef<[u8]>) -> Outcome {
    read("pain002", document)
}

#[test]
fn a_report_tells_of_the_file_the_batch_and_each_payment() {
    let outcome = pain(REPORT);
    assert_eq!(outcome.remarks(), [""; 0]);
    let rows = outcome.of("payment_status");
    assert_eq!(outcome.column("payment_status", "scope"), ["file", "batch", "payment", "payment"]);
    assert_eq!(outcome.column("payment_status", "status"), ["partial", "partial", "rejected", "accepted"]);
    assert_eq!(outcome.column("payment_status", "direction"), ["out"; 4]);
    assert_eq!(outcome.column("payment_status", "amount"), ["null", "null", "100.00", "50.00"]);
    assert_eq!((&rows[0]["message_id"], &rows[0]["batch_id"]), (&json!("ORDER-1"), &json!(null)));
    assert_eq!(
        (&rows[1]["iso20022"]["transaction_count"], &rows[1]["iso20022"]["control_sum"]),
        (&json!(2), &json!("150.00"))
    );
    let refused = &rows[2];
    assert_eq!(refused["status_id"], "pain.002:R-1:ST-1");
    assert_eq!((&refused["account"], &refused["account_type"]), (&json!("50501055"), &json!("bankgiro")));
    assert_eq!(
        (&refused["counterpart_account"], &refused["counterpart_name"]),
        (&json!("9912346"), &json!("Leverantören AB"))
    );
    assert_eq!((&refused["payment_date"], &refused["reported_on"]), (&json!("2026-04-02"), &json!("2026-04-01")));
    assert_eq!((&refused["end_to_end_id"], &refused["reference"]), (&json!("E-1"), &json!("12345674")));
    assert_eq!(
        refused["reasons"],
        json!([
            {"scheme": "iso20022", "code": "AC01", "text": "ACC NUMBER INVALID"},
            {"scheme": "proprietary", "code": "X7", "text": null},
        ])
    );
    assert_eq!(rows[3]["reasons"], json!([]));
    assert_eq!(rows[3]["status_id"], "pain.002:R-1::4");
}

#[test]
fn every_change_gives_its_finding() {
    let changes: &[(&str, &str, &str)] = &[
        ("xsd:pain.002", "xsd:pain.001", "pain.root"),
        ("pain.002.001.10", "pain.002.001.15", "pain.root"),
        ("OrgnlGrpInfAndSts>", "Orgnl>", "pain.no_group"),
        ("<DtldNbOfTxs>1<", "<DtldNbOfTxs>2<", "pain.status_count"),
        (
            "<OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>150.00</OrgnlCtrlSum><PmtInfSts>",
            "<OrgnlNbOfTxs>1</OrgnlNbOfTxs><PmtInfSts>",
            "pain.transaction_count",
        ),
        (
            "<OrgnlCtrlSum>150.00</OrgnlCtrlSum><PmtInfSts>",
            "<OrgnlCtrlSum>151.00</OrgnlCtrlSum><PmtInfSts>",
            "pain.control_sum",
        ),
        ("<TxSts>ACSP<", "<TxSts>OKEJ<", "pain.status"),
        (">50.00<", ">50.001<", "pain.amount"),
        ("Ccy=\"SEK\">50.00", "Ccy=\"kr\">50.00", "pain.amount"),
        ("<OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId>", "", "pain.direction"),
    ];
    for (from, to, code) in changes {
        assert!(REPORT.contains(from), "{from}");
        let outcome = pain(REPORT.replace(from, to));
        let mut found = match &outcome.summary.verdict {
            Verdict::Refused(finding) => vec![finding.code],
            Verdict::Accepted => [outcome.reject_codes(), outcome.remarks()].concat(),
        };
        found.retain(|code| *code != "xml.unmapped");
        assert_eq!(found, [*code], "{from} -> {to}");
    }
}

#[test]
fn the_public_report_of_four_rejections_is_read_and_its_twin_of_a_wrong_namespace_refused() {
    let Some(folder) = samples("pain/OCA__account-payment") else { return };
    let outcome = pain(fs::read(folder.join("test-sepa-pain-unpaid.xml")).unwrap());
    assert_eq!(outcome.summary.verdict, Verdict::Accepted);
    assert_eq!(outcome.remarks(), [""; 0]);
    assert_eq!(outcome.column("payment_status", "end_to_end_id"), ["E2EID1", "E2EID2", "E2EID3", "E2EID4"]);
    assert_eq!(outcome.column("payment_status", "status"), ["rejected"; 4]);
    assert_eq!(outcome.column("payment_status", "amount"), ["100.00"; 4]);
    assert_eq!(outcome.column("payment_status", "direction"), ["in"; 4]);
    assert_eq!(outcome.column("payment_status", "batch_id"), ["PMTINFID1", "PMTINFID1", "PMTINFID2", "PMTINFID2"]);
    assert_eq!(outcome.column("payment_status", "counterpart_name"), ["DEBTOR1", "DEBTOR2", "DEBTOR3", "DEBTOR4"]);
    let codes = outcome.of("payment_status").iter().map(|row| row["reasons"][0]["code"].as_str().unwrap());
    assert_eq!(codes.collect::<Vec<_>>(), ["AC01", "MS02", "MD06", "AM04"]);
    assert_eq!(outcome.of("payment_status")[0]["reasons"][0]["text"], "ACC NUMBER INVALID");
    assert_eq!(outcome.totals(), [("EUR".to_owned(), "400.00".to_owned(), "0.00".to_owned())]);
    let invalid = pain(fs::read(folder.join("test-sepa-pain-unpaid-invalid.xml")).unwrap());
    assert_eq!(invalid.refusal().code, "pain.root");
}

proptest! {
    #[test]
    fn what_is_written_is_read(amounts in prop::collection::vec((0..10_000_000_u32, any::<bool>()), 0..12)) {
        let mut document = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.03\"><CstmrPmtStsRpt><GrpHdr><MsgId>1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>2</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>".to_owned();
        for (amount, refused) in &amounts {
            let status = if *refused { "RJCT" } else { "ACSC" };
            let _ = write!(document, "<TxInfAndSts><TxSts>{status}</TxSts><OrgnlTxRef><Amt><InstdAmt Ccy=\"SEK\">{}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>", plain((*amount).into(), 2));
        }
        let outcome = pain(document + "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>");
        prop_assert_eq!(&outcome.summary.verdict, &Verdict::Accepted);
        prop_assert_eq!(outcome.column("payment_status", "amount"), amounts.iter().map(|(amount, _)| plain((*amount).into(), 2)).collect::<Vec<_>>());
        let status = |(_, refused): &(u32, bool)| if *refused { "rejected" } else { "executed" };
        prop_assert_eq!(outcome.column("payment_status", "status"), amounts.iter().map(status).collect::<Vec<_>>());
    }

    #[test]
    fn damaged_reports_are_read_or_refused_without_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[\0-\u{ff}<>&]{0,4}"), 1..6),
    ) {
        let mut document = REPORT.as_bytes().to_vec();
        for (place, piece) in damage {
            let place = place.index(document.len());
            document.splice(place..(place + 2).min(document.len()), piece.bytes());
            if document.is_empty() {
                return Ok(());
            }
        }
        pain(&document);
    }
}

//! Tests of the Swish reader, by what they hold to account.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use schemas::money::plain;
use serde_json::json;

use crate::Verdict;
use crate::testing::{Outcome, read, samples};

/// Handelsbanken's newer layout; test identities only.
const HANDELSBANKEN: &str = "01;2026-04-01;2026-03-31;06:00\r
02;5566778899;123456789;HANDSESS;1235524400;2026-03-31;SWH;1500,00;SEK;+46700000001;Testsson, Test;4469411476093487;Faktura 4711;;2026-03-31T13:32:22:683413;2026-04-01;I-1;E-1\r
02;5566778899;123456789;HANDSESS;1235524400;2026-03-31;SWR;200,50;SEK;+46700000002;Anna Swish;4469411476093492;;ORDER-7;2026-03-31T13:47:12:998635;2026-04-01;I-2;E-2\r
03;2\r
";

const SWEDBANK: &str = "* Swish-rapport Avser 2026-03-01 - 2026-03-31 Skapad 2026-04-01 12:23 CET\r
Radnr,Clnr,Kontonr,Bokfdag,Transdag,Valutadag,Mottagarnr,Mottagarnamn,Avsändarnr,Avsändarnamn,Meddelande,Tid,Belopp,Orderreferens\r
1,54321,1029384756,2026-03-31,2026-03-30,2026-03-31,1230000000,\"Testföreningen\",+46700000001,\"TEST, TESTSSON\",\"Avgift \"\"mars\"\"\",13:32,1128.00,\r
2,54321,1029384756,2026-03-31,2026-03-31,2026-03-31,1230000000,\"Testföreningen\",+46700000002,\"ANNA SWISH\",\"\",13:47,1125.00,ORDER-8\r
";

fn swish(file: impl AsRef<[u8]>) -> Outcome {
    read("swish", file)
}

#[test]
fn handelsbanken_s_row_fills_every_column_it_has() {
    let outcome = swish(HANDELSBANKEN);
    assert_eq!((outcome.summary.declared_records, outcome.remarks()), (Some(2), vec![]));
    let first = &outcome.of("payment_in")[0];
    assert_eq!(
        (&first["payment_id"], &first["bank_reference"]),
        (&json!("swish:4469411476093487"), &json!("4469411476093487"))
    );
    assert_eq!((&first["receiver_account"], &first["receiver_account_type"]), (&json!("123456789"), &json!("bban")));
    assert_eq!(
        (&first["payment_date"], &first["swish"]["transaction_date"]),
        (&json!("2026-04-01"), &json!("2026-03-31"))
    );
    assert_eq!((&first["reference"], &first["messages"]), (&json!("Faktura 4711"), &json!(["Faktura 4711"])));
    assert_eq!((&first["sender_account"], &first["sender_account_type"]), (&json!("46700000001"), &json!("mobile")));
    assert_eq!((&first["payer_name"], &first["channel"]), (&json!("Testsson, Test"), &json!("swish")));
    assert_eq!((&first["instruction_id"], &first["end_to_end_id"]), (&json!("I-1"), &json!("E-1")));
    assert_eq!(first["swish"]["payee_number"], "1235524400");
    assert_eq!(first["deposit_id"], "swish:123456789:1235524400:2026-04-01");
    assert_eq!(outcome.column("payment_in", "amount"), ["1500.00", "-200.50"]);
    assert_eq!(outcome.column("payment_in", "kind"), ["payment", "reversal"]);
    assert_eq!(outcome.column("payment_in", "reference"), ["Faktura 4711", "ORDER-7"]);
    assert_eq!(outcome.totals(), [("SEK".to_owned(), "1299.50".to_owned(), "0.00".to_owned())]);
}

#[test]
fn swedbank_s_rows_are_the_same_payments() {
    let outcome = swish(SWEDBANK);
    assert_eq!(outcome.column("payment_in", "amount"), ["1128.00", "1125.00"]);
    let first = &outcome.of("payment_in")[0];
    assert_eq!((&first["receiver_account"], &first["swish"]["bank"]), (&json!("543211029384756"), &json!("54321")));
    assert_eq!((&first["payer_name"], &first["reference"]), (&json!("TEST, TESTSSON"), &json!("Avgift \"mars\"")));
    assert_eq!(first["payment_id"], "swish:543211029384756:2026-03-31:1");
    assert_eq!(outcome.of("payment_in")[1]["messages"], json!([]));
    let latin: Vec<u8> = SWEDBANK.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let latin = swish(latin);
    assert_eq!(latin.remarks(), ["swish.encoding"]);
    assert_eq!(
        latin.of("payment_in"),
        outcome
            .of("payment_in")
            .iter()
            .cloned()
            .map(|row| {
                // One byte less for each letter before it.
                let at = latin.of("payment_in").iter().find(|other| other["ordinal"] == row["ordinal"]).unwrap();
                let mut row = row;
                row["byte_start"] = at["byte_start"].clone();
                row["byte_end"] = at["byte_end"].clone();
                row
            })
            .collect::<Vec<_>>()
    );
}

#[test]
fn every_change_gives_its_finding() {
    let handelsbanken: &[(&str, &str, &str)] = &[
        ("01;", "09;", "swish.not_swish"),
        ("03;2", "03;3", "swish.count"),
        ("03;2\r\n", "", "swish.truncated"),
        (
            "02;5566778899;123456789;HANDSESS;1235524400;2026-03-31;SWH",
            "03;0\r\n02;5;1;H;1;2026-03-31;SWH",
            "swish.order",
        ),
        (";Testsson, Test;", ";Testsson; Test;", "swish.fields"),
        (";SWH;", ";SWT;", "swish.type"),
        (";123456789;", ";;", "swish.account"),
        (";1500,00;SEK;", ";1500,00;;", "swish.currency"),
        (";2026-04-01;I-1;", ";2026-04-31;I-1;", "swish.date"),
        (";1500,00;", ";1500.00;", "swish.amount"),
        (";1500,00;", ";-1500,00;", "swish.amount"),
        ("4469411476093492", "4469411476093487", "swish.reference_repeated"),
        ("03;2", "04;x\r\n03;2", "swish.unknown_record"),
        ("03;2\r\n", "03;2\r\n01;2026-04-01;2026-03-31;07:00\r\n03;0\r\n", "swish.concatenated"),
    ];
    let swedbank: &[(&str, &str, &str)] = &[
        ("2,54321", "3,54321", "swish.row_number"),
        ("Bokfdag", "Bokf", "swish.columns"),
        ("\"TEST, TESTSSON\"", "TEST, TESTSSON", "swish.fields"),
        ("\"TEST, TESTSSON\"", "\"TEST, TESTSSON", "swish.fields"),
        ("1128.00", "1128.001", "swish.amount"),
        ("54321,1029384756,2026-03-31,2026-03-30", ",,2026-03-31,2026-03-30", "swish.account"),
        ("2026-03-31,2026-03-30", "2026-3-31,2026-03-30", "swish.date"),
        ("* Swish", "* Bank", "swish.not_swish"),
    ];
    for (file, changes) in [(HANDELSBANKEN, handelsbanken), (SWEDBANK, swedbank)] {
        for (from, to, code) in changes {
            assert!(file.contains(from), "{from}");
            let outcome = swish(file.replacen(from, to, 1));
            let found = match &outcome.summary.verdict {
                Verdict::Refused(finding) => {
                    assert!(!finding.message_sv.is_empty() && finding.position.line.is_some());
                    vec![finding.code]
                }
                Verdict::Accepted => [outcome.reject_codes(), outcome.remarks()].concat(),
            };
            assert_eq!(found, [*code], "{from} -> {to}");
        }
    }
}

#[test]
fn the_four_public_reports_of_handelsbanken_are_the_same_two_payments() {
    let Some(folder) = samples("swish/high-five-group__miranon-media-admin") else { return };
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let outcome = swish(fs::read(entry.unwrap().path()).unwrap());
        files += 1;
        assert_eq!(outcome.totals(), [("SEK".to_owned(), "3800.50".to_owned(), "0.00".to_owned())]);
        assert_eq!(outcome.summary.declared_records, Some(2));
        assert_eq!(outcome.column("payment_in", "amount"), ["1500.00", "2300.50"]);
        assert_eq!(outcome.column("payment_in", "payer_name"), ["Anna Swish", "Sven Svensson"]);
        assert_eq!(outcome.column("payment_in", "payment_id"), ["swish:4469411476093487", "swish:4469411476093492"]);
        assert_eq!(outcome.column("payment_in", "payment_date"), ["2015-04-16", "2015-04-16"]);
    }
    assert_eq!(files, 4);
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec((0..100_000_000_u32, any::<bool>(), "[a-zåäö ,.]{0,10}"), 0..20)) {
        let mut file = "01;2026-04-01;2026-03-31;\n".to_owned();
        for (number, (amount, refund, text)) in rows.iter().enumerate() {
            let kind = if *refund { "SWR" } else { "SWH" };
            let amount = plain((*amount).into(), 2).replace('.', ",");
            let _ = writeln!(file, "02;5566778899;1;H;1;2026-03-31;{kind};{amount};SEK;+46;{text};R{number};{text};;t");
        }
        let _ = writeln!(file, "03;{}", rows.len());
        let outcome = swish(&file);
        prop_assert_eq!(&outcome.summary.verdict, &Verdict::Accepted);
        let signed = |(amount, refund, _): &(u32, bool, String)| plain(if *refund { -i128::from(*amount) } else { (*amount).into() }, 2);
        prop_assert_eq!(outcome.column("payment_in", "amount"), rows.iter().map(signed).collect::<Vec<_>>());
        let text = |(_, _, text): &(u32, bool, String)| if text.trim().is_empty() { "null".to_owned() } else { text.trim().to_owned() };
        prop_assert_eq!(outcome.column("payment_in", "payer_name"), rows.iter().map(text).collect::<Vec<_>>());
    }

    #[test]
    fn damaged_reports_are_read_or_refused_without_panic(
        swedbank in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..4)), 1..6),
    ) {
        let mut file = if swedbank { SWEDBANK } else { HANDELSBANKEN }.as_bytes().to_vec();
        for (place, piece) in damage {
            let place = place.index(file.len());
            file.splice(place..(place + 2).min(file.len()), piece);
            if file.is_empty() {
                return Ok(());
            }
        }
        swish(&file);
    }
}

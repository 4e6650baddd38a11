//! Example files of Bankgirot and files of other programs.

use crate::testing::{Outcome, read_from, sample, samples};

const JACOB: &str = "jacob22__accounting/";

/// Name, report, and number and sum by currency.
type Sums = (&'static str, &'static str, &'static [(&'static str, usize, i128)]);

fn open(name: &str) -> Option<Outcome> {
    Some(sample("lb", &samples("lb")?, name))
}

#[test]
fn every_sample_has_its_published_number_and_sum() {
    let lists: &[Sums] = &[
        ("barsoom__supplier_payments/LBin-exempel1.txt", "order", &[("SEK", 18, 4_041_700)]),
        ("barsoom__supplier_payments/LBin-exempel2.txt", "order", &[("SEK", 14, 7_695_600), ("EUR", 5, 84_400)]),
        (
            "jacob22__accounting/bankgirolink_leverantorsbetalning_lb_exempelfil_sv.txt",
            "order",
            &[("SEK", 18, 4_041_700)],
        ),
        ("jacob22__accounting/LBin-test_generateBankgiroFile.txt", "order", &[("SEK", 2, 119_000)]),
        ("jacob22__accounting/LBin-test_generateBankgiroFile-genast.txt", "order", &[("SEK", 2, 119_000)]),
        ("jacob22__accounting/LBin-test_sealBankgiroFile.txt", "order", &[("SEK", 2, 119_000)]),
        ("jacob22__accounting/LBin-test_sealBankgiroFile-genast.txt", "order", &[("SEK", 2, 119_000)]),
        (
            "jacob22__accounting/leverantorsbetalning_exempelfil_betalningsspecifikation-med-lonedetaljer.txt",
            "payment_specification",
            &[("SEK", 16, 3_845_000)],
        ),
    ];
    for (name, report, sums) in lists {
        let Some(outcome) = open(name) else { return };
        let outcome = outcome.accepted();
        for (currency, count, sum) in *sums {
            let filter = [("currency", *currency), ("report", *report), ("scope", "payment")];
            assert_eq!(outcome.sum("payment_status", &filter), (*count, *sum), "{name} {currency}");
            let total = outcome.summary.totals.iter().find(|total| total.currency == *currency).unwrap();
            assert_eq!((total.declared, total.read), (Some(*sum), *sum), "{name}");
        }
        let rows = sums.iter().map(|(_, count, _)| *count as u64).sum();
        assert_eq!((outcome.summary.read_records, outcome.summary.declared_records), (rows, Some(rows)), "{name}");
    }
}

#[test]
fn refused_and_stopped_payments_have_the_banks_reasons() {
    let Some(rejected) = open(&format!("{JACOB}leverantorsbetalning_exempelfil_avvisade_sv.txt")) else { return };
    let rejected = rejected.accepted();
    let rows = rejected.of("payment_status");
    let codes: Vec<String> = rows
        .iter()
        .map(|row| {
            let reasons = row["reasons"].as_array().unwrap().iter();
            reasons.map(|reason| reason["code"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    // The second payment to the cash receiver has what was said of its account and of its own records.
    assert_eq!(
        codes,
        ["MTRV0013 0000 0000 0000 0000", "MTRV0013 0000 0000 0000", "MTRV0042", "0000 MTRV0110 0000", "MTRV0064"]
    );
    assert!(rejected.remarks().contains(&"lb.information_rejected"));

    let Some(stopped) = open(&format!("{JACOB}leverantorsbetalning_stoppade.txt")) else { return };
    let stopped = stopped.accepted();
    let texts = stopped.column("payment_status", "own_reference");
    assert_eq!(texts, ["12", "13", "14", "16", "19", "32", "25"].map(|number| format!("VERIF {number}")));
    assert!(stopped.of("payment_status").iter().all(|row| row["reasons"][0]["code"] == "MTRV0082"));
}

#[test]
fn a_specification_whose_sum_is_wrong_is_refused() {
    for name in ["LB-response-1.txt", "LBut-test_parseBankgiroResponse.txt"] {
        let Some(outcome) = open(&format!("{JACOB}{name}")) else { return };
        assert_eq!(outcome.verdict(), "lb.sum", "{name}");
        let crate::Verdict::Refused(finding) = outcome.summary.verdict else { unreachable!() };
        assert!(finding.message.contains("1190.00") && finding.message.contains("1460.00"), "{}", finding.message);
    }
}

#[test]
fn monitored_payments_are_counted_and_their_balance_compared() {
    let name = format!("{JACOB}leverantorsbetalning_exempelfil_betalningsbevakning_sv.txt");
    let Some(outcome) = open(&name) else { return };
    let outcome = outcome.accepted();
    assert_eq!((outcome.of("payment_status").len(), outcome.summary.declared_records), (17, Some(17)));
    // The credit notes of this example do not add up (1 560.00 by date, 1 650.00 in the balance).
    assert!(outcome.remarks().contains(&"lb.balance_sum"), "{:?}", outcome.remarks());
}

#[test]
fn the_seal_of_a_sample_is_verified_with_its_published_key() {
    let Some(folder) = samples("lb") else { return };
    let keys = [crate::SealKey::parse("1234567890ABCDEF1234567890ABCDEF").unwrap()];
    let info = crate::FileInfo { name: "", seal_keys: &keys };
    let with_key = |name: &str| {
        let bytes = std::fs::read(folder.join(JACOB).join(name)).unwrap();
        read_from("lb", info, &mut bytes.as_slice()).accepted().remarks()
    };
    assert!(with_key("LBin-test_sealBankgiroFile.txt").contains(&"seal.verified"));
    assert!(with_key("LBin-test_sealBankgiroFile-genast.txt").contains(&"seal.not_verified"), "made with another key");
    let mut bytes = std::fs::read(folder.join(JACOB).join("LBin-test_sealBankgiroFile.txt")).unwrap();
    let place = bytes.windows(4).position(|text| text == b"LEKG").unwrap();
    bytes[place] = b'M';
    assert_eq!(read_from("lb", info, &mut bytes.as_slice()).verdict(), "seal.broken");
}

//! Random files: what is written is read, and whatever is done to the bytes, reading ends and öre add up.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::testing::read as read_bytes;

#[derive(Debug, Clone)]
struct Meant {
    kind: &'static str,
    amount: u64,
    text: String,
    messages: Vec<String>,
    reason: Option<String>,
}

fn meant() -> impl Strategy<Value = Meant> {
    (
        prop::sample::select(vec!["14", "14", "15", "16", "17", "54"]),
        0..1_000_000_000_u64,
        "[A-ZÅÄÖ0-9]{1,20}",
        prop::collection::vec("[A-ZÅÄÖ0-9]{1,35}", 0..4),
        prop::option::of("[A-ZÅÄÖ0-9]{1,60}"),
    )
        .prop_map(|(kind, amount, text, messages, reason)| Meant { kind, amount, text, messages, reason })
}

fn write(payments: &[Meant], report: &str) -> (Vec<String>, i128) {
    let mut records = vec![header(report)];
    let mut sum = 0;
    for meant in payments {
        let signed = i128::from(meant.amount);
        sum += if matches!(meant.kind, "14" | "54") { signed } else { -signed };
        records.push(payment(meant.kind, PAYEE, meant.amount, "      ", &meant.text));
        let kind = if meant.kind == "54" { "65" } else { "25" };
        records.extend(meant.messages.iter().map(|text| record(&[(1, kind), (3, PAYEE), (13, text)])));
        records.extend(meant.reason.iter().map(|text| record(&[(1, "49MTRV0082"), (11, text)])));
    }
    let sign = if sum < 0 { "-" } else { " " };
    records.push(end(payments.len() as u64, &format!("{:012}{sign}", sum.unsigned_abs())));
    (records, sum)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        payments in prop::collection::vec(meant(), 0..20),
        report in prop::sample::select(vec![" ", "1", "6", "7"]),
    ) {
        let (records, sum) = write(&payments, report);
        let outcome = read(&records).accepted();
        let rows = outcome.of("payment_status");
        prop_assert_eq!(rows.len(), payments.len());
        prop_assert_eq!(outcome.sum("payment_status", &[]).1, sum);
        for (row, meant) in rows.iter().zip(&payments) {
            prop_assert_eq!(&row["own_reference"], &meant.text);
            prop_assert_eq!(&row["messages"], &serde_json::json!(meant.messages));
            prop_assert_eq!(row["reasons"][0]["text"].as_str(), meant.reason.as_deref());
            prop_assert_eq!(&row["lb"]["transaction_code"], meant.kind);
        }
        let ids: std::collections::BTreeSet<_> = outcome.column("payment_status", "status_id").into_iter().collect();
        prop_assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn no_change_of_bytes_breaks_the_reader_or_its_sums(
        which in 0..6_usize,
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let files: [fn() -> Vec<String>; 6] = [order, specification, rejected, stopped, reconciliation, returned_cash];
        let mut bytes = file(&files[which]());
        for (place, byte, what) in changes {
            let place = place.index(bytes.len());
            match what {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => drop(bytes.remove(place)),
                _ => bytes[place] = b"0123456789 \r\n\t\x1a"[usize::from(byte) % 15],
            }
        }
        let outcome = read_bytes("lb", &bytes);
        if outcome.verdict() == "accepted" {
            for total in &outcome.summary.totals {
                prop_assert!(total.declared.is_none_or(|declared| declared == total.read + total.rejected));
            }
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2_000), start in any::<bool>()) {
        let mut whole = if start { file(&order()[..4]) } else { Vec::new() };
        whole.extend(bytes);
        prop_assert_ne!(read_bytes("lb", &whole).verdict(), "accepted");
    }
}

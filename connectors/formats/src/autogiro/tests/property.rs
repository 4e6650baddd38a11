//! Random files: what is written is read, and whatever is done to the bytes, reading ends and öre add up.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::testing::read as read_bytes;

#[derive(Debug, Clone)]
struct Meant {
    is_debit: bool,
    payer: u64,
    amount: u64,
    reference: String,
    status: &'static str,
}

fn meant() -> impl Strategy<Value = Meant> {
    let statuses = prop::sample::select(vec!["0", "0", "0", "1", "2", "9"]);
    (any::<bool>(), 1..10_000_000_000_000_000_u64, 0..1_000_000_000_000_u64, "[A-ZÅÄÖ0-9]{0,16}", statuses).prop_map(
        |(is_debit, payer, amount, reference, status)| {
            let status = if !is_debit && status == "9" { "1" } else { status };
            Meant { is_debit, payer, amount, reference, status }
        },
    )
}

/// A payment specification, in the new layout with a section for debits and one for credits, or in the old one.
fn write(payments: &[Meant], is_old: bool) -> Vec<String> {
    let line = |meant: &Meant| {
        let kind = if meant.is_debit { "82" } else { "32" };
        payment(kind, meant.payer, meant.amount, &meant.reference, meant.status)
    };
    let of = |is_debit: bool, all: bool| {
        let counted = payments.iter().filter(move |p| p.is_debit == is_debit && (all || p.status == "0"));
        (counted.clone().count() as u64, counted.map(|p| p.amount).sum::<u64>())
    };
    if is_old {
        let ((debits, debit), (credits, credit)) = (of(true, true), of(false, true));
        let mut records = vec![old_header("")];
        records.extend(payments.iter().map(line));
        records.push(old_end(credit, credits, debits, debit));
        return records;
    }
    let ((debits, debit), (credits, credit)) = (of(true, false), of(false, false));
    let mut records = vec![header("BET. SPEC & STOPP TK"), section("15", debit, debits)];
    records.extend(payments.iter().filter(|p| p.is_debit).map(line));
    records.push(section("16", credit, credits));
    records.extend(payments.iter().filter(|p| !p.is_debit).map(line));
    let counts = format!("000001{debits:012}000001{credits:012}000000000000000000");
    records.push(record(&[(1, "09202603029900"), (15, &counts)]));
    records
}

proptest! {
    #[test]
    fn what_is_written_is_read(payments in prop::collection::vec(meant(), 0..30), is_old: bool) {
        // In the old layout a sum has twelve digits.
        let payments: Vec<_> = payments.into_iter().map(|p| Meant { amount: p.amount / 100, ..p }).collect();
        let outcome = read(&write(&payments, is_old)).accepted();
        let expected = |filter: &dyn Fn(&Meant) -> bool| -> Vec<String> {
            let kept = payments.iter().filter(|p| p.is_debit).chain(payments.iter().filter(|p| !p.is_debit));
            let mut texts: Vec<_> = kept.filter(|p| filter(p)).map(|p| {
                let reference = if p.reference.is_empty() { "null" } else { &p.reference };
                format!("{} {} {reference}", p.payer, schemas::money::plain(i128::from(p.amount), 2))
            }).collect();
            texts.sort();
            texts
        };
        let found = |contract| -> Vec<String> {
            let of = |column| outcome.column(contract, column);
            let rows = of("payer_number").into_iter().zip(of("amount")).zip(of("reference"));
            let mut texts: Vec<_> = rows.map(|((payer, amount), reference)| format!("{payer} {amount} {reference}")).collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(found("payment_in"), expected(&|p| p.is_debit && p.status == "0"));
        prop_assert_eq!(found("payment_status"), expected(&|p| !p.is_debit || p.status != "0"));
    }

    #[test]
    fn no_change_of_bytes_breaks_the_reader_or_its_sums(
        which in 0..8_usize,
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let files: [fn() -> Vec<String>; 8] = [
            specification, old_specification, rejected, amendments, monitoring, mandate_advice, internet_mandates, register,
        ];
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
        let outcome = read_bytes("autogiro", &bytes);
        if outcome.verdict() == "accepted" {
            for total in &outcome.summary.totals {
                prop_assert_eq!(total.declared, Some(total.read + total.rejected));
            }
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2_000), start in any::<bool>()) {
        let mut whole = if start { file(&specification()[..2]) } else { Vec::new() };
        whole.extend(bytes);
        prop_assert_ne!(read_bytes("autogiro", &whole).verdict(), "accepted");
    }
}

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int64Type};
use formats::{Finding, MAX_RAW, Verdict};

use super::sink::{Outcome, Pieces};

/// Checks one format on one input.
pub fn check(format: &str, bytes: &[u8]) {
    let whole = Outcome::of(format, &mut &*bytes);
    let pieces = Outcome::of(format, &mut Pieces::new(bytes));
    assert_eq!(whole.summary, pieces.summary, "in pieces the file is told of otherwise");
    for (one, other) in whole.rejects.iter().zip(&pieces.rejects) {
        assert!(one == other, "in pieces another reject: {:?}, {:?}", one.1.finding, other.1.finding);
    }
    assert!(whole == pieces, "in pieces the file gives other rows");
    findings(&whole, bytes);
    places(&whole, bytes);
    if whole.summary.verdict == Verdict::Accepted {
        counts(&whole);
        sums(&whole);
    }
}

/// Whatever is said is said twice, with a place in the file.
fn findings(outcome: &Outcome, bytes: &[u8]) {
    let refusal = match &outcome.summary.verdict {
        Verdict::Refused(finding) => Some(finding),
        Verdict::Accepted => None,
    };
    let rejected = outcome.rejects.iter().map(|(_, reject)| &reject.finding);
    for finding in refusal.into_iter().chain(rejected).chain(&outcome.summary.remarks) {
        let Finding { code, position, message, message_sv } = finding;
        assert!(!message.is_empty() && !message_sv.is_empty() && code.contains('.'), "{finding:?}");
        assert!(position.byte <= bytes.len() as u64, "{finding:?} lies behind the {} bytes", bytes.len());
        assert!(position.line != Some(0) && position.column != Some(0), "{finding:?}: lines and columns begin with 1");
    }
}

/// Rows and rejects stand in the file, each contract's in the order of their numbers, rejects with their own bytes.
fn places(outcome: &Outcome, bytes: &[u8]) {
    let mut last: BTreeMap<&str, (i64, u64)> = BTreeMap::new();
    for (contract, rows) in &outcome.batches {
        for (ordinal, start, end) in envelopes(rows) {
            assert!(start < end && end <= bytes.len() as u64, "{contract} {ordinal}: {start}-{end} of {}", bytes.len());
            let before = last.insert(contract, (ordinal, start));
            assert!(before.is_none_or(|before| before.0 < ordinal && before.1 <= start), "{contract} {ordinal}: order");
        }
    }
    for (contract, reject) in &outcome.rejects {
        let own = bytes.get(reject.start as usize..reject.end as usize);
        let own = own.unwrap_or_else(|| panic!("{contract}: {reject:?} lies outside the file"));
        assert!(!own.is_empty(), "{contract}: {reject:?} has no bytes");
        assert_eq!(reject.raw, own[..own.len().min(MAX_RAW)], "{contract}: the bytes of {:?}", reject.finding);
    }
}

/// Rows and rejects are those that are counted, numbered from 1.
fn counts(outcome: &Outcome) {
    let rows = outcome.batches.iter().flat_map(|(_, rows)| envelopes(rows)).map(|(ordinal, ..)| ordinal as u64);
    let mut ordinals: Vec<u64> = rows.chain(outcome.rejects.iter().map(|(_, reject)| reject.ordinal)).collect();
    ordinals.sort_unstable();
    assert!(ordinals.iter().copied().eq(1..=outcome.summary.read_records), "{ordinals:?}");
    assert_eq!(outcome.summary.rejected_records, outcome.rejects.len() as u64);
}

/// The sums of payments are those that are told, for each currency.
fn sums(outcome: &Outcome) {
    let mut sums: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for (contract, rows) in &outcome.batches {
        if *contract != "payment_in" {
            continue;
        }
        let column = |name| rows.column_by_name(name).unwrap_or_else(|| panic!("{contract} has {name}"));
        let (amounts, currencies) = (column("amount").as_primitive::<Decimal128Type>(), column("currency").as_string());
        for (amount, currency) in amounts.iter().zip(currencies as &arrow::array::StringArray) {
            let (Some(amount), Some(currency)) = (amount, currency) else { panic!("a payment without amount") };
            sums.entry(currency.to_owned()).or_default().0 += amount;
        }
    }
    for (contract, reject) in &outcome.rejects {
        if let (&"payment_in", Some(amount), Some(currency)) = (contract, reject.amount, &reject.currency) {
            sums.entry(currency.clone()).or_default().1 += amount;
        }
    }
    for (currency, (read, rejected)) in sums {
        let total = outcome.summary.totals.iter().find(|total| total.currency == currency);
        let told = total.map(|total| (total.read, total.rejected));
        assert_eq!(told, Some((read, rejected)), "payments in {currency}");
    }
}

fn envelopes(rows: &RecordBatch) -> impl Iterator<Item = (i64, u64, u64)> + '_ {
    let column = |name| {
        let column = rows.column_by_name(name).unwrap_or_else(|| panic!("every contract has {name}"));
        assert_eq!(column.null_count(), 0);
        column.as_primitive::<Int64Type>().values()
    };
    let (ordinals, starts, ends) = (column("ordinal"), column("byte_start"), column("byte_end"));
    (0..rows.num_rows()).map(|row| (ordinals[row], starts[row] as u64, ends[row] as u64))
}

//! Random ledgers are read back to the öre.

use std::fmt::Write as _;

use proptest::prelude::*;
use schemas::money::plain;

use super::{bytes, export};
use crate::Verdict;

fn vouchers() -> impl Strategy<Value = Vec<(Vec<i64>, String)>> {
    let voucher = (prop::collection::vec(-10_000_000_i64..10_000_000, 1..6), "[a-zåäöÅÄÖ\"{}# ]{0,12}");
    prop::collection::vec(voucher, 0..8)
}

fn write(vouchers: &[(Vec<i64>, String)]) -> String {
    let mut text = "#FLAGGA 0\n#GEN 20260331\n#IB 0 1930 0\n".to_owned();
    for (number, (amounts, note)) in vouchers.iter().enumerate() {
        let _ = writeln!(text, "#VER B {number} 20260331 \"{}\"\n{{", note.replace('"', "\\\""));
        let rest = -amounts.iter().sum::<i64>();
        for amount in amounts.iter().chain([&rest]) {
            let _ = writeln!(text, "  #TRANS 1930 {{1 \"{number}\"}} {}", plain((*amount).into(), 2));
        }
        text.push_str("}\n");
    }
    text
}

proptest! {
    #[test]
    fn what_is_written_is_read(vouchers in vouchers()) {
        let outcome = export(&write(&vouchers));
        prop_assert_eq!(&outcome.summary.verdict, &Verdict::Accepted);
        let (mut amounts, mut texts) = (vec![], vec![]);
        for (own, note) in &vouchers {
            let rest = -own.iter().sum::<i64>();
            amounts.extend(own.iter().chain([&rest]).map(|amount| plain((*amount).into(), 2)));
            let note = note.trim();
            texts.extend(std::iter::repeat_n(if note.is_empty() { "null" } else { note }.to_owned(), own.len() + 1));
        }
        prop_assert_eq!(outcome.column("ledger_transaction", "amount"), amounts);
        prop_assert_eq!(outcome.column("ledger_transaction", "text"), texts);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_without_panic(
        vouchers in vouchers(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..4)), 1..6),
    ) {
        let mut file = bytes(&write(&vouchers));
        for (place, piece) in damage {
            let place = place.index(file.len());
            file.splice(place..(place + 2).min(file.len()), piece);
            if file.is_empty() {
                return Ok(());
            }
        }
        crate::testing::read("sie", &file);
        crate::testing::read("sie_import", &file);
    }
}

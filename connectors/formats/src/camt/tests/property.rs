//! Random statements are read back to the öre, however they are cut into pieces.

use std::fmt::Write as _;
use std::io::Read;

use proptest::prelude::*;
use schemas::money::plain;

use super::camt;
use crate::{FileInfo, Verdict};

#[derive(Debug, Clone)]
struct Entry {
    amounts: Vec<u32>,
    debit: bool,
    booked: bool,
    reference: bool,
    text: String,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let amounts = prop::collection::vec(1..10_000_000_u32, 1..5);
    let entry = (amounts, any::<bool>(), prop::bool::weighted(0.9), any::<bool>(), "[a-zåäö&<>' ]{0,12}");
    let entry =
        entry.prop_map(|(amounts, debit, booked, reference, text)| Entry { amounts, debit, booked, reference, text });
    prop::collection::vec(entry, 0..12)
}

/// Writes a statement with summary and balances.
fn write(entries: &[Entry], opening: i64) -> String {
    let total = |entry: &Entry| entry.amounts.iter().map(|amount| i128::from(*amount)).sum::<i128>();
    let sum = |wanted: &dyn Fn(&&Entry) -> bool| entries.iter().filter(wanted).map(total).sum::<i128>();
    let booked = sum(&|entry| entry.booked && !entry.debit) - sum(&|entry| entry.booked && entry.debit);
    let balance = |code: &str, amount: i128| {
        let direction = if amount < 0 { "DBIT" } else { "CRDT" };
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"SEK\">{}</Amt><CdtDbtInd>{direction}</CdtDbtInd></Bal>",
            plain(amount.abs(), 2)
        )
    };
    let mut text = String::from(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.04\"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>SE4550000000058398257466</IBAN></Id></Acct>",
    );
    text += &balance("OPBD", opening.into());
    text += &balance("CLBD", i128::from(opening) + booked);
    let _ = write!(
        text,
        "<TxsSummry><TtlNtries><NbOfNtries>{}</NbOfNtries></TtlNtries><TtlCdtNtries><Sum>{}</Sum></TtlCdtNtries></TxsSummry>",
        entries.len(),
        plain(sum(&|entry| !entry.debit), 2)
    );
    for (number, entry) in entries.iter().enumerate() {
        let status = if entry.booked { "BOOK" } else { "PDNG" };
        let direction = if entry.debit { "DBIT" } else { "CRDT" };
        let _ = write!(
            text,
            "<Ntry><Amt Ccy=\"SEK\">{}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts>{status}</Sts><BookgDt><Dt>2026-03-31</Dt></BookgDt>",
            plain(total(entry), 2)
        );
        if entry.reference {
            let _ = write!(text, "<AcctSvcrRef>R{number}</AcctSvcrRef>");
        }
        text.push_str("<NtryDtls>");
        let escaped = quick_xml::escape::escape(&entry.text).into_owned();
        for amount in &entry.amounts {
            let _ = write!(
                text,
                "<TxDtls><Amt Ccy=\"SEK\">{}</Amt><RmtInf><Ustrd>{escaped}</Ustrd></RmtInf></TxDtls>",
                plain(i128::from(*amount), 2)
            );
        }
        text.push_str("</NtryDtls></Ntry>\n");
    }
    text + "</Stmt></BkToCstmrStmt></Document>"
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in entries(), opening in -1_000_000_i64..1_000_000) {
        let outcome = camt(write(&entries, opening));
        prop_assert_eq!(&outcome.summary.verdict, &Verdict::Accepted);
        prop_assert!(outcome.rejects.is_empty());
        let booked = entries.iter().filter(|entry| entry.booked);
        let mut balance = i128::from(opening);
        let (mut amounts, mut balances, mut payments, mut texts) = (vec![], vec![], vec![], vec![]);
        for entry in booked {
            let total: i128 = entry.amounts.iter().map(|amount| i128::from(*amount)).sum();
            let total = if entry.debit { -total } else { total };
            balance += total;
            amounts.push(plain(total, 2));
            balances.push(plain(balance, 2));
            if !entry.debit {
                payments.extend(entry.amounts.iter().map(|amount| plain(i128::from(*amount), 2)));
                let text = entry.text.trim();
                let text = if text.is_empty() { "null" } else { text };
                texts.extend(entry.amounts.iter().map(|_| text.to_owned()));
            }
        }
        prop_assert_eq!(outcome.column("statement_entry", "amount"), amounts);
        prop_assert_eq!(outcome.column("statement_entry", "balance_after"), balances);
        prop_assert_eq!(outcome.column("payment_in", "amount"), payments);
        prop_assert_eq!(outcome.column("payment_in", "reference"), texts);
        let mut ids = outcome.column("payment_in", "payment_id");
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_damaged_statement_is_read_or_refused_without_panic(
        entries in entries(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[\0-\u{ff}<>&]{0,4}"), 1..6),
        piece in 1..200_usize,
    ) {
        let mut bytes = write(&entries, 0).into_bytes();
        for (from, length, text) in damage {
            let from = from.index(bytes.len());
            let to = (from + length.index(40)).min(bytes.len());
            bytes.splice(from..to, text.bytes());
            if bytes.is_empty() {
                return Ok(());
            }
        }
        let whole = camt(&bytes);
        let mut sink = crate::testing::Nothing::default();
        let mut input = Pieces { bytes: &bytes, piece };
        let in_pieces = crate::parse("camt", FileInfo::default(), &mut input, &mut sink).unwrap();
        prop_assert_eq!(whole.summary, in_pieces);
    }
}

/// Gives a few bytes at a time.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.piece.min(buffer.len()).min(self.bytes.len());
        buffer[..length].copy_from_slice(&self.bytes[..length]);
        self.bytes = &self.bytes[length..];
        Ok(length)
    }
}

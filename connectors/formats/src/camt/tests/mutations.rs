//! One change a rule: it gives that rule's finding, and no other.

use super::{NOTIFICATION, STATEMENT, camt, with};
use crate::Verdict;

/// What a change leads to.
#[derive(Debug, Clone, Copy)]
enum Gives {
    Refusal(&'static str),
    /// The code of every reject.
    Rejects(&'static str, usize),
    Remark(&'static str),
}
use Gives::{Refusal, Rejects, Remark};

/// Document, piece, what stands instead, what follows.
const MUTATIONS: &[(&str, &str, &str, Gives)] = &[
    (STATEMENT, "camt.053.001.08", "camt.052.001.08", Refusal("camt.interim")),
    (STATEMENT, "camt.053.001.08", "camt.053.001.01", Refusal("camt.root")),
    (STATEMENT, "camt.053.001.08", "camt.053.001.14", Refusal("camt.root")),
    (STATEMENT, "<NbOfNtries>3<", "<NbOfNtries>4<", Refusal("camt.entry_count")),
    (STATEMENT, "<Sum>1050.00<", "<Sum>1050.01<", Refusal("camt.entries_sum")),
    (STATEMENT, "<NbOfNtries>2<", "<NbOfNtries>1<", Refusal("camt.credit_count")),
    (STATEMENT, "<Sum>800.00<", "<Sum>801.00<", Refusal("camt.credit_sum")),
    (STATEMENT, "<NbOfNtries>1<", "<NbOfNtries>x<", Refusal("camt.debit_count")),
    (STATEMENT, "<Sum>250.00<", "<Sum>0<", Refusal("camt.debit_sum")),
    (STATEMENT, "<IBAN>SE45 5000 0000 0583 9825 7466</IBAN>", "", Rejects("camt.account", 5)),
    (STATEMENT, ">700.00<", ">700.001<", Rejects("camt.amount", 3)),
    (STATEMENT, ">700.00<", ">-700.00<", Rejects("camt.amount", 3)),
    (NOTIFICATION, "\"SEK\">300.00", "\"kr\">300.00", Rejects("camt.currency", 1)),
    (NOTIFICATION, ">CRDT<", ">KREDIT<", Rejects("camt.direction", 1)),
    (NOTIFICATION, "<BookgDt><Dt>2026-03-31<", "<BookgDt><Dt>2026-02-30<", Rejects("camt.date", 1)),
    (NOTIFICATION, "\"SEK\">65.00<", "\"SEK\">6x5.00<", Rejects("camt.transaction_amount", 1)),
    (STATEMENT, "<Amt Ccy=\"SEK\">200.00</Amt>", "", Rejects("camt.transaction_amount", 1)),
    (STATEMENT, "<Amt Ccy=\"SEK\">200.00</Amt>", "<Amt Ccy=\"EUR\">20.00</Amt>", Rejects("camt.transaction_amount", 1)),
    (
        STATEMENT,
        ">200.00</Amt><CdtDbtInd>CRDT<",
        ">200.00</Amt><CdtDbtInd>C<",
        Rejects("camt.transaction_direction", 1),
    ),
    (STATEMENT, ">1550.00<", ">1550.01<", Remark("camt.balance")),
    (STATEMENT, ">1000.00<", ">?<", Remark("camt.balance_unreadable")),
    (STATEMENT, "\"SEK\">200.00", "\"SEK\">199.00", Remark("camt.entry_sum")),
    (STATEMENT, "<NbOfTxs>2<", "<NbOfTxs>3<", Remark("camt.batch_count")),
    (STATEMENT, ">600.00<", ">601.00<", Remark("camt.reference_sum")),
    (STATEMENT, "<AcctSvcrRef>B-1-2<", "<AcctSvcrRef>B-1-1<", Remark("camt.identity_repeated")),
    (STATEMENT, "<AcctSvcrRef>B-2<", "<AcctSvcrRef>B-1<", Remark("camt.identity_repeated")),
    (STATEMENT, "BG50501055", "BG50501056", Remark("camt.receiver_check_digit")),
    (STATEMENT, "991-2346", "991-2347", Remark("camt.sender_check_digit")),
    (STATEMENT, "<Id>S-1</Id>", "<Id>S-1</Id><CpyDplctInd>DUPL</CpyDplctInd>", Remark("camt.copy")),
    (NOTIFICATION, "<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>", Remark("camt.not_booked")),
    (NOTIFICATION, "<Sts>BOOK</Sts>", "", Remark("camt.status_missing")),
    (
        NOTIFICATION,
        "<BookgDt><Dt>2026-03-31</Dt></BookgDt>",
        "<ValDt><Dt>2026-03-31</Dt></ValDt>",
        Remark("camt.booking_date"),
    ),
    (NOTIFICATION, "<RvslInd>true</RvslInd>", "", Remark("camt.debit_notified")),
    (NOTIFICATION, "<Chrgs><Amt Ccy=\"SEK\">5.00<", "<Chrgs><Amt Ccy=\"SEK\">4.00<", Remark("camt.entry_sum")),
    (NOTIFICATION, "<InstdAmt>", "<Unheard/><InstdAmt>", Remark("xml.empty_elements")),
    (NOTIFICATION, "<RmtInf>", "<Unheard>x</Unheard><RmtInf>", Remark("xml.unmapped")),
    (STATEMENT, "<Document", "<!DOCTYPE Document><Document", Refusal("xml.dtd")),
    (STATEMENT, "Testköpare AB", "&name;", Refusal("xml.entity")),
    (STATEMENT, "</Stmt>", "</Smtt>", Refusal("xml.not_well_formed")),
];

#[test]
fn every_change_gives_its_finding() {
    for (document, from, to, gives) in MUTATIONS {
        let unchanged = camt(document).remarks();
        let outcome = camt(with(document, from, to));
        match gives {
            Refusal(code) => {
                let finding = outcome.refusal();
                assert_eq!(finding.code, *code, "{from} -> {to}: {finding:?}");
                assert!(!finding.message.is_empty() && !finding.message_sv.is_empty());
                assert!(finding.position.byte > 0 && finding.position.line.is_some());
            }
            Rejects(code, count) => {
                assert_eq!(outcome.summary.verdict, Verdict::Accepted, "{from} -> {to}");
                assert_eq!(outcome.reject_codes(), vec![*code; *count], "{from} -> {to}");
            }
            Remark(code) => {
                assert_eq!(outcome.summary.verdict, Verdict::Accepted, "{from} -> {to}");
                assert_eq!(outcome.reject_codes(), [""; 0], "{from} -> {to}");
                let mut codes = outcome.remarks();
                codes.retain(|code| !unchanged.contains(code));
                // A balance that cannot be read or an entry that moves leaves nothing to be proven by.
                assert_eq!(codes, [*code], "{from} -> {to}");
            }
        }
    }
}

#[test]
fn a_statement_that_stands_twice_is_rejected_the_second_time() {
    let start = STATEMENT.find("<Stmt>").unwrap();
    let end = STATEMENT.find("</Stmt>").unwrap() + "</Stmt>".len();
    let twice = format!("{}{}{}", &STATEMENT[..end], &STATEMENT[start..end], &STATEMENT[end..]);
    let outcome = camt(&twice);
    assert_eq!(outcome.of("payment_in").len(), 2);
    assert_eq!(outcome.reject_codes(), ["camt.statement_repeated"; 5]);
    assert_eq!(outcome.totals(), [("SEK".to_owned(), "700.00".to_owned(), "700.00".to_owned())]);
}

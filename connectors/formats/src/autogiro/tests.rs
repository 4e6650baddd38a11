//! Tests of the Autogiro reader: valid files, one change per rule, files that no one here wrote, and random ones.

mod mutations;
mod property;
mod rows;
mod samples;

use crate::testing::{Outcome, file, record};

const BANKGIRO: &str = "0009912346";

fn read(records: &[String]) -> Outcome {
    crate::testing::read("autogiro", file(records))
}

/// TK01 of the new layout.
fn header(content: &str) -> String {
    let made = if content.starts_with("BET") { "20260302193055123456" } else { "20260302" };
    record(&[(1, "01AUTOGIRO"), (25, made), (45, content), (65, "471117"), (71, BANKGIRO)])
}

/// TK01 of the old layout.
fn old_header(content: &str) -> String {
    record(&[(1, "0120260302AUTOGIRO9900"), (23, content), (63, "471117"), (69, BANKGIRO)])
}

fn section(kind: &str, amount: u64, count: u64) -> String {
    record(&[
        (1, kind),
        (3, &format!("{:0>35}", "89010032323232")),
        (38, "2026030200001"),
        (51, &format!("{amount:018}")),
        (72, &format!("{count:08}")),
    ])
}

/// TK82 or TK32 of a payment specification.
fn payment(kind: &str, payer: u64, amount: u64, reference: &str, status: &str) -> String {
    record(&[
        (1, kind),
        (3, "202603020"),
        (16, &format!("{payer:016}{amount:012}{BANKGIRO}")),
        (54, reference),
        (80, status),
    ])
}

fn refund(payer: u64, amount: u64) -> String {
    let mut refund = payment("77", payer, amount, "FAKTNR150", " ");
    crate::testing::put(&mut refund, 3, "202602270");
    crate::testing::put(&mut refund, 70, "2026030202");
    refund
}

/// A payment specification of the new layout with every record type.
fn specification() -> Vec<String> {
    vec![
        header("BET. SPEC & STOPP TK"),                 // 0
        section("15", 150_000, 2),                      // 1
        payment("82", 101, 100_000, "RIDLEKTION", "0"), // 2
        payment("82", 102, 50_000, "", "0"),            // 3
        payment("82", 103, 70_000, "FAKTNR157", "1"),   // 4
        payment("82", 104, 80_000, "FAKTNR158", "9"),   // 5
        section("16", 30_000, 1),                       // 6
        payment("32", 105, 30_000, "UTBETALN", "0"),    // 7
        payment("32", 106, 40_000, "UTBETALN2", "2"),   // 8
        section("17", 20_000, 1),                       // 9
        refund(107, 20_000),                            // 10
        record(&[(1, "09202603029900"), (15, "000001000000000002000001000000000001000001000000000001")]), // 11
    ]
}

/// The same in the old layout, where the totals include what was not carried out.
fn old_specification() -> Vec<String> {
    let mut records = vec![old_header("")];
    records.extend(specification()[2..6].iter().chain(&specification()[7..9]).cloned());
    records.push(old_end(70_000, 2, 4, 300_000));
    records
}

fn old_end(credit: u64, credits: u64, debits: u64, debit: u64) -> String {
    record(&[(1, "09202603029900"), (29, &format!("{credit:012}{credits:06}{debits:06}0000{debit:012}000000000000"))])
}

fn refused(kind: &str, payer: u64, amount: u64, reason: &str) -> String {
    record(&[(1, kind), (3, "202603020"), (15, &format!("{payer:016}{amount:012}")), (43, "RIDLEKTION"), (59, reason)])
}

fn rejected() -> Vec<String> {
    vec![
        header("AVVISADE BET UPPDR"),                                                   // 0
        refused("82", 101, 7_500, "02"),                                                // 1
        refused("82", 102, 25_000, "13"),                                               // 2
        refused("32", 103, 8_000, "09"),                                                // 3
        record(&[(1, "09202603029900"), (15, "000001000000008000000002000000032500")]), // 4
    ]
}

fn amendment(kind: &str, payer: u64, requested: &str, amount: u64, new_date: &str, reason: &str) -> String {
    record(&[
        (1, kind),
        (3, "20260305"),
        (11, &format!("{payer:016}{requested}{amount:012}REFERENS{new_date}FAKTNR165")),
        (73, reason),
    ])
}

fn amendments() -> Vec<String> {
    let many = record(&[(1, "2120260305"), (27, "0000000333500000000023"), (49, &"0".repeat(24)), (73, "12")]);
    vec![
        header("MAKULERING/ÄNDRING"),                         // 0
        many,                                                 // 1
        amendment("23", 101, "82", 21_000, "00000000", "12"), // 2
        amendment("29", 102, "82", 50_000, "20260309", "14"), // 3
        amendment("25", 103, "82", 7_500, "00000000", "13"),  // 4
        amendment("25", 104, "32", 9_900, "00000000", "12"),  // 5
        old_end(9_900, 1, 2, 71_000),                         // 6
    ]
}

fn monitored(kind: &str, payer: u64, amount: u64) -> String {
    record(&[(1, kind), (3, "202603311006"), (16, &format!("{payer:016}{amount:012}")), (54, "FAKTURANR122")])
}

fn monitoring() -> Vec<String> {
    vec![
        old_header("BEVAKNINGSREG"),
        monitored("82", 101, 12_000),
        monitored("82", 102, 5_000),
        monitored("32", 103, 3_500),
        old_end(3_500, 1, 2, 17_000),
    ]
}

/// TK73; `codes` are information and comment code.
fn advice(payer: u64, codes: &str) -> String {
    let account = "5001000001000020";
    record(&[
        (1, "73"),
        (3, &format!("{BANKGIRO}{payer:016}{account}196803050000")),
        (62, codes),
        (66, "20260302260309"),
    ])
}

fn mandate_advice() -> Vec<String> {
    vec![
        header("AG-MEDAVI"),
        advice(101, "0432"),
        advice(102, "0333"),
        advice(103, "0429"),
        advice(104, "0532"),
        record(&[(1, "092026030299000000004")]),
    ]
}

fn application(payer: u64) -> String {
    record(&[(1, "52"), (3, &format!("{BANKGIRO}{payer:016}8901003232323232005560005210")), (62, "0")])
}

fn internet_mandates() -> Vec<String> {
    vec![
        record(&[(1, "51202603029900"), (15, BANKGIRO), (25, "AG-EMEDGIV")]), // 0
        application(101),                                                     // 1
        record(&[(1, "53JAG ÖNSKAR BETALA MÅNADSVIS")]),                      // 2
        record(&[(1, "53OCH HELST I SLUTET")]),                               // 3
        record(&[(1, "54TOLVAN TOLVANSSON"), (39, "C/O ELVAN")]),             // 4
        record(&[(1, "55LUGNA GATAN 5"), (39, "LGH 1101")]),                  // 5
        record(&[(1, "5612838SKARPNÄCK")]),                                   // 6
        application(102),                                                     // 7
        record(&[(1, "592026030299000000007")]),                              // 8
    ]
}

fn registered(payer: u64) -> String {
    record(&[(1, &format!("{BANKGIRO}196803050000{payer:016}10819990101200801312")), (65, "8901003232323232")])
}

fn register() -> Vec<String> {
    let old = format!("{BANKGIRO}005560005210{:016}18199901012008013110{:05}8901003232323232", 102, 500);
    vec![registered(101), record(&[(1, &old)])]
}

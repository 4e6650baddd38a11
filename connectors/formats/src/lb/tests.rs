//! Tests of the reader of Leverantörsbetalningar: valid files, one change per rule, files that no one here wrote, and
//! random ones.

mod mutations;
mod property;
mod rows;
mod samples;

use crate::testing::{Outcome, file, record};

const BANKGIRO: &str = "0009912346";
const PAYEE: &str = "0050501055";

fn read(records: &[String]) -> Outcome {
    crate::testing::read("lb", file(records))
}

fn header(report: &str) -> String {
    record(&[(1, "11"), (3, BANKGIRO), (13, "260302LEVERANTÖRSBETALNINGAR"), (41, "260303"), (47, report)])
}

fn end(count: u64, sum: &str) -> String {
    record(&[(1, "29"), (3, BANKGIRO), (13, &format!("{count:08}{sum}"))])
}

/// A payment; `codes` stand from position 50.
fn payment(kind: &str, payee: &str, amount: u64, codes: &str, text: &str) -> String {
    record(&[(1, kind), (3, payee), (13, "56897456986"), (38, &format!("{amount:012}")), (50, codes), (61, text)])
}

/// An order with every record type.
fn order() -> Vec<String> {
    vec![
        header(" "),                                                        // 0
        record(&[(1, "12NY ADRESS: HOLMVÄGEN 20"), (53, "260514")]),        // 1
        record(&[(1, "13REFERENS"), (28, "BELOPP")]),                       // 2
        payment("14", PAYEE, 98_000, "260330", "VERIF 12"),                 // 3
        record(&[(1, "25"), (3, PAYEE), (13, "LEVERANS DECEMBER")]),        // 4
        payment("15", PAYEE, 8_000, "GENAST", "VERIF 13"),                  // 5
        payment("16", PAYEE, 10_000, "260412", "VERIF 32"),                 // 6
        payment("54", "0002865434", 5_000, "      ", "VERIF 14"),           // 7
        record(&[(1, "65"), (3, "0002865434"), (13, "TACK FÖR LÅNET")]),    // 8
        record(&[(1, "260000990010NILS PETTERSSON"), (48, "C/O NILSSON")]), // 9
        record(&[(1, "270000990010SAGOVÄGEN"), (48, "10516STOCKHOLM")]),    // 10
        record(&[(1, "4000009900103300001212121212"), (41, "L")]),          // 11
        payment("14", "0000990010", 120_000, "      ", "LÖN"),              // 12
        end(5, "000000205000"),                                             // 13
    ]
}

fn specification() -> Vec<String> {
    vec![
        header("1"),                                                                                      // 0
        record(&[(1, "26"), (3, PAYEE), (13, "LASTBILAR HB")]),                                           // 1
        payment("14", PAYEE, 90_000, "C0000000777", "VERIF 19"),                                          // 2
        payment("16", PAYEE, 86_000, "2604121", "VERIF 32"),                                              // 3
        record(&[(1, "20"), (3, PAYEE), (13, "260228000000200000000000050000")]),                         // 4
        record(&[(1, "21"), (3, PAYEE), (13, "260301000000060000260302000000004000000000000000000000")]), // 5
        end(2, "000000004000"),                                                                           // 6
    ]
}

fn refused(report: &str) -> Vec<String> {
    let why = |code: &str, text: &str| record(&[(1, "49"), (3, code), (11, text)]);
    vec![
        header(report),                                             // 0
        record(&[(1, "4000009900103300001212121212")]),             // 1
        why("MTRV0013", "MOTTAGARENS BANKKONTO ÄR FELAKTIGT"),      // 2
        payment("14", "0000990010", 55_000, "      ", "VERIF 20"),  // 3
        why("    0000", "SE FÖREGÅENDE POST"),                      // 4
        payment("14", PAYEE, 20_000, "260330", "VERIF 21"),         // 5
        why("MTRV0042", "MOTTAGARENS BANKGIRONUMMER ÄR FELAKTIGT"), // 6
        end(2, ""),                                                 // 7
    ]
}

fn rejected() -> Vec<String> {
    refused("6")
}

fn stopped() -> Vec<String> {
    refused("7")
}

fn reconciliation() -> Vec<String> {
    let balance = |kind: &str, amounts: &str| record(&[(1, kind), (3, amounts)]);
    vec![
        header("2"),                                                               // 0
        balance("40", "0000000070000 0000000015000-0000000000000-"),               // 1
        balance("41", "0000000010000 0000000000000-0000000000000-"),               // 2
        balance("42", "0000000000000 0000000000000-0000000060000 0000000015000-"), // 3
        record(&[(1, "43260312"), (15, "0000000060000 0000000015000-00")]),        // 4
        end(4, ""),                                                                // 5
    ]
}

fn returned(number: u64, cause: &str, amount: u64) -> String {
    let text = "Avsändarinformation ";
    record(&[(1, &format!("2{number:09}{cause}{text}260202260302{amount:012}"))])
}

fn returned_cash() -> Vec<String> {
    vec![
        record(&[(1, "12603012603020009912346")]),
        returned(211_397_555, "2", 30_000),
        returned(211_397_556, "1", 40_000),
        record(&[(1, "3"), (29, "260302"), (41, "000000070000")]),
    ]
}

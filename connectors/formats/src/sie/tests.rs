//! Tests of the SIE reader, by what they hold to account.

use crate::testing::{Outcome, read};

mod conformance;
mod mutations;
mod property;
mod values;

/// A small export, in CP437 once it is written with [`bytes`].
const EXPORT: &str = "#FLAGGA 0\r
#KSUMMA\r
#FORMAT PC8\r
#SIETYP 4\r
#PROGRAM \"Test \\\"Bok\\\"\" 1.0\r
#GEN 20260402\r
#FNR 110\r
#FNAMN \"Förvaltningen\"\r
#RAR 0 20260101 20261231\r
#OMFATTN 20260331\r
#DIM 1 \"Enhet\"\r
#KONTO 1930 \"Bank\"\r
#KTYP 1930 T\r
#KONTO 3010 \"Försäljning\"\r
#IB 0 1930 1000.00\r
#UB 0 1930 1500.5\r
#RES 0 3010 -500.50\r
#PSALDO 0 202603 3010 {1 \"10\"} -500.50\r
\r
#VER A 1 20260315 \"Inbetalning från köpare\" 20260316 AB\r
{\r
\t#TRANS 1930 {} 500.50 20260315 \"Rad 1\"\r
\t#RTRANS 3010 {1 \"10\" 6 \"P 1\"} -500.50\r
\t#TRANS 3010 {1 \"10\" 6 \"P 1\"} -500.50 \"\" \"\" 2\r
\t#BTRANS 3011 {} -500.50\r
}\r
#KSUMMA 0\r
";

/// `text` in CP437.
fn bytes(text: &str) -> Vec<u8> {
    super::text::Text::to_cp437(text)
}

/// A checksum that is right, by a way of its own: everything but separators, quotes, braces and escapes.
fn sealed(text: &str) -> String {
    let between = text.split_once("#KSUMMA\r\n").unwrap().1.rsplit_once("#KSUMMA").unwrap().0;
    let mut content = String::new();
    for line in between.lines() {
        let (mut quoted, mut escaped) = (false, false);
        for character in line.chars() {
            match character {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '"' if !escaped => quoted = !quoted,
                ' ' | '\t' | '{' | '}' if !quoted => {}
                other => content.push(other),
            }
            escaped = false;
        }
    }
    let mut table = 0xffff_ffff_u32;
    for byte in bytes(&content) {
        table ^= u32::from(byte);
        for _ in 0..8 {
            table = if table & 1 == 1 { (table >> 1) ^ 0xedb8_8320 } else { table >> 1 };
        }
    }
    text.replace("#KSUMMA 0", &format!("#KSUMMA {}", !table))
}

fn export(text: &str) -> Outcome {
    read("sie", bytes(text))
}

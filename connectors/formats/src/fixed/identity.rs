//! Identities of rows to which the bank gives none.
//!
//! The same report delivered again must give the same identities, even when its line breaks or its padding changed on
//! the way; two equal rows of a report are two rows, and so are equal rows of two reports.

use sha2::{Digest as _, Sha256};

/// What tells the rows of a report apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distinct {
    /// The stem is this report's alone: the number of the row in it.
    Number,
    /// Other reports can have the same stem: a digest of everything up to and including the row.
    Content,
    /// A row says what is, not what happens: a digest of the row.
    Row,
}

/// Makes the identities of a report's rows.
pub(crate) struct Identity {
    stem: String,
    distinct: Distinct,
    number: u64,
    chain: [u8; 32],
    id: String,
}

impl Identity {
    /// Identities that begin with `stem`.
    pub fn new(stem: &str, distinct: Distinct) -> Self {
        Self { stem: format!("{stem}:"), distinct, number: 0, chain: [0; 32], id: String::new() }
    }

    /// Goes on to the next row, which has this text. Every row counts, whether it is accepted or not.
    pub fn next(&mut self, row: &[u8]) {
        self.number += 1;
        self.id.clear();
        self.id.push_str(&self.stem);
        if self.distinct == Distinct::Number {
            push_decimal(&mut self.id, self.number);
            return;
        }
        let mut digest = Sha256::new();
        if self.distinct == Distinct::Content {
            digest.update(self.chain);
        }
        digest.update(row.trim_ascii_end());
        self.chain = digest.finalize().into();
        for byte in &self.chain[..8] {
            for digit in [byte >> 4, byte & 0xf] {
                self.id.extend(char::from_digit(u32::from(digit), 16));
            }
        }
    }

    /// The identity of the row.
    pub fn current(&self) -> &str {
        &self.id
    }
}

/// Appends a number: every row has one, and formatting it the general way takes longer than reading the row.
fn push_decimal(text: &mut String, number: u64) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.push_str(std::str::from_utf8(&digits[first..]).unwrap_or_default());
}

//! Accounts as ISO 20022 writes them in Sweden.
//!
//! A bankgiro is `Othr/Id` with scheme `BGNR`, a plusgiro one with `PGNR` or a BBAN at the clearing member 9960, a
//! Swish number one with `MOBNB`.

use schemas::reference::{bankgiro, plusgiro};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Digits of a giro or bank account; IBAN without blanks.
    pub number: String,
    /// `bankgiro`, `plusgiro`, `bban`, `iban`, `mobile` or `other`.
    pub kind: &'static str,
}

impl Account {
    /// The account that the parts of an identification make.
    pub fn of(
        iban: Option<&str>,
        other: Option<&str>,
        scheme_code: Option<&str>,
        scheme_own: Option<&str>,
        clearing: Option<&str>,
    ) -> Option<Self> {
        if let Some(iban) = iban {
            return Some(Self { number: without_blanks(iban).to_ascii_uppercase(), kind: "iban" });
        }
        let kind = match (scheme_own.unwrap_or_default(), scheme_code.unwrap_or_default(), clearing.unwrap_or_default())
        {
            ("BGNR", ..) | ("", "BBAN", "9900") => "bankgiro",
            ("PGNR", ..) | ("", "BBAN", "9960") => "plusgiro",
            ("MOBNB", ..) => "mobile",
            (_, "BBAN", _) => "bban",
            _ => "other",
        };
        let number = match kind {
            "other" => without_blanks(other?),
            _ => digits(other?),
        };
        (!number.is_empty()).then_some(Self { number, kind })
    }

    /// A giro number in the reference of an entry: `BG55555555`, `PG 4789-3`.
    pub fn in_reference(reference: &str) -> Option<Self> {
        let (kind, number, length) = match reference.split_at_checked(2)? {
            ("BG", number) => ("bankgiro", number, 7..=8),
            ("PG", number) => ("plusgiro", number, 2..=8),
            _ => return None,
        };
        let is_number = number.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
        let number = digits(number);
        (is_number && length.contains(&number.len())).then_some(Self { number, kind })
    }

    /// True for an account that customers pay to under its own number.
    pub fn is_giro(&self) -> bool {
        matches!(self.kind, "bankgiro" | "plusgiro")
    }

    /// False when the check digit of a giro number is wrong.
    pub fn is_valid(&self) -> bool {
        match self.kind {
            "bankgiro" => bankgiro(&self.number).is_some(),
            "plusgiro" => plusgiro(&self.number).is_some(),
            _ => true,
        }
    }
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

//! Payment references and giro numbers: check digits by the Luhn algorithm (modulus 10, weights 2 and 1).
//!
//! Rules: bankgirot.se, *OCR-referenskontroll*; a bankgiro has 7 or 8 digits, a plusgiro 2 to 8.

/// True when `digits` is not empty, has only ASCII digits, and the last is the Luhn check digit of the others.
#[must_use]
pub fn luhn_valid(digits: &str) -> bool {
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && luhn_sum(digits.as_bytes(), false).is_multiple_of(10)
}

/// The Luhn check digit to put after `digits`, or nothing when they are not all ASCII digits.
#[must_use]
pub fn luhn_check_digit(digits: &str) -> Option<u8> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| u8::try_from((10 - luhn_sum(digits.as_bytes(), true) % 10) % 10).unwrap_or_default())
}

fn luhn_sum(digits: &[u8], double_last: bool) -> u32 {
    let weighted = digits.iter().rev().enumerate().map(|(index, byte)| {
        let digit = u32::from(byte - b'0');
        let doubled = if (index % 2 == 0) == double_last { digit * 2 } else { digit };
        doubled / 10 + doubled % 10
    });
    weighted.sum()
}

/// True for an OCR reference: 2 to 25 digits with a valid check digit. Blanks around it are not part of it.
#[must_use]
pub fn ocr_valid(reference: &str) -> bool {
    let reference = reference.trim();
    (2..=25).contains(&reference.len()) && luhn_valid(reference)
}

/// True when the next-to-last digit is the length of the whole reference modulus 10 and the check digit is valid.
#[must_use]
pub fn ocr_valid_with_length(reference: &str) -> bool {
    let reference = reference.trim();
    ocr_valid(reference)
        && reference.len() > 2
        && reference.as_bytes().get(reference.len() - 2).map(|byte| usize::from(byte - b'0'))
            == Some(reference.len() % 10)
}

/// What a creditor has agreed with Bankgirot about the references of its payers (bankgirot.se, *OCR-referenskontroll*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OcrAgreement {
    /// The check digit is looked at; a payment with another reference comes all the same.
    Soft,
    /// The check digit must be right.
    Hard,
    /// As hard, and the digit before the check digit must be the length's last digit.
    LengthDigit,
    /// As hard, and the reference has one of these lengths.
    Fixed(usize, Option<usize>),
}

/// What becomes of a payment's reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OcrOutcome {
    /// It is as agreed: reference code 2.
    Good,
    /// It is not, and the payment comes with it as it stands: reference code 3.
    Passed,
    /// It is not, and the payer's bank does not take the payment.
    Refused,
}

impl OcrAgreement {
    /// What becomes of a reference under the agreement. Blanks around it are not part of it.
    #[must_use]
    pub fn judge(self, reference: &str) -> OcrOutcome {
        let length = reference.trim().len();
        let good = match self {
            Self::Soft | Self::Hard => ocr_valid(reference),
            Self::LengthDigit => ocr_valid_with_length(reference),
            Self::Fixed(one, other) => ocr_valid(reference) && (length == one || Some(length) == other),
        };
        match self {
            _ if good => OcrOutcome::Good,
            Self::Soft => OcrOutcome::Passed,
            _ => OcrOutcome::Refused,
        }
    }
}

/// The digits of a bankgiro number written with or without its hyphen, when it has 7 or 8 digits and its check
/// digit is valid.
#[must_use]
pub fn bankgiro(number: &str) -> Option<String> {
    giro(number, 7..=8, &[4])
}

/// The digits of a plusgiro number written with or without blanks and hyphen, when it has 2 to 8 digits and its
/// check digit is valid.
#[must_use]
pub fn plusgiro(number: &str) -> Option<String> {
    giro(number, 2..=8, &[1])
}

fn giro(number: &str, length: std::ops::RangeInclusive<usize>, digits_after_hyphen: &[usize]) -> Option<String> {
    let number: String = number.trim().chars().filter(|c| !matches!(c, ' ' | '\u{a0}')).collect();
    let digits = match number.split_once('-') {
        Some((_, tail)) if !digits_after_hyphen.contains(&tail.len()) => return None,
        Some((head, tail)) => format!("{head}{tail}"),
        None => number,
    };
    (length.contains(&digits.len()) && luhn_valid(&digits)).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_worked_numbers_of_the_parameters_are_valid() {
        assert!(ocr_valid("12345674"));
        assert!(ocr_valid_with_length("123456790"));
        assert!(!ocr_valid_with_length("12345674"));
    }

    #[test]
    fn the_check_digit_makes_a_number_valid_and_any_other_digit_does_not() {
        for number in ["1", "1234567", "99999999", "0000"] {
            let check = luhn_check_digit(number).unwrap();
            for digit in 0..10 {
                assert_eq!(luhn_valid(&format!("{number}{digit}")), digit == check, "{number}{digit}");
            }
        }
    }

    #[test]
    fn references_that_are_not_digits_or_too_long_are_not_ocr() {
        for reference in ["", "4", "12 34", "1234567a", &"0".repeat(26)] {
            assert!(!ocr_valid(reference), "{reference}");
        }
    }

    #[test]
    fn each_agreement_judges_a_reference_by_its_own_rule() {
        use OcrOutcome::{Good, Passed, Refused};
        let (plain, with_length, wrong) = ("12345674", " 123456790 ", "12345675");
        for (agreement, expected) in [
            (OcrAgreement::Soft, [Good, Good, Passed]),
            (OcrAgreement::Hard, [Good, Good, Refused]),
            (OcrAgreement::LengthDigit, [Refused, Good, Refused]),
            (OcrAgreement::Fixed(8, None), [Good, Refused, Refused]),
            (OcrAgreement::Fixed(8, Some(9)), [Good, Good, Refused]),
            (OcrAgreement::Fixed(7, Some(10)), [Refused; 3]),
        ] {
            assert_eq!([plain, with_length, wrong].map(|text| agreement.judge(text)), expected, "{agreement:?}");
        }
        assert_eq!(OcrAgreement::Soft.judge("faktura 4711"), Passed);
    }

    #[test]
    fn giro_numbers_are_read_with_and_without_hyphen() {
        assert_eq!(bankgiro("5050-1055").as_deref(), Some("50501055"));
        assert_eq!(bankgiro("991-2346").as_deref(), Some("9912346"));
        assert_eq!(bankgiro("5050-1056"), None);
        assert_eq!(plusgiro("28 65 43-4").as_deref(), Some("2865434"));
        assert_eq!(plusgiro("286543-40"), None);
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped oracle is said aloud")]
    fn oracle_cases_of_banktools() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples/bank/checkdigits/barsoom__banktools-se/");
        let Ok(text) = std::fs::read_to_string(format!("{path}spec_cases.json")) else {
            eprintln!("SKIPPED: no oracle at {path}");
            return;
        };
        let cases: Value = serde_json::from_str(&text).unwrap();
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        let only_digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();

        assert!(texts(&cases["luhn_valid"]).iter().all(|text| luhn_valid(&only_digits(text))));
        assert!(!texts(&cases["luhn_invalid"]).iter().any(|text| luhn_valid(&only_digits(text))));

        type Reader = fn(&str) -> Option<String>;
        for (kind, reader) in [("bankgiro", bankgiro as Reader), ("plusgiro", plusgiro as Reader)] {
            for text in texts(&cases[kind]["valid"]) {
                assert_eq!(reader(&text), Some(only_digits(&text)), "{text}");
            }
            for text in keys(&cases[kind]["errors"]) {
                assert_eq!(reader(&text), None, "{text}");
            }
        }
        for text in texts(&cases["bankgiro"]["ok_characters"]) {
            assert_eq!(bankgiro(&text), Some(only_digits(&text)), "{text}");
        }
        // We are stricter on purpose: hyphens in the wrong place are no giro number, for `286543-4` is a plusgiro
        // and `28-6543` is neither.
        assert_eq!(bankgiro(" 6-40 - 5070"), None);

        for case in cases["ocr"]["from_number"].as_array().unwrap() {
            let Some(ocr) = case["out"].as_str() else { continue };
            let with_length = case["length_digit"] == true;
            assert!(if with_length { ocr_valid_with_length(ocr) } else { ocr_valid(ocr) }, "{ocr}");
        }
        for case in cases["ocr"]["to_number"].as_array().unwrap() {
            let ocr = case["in"].as_str().unwrap();
            let with_length = case["length_digit"] == true;
            let read = if with_length { ocr_valid_with_length(ocr) } else { ocr_valid(ocr) };
            // Padding before the check digit is an agreement of one creditor, not a rule of the reference.
            let expected = case["error"].is_null() || case["error"] == "BadPadding";
            assert_eq!(read, expected, "{ocr}");
        }
    }
}

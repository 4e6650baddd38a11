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
    let number = number.trim();
    if let Some((_, tail)) = number.split_once('-')
        && !digits_after_hyphen.contains(&tail.trim().len())
    {
        return None;
    }
    let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    (length.contains(&digits.len()) && luhn_valid(&digits)).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn giro_numbers_are_read_with_and_without_hyphen() {
        assert_eq!(bankgiro("5050-1055").as_deref(), Some("50501055"));
        assert_eq!(bankgiro("991-2346").as_deref(), Some("9912346"));
        assert_eq!(bankgiro("5050-1056"), None);
        assert_eq!(plusgiro("28 65 43-4").as_deref(), Some("2865434"));
        assert_eq!(plusgiro("286543-40"), None);
    }
}

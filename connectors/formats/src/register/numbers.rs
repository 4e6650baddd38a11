//! Amounts as source systems write them, brought to the plain form that [`schemas::money`] reads.

use schemas::money::parse_decimal;

/// How numbers are written.
#[derive(Debug, Clone)]
pub(super) struct NumberFormat {
    /// The decimal separator.
    pub decimal: char,
    /// Characters that may stand between groups of three digits.
    pub thousands: Vec<char>,
    /// True when a minus sign may stand after the number.
    pub trailing_minus: bool,
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberProblem {
    /// It is no number.
    NotANumber,
    /// It has more decimals than the column.
    TooManyDecimals,
    /// It has more digits than the column.
    TooLarge,
}

/// Digits that a number may have, separators and leading zeros included.
const LONGEST: usize = 64;

impl NumberFormat {
    /// Reads an amount into a count of `10^-scale` with at most `precision` digits.
    ///
    /// With `implied` decimals the text is a whole number of `10^-implied`.
    pub(super) fn parse(
        &self,
        text: &str,
        precision: u8,
        scale: u32,
        implied: Option<u32>,
    ) -> Result<i128, NumberProblem> {
        let mut buffer = [0_u8; LONGEST + 2];
        let plain = self.plain(text, &mut buffer).ok_or(NumberProblem::NotANumber)?;
        let value = match implied {
            None => parse_decimal(plain, scale).ok_or_else(|| {
                let too_fine = parse_decimal(plain, 30).is_some();
                if too_fine { NumberProblem::TooManyDecimals } else { NumberProblem::NotANumber }
            })?,
            Some(_) if plain.contains('.') => return Err(NumberProblem::NotANumber),
            Some(implied) => {
                let units = parse_decimal(plain, 0).ok_or(NumberProblem::NotANumber)?;
                rescale(units, implied, scale)?
            }
        };
        let limit = 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
        if value.unsigned_abs() >= limit.unsigned_abs() {
            return Err(NumberProblem::TooLarge);
        }
        Ok(value)
    }

    /// The number with `-` before it, `.` as separator and no groups; nothing when signs or groups are misplaced.
    fn plain<'b>(&self, text: &str, buffer: &'b mut [u8; LONGEST + 2]) -> Option<&'b str> {
        let (mut text, mut negative) = (text, false);
        if let Some(rest) = text.strip_prefix(['-', '\u{2212}']) {
            (text, negative) = (rest.trim_start(), true);
        } else if let Some(rest) = text.strip_prefix('+') {
            text = rest;
        } else if self.trailing_minus
            && let Some(rest) = text.strip_suffix(['-', '\u{2212}'])
        {
            (text, negative) = (rest.trim_end(), true);
        }
        if text.len() > LONGEST {
            return None;
        }
        let mut length = 0;
        let mut push = |byte: u8| {
            if let Some(cell) = buffer.get_mut(length) {
                *cell = byte;
                length += 1;
            }
        };
        if negative {
            push(b'-');
        }
        let (mut in_group, mut grouped, mut fraction) = (0, false, false);
        for c in text.chars() {
            if c.is_ascii_digit() {
                push(u8::try_from(c).ok()?);
                in_group += 1;
            } else if c == self.decimal && !fraction {
                if grouped && in_group != 3 {
                    return None;
                }
                push(b'.');
                fraction = true;
            } else if self.thousands.contains(&c) && !fraction {
                let wrong = if grouped { in_group != 3 } else { !(1..=3).contains(&in_group) };
                if wrong {
                    return None;
                }
                (in_group, grouped) = (0, true);
            } else {
                return None;
            }
        }
        if grouped && !fraction && in_group != 3 {
            return None;
        }
        std::str::from_utf8(buffer.get(..length)?).ok()
    }
}

fn rescale(units: i128, from: u32, to: u32) -> Result<i128, NumberProblem> {
    let power = |exponent: u32| 10_i128.checked_pow(exponent).ok_or(NumberProblem::TooLarge);
    if to >= from {
        return units.checked_mul(power(to - from)?).ok_or(NumberProblem::TooLarge);
    }
    let divisor = power(from - to)?;
    if units % divisor == 0 { Ok(units / divisor) } else { Err(NumberProblem::TooManyDecimals) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NumberProblem::{NotANumber, TooLarge, TooManyDecimals};

    fn swedish(text: &str) -> Result<i128, NumberProblem> {
        let thousands = vec![' ', '\u{a0}', '\u{202f}'];
        NumberFormat { decimal: ',', thousands, trailing_minus: false }.parse(text, 18, 2, None)
    }

    #[test]
    fn swedish_amounts_are_read_with_and_without_groups() {
        for text in ["1234567,50", "1 234 567,50", "1\u{a0}234\u{202f}567,5", "+1234567,500"] {
            assert_eq!(swedish(text), Ok(123_456_750), "{text}");
        }
        assert_eq!(swedish("-1 234,00"), Ok(-123_400));
        assert_eq!(swedish("\u{2212}0,05"), Ok(-5));
        assert_eq!(swedish(",5"), Ok(50));
    }

    #[test]
    fn a_text_that_could_be_read_in_two_ways_is_no_number() {
        for text in ["1.234", "1.234,50", "12 34", "1 2345", "1234 567", "1 234 56", "1,234,567", " 1", "1 ", "1,2 3"] {
            assert_eq!(swedish(text), Err(NotANumber), "{text}");
        }
        for text in ["", "-", "--1", "1-", "1e3", "NaN", "0x10", "1,5kr", "١٢", &"9".repeat(65), &"9".repeat(60)] {
            assert_eq!(swedish(text), Err(NotANumber), "{text}");
        }
    }

    #[test]
    fn decimals_and_digits_are_those_of_the_column() {
        assert_eq!(swedish("1,005"), Err(TooManyDecimals));
        assert_eq!(swedish("9999999999999999,99"), Ok(999_999_999_999_999_999));
        assert_eq!(swedish("10000000000000000,00"), Err(TooLarge));
    }

    #[test]
    fn a_minus_sign_may_follow_only_where_the_dialect_says_so() {
        let format = NumberFormat { decimal: '.', thousands: vec![','], trailing_minus: true };
        assert_eq!(format.parse("1,234.50-", 18, 2, None), Ok(-123_450));
        assert_eq!(format.parse("-1.00-", 18, 2, None), Err(NotANumber));
    }

    #[test]
    fn implied_decimals_make_a_whole_number_an_amount() {
        let format = NumberFormat { decimal: ',', thousands: vec![], trailing_minus: false };
        assert_eq!(format.parse("12345", 18, 2, Some(2)), Ok(12_345));
        assert_eq!(format.parse("12345", 18, 2, Some(0)), Ok(1_234_500));
        assert_eq!(format.parse("12340", 18, 2, Some(3)), Ok(1_234));
        assert_eq!(format.parse("12345", 18, 2, Some(3)), Err(TooManyDecimals));
        assert_eq!(format.parse("123,45", 18, 2, Some(2)), Err(NotANumber));
    }
}

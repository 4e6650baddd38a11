//! Money: decimal, never floating point. In tables it is `Decimal128(18, 2)`; here it is a count of the smallest
//! unit (öre at scale 2).

/// Digits of money in tables.
pub const PRECISION: u8 = 18;
/// Decimals of money in tables.
pub const SCALE: i8 = 2;

/// Reads a decimal number such as `1234.5`, `-0.25` or `+7` into a count of `10^-scale`.
///
/// Returns nothing when the text is no such number, or has more decimals than `scale` that are not zero.
#[must_use]
pub fn parse_decimal(text: &str, scale: u32) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = usize::try_from(scale).ok()?;
    let (kept, dropped) = fraction.split_at_checked(decimals).unwrap_or((fraction, ""));
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !only_digits(whole) || !only_digits(fraction) {
        return None;
    }
    if dropped.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let mut value: i128 = 0;
    for byte in whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', decimals - kept.len())) {
        value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    Some(if negative { -value } else { value })
}

/// Writes a count of `10^-scale` as a plain decimal number, for example `-1234.50`.
#[must_use]
pub fn plain(value: i128, scale: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let divisor = 10_u128.pow(scale);
    let magnitude = value.unsigned_abs();
    if scale == 0 {
        return format!("{sign}{magnitude}");
    }
    let width = usize::try_from(scale).unwrap_or_default();
    format!("{sign}{}.{:0width$}", magnitude / divisor, magnitude % divisor)
}

/// Writes öre the Swedish way, for example `1 234,50 kr`; groups and unit stand behind no-break spaces.
#[must_use]
pub fn kronor(ore: i128) -> String {
    let plain = plain(ore, 2);
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("\u{2212}", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped},{fraction}\u{a0}kr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        assert_eq!(parse_decimal("1234.5", 2), Some(123_450));
        assert_eq!(parse_decimal("-0.25", 2), Some(-25));
        assert_eq!(parse_decimal(".5", 2), Some(50));
        assert_eq!(parse_decimal("1.100", 2), Some(110));
        for text in ["", "-", ".", "1.005", "1,50", "1e3", " 1", "NaN", "1.2.3"] {
            assert_eq!(parse_decimal(text, 2), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_plain_is_read_back() {
        for value in [0, 1, -1, 99, 100, -12_345_678_901_234] {
            assert_eq!(parse_decimal(&plain(value, 2), 2), Some(value));
        }
    }

    #[test]
    fn kronor_are_written_the_swedish_way() {
        assert_eq!(kronor(123_450), "1\u{a0}234,50\u{a0}kr");
        assert_eq!(kronor(-5), "\u{2212}0,05\u{a0}kr");
        assert_eq!(kronor(100_000_000), "1\u{a0}000\u{a0}000,00\u{a0}kr");
    }
}

//! What stands in the fields of bank records: numbers, dates, signed numbers.

use chrono::NaiveDate;

use super::{Record, Remark, Remarks};

pub(crate) static ALIGNMENT: Remark = Remark {
    code: "fixed.number_alignment",
    english: "a number is filled with blanks instead of zeros",
    swedish: "Ett tal är utfyllt med blanktecken i stället för nollor",
};

/// Digits with blanks around them, without the blanks. Nothing where there is anything else, or no digit.
pub(crate) fn digits(field: &[u8]) -> Option<&str> {
    let digits = field.trim_ascii();
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if valid { std::str::from_utf8(digits).ok() } else { None }
}

/// A number without blanks around it and zeros before it.
pub(crate) fn significant(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    let zeros = field.iter().take_while(|byte| **byte == b'0').count();
    &field[zeros..]
}

/// The digits of a number without blanks around it and zeros before it, or nothing when it is blank, zero or no
/// number.
pub(crate) fn significant_digits(field: &[u8]) -> Option<&str> {
    digits(significant(field))
}

/// A number that fills its field, with zeros or blanks to the left.
pub(crate) fn number(record: &Record<'_>, from: usize, to: usize, remarks: &mut Remarks) -> Option<u64> {
    let field = record.field(from, to);
    if field.len() != to - from + 1 {
        return None;
    }
    let blanks = field.iter().take_while(|byte| **byte == b' ').count();
    let value = unsigned(&field[blanks..])?;
    if blanks > 0 {
        remarks.note(&ALIGNMENT, || record.position(from));
    }
    Some(value)
}

/// The value of up to 19 digits; nothing for none.
pub(crate) fn unsigned(digits: &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    (!digits.is_empty() && digits.len() < 20).then_some(value)
}

/// A number whose last digit is overpunched when it is negative: `å` for 0, `J` to `R` for 1 to 9 (*Autogiro,
/// Teknisk manual*, p. 56). Where `å` was lost on the way, `}` and `-` stand for it in other code pages.
pub(crate) fn overpunched(record: &Record<'_>, from: usize, to: usize, remarks: &mut Remarks) -> Option<i128> {
    if let Some(value) = number(record, from, to, remarks) {
        return Some(i128::from(value));
    }
    let text = record.text(from, to)?;
    let mut characters = text.chars();
    let last = match characters.next_back()? {
        'å' | '}' | '-' => 0,
        letter @ 'J'..='R' => u64::from(letter) - u64::from('J') + 1,
        _ => return None,
    };
    let before = characters.as_str();
    let value = if before.is_empty() { 0 } else { unsigned(before.as_bytes())? };
    Some(-i128::from(value.checked_mul(10)?.checked_add(last)?))
}

/// Days since 1970-01-01 of a date `YYYYMMDD`.
pub(crate) fn date8(field: &[u8]) -> Option<i32> {
    let (year, month_day) = field.split_first_chunk::<4>()?;
    (month_day.len() == 4).then(|| date(unsigned(year)?, month_day)).flatten()
}

/// Days since 1970-01-01 of a date `YYMMDD`: 1970 to 2069.
pub(crate) fn date6(field: &[u8]) -> Option<i32> {
    let (year, month_day) = field.split_first_chunk::<2>()?;
    let year = unsigned(year)?;
    (month_day.len() == 4).then(|| date(if year < 70 { 2000 + year } else { 1900 + year }, month_day)).flatten()
}

fn date(year: u64, month_day: &[u8]) -> Option<i32> {
    let part = |field: &[u8]| u32::try_from(unsigned(field)?).ok();
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, part(&month_day[..2])?, part(&month_day[2..])?)?;
    Some(days(day))
}

/// Days since 1970-01-01.
pub(crate) fn days(date: NaiveDate) -> i32 {
    i32::try_from((date - NaiveDate::default()).num_days()).unwrap_or_default()
}

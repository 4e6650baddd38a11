//! What can be wrong with an SIE file and how it is said, and the values that records share.

use std::ops::Range;

use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use schemas::money;

use crate::fixed::{Remarks, remarks};
use crate::{Finding, ParseError, Position};

use super::text::Line;

/// Why reading stops before the end of the file.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Box<Finding>),
    Failed(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Failed(error)
    }
}

remarks! {
    ENCODING_UTF8 "sie.encoding_utf8"
        "the text is UTF-8, not CP437 (PC8)"
        "Texten är i UTF-8, inte i CP437 (PC8)"
    ENCODING_LATIN "sie.encoding_latin1"
        "the text is ISO 8859-1 or Windows-1252, not CP437 (PC8)"
        "Texten är i ISO 8859-1 eller Windows-1252, inte i CP437 (PC8)"
    ENCODING_MIXED "sie.encoding_mixed"
        "a line is not in the encoding of the lines before it and was read as CP437"
        "En rad har inte samma teckenkodning som raderna före och lästes som CP437"
    FLAG_MISSING "sie.flag_missing"
        "the file does not begin with #FLAGGA"
        "Filen börjar inte med #FLAGGA"
    FLAG_SET "sie.flag_set"
        "#FLAGGA says that a program has read the file before"
        "#FLAGGA anger att filen redan har lästs in av ett program"
    INCOMPLETE "sie.incomplete"
        "a record lacks a field that it must have, or the field cannot be read"
        "En post saknar ett fält som den ska ha, eller fältet går inte att läsa"
    QUOTE "sie.quote"
        "a quotation mark is not closed; the field was read to the end of the line"
        "Ett citattecken avslutas inte; fältet lästes till radens slut"
    DECIMAL_COMMA "sie.decimal_comma"
        "an amount has a decimal comma instead of a point"
        "Ett belopp har decimalkomma i stället för punkt"
    REMOVED "sie.removed_rows"
        "rows that were removed from a voucher (#BTRANS) are no rows of the ledger"
        "Rader som har strukits ur en verifikation (#BTRANS) ingår inte i redovisningen"
    ADDED_ALONE "sie.added_row"
        "an added row (#RTRANS) is not followed by the same row (#TRANS)"
        "En tillagd rad (#RTRANS) följs inte av samma rad (#TRANS)"
    NO_NUMBER "sie.voucher_number"
        "a voucher has no number; its place in the file stands in for it"
        "En verifikation saknar nummer; dess plats i filen används i stället"
    REPEATED "sie.voucher_repeated"
        "two vouchers have the same series and number"
        "Två verifikationer har samma serie och nummer"
    BRACE_MISSING "sie.brace_missing"
        "a voucher's rows are not opened by a brace"
        "En verifikations rader inleds inte med en klammer"
    EMPTY "sie.voucher_empty"
        "a voucher has no rows"
        "En verifikation saknar rader"
}

pub(super) fn at(byte: u64, line: u64) -> Position {
    Position { line: Some(line), column: Some(1), path: None, byte }
}

pub(super) fn finding(code: &'static str, position: Position, english: &str, swedish: &str) -> Finding {
    Finding { code, position, message: english.to_owned(), message_sv: swedish.to_owned() }
}

pub(super) fn refuse(code: &'static str, position: Position, english: &str, swedish: &str) -> Stop {
    Stop::Refused(Box::new(finding(code, position, english, swedish)))
}

pub(super) fn voucher_open(line: &Line) -> Stop {
    line.refuse(
        "sie.voucher_open",
        "the voucher before this record is not closed by a brace",
        "verifikationen före den här posten avslutas inte med en klammer",
    )
}

/// `YYYYMMDD`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |range: Range<usize>| text.get(range)?.parse().ok();
    digits.then(|| NaiveDate::from_ymd_opt(text.get(..4)?.parse().ok()?, part(4..6)?, part(6..8)?)).flatten()
}

/// Days since 1970.
pub(super) fn days(date: NaiveDate) -> i32 {
    Date32Type::from_naive_date(date)
}

/// A number as a count of `10^-scale`, no larger than tables hold.
pub(super) fn number(line: &Line, field: usize, scale: u32, remarks: &mut Remarks) -> Option<i128> {
    let text = line.get(field)?;
    let value = if text.contains(',') && !text.contains('.') {
        remarks.note(&DECIMAL_COMMA, || line.position(field));
        money::parse_decimal(&text.replacen(',', ".", 1), scale)
    } else {
        money::parse_decimal(text, scale)
    };
    value.filter(|value| value.unsigned_abs() < 10_u128.pow(u32::from(money::PRECISION)))
}

//! What can be wrong with a BgMax file and how it is said, and the fields that records share.

use super::finding;
use crate::fixed::{Record, Remark, Remarks};
use crate::{Finding, ParseError, Position};

/// Why reading stops before the end of the file.
pub(super) enum Stop {
    Refused(Box<Finding>),
    Failed(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Failed(error)
    }
}

macro_rules! remarks {
    ($($name:ident $code:literal $english:literal $swedish:literal)*) => {
        $(pub(super) static $name: Remark = Remark { code: $code, english: $english, swedish: $swedish };)*
    };
}

remarks! {
    TITLE "bgmax.title"
        "lines before the start record (TK01) were skipped"
        "Rader före startposten (TK01) hoppades över"
    CONCATENATED "bgmax.concatenated"
        "another complete file stands in the same file and was read"
        "Ännu en komplett fil ligger i samma fil och lästes"
    TIMESTAMP "bgmax.timestamp"
        "the time at which the file was made cannot be read"
        "Tidpunkten då filen skapades går inte att läsa"
    RECEIVER_CHECK_DIGIT "bgmax.receiver_check_digit"
        "the receiving giro number has a wrong check digit"
        "Mottagarens gironummer har fel kontrollsiffra"
    SENDER_CHECK_DIGIT "bgmax.sender_check_digit"
        "a sender's bankgiro number has a wrong check digit"
        "Ett avsändande bankgironummer har fel kontrollsiffra"
    ORGANISATION_NUMBER "bgmax.organisation_number"
        "an organisation number has a wrong length or check digit"
        "Ett organisationsnummer har fel längd eller kontrollsiffra"
    CHANNEL "bgmax.channel"
        "a payment's channel is none of 1 to 4"
        "Betalningskanalen är ingen av 1 till 4"
    IMAGE "bgmax.image"
        "the mark for a slip's image is neither 0 nor 1"
        "Markeringen för avibild är varken 0 eller 1"
    REFERENCE_MISSING "bgmax.reference_missing"
        "a reference code says that there is a reference, but there is none"
        "En referenskod säger att det finns en referens, men den saknas"
    DEPOSIT_TYPE "bgmax.deposit_type"
        "the type of a deposit is neither K, D nor blank"
        "Insättningens typ är varken K, D eller blank"
    DEPOSIT_SERIAL "bgmax.deposit_serial"
        "a deposit has no serial number; a digest of its content stands in for it"
        "En insättning saknar löpnummer; ett fingeravtryck av innehållet används i stället"
    DEPOSIT_REPEATED "bgmax.deposit_repeated"
        "two deposits have the same account, year and serial number, but are not the same"
        "Två insättningar har samma konto, år och löpnummer men är inte samma"
    SERIAL_REPEATED "bgmax.serial_repeated"
        "a payment's serial number stands on an earlier payment of the file"
        "En betalnings löpnummer finns på en tidigare betalning i filen"
    PAYMENT_DATE "bgmax.payment_date_unlikely"
        "a payment date lies before 1990 or after 2100"
        "Ett betalningsdatum ligger före 1990 eller efter 2100"
    ALIGNMENT "bgmax.number_alignment"
        "a number is filled with blanks instead of zeros"
        "Ett tal är utfyllt med blanktecken i stället för nollor"
}

pub(super) fn refuse(code: &'static str, position: Position, message: &str, message_sv: &str) -> Stop {
    Stop::Refused(Box::new(finding(code, position, message, message_sv)))
}

pub(super) fn out_of_order(kind: [u8; 2], position: Position, place: &str, place_sv: &str) -> Stop {
    let kind = name(kind);
    refuse(
        "bgmax.order",
        position,
        &format!("a record of type {kind} stands {place}"),
        &format!("en post av typ {kind} står {place_sv}"),
    )
}

pub(super) fn unknown(kind: [u8; 2], position: Position, count: u64) -> Finding {
    let kind = name(kind);
    finding(
        "bgmax.unknown_record",
        position,
        &format!("records of the unknown type {kind} were skipped ({count})"),
        &format!("Poster av den okända typen {kind} hoppades över ({count})"),
    )
}

/// A record type as text: it can be any two bytes.
fn name(kind: [u8; 2]) -> String {
    kind.escape_ascii().to_string()
}

/// Digits with blanks around them, without the blanks. Nothing where there is anything else, or no digit.
pub(super) fn digits(field: &[u8]) -> Option<&str> {
    let digits = field.trim_ascii();
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if valid { std::str::from_utf8(digits).ok() } else { None }
}

/// A number that fills its field, with zeros or blanks to the left.
pub(super) fn number(record: &Record<'_>, from: usize, to: usize, remarks: &mut Remarks) -> Option<u64> {
    let field = record.field(from, to);
    if field.len() != to - from + 1 {
        return None;
    }
    let mut value: u64 = 0;
    let mut blanks = 0;
    for byte in field {
        match byte {
            b'0'..=b'9' => value = value * 10 + u64::from(byte - b'0'),
            b' ' if blanks < field.len() - 1 && value == 0 => blanks += 1,
            _ => return None,
        }
    }
    if blanks > 0 {
        if field[..blanks].iter().any(|byte| *byte != b' ') {
            return None;
        }
        remarks.note(&ALIGNMENT, || record.position(from));
    }
    Some(value)
}

pub(super) fn or_unreadable(number: Option<u64>) -> (String, String) {
    match number {
        Some(number) => (number.to_string(), number.to_string()),
        None => ("an unreadable number of".to_owned(), "ett oläsligt antal".to_owned()),
    }
}

/// `YYYYMMDDhhmmss` and six digits of a second.
pub(super) fn is_timestamp(field: &[u8]) -> bool {
    let part = |from: usize, to: usize| digits(field.get(from..to)?)?.parse::<u32>().ok();
    let date = part(0, 4).zip(part(4, 6)).zip(part(6, 8));
    let valid_date = date.is_some_and(|((year, month), day)| {
        i32::try_from(year).is_ok_and(|year| chrono::NaiveDate::from_ymd_opt(year, month, day).is_some())
    });
    valid_date
        && field.iter().all(u8::is_ascii_digit)
        && part(8, 10).is_some_and(|hour| hour < 24)
        && part(10, 12).is_some_and(|minute| minute < 60)
        && part(12, 14).is_some_and(|second| second < 61)
}

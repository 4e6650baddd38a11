//! The first record: which report a file is, in which layout.

use schemas::reference::luhn_valid;

use super::rules;
use crate::fixed::{Look, Record, Remarks, Stop, date8, digits, kind, refuse, significant_digits};

/// What a file reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// Payment specification with sections (new layout).
    Specification,
    /// Payment specification without sections (old layout).
    OldSpecification,
    MandateAdvice,
    Rejected,
    Amendments,
    Monitoring,
    InternetMandates,
    RegisterExtract,
}

/// What the first record says.
#[derive(Debug)]
pub(super) struct Header {
    pub report: Report,
    /// Significant digits.
    pub bankgiro: String,
    /// Days since 1970-01-01.
    pub date: Option<i32>,
    /// What a row's identity begins with.
    pub stem: String,
    /// The stem is the file's alone: it has a time of day.
    pub is_unique: bool,
}

impl Report {
    /// As the contracts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Specification | Self::OldSpecification => "payment_specification",
            Self::MandateAdvice => "mandate_advice",
            Self::Rejected => "rejected",
            Self::Amendments => "amendments",
            Self::Monitoring => "monitoring",
            Self::InternetMandates => "internet_mandates",
            Self::RegisterExtract => "register_extract",
        }
    }
}

/// What a line is before the first record.
pub(super) fn look(bytes: &[u8]) -> Look {
    let is_digits =
        |from: usize, to: usize| bytes.get(from..to).is_some_and(|field| field.iter().all(u8::is_ascii_digit));
    match &kind(bytes) {
        b"01" if bytes.get(2..10) == Some(b"AUTOGIRO") => Look::Start,
        b"01" if is_digits(2, 10) && bytes.get(10..18) == Some(b"AUTOGIRO") => Look::Start,
        b"01" if is_digits(2, 14) && bytes.get(24..33) == Some(b"AG-MEDAVI") => Look::Start,
        b"51" if is_digits(2, 14) && bytes.get(24..34) == Some(b"AG-EMEDGIV") => Look::Start,
        b"01" if bytes.get(2).is_some_and(u8::is_ascii_uppercase) => Look::Other,
        // A row of the register has no type of its own: bankgiro, identity and payer number are all digits.
        b"00" if is_digits(0, 38) => Look::Start,
        b"15" | b"16" | b"17" | b"32" | b"52" | b"73" | b"77" | b"82" if is_digits(2, 10) => Look::Record,
        _ => Look::Title,
    }
}

impl Header {
    /// Reads the first record; of an extract of the register, its first row.
    pub fn read(record: &Record<'_>, remarks: &mut Remarks) -> Result<Self, Stop> {
        let (report, bankgiro, date) = layout(record)?;
        let account = significant_digits(record.field(bankgiro, bankgiro + 9));
        let Some(account) = account else {
            return Err(refuse(
                "autogiro.bankgiro",
                record.position(bankgiro),
                "the receiving bankgiro number is missing or is no number",
                "mottagarens bankgironummer saknas eller är inget nummer",
            ));
        };
        if !luhn_valid(account) {
            remarks.note(&rules::BANKGIRO_CHECK_DIGIT, || record.position(bankgiro));
        }
        let made = date.map(|from| (from, date8(record.field(from, from + 7))));
        if let Some((from, None)) = made {
            remarks.note(&rules::HEADER_DATE, || record.position(from));
        }
        let time = if date == Some(25) { digits(record.field(25, 44)).filter(|time| time.len() == 20) } else { None };
        let day = date.and_then(|from| digits(record.field(from, from + 7))).unwrap_or_default();
        let stem = format!("autogiro:{}:{account}:{}", report.name(), time.unwrap_or(day));
        Ok(Self {
            report,
            bankgiro: account.to_owned(),
            date: made.and_then(|(_, day)| day),
            is_unique: time.is_some(),
            stem,
        })
    }
}

/// The report, where the bankgiro number begins, and where the date does.
fn layout(record: &Record<'_>) -> Result<(Report, usize, Option<usize>), Stop> {
    if record.kind() == *b"51" {
        return Ok((Report::InternetMandates, 15, Some(3)));
    }
    if record.kind() == *b"00" {
        return Ok((Report::RegisterExtract, 1, None));
    }
    let content = |from, to| record.text(from, to).unwrap_or_default();
    if record.field(3, 10) == b"AUTOGIRO" {
        let report = match &*content(45, 64) {
            "BET. SPEC & STOPP TK" => Report::Specification,
            "AG-MEDAVI" => Report::MandateAdvice,
            "AVVISADE BET UPPDR" => Report::Rejected,
            "MAKULERING/ÄNDRING" => Report::Amendments,
            _ => return Err(unknown(record, 45)),
        };
        return Ok((report, 71, Some(25)));
    }
    if record.field(25, 33) == b"AG-MEDAVI" {
        return Ok((Report::MandateAdvice, 15, Some(3)));
    }
    if record.field(19, 22) != b"9900" {
        return Err(refuse(
            "autogiro.order",
            record.position(19),
            "the file is an order to Bankgirot, no report from it",
            "filen är ett uppdrag till Bankgirot, ingen redovisning därifrån",
        ));
    }
    let report = match &*content(23, 62) {
        "" => Report::OldSpecification,
        "FELLISTA REG.KONTRL" => Report::Rejected,
        "MAK/ÄNDRINGSLISTA" => Report::Amendments,
        "BEVAKNINGSREG" => Report::Monitoring,
        _ => return Err(unknown(record, 23)),
    };
    Ok((report, 69, Some(3)))
}

fn unknown(record: &Record<'_>, column: usize) -> Stop {
    refuse(
        "autogiro.content",
        record.position(column),
        "the first record names a report that the manual does not have",
        "den första posten anger en redovisning som inte finns i manualen",
    )
}

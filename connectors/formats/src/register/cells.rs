//! One cell: from text to a value of the contract, by the rule that the mapping gives for the column.

use std::borrow::Cow;

use arrow::datatypes::{DataType, Date32Type, TimeUnit};
use chrono::{NaiveDate, NaiveTime};
use schemas::calendar::stockholm_time;
use schemas::identity::{Identity, OrganisationNumber, PersonNumber};
use schemas::reference;

use super::dates::DateFormat;
use super::declaration::{Check, OnInvalid};
use super::numbers::{NumberFormat, NumberProblem};

/// Types of columns that a register can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Long,
    Boolean,
    Date,
    /// A moment, written as a date and a time of day in Stockholm.
    Time,
    Decimal {
        precision: u8,
        scale: u32,
    },
}

impl Kind {
    /// The kind of an Arrow type, when a cell can hold it.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => Self::Text,
            DataType::Int32 => Self::Int,
            DataType::Int64 => Self::Long,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => Self::Time,
            DataType::Decimal128(precision, scale) => {
                Self::Decimal { precision: *precision, scale: u32::try_from(*scale).ok()? }
            }
            _ => return None,
        })
    }
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970-01-01 in UTC.
    Time(i64),
    /// A count of the column's smallest unit.
    Decimal(i128),
}

/// How the text of a column becomes its value.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub kind: Kind,
    pub nullable: bool,
    pub default: Option<Value<'static>>,
    /// Source texts in lower case and their values; no other text is allowed.
    pub values: Option<Vec<(String, Value<'static>)>>,
    /// Texts that mean no value, in lower case.
    pub nulls: Vec<String>,
    pub trim: bool,
    pub digits_only: bool,
    pub negate: bool,
    pub implied_decimals: Option<u32>,
    pub numbers: NumberFormat,
    pub dates: Vec<DateFormat>,
    pub minimum: Option<i128>,
    pub maximum: Option<i128>,
    pub check: Option<Check>,
    pub on_invalid: OnInvalid,
}

/// What is wrong with a cell. Never holds its text: it may identify a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub code: &'static str,
    pub english: String,
    pub swedish: String,
}

impl Problem {
    pub(super) fn new(code: &'static str, english: impl Into<String>, swedish: impl Into<String>) -> Self {
        Self { code, english: english.into(), swedish: swedish.into() }
    }
}

/// A value, and whether its text failed a check that is only remarked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Converted<'a> {
    pub value: Value<'a>,
    pub remark: Option<Check>,
}

impl<'a> From<Value<'a>> for Converted<'a> {
    fn from(value: Value<'a>) -> Self {
        Self { value, remark: None }
    }
}

impl Rule {
    /// A rule without options.
    pub(super) fn plain(kind: Kind) -> Self {
        Self {
            kind,
            nullable: false,
            default: None,
            values: None,
            nulls: Vec::new(),
            trim: true,
            digits_only: false,
            negate: false,
            implied_decimals: None,
            numbers: NumberFormat { decimal: '.', thousands: Vec::new(), trailing_minus: false },
            dates: Vec::new(),
            minimum: None,
            maximum: None,
            check: None,
            on_invalid: OnInvalid::Reject,
        }
    }

    /// Converts a decoded text. Ten-digit personal numbers are read as of `extracted_on`.
    pub(super) fn convert<'a>(
        &'a self,
        text: Cow<'a, str>,
        extracted_on: Option<NaiveDate>,
    ) -> Result<Converted<'a>, Problem> {
        let text = if self.trim { trimmed(text) } else { text };
        if self.nulls.iter().any(|null| same(null, &text)) {
            return match &self.default {
                Some(default) => Ok(default.clone().into()),
                None if self.nullable => Ok(Value::Null.into()),
                None => Err(Problem::new("register.required", "a value is missing", "värde saknas")),
            };
        }
        if let Some(values) = &self.values {
            let value = values.iter().find(|(source, _)| same(source, &text)).map(|(_, value)| value.clone());
            return value.map(Converted::from).ok_or_else(|| {
                let allowed = values.iter().map(|(source, _)| source.to_uppercase()).collect::<Vec<_>>().join(", ");
                let english = format!("the value is none of {allowed}");
                Problem::new("register.value", english, format!("värdet är inget av {allowed}"))
            });
        }
        let value = match self.kind {
            Kind::Text => return self.text(text, extracted_on),
            Kind::Int => Value::Integer(integer(&text, i64::from(i32::MIN), i64::from(i32::MAX))?),
            Kind::Long => Value::Integer(integer(&text, i64::MIN, i64::MAX)?),
            Kind::Boolean => match &*text {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                _ => {
                    let swedish = "värdet är varken true eller false";
                    return Err(Problem::new("register.boolean", "the value is neither true nor false", swedish));
                }
            },
            Kind::Date => Value::Date(Date32Type::from_naive_date(self.date(&text)?)),
            Kind::Time => Value::Time(self.time(&text)?),
            Kind::Decimal { precision, scale } => {
                let value = self
                    .numbers
                    .parse(&text, precision, scale, self.implied_decimals)
                    .map_err(|problem| number_problem(problem, precision, scale))?;
                Value::Decimal(if self.negate { -value } else { value })
            }
        };
        self.check_range(&value)?;
        Ok(value.into())
    }

    fn date(&self, text: &str) -> Result<NaiveDate, Problem> {
        let date = self.dates.iter().find_map(|format| format.parse(text.as_bytes()));
        date.ok_or_else(|| {
            let join = |texts: Vec<String>, or: &str| texts.join(or);
            let english = join(self.dates.iter().map(DateFormat::english).collect(), " or ");
            let swedish = join(self.dates.iter().map(DateFormat::swedish).collect(), " eller ");
            Problem::new("register.date", format!("no date {english}"), format!("inget datum {swedish}"))
        })
    }

    /// A date, a blank or `T`, and `hh:mm` or `hh:mm:ss` by the clock in Stockholm.
    fn time(&self, text: &str) -> Result<i64, Problem> {
        let english = "no date and time of day hh:mm or hh:mm:ss that the clock in Stockholm shows";
        let swedish = "inget datum med klockslag hh:mm eller hh:mm:ss som klockan i Stockholm visar";
        let problem = || Problem::new("register.time", english, swedish);
        let (date, clock) = text.rsplit_once([' ', 'T']).ok_or_else(problem)?;
        let parsed = match clock.len() {
            5 => NaiveTime::parse_from_str(clock, "%H:%M"),
            8 => NaiveTime::parse_from_str(clock, "%H:%M:%S"),
            _ => return Err(problem()),
        };
        let clock = parsed.map_err(|_| problem())?;
        stockholm_time(self.date(date)?.and_time(clock)).map(|moment| moment.timestamp_millis()).ok_or_else(problem)
    }

    fn check_range(&self, value: &Value<'_>) -> Result<(), Problem> {
        let number = match value {
            Value::Decimal(number) => *number,
            Value::Integer(number) => i128::from(*number),
            _ => return Ok(()),
        };
        let outside = self.minimum.is_some_and(|minimum| number < minimum)
            || self.maximum.is_some_and(|maximum| number > maximum);
        if outside {
            let swedish = "talet ligger utanför kolumnens gränser";
            return Err(Problem::new("register.range", "the number lies outside the column's limits", swedish));
        }
        Ok(())
    }

    fn text<'a>(&self, text: Cow<'a, str>, extracted_on: Option<NaiveDate>) -> Result<Converted<'a>, Problem> {
        let text = if self.digits_only { digits_only(text)? } else { text };
        let Some(check) = self.check else { return Ok(Value::Text(text).into()) };
        match checked(check, &text, extracted_on) {
            Some(normal) => Ok(Value::Text(Cow::Owned(normal)).into()),
            None if self.on_invalid == OnInvalid::Remark => {
                Ok(Converted { value: Value::Text(text), remark: Some(check) })
            }
            None => Err(check_problem(check)),
        }
    }
}

/// The normal form of a text that passes a check.
fn checked(check: Check, text: &str, extracted_on: Option<NaiveDate>) -> Option<String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match check {
        Check::PersonalNumber => PersonNumber::parse(text, extracted_on?).map(|number| number.digits().to_owned()),
        Check::OrganisationNumber => OrganisationNumber::parse(text).map(|number| number.digits().to_owned()),
        Check::Identity => Identity::parse(text, extracted_on?).map(|number| number.digits().to_owned()),
        Check::Ocr => {
            let ocr: String = text.chars().filter(|c| *c != ' ').collect();
            reference::ocr_valid(&ocr).then_some(ocr)
        }
        Check::Bankgiro => reference::bankgiro(text),
        Check::Plusgiro => reference::plusgiro(text),
        Check::Period => {
            let period = match text.split_once('-') {
                Some((year, month)) if year.len() == 4 => format!("{year}{month}"),
                Some(_) => return None,
                None => text.to_owned(),
            };
            let month: u32 = period.get(4..)?.parse().ok()?;
            (period.len() == 6 && digits(&period) && (1..=12).contains(&month)).then_some(period)
        }
        Check::Department => (text.len() == 3 && digits(text)).then(|| text.to_owned()),
        Check::Currency => {
            (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
        }
    }
}

/// What a text is not when it fails a check.
pub(super) fn check_problem(check: Check) -> Problem {
    let (code, english, swedish) = match check {
        Check::PersonalNumber => ("register.personal_number", "no valid personal number", "inget giltigt personnummer"),
        Check::OrganisationNumber => {
            ("register.organisation_number", "no valid organisation number", "inget giltigt organisationsnummer")
        }
        Check::Identity => (
            "register.identity",
            "no valid personal or organisation number",
            "inget giltigt person- eller organisationsnummer",
        ),
        Check::Ocr => ("register.ocr", "no valid OCR reference", "ingen giltig OCR-referens"),
        Check::Bankgiro => ("register.bankgiro", "no valid bankgiro number", "inget giltigt bankgironummer"),
        Check::Plusgiro => ("register.plusgiro", "no valid plusgiro number", "inget giltigt plusgironummer"),
        Check::Period => ("register.period", "no period YYYYMM", "ingen period ÅÅÅÅMM"),
        Check::Department => ("register.department", "not three digits", "inte tre siffror"),
        Check::Currency => ("register.currency", "no currency of three letters", "ingen valuta med tre bokstäver"),
    };
    Problem::new(code, english, swedish)
}

fn number_problem(problem: NumberProblem, precision: u8, scale: u32) -> Problem {
    let whole = u32::from(precision) - scale.min(u32::from(precision));
    match problem {
        NumberProblem::NotANumber => Problem::new("register.decimal", "no number in the declared form", {
            "inget tal i den form som filen ska ha"
        }),
        NumberProblem::TooManyDecimals => Problem::new(
            "register.decimals",
            format!("more than {scale} decimals"),
            format!("fler än {scale} decimaler"),
        ),
        NumberProblem::TooLarge => Problem::new(
            "register.decimal_range",
            format!("more than {whole} digits before the decimals"),
            format!("fler än {whole} siffror före decimalerna"),
        ),
    }
}

fn integer(text: &str, minimum: i64, maximum: i64) -> Result<i64, Problem> {
    let number = text.parse::<i64>().ok().filter(|number| (minimum..=maximum).contains(number));
    number.ok_or_else(|| Problem::new("register.integer", "no whole number", "inget heltal"))
}

fn digits_only(text: Cow<'_, str>) -> Result<Cow<'_, str>, Problem> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text);
    }
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '.')).collect();
    if digits.is_empty() || digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        return Err(Problem::new("register.digits", "other characters than digits", "andra tecken än siffror"));
    }
    Ok(Cow::Owned(digits))
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// True when `text` in lower case is `lower`.
fn same(lower: &str, text: &str) -> bool {
    lower.eq_ignore_ascii_case(text)
        || (!lower.is_ascii() && text.chars().flat_map(char::to_lowercase).eq(lower.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: Kind) -> Rule {
        Rule {
            nulls: vec![String::new()],
            numbers: NumberFormat { decimal: ',', thousands: vec![' '], trailing_minus: false },
            dates: vec![DateFormat::compile("%Y-%m-%d").unwrap(), DateFormat::compile("%Y%m%d").unwrap()],
            ..Rule::plain(kind)
        }
    }

    const MONEY: Kind = Kind::Decimal { precision: 18, scale: 2 };

    fn convert(rule: &Rule, text: &str) -> Result<Value<'static>, &'static str> {
        let converted = rule.convert(Cow::Owned(text.to_owned()), NaiveDate::from_ymd_opt(2026, 3, 31));
        match converted {
            Ok(Converted { value: Value::Text(text), .. }) => Ok(Value::Text(Cow::Owned(text.into_owned()))),
            Ok(Converted { value: Value::Date(days), .. }) => Ok(Value::Date(days)),
            Ok(Converted { value: Value::Time(millis), .. }) => Ok(Value::Time(millis)),
            Ok(Converted { value: Value::Decimal(number), .. }) => Ok(Value::Decimal(number)),
            Ok(Converted { value: Value::Integer(number), .. }) => Ok(Value::Integer(number)),
            Ok(Converted { value: Value::Boolean(truth), .. }) => Ok(Value::Boolean(truth)),
            Ok(Converted { value: Value::Null, .. }) => Ok(Value::Null),
            Err(problem) => Err(problem.code),
        }
    }

    fn text(text: &str) -> Result<Value<'static>, &'static str> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    #[test]
    fn each_kind_reads_its_values_and_names_what_is_wrong() {
        assert_eq!(convert(&rule(Kind::Text), " Åsa "), text("Åsa"));
        assert_eq!(convert(&rule(Kind::Text), " "), Err("register.required"));
        assert_eq!(convert(&rule(Kind::Int), "-7"), Ok(Value::Integer(-7)));
        assert_eq!(convert(&rule(Kind::Int), "2147483648"), Err("register.integer"));
        assert_eq!(convert(&rule(Kind::Long), "2147483648"), Ok(Value::Integer(2_147_483_648)));
        assert_eq!(convert(&rule(Kind::Boolean), "true"), Ok(Value::Boolean(true)));
        assert_eq!(convert(&rule(Kind::Boolean), "J"), Err("register.boolean"));
        assert_eq!(convert(&rule(Kind::Date), "19700102"), Ok(Value::Date(1)));
        assert_eq!(convert(&rule(Kind::Date), "1970-02-29"), Err("register.date"));
        assert_eq!(convert(&rule(MONEY), "1 234,50"), Ok(Value::Decimal(123_450)));
        assert_eq!(convert(&rule(MONEY), "1.5"), Err("register.decimal"));
        assert_eq!(convert(&rule(MONEY), "1,505"), Err("register.decimals"));
        assert_eq!(convert(&rule(Kind::Decimal { precision: 5, scale: 2 }), "1000"), Err("register.decimal_range"));
    }

    #[test]
    fn a_moment_is_read_by_the_clock_in_stockholm() {
        let time = |text: &str| convert(&rule(Kind::Time), text);
        assert_eq!(time("1970-01-01 01:00:00"), Ok(Value::Time(0)));
        assert_eq!(time("19700101T01:01"), Ok(Value::Time(60_000)));
        let noon = "2026-07-01T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        assert_eq!(time("2026-07-01 12:00:00"), Ok(Value::Time(noon)), "summer time");
        for wrong in ["2026-03-29 02:30:00", "2026-07-01", "2026-07-01 12", "2026-07-01 24:00:00", "2026-07-01 12:00:0"]
        {
            assert_eq!(time(wrong), Err("register.time"), "{wrong}");
        }
        assert_eq!(time("2026-02-29 12:00:00"), Err("register.date"));
    }

    #[test]
    fn options_of_a_column_change_its_text_before_it_is_read() {
        let untrimmed = Rule { trim: false, ..rule(Kind::Text) };
        assert_eq!(convert(&untrimmed, " a "), text(" a "));
        let defaulted = Rule { default: Some(Value::Boolean(false)), ..rule(Kind::Boolean) };
        assert_eq!(convert(&defaulted, ""), Ok(Value::Boolean(false)));
        let nullable = Rule { nullable: true, nulls: vec!["null".to_owned()], ..rule(Kind::Date) };
        assert_eq!(convert(&nullable, "NULL"), Ok(Value::Null));
        assert_eq!(convert(&nullable, ""), Err("register.date"));
        let digits = Rule { digits_only: true, ..rule(Kind::Text) };
        assert_eq!(convert(&digits, "5050-10 55"), text("50501055"));
        assert_eq!(convert(&digits, "SE45"), Err("register.digits"));
        let negated = Rule { negate: true, ..rule(MONEY) };
        assert_eq!(convert(&negated, "1,00"), Ok(Value::Decimal(-100)));
        let implied = Rule { implied_decimals: Some(2), ..rule(MONEY) };
        assert_eq!(convert(&implied, "100"), Ok(Value::Decimal(100)));
        let positive = Rule { minimum: Some(0), maximum: Some(100), ..rule(MONEY) };
        assert_eq!(convert(&positive, "1,00"), Ok(Value::Decimal(100)));
        assert_eq!(convert(&positive, "-0,01"), Err("register.range"));
        assert_eq!(convert(&positive, "1,01"), Err("register.range"));
    }

    #[test]
    fn a_list_of_values_allows_no_other() {
        let values = vec![("j".to_owned(), Value::Boolean(true)), ("nedsättning".to_owned(), Value::Boolean(false))];
        let listed = Rule { values: Some(values), ..rule(Kind::Boolean) };
        assert_eq!(convert(&listed, "J"), Ok(Value::Boolean(true)));
        assert_eq!(convert(&listed, "NEDSÄTTNING"), Ok(Value::Boolean(false)));
        assert_eq!(convert(&listed, "true"), Err("register.value"));
    }

    #[test]
    fn checks_bring_numbers_to_one_form_or_refuse_them() {
        for (check, given, normal, wrong, code) in [
            (Check::PersonalNumber, "000229-2399", "200002292399", "000229-2390", "register.personal_number"),
            (Check::OrganisationNumber, "16556016-0680", "5560160680", "556016-0681", "register.organisation_number"),
            (Check::Identity, "556016-0680", "5560160680", "1234567890", "register.identity"),
            (Check::Ocr, "1234 5674", "12345674", "12345675", "register.ocr"),
            (Check::Bankgiro, "5050-1055", "50501055", "5050-1056", "register.bankgiro"),
            (Check::Plusgiro, "28 65 43-4", "2865434", "28 65 43-5", "register.plusgiro"),
            (Check::Period, "2026-03", "202603", "202613", "register.period"),
            (Check::Department, "104", "104", "10", "register.department"),
            (Check::Currency, "sek", "SEK", "kr", "register.currency"),
        ] {
            let strict = Rule { check: Some(check), ..rule(Kind::Text) };
            assert_eq!(convert(&strict, given), text(normal));
            assert_eq!(convert(&strict, wrong), Err(code));
            let lenient = Rule { on_invalid: OnInvalid::Remark, ..strict };
            let converted = lenient.convert(Cow::Borrowed(wrong), NaiveDate::from_ymd_opt(2026, 3, 31)).unwrap();
            assert_eq!(converted, Converted { value: Value::Text(Cow::Borrowed(wrong)), remark: Some(check) });
        }
    }
}

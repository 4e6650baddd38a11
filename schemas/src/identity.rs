//! Identity numbers: personnummer, samordningsnummer, interim numbers and organisationsnummer.
//!
//! Rules: 18 and 18 a §§ folkbokföringslagen (1991:481) and Skatteverket's SKV 704 (personnummer), SKV 707
//! (samordningsnummer), SKV 709 (organisationsnummer). The check digit is Luhn's over the ten digits.
//!
//! A person's number is written with ten digits in speech and on paper, and the century is then understood: `-`
//! until the year in which the person turns 100, `+` from it. That needs a reference date, which is given here.

use chrono::{Datelike, NaiveDate};

use crate::reference::luhn_valid;

/// What kind of number identifies a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonKind {
    /// Personnummer: who is or was registered in the population register.
    Personal,
    /// Samordningsnummer: others that authorities need to tell apart; the day of birth is increased by 60.
    Coordination,
    /// A temporary number of an institution's own, with a letter where the first digit of the birth number stands.
    Interim,
}

/// A person's number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PersonNumber {
    digits: String,
    kind: PersonKind,
}

/// What kind of legal person an organisation number says that its holder is: its first digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrganisationKind {
    /// 1: estate of a deceased person.
    Estate,
    /// 2: state, region, municipality, parish.
    Public,
    /// 3: foreign company.
    Foreign,
    /// 5: limited company (aktiebolag).
    LimitedCompany,
    /// 6: simple company (enkelt bolag).
    SimpleCompany,
    /// 7: economic association, housing cooperative.
    EconomicAssociation,
    /// 8: non-profit association, foundation.
    NonProfit,
    /// 9: partnership (handelsbolag, kommanditbolag).
    Partnership,
}

/// An organisation's number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrganisationNumber {
    digits: String,
    kind: OrganisationKind,
}

/// Either kind of number, as registers mix them in one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A person.
    Person(PersonNumber),
    /// An organisation.
    Organisation(OrganisationNumber),
}

/// Letters that stand for the digit 1 in interim numbers.
const INTERIM_LETTERS: &[u8] = b"TRSUWXJKLMN";

impl PersonNumber {
    /// Reads `YYYYMMDDNNNN` or `YYMMDDNNNN`, with or without `-` or `+` before the last four.
    ///
    /// Two-digit years are resolved against `today`: the latest birth not after it; with `+`, the latest that makes
    /// the person 100 or more by the end of its year. Returns nothing when the date does not exist or lies after
    /// `today`, the birth number is 000 or the check digit is wrong. In a samordningsnummer the month, the day or
    /// both may be unknown (`00`, and `60` for the day).
    #[must_use]
    pub fn parse(text: &str, today: NaiveDate) -> Option<Self> {
        let text = text.trim();
        let (separator, date, last) = split(text)?;
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(date) || !all_digits(last.get(1..)?) {
            return None;
        }
        let letter = last.bytes().next()?.to_ascii_uppercase();
        let interim = INTERIM_LETTERS.contains(&letter);
        let checked = if interim { format!("1{}", last.get(1..)?) } else { last.to_owned() };
        let short = date.get(date.len() - 6..)?;
        if !luhn_valid(&format!("{short}{checked}")) || checked.starts_with("000") {
            return None;
        }
        let (month, day) = (number(short, 2)?, number(short, 4)?);
        let years = match date.len() {
            8 => vec![date.get(..4)?.parse().ok()?],
            _ => possible_years(i32::try_from(number(short, 0)?).ok()?, separator, today),
        };
        let birth = Birth { month, day };
        let year = years.into_iter().find(|year| birth.is_possible(*year, today))?;
        let kind = match (interim, day >= 60) {
            (true, _) => PersonKind::Interim,
            (false, true) => PersonKind::Coordination,
            (false, false) => PersonKind::Personal,
        };
        let digits = format!("{year:04}{}{}{}", short.get(2..)?, char::from(letter), last.get(1..)?);
        Some(Self { digits, kind })
    }

    /// `YYYYMMDDNNNN`; an interim number has its letter.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// What kind of number it is.
    #[must_use]
    pub const fn kind(&self) -> PersonKind {
        self.kind
    }

    /// Date of birth; unknown for a samordningsnummer with a month or day that is unknown or does not exist.
    ///
    /// The date in a number is nearly always the person's: when the birth numbers of a day are used up, one of a
    /// neighbouring day is given. Where a register has the date itself, that is the one to use.
    #[must_use]
    pub fn birth_date(&self) -> Option<NaiveDate> {
        let day = number(&self.digits, 6)?;
        let day = if day >= 60 { day - 60 } else { day };
        NaiveDate::from_ymd_opt(self.digits.get(..4)?.parse().ok()?, number(&self.digits, 4)?, day)
    }

    /// True in the series that Skatteverket keeps for tests: birth numbers 238 and 239, and 980 to 989 for births
    /// before 1990.
    ///
    /// Of Skatteverket's published test numbers 19 in 20 lie in these series; the rest, mostly from before 1960, are
    /// single numbers outside them. So `false` does not say that the number is a real person's, and `true` is a
    /// safeguard for test data, no proof.
    #[must_use]
    pub fn is_in_test_series(&self) -> bool {
        let birth_number = self.digits.get(8..11).and_then(|digits| digits.parse::<u16>().ok());
        let early = self.digits.get(..4).is_some_and(|year| year < "1990");
        birth_number.is_some_and(|number| matches!(number, 238 | 239) || (early && (980..=989).contains(&number)))
    }
}

impl OrganisationNumber {
    /// Reads ten digits with or without the hyphen, or twelve with the prefix `16` or `00` that twelve-digit fields
    /// have before organisations.
    ///
    /// Returns nothing when the check digit is wrong, the third digit is less than 2 (it would be a month: a sole
    /// trader's number is a person's) or the first digit is none of Skatteverket's groups.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (separator, date, last) = split(text)?;
        let first = match (separator, date.len()) {
            (Some('+'), _) => return None,
            (_, 6) => date,
            _ => date.strip_prefix("16").or_else(|| date.strip_prefix("00"))?,
        };
        let digits = format!("{first}{last}");
        let kind = match digits.bytes().next()? {
            b'1' => OrganisationKind::Estate,
            b'2' => OrganisationKind::Public,
            b'3' => OrganisationKind::Foreign,
            b'5' => OrganisationKind::LimitedCompany,
            b'6' => OrganisationKind::SimpleCompany,
            b'7' => OrganisationKind::EconomicAssociation,
            b'8' => OrganisationKind::NonProfit,
            b'9' => OrganisationKind::Partnership,
            _ => return None,
        };
        (luhn_valid(&digits) && digits.as_bytes().get(2)? >= &b'2').then_some(Self { digits, kind })
    }

    /// Ten digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// What kind of legal person it is.
    #[must_use]
    pub const fn kind(&self) -> OrganisationKind {
        self.kind
    }
}

impl Identity {
    /// Reads an organisation's or a person's number. No text is both: the third of an organisation's ten digits is
    /// at least 2, the first of a month at most 1.
    #[must_use]
    pub fn parse(text: &str, today: NaiveDate) -> Option<Self> {
        OrganisationNumber::parse(text)
            .map(Self::Organisation)
            .or_else(|| PersonNumber::parse(text, today).map(Self::Person))
    }

    /// Twelve characters for a person, ten digits for an organisation.
    #[must_use]
    pub fn digits(&self) -> &str {
        match self {
            Self::Person(person) => person.digits(),
            Self::Organisation(organisation) => organisation.digits(),
        }
    }
}

/// The separator, the six or eight characters before the last four, and the last four.
fn split(text: &str) -> Option<(Option<char>, &str, &str)> {
    if !text.is_ascii() {
        return None;
    }
    let (rest, last) = text.split_at_checked(text.len().checked_sub(4)?)?;
    let separator = rest.chars().next_back().filter(|c| matches!(c, '-' | '+'));
    let date = if separator.is_some() { rest.get(..rest.len() - 1)? } else { rest };
    matches!(date.len(), 6 | 8).then_some((separator, date, last))
}

/// Two digits at `index`.
fn number(digits: &str, index: usize) -> Option<u32> {
    digits.get(index..index + 2)?.parse().ok()
}

/// Years with these last two digits, latest first. A plus sign is written from the year of turning 100, a hyphen
/// before it; with neither, the latest year is meant.
fn possible_years(two_digits: i32, separator: Option<char>, today: NaiveDate) -> Vec<i32> {
    let latest_age = if separator == Some('+') { 100 } else { 0 };
    let latest = today.year() - latest_age;
    let year = latest - (latest - two_digits).rem_euclid(100);
    vec![year, year - 100]
}

/// Month and day as they stand in the number.
struct Birth {
    month: u32,
    day: u32,
}

impl Birth {
    /// True when the date exists and is not after `today`.
    ///
    /// In a samordningsnummer either part may be unknown, and the day need not exist in the month: Skatteverket's
    /// own list of test numbers has a 31st of April.
    fn is_possible(&self, year: i32, today: NaiveDate) -> bool {
        let (month, day) = match self.day.checked_sub(60) {
            Some(day) if day <= 31 => (self.month.max(1), day.clamp(1, 28)),
            _ => (self.month, self.day),
        };
        year >= 1800 && NaiveDate::from_ymd_opt(year, month, day).is_some_and(|date| date <= today)
    }
}

#[cfg(test)]
mod tests;

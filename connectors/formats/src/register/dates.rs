//! Dates of fixed width, in cells and in file names.

use chrono::NaiveDate;

/// A date format made of `%Y`, `%m`, `%d` and literal characters: every date has the same width, so `2026-3-1` is
/// no `%Y-%m-%d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateFormat {
    parts: Vec<Part>,
    /// Bytes of a date in this format.
    width: usize,
    written: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Literal(u8),
}

impl DateFormat {
    /// Compiles a format, or says what is wrong with it.
    pub(super) fn compile(format: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut bytes = format.bytes();
        while let Some(byte) = bytes.next() {
            parts.push(match (byte, byte == b'%') {
                (_, true) => match bytes.next() {
                    Some(b'Y') => Part::Year,
                    Some(b'm') => Part::Month,
                    Some(b'd') => Part::Day,
                    _ => return Err(format!("date format `{format}` may hold %Y, %m, %d and ASCII characters")),
                },
                (literal, false) if literal.is_ascii() => Part::Literal(literal),
                _ => return Err(format!("date format `{format}` may hold %Y, %m, %d and ASCII characters")),
            });
        }
        for part in [Part::Year, Part::Month, Part::Day] {
            if parts.iter().filter(|other| **other == part).count() != 1 {
                return Err(format!("date format `{format}` must hold %Y, %m and %d once each"));
            }
        }
        let width = parts.iter().map(|part| part.width()).sum();
        Ok(Self { parts, width, written: format.to_owned() })
    }

    /// As people write it, for example `ÅÅÅÅ-MM-DD`.
    pub(super) fn swedish(&self) -> String {
        self.written.replace("%Y", "ÅÅÅÅ").replace("%m", "MM").replace("%d", "DD")
    }

    /// As people write it, for example `YYYY-MM-DD`.
    pub(super) fn english(&self) -> String {
        self.written.replace("%Y", "YYYY").replace("%m", "MM").replace("%d", "DD")
    }

    /// The date that the whole text is.
    pub(super) fn parse(&self, text: &[u8]) -> Option<NaiveDate> {
        if text.len() != self.width {
            return None;
        }
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for part in &self.parts {
            let (head, tail) = rest.split_at_checked(part.width())?;
            rest = tail;
            match part {
                Part::Year => year = number(head)?,
                Part::Month => month = number(head)?,
                Part::Day => day = number(head)?,
                Part::Literal(byte) if head == [*byte] => {}
                Part::Literal(_) => return None,
            }
        }
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }
}

impl Part {
    const fn width(self) -> usize {
        match self {
            Self::Year => 4,
            Self::Month | Self::Day => 2,
            Self::Literal(_) => 1,
        }
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

/// A file name with a date in it: literal text, `*` for any text, and `{date:FORMAT}` once. Case does not matter.
#[derive(Debug, Clone)]
pub(super) struct NamePattern {
    tokens: Vec<Token>,
    written: String,
}

#[derive(Debug, Clone)]
enum Token {
    Literal(String),
    Any,
    Date(DateFormat),
}

/// What a file name says about the extract's date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedDate {
    /// It does not fit the pattern.
    Absent,
    /// This date.
    Is(NaiveDate),
    /// Several dates could be meant.
    Ambiguous,
}

impl NamePattern {
    /// Compiles a pattern, or says what is wrong with it.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let (before, rest) = pattern
            .split_once("{date:")
            .ok_or_else(|| format!("file name pattern `{pattern}` has no {{date:…}}, for example {{date:%Y-%m-%d}}"))?;
        let (format, after) =
            rest.split_once('}').ok_or_else(|| format!("file name pattern `{pattern}` has no closing brace"))?;
        let mut tokens = Vec::new();
        literals(before, &mut tokens);
        tokens.push(Token::Date(DateFormat::compile(format)?));
        literals(after, &mut tokens);
        Ok(Self { tokens, written: pattern.to_owned() })
    }

    /// The date in the last part of a path.
    pub(super) fn date(&self, name: &str) -> NamedDate {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
        let mut dates = Vec::new();
        collect(&self.tokens, name.as_bytes(), name.as_bytes(), None, &mut dates);
        dates.sort_unstable();
        dates.dedup();
        match dates.as_slice() {
            [] => NamedDate::Absent,
            [date] => NamedDate::Is(*date),
            _ => NamedDate::Ambiguous,
        }
    }

    /// As written in the mapping.
    pub(super) fn written(&self) -> &str {
        &self.written
    }
}

fn literals(text: &str, tokens: &mut Vec<Token>) {
    for (index, literal) in text.split('*').enumerate() {
        if index > 0 {
            tokens.push(Token::Any);
        }
        if !literal.is_empty() {
            tokens.push(Token::Literal(literal.to_lowercase()));
        }
    }
}

/// Every date that a way of matching `rest` gives. Names are short and patterns have few stars, so all ways are tried.
fn collect(tokens: &[Token], whole: &[u8], rest: &[u8], found: Option<NaiveDate>, dates: &mut Vec<NaiveDate>) {
    let Some((token, tokens)) = tokens.split_first() else {
        if rest.is_empty() {
            dates.extend(found);
        }
        return;
    };
    match token {
        Token::Literal(literal) => {
            if let Some(rest) = rest.strip_prefix(literal.as_bytes()) {
                collect(tokens, whole, rest, found, dates);
            }
        }
        Token::Any => {
            // At the end of the pattern the rest needs no trying.
            if tokens.is_empty() {
                dates.extend(found);
                return;
            }
            for skipped in 0..=rest.len() {
                collect(tokens, whole, rest.get(skipped..).unwrap_or_default(), found, dates);
            }
        }
        Token::Date(format) => {
            let Some((date, after)) = rest.split_at_checked(format.width) else { return };
            let before = whole.get(..whole.len() - rest.len()).and_then(<[u8]>::last);
            let part_of_a_longer_number =
                before.is_some_and(u8::is_ascii_digit) || after.first().is_some_and(u8::is_ascii_digit);
            if part_of_a_longer_number {
                return;
            }
            if let Some(date) = format.parse(date) {
                collect(tokens, whole, after, Some(date), dates);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn dates_have_exactly_the_width_of_their_format() {
        let format = DateFormat::compile("%Y-%m-%d").unwrap();
        assert_eq!(format.parse(b"2026-03-31"), Some(day(2026, 3, 31)));
        for text in ["2026-3-31", "2026-03-31 ", "2026/03/31", "2026-02-30", "+026-03-31", "", "åååååå"] {
            assert_eq!(format.parse(text.as_bytes()), None, "{text}");
        }
        let format = DateFormat::compile("%d.%m.%Y 00:00").unwrap();
        assert_eq!(format.parse(b"31.03.2026 00:00"), Some(day(2026, 3, 31)));
    }

    #[test]
    fn formats_that_leave_a_part_out_are_refused() {
        for format in ["%Y-%m", "%y-%m-%d", "%Y%m%d%d", "", "%", "år %Y%m%d"] {
            assert!(DateFormat::compile(format).is_err(), "{format}");
        }
    }

    #[test]
    fn the_date_of_an_extract_is_read_from_its_name() {
        let pattern = NamePattern::compile("BER_*_{date:%Y%m%d}*").unwrap();
        for name in ["BER_HUSHALL_20260331.csv", "in/ber/ber_hushall_20260331 (2).CSV", "ber__20260331"] {
            assert_eq!(pattern.date(name), NamedDate::Is(day(2026, 3, 31)), "{name}");
        }
        for name in ["BER_HUSHALL_120260331.csv", "BER_HUSHALL_20260332.csv", "LOIS_X_20260331.csv", "", "-"] {
            assert_eq!(pattern.date(name), NamedDate::Absent, "{name}");
        }
        assert_eq!(pattern.date("BER_20260301_20260331.csv"), NamedDate::Is(day(2026, 3, 31)));
        assert_eq!(pattern.date("BER_X_20260301_20260331.csv"), NamedDate::Ambiguous);
    }
}

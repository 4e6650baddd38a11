//! What can be wrong with a document, in English and Swedish. No text quotes a value: values may be about persons.

use std::fmt::Write;

use arrow::error::ArrowError;

use crate::{Finding, ParseError, Position};

use super::columns::Wrong;

/// Where an element or event begins in the raw file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) byte: u64,
    pub(super) line: u64,
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Finding),
    Failed(ParseError),
}

impl From<ArrowError> for Stop {
    fn from(error: ArrowError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Failed(error)
    }
}

impl Place {
    /// The beginning of the file.
    pub(super) const START: Self = Self { byte: 0, line: 1 };

    pub(super) fn position(self, path: &str) -> Position {
        let path = (!path.is_empty()).then(|| path.to_owned());
        Position { line: Some(self.line), column: None, path, byte: self.byte }
    }

    /// A finding here.
    pub(super) fn finding(
        self,
        code: &'static str,
        path: &str,
        en: impl Into<String>,
        sv: impl Into<String>,
    ) -> Finding {
        Finding { code, position: self.position(path), message: en.into(), message_sv: sv.into() }
    }

    /// The whole file is refused for what is here.
    pub(super) fn refuse(self, code: &'static str, path: &str, en: impl Into<String>, sv: impl Into<String>) -> Stop {
        Stop::Refused(self.finding(code, path, en, sv))
    }

    /// The file is refused because it is no XML.
    pub(super) fn not_well_formed(self, path: &str, en: &str, sv: &str) -> Stop {
        self.refuse(
            "ubl.not_well_formed",
            path,
            format!("the XML is not well-formed: {en}"),
            format!("XML-dokumentet är inte välformat: {sv}"),
        )
    }

    /// A text is no value of its column.
    pub(super) fn wrong(self, path: &str, wrong: Wrong) -> Finding {
        match wrong {
            Wrong::Empty => self.finding("ubl.number_empty", path, "the number is empty", "talet är tomt"),
            Wrong::NotANumber => self.finding(
                "ubl.number",
                path,
                "the text is no decimal number (digits, a decimal point, a sign)",
                "texten är inte ett decimaltal (siffror, decimalpunkt, tecken)",
            ),
            Wrong::Decimals(allowed) => self.finding(
                "ubl.decimals",
                path,
                format!("the number has more than {allowed} decimals"),
                format!("talet har fler än {allowed} decimaler"),
            ),
            Wrong::Range => self.finding("ubl.range", path, "the number is too large", "talet är för stort"),
            Wrong::Date => self.finding(
                "ubl.date",
                path,
                "the text is no date of the form YYYY-MM-DD",
                "texten är inte ett datum på formen ÅÅÅÅ-MM-DD",
            ),
            Wrong::Flag => self.finding(
                "ubl.flag",
                path,
                "the text is neither true nor false",
                "texten är varken true eller false",
            ),
        }
    }

    /// A value that every invoice must have is not there.
    pub(super) fn missing(self, path: &str, en: &str, sv: &str) -> Finding {
        self.finding("ubl.missing", path, format!("there is no {en}"), format!("{sv} saknas"))
    }
}

/// Distinct paths with how often each was met; at most [`Paths::MOST`] are told apart.
#[derive(Debug, Default)]
pub(super) struct Paths {
    counted: Vec<(String, u64)>,
    others: u64,
    first: Option<Place>,
}

impl Paths {
    const MOST: usize = 40;

    pub(super) fn count(&mut self, path: &str, place: Place) {
        self.first.get_or_insert(place);
        // Neighbours in a document are often the same element.
        if let Some((_, times)) = self.counted.iter_mut().rev().find(|(counted, _)| counted == path) {
            *times += 1;
        } else if self.counted.len() < Self::MOST {
            self.counted.push((path.to_owned(), 1));
        } else {
            self.others += 1;
        }
    }

    /// A remark that lists the paths, unless there are none. `en` and `sv` say what they are.
    pub(super) fn remark(&self, code: &'static str, en: &str, sv: &str) -> Option<Finding> {
        let place = self.first?;
        let mut list = String::new();
        for (path, times) in &self.counted {
            let separator = if list.is_empty() { "" } else { ", " };
            let _ = write!(list, "{separator}{path} × {times}");
        }
        let (mut more_en, mut more_sv) = (String::new(), String::new());
        if self.others > 0 {
            more_en = format!(" and {} at further paths", self.others);
            more_sv = format!(" och {} på fler ställen", self.others);
        }
        let path = &self.counted.first()?.0;
        Some(place.finding(code, path, format!("{en}: {list}{more_en}"), format!("{sv}: {list}{more_sv}")))
    }
}

//! Where something is in a document, and how it is said. No text quotes a value: values may be about persons.

use std::fmt::Write;

use arrow::error::ArrowError;

use crate::{Finding, ParseError, Position};

/// Where an element or event begins in the raw file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) byte: u64,
    pub(crate) line: u64,
}

/// Why reading ended early.
#[derive(Debug)]
pub(crate) enum Stop {
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
    pub(crate) const START: Self = Self { byte: 0, line: 1 };

    pub(crate) fn position(self, path: &str) -> Position {
        let path = (!path.is_empty()).then(|| path.to_owned());
        Position { line: Some(self.line), column: None, path, byte: self.byte }
    }

    /// A finding here.
    pub(crate) fn finding(
        self,
        code: &'static str,
        path: &str,
        en: impl Into<String>,
        sv: impl Into<String>,
    ) -> Finding {
        Finding { code, position: self.position(path), message: en.into(), message_sv: sv.into() }
    }

    /// The whole file is refused for what is here.
    pub(crate) fn refuse(self, code: &'static str, path: &str, en: impl Into<String>, sv: impl Into<String>) -> Stop {
        Stop::Refused(self.finding(code, path, en, sv))
    }

    /// The file is refused because it is no XML.
    pub(crate) fn not_well_formed(self, path: &str, en: &str, sv: &str) -> Stop {
        self.refuse(
            "xml.not_well_formed",
            path,
            format!("the XML is not well-formed: {en}"),
            format!("XML-dokumentet är inte välformat: {sv}"),
        )
    }
}

/// Distinct paths with how often each was met; at most [`Paths::MOST`] are told apart.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    counted: Vec<(String, u64)>,
    others: u64,
    first: Option<Place>,
}

impl Paths {
    const MOST: usize = 40;

    pub(crate) fn count(&mut self, path: &str, place: Place) {
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
    pub(crate) fn remark(&self, code: &'static str, en: &str, sv: &str) -> Option<Finding> {
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

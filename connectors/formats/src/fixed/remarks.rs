//! What was tolerated or noticed, counted: one finding per kind with the place of the first.

use crate::{Finding, Position};

/// A kind of tolerance or observation.
#[derive(Debug)]
pub(crate) struct Remark {
    /// Stable code.
    pub code: &'static str,
    /// What was seen and how it was read, in English.
    pub english: &'static str,
    /// The same in Swedish.
    pub swedish: &'static str,
}

/// Declares remarks: name, code, English, Swedish.
macro_rules! remarks {
    ($($name:ident $code:literal $english:literal $swedish:literal)*) => {
        $(pub(super) static $name: $crate::fixed::Remark =
            $crate::fixed::Remark { code: $code, english: $english, swedish: $swedish };)*
    };
}
pub(crate) use remarks;

/// Bytes 0x80 to 0x9f are control characters in ISO 8859-1 and printable in Windows-1252.
pub(crate) static WINDOWS_1252: Remark = Remark {
    code: "fixed.windows_1252",
    english: "characters that ISO 8859-1 does not have, read as Windows-1252",
    swedish: "Tecken som inte finns i ISO 8859-1 lästes som Windows-1252",
};
pub(crate) static UTF_8: Remark = Remark {
    code: "fixed.utf8",
    english: "text in UTF-8 instead of ISO 8859-1; positions were counted in characters",
    swedish: "Texten är i UTF-8 i stället för ISO 8859-1; positionerna räknades i tecken",
};
pub(crate) static BYTE_ORDER_MARK: Remark = Remark {
    code: "fixed.byte_order_mark",
    english: "a byte order mark was skipped",
    swedish: "En byteordningsmarkering (BOM) hoppades över",
};
pub(crate) static LF: Remark = Remark {
    code: "fixed.line_break_lf",
    english: "lines end with LF instead of CR LF",
    swedish: "Rader slutar med LF i stället för CR LF",
};
pub(crate) static CR: Remark = Remark {
    code: "fixed.line_break_cr",
    english: "lines end with CR instead of CR LF",
    swedish: "Rader slutar med CR i stället för CR LF",
};
pub(crate) static SHORT_LINE: Remark = Remark {
    code: "fixed.short_line",
    english: "a short line was read as if it ended with blanks",
    swedish: "En kort rad lästes som om den slutade med blanktecken",
};
pub(crate) static LONG_LINE: Remark = Remark {
    code: "fixed.long_line",
    english: "blanks after the record were skipped",
    swedish: "Blanktecken efter posten hoppades över",
};
pub(crate) static TEXT_BEYOND: Remark = Remark {
    code: "fixed.text_beyond_record",
    english: "text after the record was skipped",
    swedish: "Text efter posten hoppades över",
};
pub(crate) static TAB: Remark = Remark {
    code: "fixed.tab",
    english: "a tab was read as blanks up to the next multiple of eight characters",
    swedish: "En tabb lästes som blanktecken fram till nästa jämna åttatal tecken",
};
pub(crate) static CTRL_Z: Remark = Remark {
    code: "fixed.ctrl_z",
    english: "an end-of-file character (Ctrl-Z) was skipped",
    swedish: "Ett filsluttecken (Ctrl-Z) hoppades över",
};
pub(crate) static CONTROL: Remark = Remark {
    code: "fixed.control_character",
    english: "a line holds control characters",
    swedish: "En rad innehåller styrtecken",
};
pub(crate) static BLANK_LINE: Remark =
    Remark { code: "fixed.blank_line", english: "a blank line was skipped", swedish: "En tom rad hoppades över" };

/// The remarks on one file.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    seen: Vec<(&'static Remark, Position, u64)>,
}

impl Remarks {
    /// Counts one more; `position` is asked for the first only.
    pub fn note(&mut self, remark: &'static Remark, position: impl FnOnce() -> Position) {
        match self.seen.iter_mut().find(|(seen, _, _)| std::ptr::eq(*seen, remark)) {
            Some((_, _, count)) => *count += 1,
            None => self.seen.push((remark, position(), 1)),
        }
    }

    /// One finding a kind, in the order in which they were first seen.
    pub fn into_findings(self) -> Vec<Finding> {
        let finding = |(remark, position, count): (&'static Remark, Position, u64)| Finding {
            code: remark.code,
            position,
            message: times(remark.english, count, "time", "times"),
            message_sv: times(remark.swedish, count, "gång", "gånger"),
        };
        self.seen.into_iter().map(finding).collect()
    }
}

fn times(text: &str, count: u64, one: &str, many: &str) -> String {
    format!("{text} ({count} {})", if count == 1 { one } else { many })
}

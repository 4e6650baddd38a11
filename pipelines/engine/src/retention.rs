//! How long raw files are kept: the parameters that say it, and the files that they speak of.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{Date32Type, Int32Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, Utc};
use commit::retention::Term;
use lake::Lake;

use crate::missing::collect_landed;
use crate::{EngineError, Library};

/// The parameter table.
const TABLE: &str = "ref_retention";

/// How long files of a format are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// From when, and how many years.
    pub term: Term,
    /// The law or the decision that says so.
    pub source: String,
}

/// A file whose rows have landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Its id.
    pub file_id: String,
    /// Its format.
    pub format: String,
    /// When it arrived; the last time when it arrived more than once.
    pub received_at: DateTime<Utc>,
}

impl Library {
    /// The rules that hold on a date, by format. A format that has none is kept for ever.
    ///
    /// # Errors
    /// When a row of the table cannot be understood or two rows hold for one format: nothing may be removed by a rule
    /// that is not clear.
    pub fn retention(&self, on: NaiveDate) -> Result<BTreeMap<String, Rule>, EngineError> {
        let mut rules = BTreeMap::new();
        let Some(rows) = self.parameters.get(TABLE) else { return Ok(rules) };
        let text = |name: &str, row: usize| {
            let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
            column.is_valid(row).then(|| column.value(row))
        };
        let date = |name: &str, row: usize| {
            let column = rows.column_by_name(name)?.as_primitive_opt::<Date32Type>()?;
            if column.is_valid(row) { Date32Type::to_naive_date_opt(column.value(row)) } else { None }
        };
        let years = |row: usize| {
            let column = rows.column_by_name("years")?.as_primitive_opt::<Int32Type>()?;
            column.is_valid(row).then(|| u32::try_from(column.value(row)).ok())?
        };
        for row in 0..rows.num_rows() {
            let (from, to) = (date("valid_from", row), date("valid_to", row));
            if from.is_some_and(|from| on < from) || to.is_some_and(|to| to < on) {
                continue;
            }
            let fail = |reason: &str| EngineError::Result {
                job: TABLE.to_owned(),
                reason: format!("row {}: {reason}", row + 1),
            };
            let term = match (text("term", row), years(row)) {
                (Some("from_day"), Some(years)) => Term::FromDay(years),
                (Some("from_year_end"), Some(years)) => Term::FromYearEnd(years),
                _ => return Err(fail("it needs a number of years and the term from_day or from_year_end")),
            };
            let (Some(format), Some(source)) = (text("format", row), text("source", row)) else {
                return Err(fail("it needs a format and a source"));
            };
            let rule = Rule { term, source: source.to_owned() };
            if rules.insert(format.to_owned(), rule).is_some() {
                return Err(fail(&format!("a second rule holds for {format} on {on}")));
            }
        }
        Ok(rules)
    }
}

/// The files whose rows have landed, in order of their ids. Of any other, the archive may be all there is.
///
/// # Errors
/// When the landing tables cannot be read.
pub async fn landed(lake: &Lake) -> Result<Vec<Landed>, EngineError> {
    let sql = "select file_id, format, max(received_at) from file group by file_id, format order by file_id, format";
    let mut files = Vec::new();
    for batch in collect_landed(lake, sql).await? {
        let (ids, formats) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let times = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let received_at = DateTime::from_timestamp_micros(times.value(row)).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let (file_id, format) = (ids.value(row).to_owned(), formats.value(row).to_owned());
            files.push(Landed { file_id, format, received_at });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::parameters;

    const HEADER: &str = "format:string,term:string,years:int,valid_from:date,valid_to:date,source:string,entered_by:string,approved_by:string,recorded_at:date\n";

    fn rules(rows: &str, on: (i32, u32, u32)) -> Result<BTreeMap<String, Rule>, EngineError> {
        let mut library = Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql")).unwrap();
        let table = parameters::parse(Path::new("ref_retention.csv"), &format!("{HEADER}{rows}")).unwrap();
        library.parameters.insert(TABLE.to_owned(), table);
        library.retention(NaiveDate::from_ymd_opt(on.0, on.1, on.2).unwrap())
    }

    #[test]
    fn the_rule_of_the_date_holds() {
        let rows =
            "a,from_day,2,2023-01-01,2025-12-31,law,i,n,2026-01-01\na,from_year_end,7,2026-01-01,,law,i,n,2026-01-01\n";
        assert_eq!(rules(rows, (2025, 12, 31)).unwrap()["a"].term, Term::FromDay(2));
        assert_eq!(rules(rows, (2026, 1, 1)).unwrap()["a"].term, Term::FromYearEnd(7));
        assert!(rules(rows, (2022, 1, 1)).unwrap().is_empty());
    }

    #[test]
    fn a_rule_that_is_not_clear_removes_nothing() {
        let error = |rows: &str| rules(rows, (2026, 1, 1)).unwrap_err().to_string();
        assert!(error("a,from_day,,2023-01-01,,law,i,n,2026-01-01\n").contains("row 1: it needs a number of years"));
        assert!(error("a,from_month,2,2023-01-01,,law,i,n,2026-01-01\n").contains("from_year_end"));
        let twice = "a,from_day,2,2023-01-01,,law,i,n,2026-01-01\na,from_day,7,2023-01-01,,law,i,n,2026-01-01\n";
        assert!(error(twice).contains("row 2: a second rule holds for a"), "{}", error(twice));
    }
}

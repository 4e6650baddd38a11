//! Registers as delimited text: reads rows front to back, one at a time.

use std::collections::HashSet;
use std::io::Read;

use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::batch::BatchBuilder;
use super::cells::{Problem, Value, check_problem};
use super::control::{Control, Declared, Remarks};
use super::declaration::Encoding;
use super::frame::{ByteOrderMark, FrameError, Row, Rows};
use super::header::{self, Plan};
use super::mapping::{Dialect, From, Mapping, Trailer};
use super::text::{decode, folded};
use crate::{FileInfo, Finding, MAX_RAW, ParseError, Position, Reject, Sink, Summary, Verdict};

/// Reads a file.
pub(super) fn parse(
    mapping: &Mapping,
    dialect: &Dialect,
    info: FileInfo<'_>,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Summary, ParseError> {
    let mut reading = Reading {
        mapping,
        dialect,
        encoding: dialect.encoding,
        sink,
        batch: BatchBuilder::new(mapping.contract.body_schema())?,
        control: Control::new(mapping),
        remarks: Remarks::default(),
        keys: HashSet::new(),
        key_columns: key_columns(mapping),
        extracted_on: None,
        date_in_name: None,
        declared: None,
    };
    let mut rows = Rows::new(input, dialect.delimiter, dialect.quote, dialect.comment);
    let refused = match reading.file(&mut rows, info) {
        Ok(()) => None,
        Err(Stop::Refused(finding)) => Some(finding),
        Err(Stop::Failed(error)) => return Err(error),
    };
    Ok(reading.summary(refused))
}

/// Why reading ends early.
enum Stop {
    /// Nothing in the file counts.
    Refused(Finding),
    /// The input, the sink or the contract failed.
    Failed(ParseError),
}

impl<E: Into<ParseError>> std::convert::From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

struct Reading<'m, 's> {
    mapping: &'m Mapping,
    dialect: &'m Dialect,
    encoding: Encoding,
    sink: &'s mut dyn Sink,
    batch: BatchBuilder,
    control: Control<'m>,
    remarks: Remarks,
    /// 128 bits of each accepted row's key: a pair of keys that collide by chance is not to be expected, and by
    /// intent not to be found. Memory is about 35 MB for a million rows.
    keys: HashSet<u128>,
    key_columns: Vec<usize>,
    extracted_on: Option<NaiveDate>,
    date_in_name: Option<NaiveDate>,
    declared: Option<Declared>,
}

impl<'m> Reading<'m, '_> {
    fn file(&mut self, rows: &mut Rows<'_>, info: FileInfo<'_>) -> Result<(), Stop> {
        self.beginning(rows)?;
        let plan = self.plan(rows, info)?;
        while let Some(row) = framed(rows.next_row())? {
            if row.fields().all(is_blank) {
                let swedish = "en rad är tom";
                self.remarks.note(&Problem::new("register.blank_row", "a row is empty", swedish), place(&row));
                continue;
            }
            if self.declared.is_some() {
                let problem = Problem::new("register.after_trailer", "there are rows after the trailer line", {
                    "det finns rader efter summaraden"
                });
                return Err(refused(&problem, place(&row)));
            }
            if let Some(trailer) = self.trailer_of(&row) {
                self.declared = Some(self.declared(trailer, &row)?);
                continue;
            }
            self.row(&plan, &row)?;
            if self.batch.is_full() {
                self.deliver()?;
            }
        }
        self.deliver()?;
        self.ending(rows)
    }

    /// The byte order mark and the lines before the header.
    fn beginning(&mut self, rows: &mut Rows<'_>) -> Result<(), Stop> {
        match framed(rows.byte_order_mark())? {
            ByteOrderMark::Absent => {}
            ByteOrderMark::Utf8 => {
                self.encoding = Encoding::Utf8;
                let english = "the file begins with a byte order mark and is read as UTF-8";
                let swedish = "filen börjar med en byteordningsmarkör och läses som UTF-8";
                self.remarks.note(&Problem::new("register.byte_order_mark", english, swedish), Position::default());
            }
            ByteOrderMark::Utf16 => {
                let problem = Problem::new("register.utf16", "the file is UTF-16", "filen är kodad i UTF-16");
                return Err(refused(&problem, Position::default()));
            }
        }
        framed(rows.skip_lines(self.dialect.preamble))
    }

    /// The header, and with it where each column stands and of which day the extract is.
    fn plan(&mut self, rows: &mut Rows<'_>, info: FileInfo<'_>) -> Result<Plan, Stop> {
        let header = if self.dialect.headerless.is_some() { None } else { Some(framed(rows.next_row())?) };
        let header = match header {
            Some(None) => {
                let problem = Problem::new("register.empty", "the file is empty: it has no header", {
                    "filen är tom: rubrikraden saknas"
                });
                return Err(refused(&problem, Position::default()));
            }
            Some(row) => row,
            None => None,
        };
        let position = header.as_ref().map(place).unwrap_or_default();
        let plan = header::plan(self.mapping, self.dialect, self.encoding, header.as_ref())
            .map_err(|problem| refused(&problem, position.clone()))?;
        if !plan.unused.is_empty() {
            let list = plan.unused.join(", ");
            let english = format!("columns that are not read: {list}");
            let swedish = format!("kolumner som inte läses: {list}");
            self.remarks.note(&Problem::new("register.unused_columns", english, swedish), position.clone());
        }
        if let Some(extracted_on) = &self.mapping.extracted_on {
            self.date_in_name =
                header::date_in_name(extracted_on, info).map_err(|problem| refused(&problem, Position::default()))?;
            let from_column = self.mapping.columns.iter().zip(&plan.sources);
            let has_column = from_column
                .clone()
                .any(|(column, source)| matches!(column.from, From::ExtractedOn) && source.is_some());
            if !has_column {
                self.extracted_on = self.date_in_name;
                if self.extracted_on.is_none() {
                    return Err(refused(&header::no_date(extracted_on), position));
                }
            }
        }
        Ok(plan)
    }

    /// One row: accepted or rejected.
    fn row(&mut self, plan: &Plan, row: &Row<'_>) -> Result<(), Stop> {
        if row.len() != plan.fields {
            let (has, wanted) = (row.len(), plan.fields);
            if row.last && row.raw.iter().filter(|byte| **byte == self.dialect.quote).count() % 2 == 1 {
                let english = "a quote is not closed before the end of the file";
                let swedish = "ett citattecken stängs inte före filens slut";
                return Err(refused(&Problem::new("register.open_quote", english, swedish), place(row)));
            }
            let english = format!("the row has {has} fields, the header {wanted}");
            let swedish = format!("raden har {has} fält, rubrikraden {wanted}");
            return self.reject(row, &[], finding(&Problem::new("register.fields", english, swedish), place(row)));
        }
        let mapping = self.mapping;
        let mut values = Vec::with_capacity(mapping.columns.len());
        let mut wrong = None;
        for (index, (column, source)) in mapping.columns.iter().zip(&plan.sources).enumerate() {
            let converted = match (&column.from, source) {
                (From::ExtractedOn, None) => {
                    Ok(self.extracted_on.map_or(Value::Null, |date| Value::Date(Date32Type::from_naive_date(date))))
                }
                (From::Constant(value), _) => Ok(value.clone()),
                (_, None) => Ok(column.rule.default.clone().unwrap_or(Value::Null)),
                (_, Some(field)) => self.cell(index, row, *field),
            };
            let value = converted.unwrap_or_else(|problem| {
                wrong.get_or_insert((index, problem));
                Value::Null
            });
            if matches!(column.from, From::ExtractedOn) {
                self.same_extract(&value, row)?;
            }
            values.push(value);
        }
        if let Some((index, problem)) = wrong {
            let finding = self.column_finding(&problem, index, plan, row);
            return self.reject(row, &values, finding);
        }
        if !self.keys.insert(key(&self.key_columns, &values)) {
            let columns = self.key_columns.iter().filter_map(|index| mapping.columns.get(*index));
            let names = columns.map(super::mapping::Column::header).collect::<Vec<_>>().join(", ");
            let english = format!("an earlier row of the file has the same {names}");
            let swedish = format!("en tidigare rad i filen har samma {names}");
            let position = Position { path: Some(names), ..place(row) };
            return self.reject(row, &values, finding(&Problem::new("register.duplicate", english, swedish), position));
        }
        self.control.accept(&values);
        Ok(self.batch.push(self.control.read, row.start, row.end, &values)?)
    }

    /// The value of one field.
    fn cell<'a>(&mut self, column: usize, row: &Row<'a>, field: usize) -> Result<Value<'a>, Problem>
    where
        'm: 'a,
    {
        let mapping: &'a Mapping = self.mapping;
        let Some(column) = mapping.columns.get(column) else { return Ok(Value::Null) };
        let decoded = decode(row.field(field).unwrap_or_default(), self.encoding).ok_or_else(|| {
            Problem::new("register.undecodable", "bytes that are no text in the file's encoding", {
                "tecken som inte går att läsa i filens kodning"
            })
        })?;
        if decoded.deviates {
            let english = "text in another encoding than the register's";
            let swedish = "text i en annan kodning än registrets";
            let position = self.cell_place(column.header(), field, row);
            self.remarks.note(&Problem::new("register.encoding", english, swedish), position);
        }
        let converted = column.rule.convert(decoded.text, self.extracted_on)?;
        if let Some(check) = converted.remark {
            let position = self.cell_place(column.header(), field, row);
            self.remarks.note(&check_problem(check), position);
        }
        Ok(converted.value)
    }

    /// All rows of an extract have one date.
    fn same_extract(&mut self, value: &Value<'_>, row: &Row<'_>) -> Result<(), Stop> {
        let Value::Date(days) = value else { return Ok(()) };
        let date = Date32Type::to_naive_date_opt(*days);
        match self.extracted_on {
            None => {
                self.extracted_on = date;
                if self.date_in_name.is_some() && self.date_in_name != date {
                    let english = "the file name has another date than the column of the extract's date, which counts";
                    let swedish = "filnamnet har ett annat datum än kolumnen med uttagets datum, som gäller";
                    self.remarks.note(&Problem::new("register.date_in_name", english, swedish), place(row));
                }
                Ok(())
            }
            known if known == date => Ok(()),
            _ => {
                let english = "the rows have different dates of the extract";
                let swedish = "raderna har olika datum för uttaget";
                Err(refused(&Problem::new("register.extracted_on", english, swedish), place(row)))
            }
        }
    }

    fn reject(&mut self, row: &Row<'_>, values: &[Value<'_>], finding: Finding) -> Result<(), Stop> {
        let (amount, currency) = self.control.reject(values);
        let raw = row.raw.get(..MAX_RAW).unwrap_or(row.raw).to_vec();
        let reject =
            Reject { ordinal: self.control.read, start: row.start, end: row.end, finding, amount, currency, raw };
        self.sink.reject(self.mapping.contract, reject).map_err(|error| Stop::Failed(ParseError::Sink(error)))
    }

    fn deliver(&mut self) -> Result<(), Stop> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let rows = self.batch.finish()?;
        self.sink.rows(self.mapping.contract, rows).map_err(|error| Stop::Failed(ParseError::Sink(error)))
    }

    /// The trailer that the mapping declares, when this row is it.
    fn trailer_of(&self, row: &Row<'_>) -> Option<&'m Trailer> {
        let trailer = self.mapping.trailer.as_ref()?;
        let first = row.field(0)?;
        // Longer than the marker in any encoding and with any blanks: an ordinary row.
        if first.len() > trailer.marker.len() + 16 {
            return None;
        }
        (folded(&decode(first, self.encoding)?.text) == trailer.marker).then_some(trailer)
    }

    /// What the trailer says.
    fn declared(&self, trailer: &Trailer, row: &Row<'_>) -> Result<Declared, Stop> {
        let number = |field: usize, scale: u32, implied: Option<u32>| {
            let text = row.field(field).and_then(|field| decode(field, self.encoding));
            let number = text.and_then(|text| self.dialect.numbers.parse(text.text.trim(), 36, scale, implied).ok());
            number.ok_or_else(|| {
                let english = format!("field {} of the trailer line is no number", field + 1);
                let swedish = format!("fält {} på summaraden är inget tal", field + 1);
                refused(&Problem::new("register.trailer", english, swedish), place(row))
            })
        };
        let records = trailer.count.map(|field| number(field, 0, None)).transpose()?;
        let mut sums = Vec::new();
        for sum in &trailer.sums {
            let rule = self.mapping.columns.get(sum.column).map(|column| &column.rule);
            let declared = number(sum.field, 2, rule.and_then(|rule| rule.implied_decimals))?;
            sums.push(if rule.is_some_and(|rule| rule.negate) { -declared } else { declared });
        }
        // A negative count is no count of these rows: it is compared as one that never fits.
        let records = records.map(|records| u64::try_from(records).unwrap_or(u64::MAX));
        Ok(Declared { records, sums, position: place(row) })
    }

    /// What is known when the last row has been read.
    fn ending(&mut self, rows: &Rows<'_>) -> Result<(), Stop> {
        let end = Position { byte: rows.byte(), ..Position::default() };
        if rows.blank_lines > 0 {
            let lines = rows.blank_lines;
            let problem = Problem::new("register.blank_lines", format!("blank lines: {lines}"), {
                format!("tomma rader: {lines}")
            });
            self.remarks.note(&problem, end.clone());
        }
        if rows.unterminated {
            let english = "the last line has no line end";
            let swedish = "sista raden saknar radslut";
            self.remarks.note(&Problem::new("register.no_final_line_end", english, swedish), end.clone());
        }
        match (&self.mapping.trailer, &self.declared) {
            (Some(trailer), Some(declared)) => {
                self.control.check(trailer, declared, &mut self.remarks).map_err(Stop::Refused)?;
            }
            (Some(trailer), None) if trailer.required => {
                let english = "the trailer line is missing: the file may be cut off";
                let swedish = "summaraden saknas: filen kan vara avklippt";
                return Err(refused(&Problem::new("register.no_trailer", english, swedish), end));
            }
            _ => {}
        }
        if self.control.read == 0 {
            let problem = Problem::new("register.no_rows", "the file has no rows", "filen har inga rader");
            // As the latest state of a register it would empty it.
            if self.mapping.contract().snapshot {
                return Err(refused(&problem, end));
            }
            self.remarks.note(&problem, end);
        } else if self.control.read == self.control.rejected && self.mapping.contract().snapshot {
            let english = "every row is rejected: as the latest state of the register the file would empty it";
            let swedish = "varje rad är avvisad: som registrets senaste läge skulle filen tömma det";
            return Err(refused(&Problem::new("register.no_good_rows", english, swedish), end));
        }
        self.extracted_on = self.extracted_on.or(self.date_in_name);
        Ok(())
    }

    fn summary(self, refused: Option<Finding>) -> Summary {
        Summary {
            verdict: refused.map_or(Verdict::Accepted, Verdict::Refused),
            test: false,
            declared_records: self.declared.as_ref().and_then(|declared| declared.records),
            read_records: self.control.read,
            rejected_records: self.control.rejected,
            totals: self.control.totals(self.declared.as_ref()),
            remarks: self.remarks.finish(),
            extracted_on: self.extracted_on,
        }
    }

    /// A problem of a cell, with the column's name and the cell's place.
    fn column_finding(&self, problem: &Problem, column: usize, plan: &Plan, row: &Row<'_>) -> Finding {
        let name = self.mapping.columns.get(column).map(|column| column.header()).unwrap_or_default();
        let field = plan.sources.get(column).copied().flatten().unwrap_or_default();
        Finding {
            code: problem.code,
            position: self.cell_place(name, field, row),
            message: format!("column {name}: {}", problem.english),
            message_sv: format!("kolumnen {name}: {}", problem.swedish),
        }
    }

    fn cell_place(&self, name: &str, field: usize, row: &Row<'_>) -> Position {
        let before = row.before(field, self.dialect.delimiter, self.dialect.quote);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
        let on_line = before.get(line_start..).unwrap_or_default();
        let characters = std::str::from_utf8(on_line).map_or(on_line.len(), |text| text.chars().count());
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        Position {
            line: Some(row.line + as_u64(lines)),
            column: u32::try_from(characters + 1).ok(),
            path: Some(name.to_owned()),
            byte: row.start + as_u64(before.len()),
        }
    }
}

/// Separates the end of the input from a row that cannot be framed.
fn framed<T>(result: Result<T, FrameError>) -> Result<T, Stop> {
    result.map_err(|error| match error {
        FrameError::Read(error) => Stop::Failed(ParseError::Read(error)),
        FrameError::TooLong { start, line } => {
            let english = "a row is longer than 1 MiB or has more than 4 096 fields: is a quote not closed?";
            let swedish = "en rad är längre än 1 MiB eller har fler än 4 096 fält: saknas ett citattecken?";
            let position = Position { line: Some(line), byte: start, ..Position::default() };
            refused(&Problem::new("register.row_too_long", english, swedish), position)
        }
    })
}

fn refused(problem: &Problem, position: Position) -> Stop {
    Stop::Refused(finding(problem, position))
}

fn finding(problem: &Problem, position: Position) -> Finding {
    Finding { code: problem.code, position, message: problem.english.clone(), message_sv: problem.swedish.clone() }
}

fn place(row: &Row<'_>) -> Position {
    Position { line: Some(row.line), byte: row.start, ..Position::default() }
}

/// Nothing but blanks, or the end-of-file character of old systems.
fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0x1a)
}

/// Value columns that identify a row; the extract's date is the same in all rows and left out.
fn key_columns(mapping: &Mapping) -> Vec<usize> {
    let place = |name: &String| mapping.columns.iter().position(|column| column.name == *name);
    let columns = mapping.contract.key.iter().filter_map(place);
    columns.filter(|index| !mapping.columns.get(*index).is_some_and(|c| matches!(c.from, From::ExtractedOn))).collect()
}

fn key(columns: &[usize], values: &[Value<'_>]) -> u128 {
    let mut hash = Sha256::new();
    for value in columns.iter().filter_map(|index| values.get(*index)) {
        hash.update([u8::from(*value != Value::Null)]);
        match value {
            Value::Null => {}
            Value::Text(text) => {
                hash.update(as_u64(text.len()).to_le_bytes());
                hash.update(text.as_bytes());
            }
            Value::Integer(number) => hash.update(number.to_le_bytes()),
            Value::Boolean(truth) => hash.update([u8::from(*truth)]),
            Value::Date(days) => hash.update(days.to_le_bytes()),
            Value::Time(millis) => hash.update(millis.to_le_bytes()),
            Value::Decimal(number) => hash.update(number.to_le_bytes()),
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    let (half, _) = digest.split_at(16);
    half.iter().fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

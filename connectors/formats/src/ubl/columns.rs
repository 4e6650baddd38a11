//! Arrow columns of one contract, filled in the order of the document.
//!
//! A *group* is the columns of a record: the document itself, a party, a line. An element puts its value into the
//! *cell* of its column; when the group's element ends, [`Columns::close`] moves the cells into the builders, null
//! where nothing was put. Texts of open cells lie in one buffer per group, so a value costs no allocation.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, ListArray, RecordBatch,
    StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Date32Type, FieldRef, Fields, SchemaRef};
use arrow::error::ArrowError;
use chrono::NaiveDate;
use schemas::money;

/// Index of a group in [`Columns`]; the document itself is [`DOCUMENT`].
pub(super) type GroupId = usize;
/// The group of the contract's own columns.
pub(super) const DOCUMENT: GroupId = 0;

/// Values held at most, with [`ITEM_WEIGHT`] for every list item: 256 MiB.
const MAX_HELD: usize = 256 * 1024 * 1024;
const ITEM_WEIGHT: usize = 256;

/// A column of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) group: GroupId,
    pub(super) column: usize,
}

/// What happened to a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    Stored,
    /// The cell already has the same value.
    Same,
    /// The cell already has another value, which stays.
    Differs,
    Wrong(Wrong),
    /// The document is too large to be held.
    Full,
}

/// Why a text is no value of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Empty,
    NotANumber,
    Decimals(u32),
    Range,
    Date,
    Flag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cell {
    Empty,
    Text(Range<usize>),
    Number(i128),
    Date(i32),
    Flag(bool),
    Long(i64),
}

enum Builder {
    Text(StringBuilder),
    Number { values: Decimal128Builder, precision: u8, scale: u32 },
    Date(Date32Builder),
    Flag(BooleanBuilder),
    Long(Int64Builder),
    Texts { values: StringBuilder, offsets: Vec<i32> },
    Items { group: GroupId, offsets: Vec<i32> },
    One { group: GroupId },
}

struct Column {
    cell: Cell,
    builder: Builder,
}

struct Group {
    fields: Fields,
    columns: Vec<Column>,
    /// Texts of the open cells.
    text: String,
    /// Something of the group was seen since it was last closed.
    open: bool,
    /// For each closed item, whether it was there.
    closed: Vec<bool>,
}

pub(super) struct Columns {
    schema: SchemaRef,
    groups: Vec<Group>,
    held: usize,
}

impl Columns {
    /// Empty columns of `schema`.
    pub(super) fn new(schema: SchemaRef) -> Result<Self, ArrowError> {
        let mut columns = Self { groups: Vec::new(), held: 0, schema: Arc::clone(&schema) };
        columns.add_group(schema.fields())?;
        Ok(columns)
    }

    fn add_group(&mut self, fields: &Fields) -> Result<GroupId, ArrowError> {
        let id = self.groups.len();
        let group =
            Group { fields: fields.clone(), columns: Vec::new(), text: String::new(), open: false, closed: Vec::new() };
        self.groups.push(group);
        for field in fields {
            let builder = self.builder(field)?;
            self.groups[id].columns.push(Column { cell: Cell::Empty, builder });
        }
        Ok(id)
    }

    fn builder(&mut self, field: &FieldRef) -> Result<Builder, ArrowError> {
        Ok(match field.data_type() {
            DataType::Utf8 => Builder::Text(StringBuilder::with_capacity(0, 0)),
            DataType::Date32 => Builder::Date(Date32Builder::with_capacity(0)),
            DataType::Boolean => Builder::Flag(BooleanBuilder::with_capacity(0)),
            DataType::Int64 => Builder::Long(Int64Builder::with_capacity(0)),
            DataType::Decimal128(precision, scale) => Builder::Number {
                values: Decimal128Builder::with_capacity(0).with_data_type(field.data_type().clone()),
                precision: *precision,
                scale: u32::try_from(*scale).unwrap_or_default(),
            },
            DataType::List(item) => match item.data_type() {
                DataType::Utf8 => Builder::Texts { values: StringBuilder::with_capacity(0, 0), offsets: vec![0] },
                DataType::Struct(fields) => Builder::Items { group: self.add_group(fields)?, offsets: vec![0] },
                other => return Err(ArrowError::NotYetImplemented(format!("list of {other}"))),
            },
            DataType::Struct(fields) => Builder::One { group: self.add_group(fields)? },
            other => return Err(ArrowError::NotYetImplemented(format!("column of {other}"))),
        })
    }

    /// The column called `name` of a group.
    pub(super) fn target(&self, group: GroupId, name: &str) -> Option<Target> {
        self.groups[group].fields.find(name).map(|(column, _)| Target { group, column })
    }

    /// The group that a list or record column holds.
    pub(super) fn group_in(&self, target: Target) -> Option<GroupId> {
        match self.groups[target.group].columns[target.column].builder {
            Builder::Items { group, .. } | Builder::One { group } => Some(group),
            _ => None,
        }
    }

    /// Notes that a group's element began.
    pub(super) fn open(&mut self, group: GroupId) {
        self.groups[group].open = true;
    }

    /// Reads `text` as the column's type and puts it into the cell. A list of texts takes any number of values.
    pub(super) fn put(&mut self, target: Target, text: &str) -> Put {
        if self.held > MAX_HELD {
            return Put::Full;
        }
        let group = &mut self.groups[target.group];
        let Some(Column { cell, builder }) = group.columns.get_mut(target.column) else { return Put::Full };
        self.held += text.len();
        let new = match builder {
            Builder::Texts { values, .. } => {
                values.append_value(text);
                self.held += ITEM_WEIGHT;
                return Put::Stored;
            }
            Builder::Text(_) => {
                if let Cell::Text(range) = cell {
                    return if group.text.get(range.clone()) == Some(text) { Put::Same } else { Put::Differs };
                }
                let start = group.text.len();
                group.text.push_str(text);
                Ok(Cell::Text(start..group.text.len()))
            }
            Builder::Number { precision, scale, .. } => number(text, *precision, *scale).map(Cell::Number),
            Builder::Date(_) => date(text).map(Cell::Date),
            Builder::Flag(_) => flag(text).map(Cell::Flag),
            Builder::Long(_) => text.parse().map(Cell::Long).map_err(|_| Wrong::NotANumber),
            Builder::Items { .. } | Builder::One { .. } => return Put::Full,
        };
        match new {
            Err(wrong) => Put::Wrong(wrong),
            Ok(new) if *cell == Cell::Empty => {
                *cell = new;
                Put::Stored
            }
            Ok(new) if *cell == new => Put::Same,
            Ok(_) => Put::Differs,
        }
    }

    /// Puts a whole number.
    pub(super) fn put_long(&mut self, target: Target, value: i64) {
        self.groups[target.group].columns[target.column].cell = Cell::Long(value);
    }

    /// Puts a number in the column's own unit.
    pub(super) fn put_number(&mut self, target: Target, value: i128) {
        self.groups[target.group].columns[target.column].cell = Cell::Number(value);
    }

    /// Copies a date cell into another that is empty.
    pub(super) fn put_date(&mut self, target: Target, days: i32) {
        let cell = &mut self.groups[target.group].columns[target.column].cell;
        if *cell == Cell::Empty {
            *cell = Cell::Date(days);
        }
    }

    /// Replaces a text.
    pub(super) fn replace_text(&mut self, target: Target, text: &str) {
        self.clear(target);
        self.put(target, text);
    }

    /// Empties a cell.
    pub(super) fn clear(&mut self, target: Target) {
        self.groups[target.group].columns[target.column].cell = Cell::Empty;
    }

    /// True when nothing was put into a cell.
    pub(super) fn is_empty(&self, target: Target) -> bool {
        self.groups[target.group].columns[target.column].cell == Cell::Empty
    }

    /// True for a column of texts.
    pub(super) fn is_text(&self, target: Target) -> bool {
        matches!(self.groups[target.group].columns[target.column].builder, Builder::Text(_) | Builder::Texts { .. })
    }

    /// The text of an open cell.
    pub(super) fn text(&self, target: Target) -> Option<&str> {
        let group = &self.groups[target.group];
        match &group.columns[target.column].cell {
            Cell::Text(range) => group.text.get(range.clone()),
            _ => None,
        }
    }

    /// The number of an open cell, in the column's own unit.
    pub(super) fn number(&self, target: Target) -> Option<i128> {
        match self.groups[target.group].columns[target.column].cell {
            Cell::Number(value) => Some(value),
            _ => None,
        }
    }

    /// The date of an open cell, in days since 1970.
    pub(super) fn date(&self, target: Target) -> Option<i32> {
        match self.groups[target.group].columns[target.column].cell {
            Cell::Date(days) => Some(days),
            _ => None,
        }
    }

    /// True when two different values of a column cannot both be right: numbers, dates, what every row must have.
    pub(super) fn decides(&self, target: Target) -> bool {
        let field = &self.groups[target.group].fields[target.column];
        !field.is_nullable() || matches!(field.data_type(), DataType::Decimal128(..) | DataType::Date32)
    }

    /// Names of an open item's columns that must have a value and have none.
    pub(super) fn missing(&self, group: GroupId) -> Vec<String> {
        let Group { fields, columns, .. } = &self.groups[group];
        let scalar = |column: &Column| {
            !matches!(column.builder, Builder::Texts { .. } | Builder::Items { .. } | Builder::One { .. })
        };
        let empty = |column: &Column| scalar(column) && column.cell == Cell::Empty;
        let required = fields.iter().zip(columns).filter(|(field, column)| !field.is_nullable() && empty(column));
        required.map(|(field, _)| field.name().clone()).collect()
    }

    /// True when any column of a group that was never closed has a value.
    pub(super) fn says_something(&self, group: GroupId) -> bool {
        self.groups[group].columns.iter().any(|column| match &column.builder {
            Builder::Texts { values, .. } => values.len() > 0,
            _ => column.cell != Cell::Empty,
        })
    }

    /// Forgets the cells of an open group: the item does not count.
    pub(super) fn discard(&mut self, group: GroupId) {
        let group = &mut self.groups[group];
        group.columns.iter_mut().for_each(|column| column.cell = Cell::Empty);
        group.text.clear();
        group.open = false;
    }

    /// Moves the cells of a group into its builders: one more item. Records inside it are closed first.
    pub(super) fn close(&mut self, group: GroupId) {
        self.held += ITEM_WEIGHT;
        for column in 0..self.groups[group].columns.len() {
            let inner = match self.groups[group].columns[column].builder {
                Builder::One { group: inner } => {
                    self.close(inner);
                    0
                }
                Builder::Items { group: inner, .. } => self.groups[inner].closed.len(),
                _ => 0,
            };
            let Group { columns, text, .. } = &mut self.groups[group];
            columns[column].append(text, i32::try_from(inner).unwrap_or(i32::MAX));
        }
        let closed = &mut self.groups[group];
        closed.text.clear();
        closed.closed.push(closed.open);
        closed.open = false;
    }

    /// The closed items as a batch of the schema.
    pub(super) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.arrays(DOCUMENT)?;
        RecordBatch::try_new(self.schema, columns)
    }

    fn arrays(&mut self, group: GroupId) -> Result<Vec<ArrayRef>, ArrowError> {
        let fields = self.groups[group].fields.clone();
        let columns = std::mem::take(&mut self.groups[group].columns);
        fields.iter().zip(columns).map(|(field, column)| self.array(field, column.builder)).collect()
    }

    fn array(&mut self, field: &FieldRef, builder: Builder) -> Result<ArrayRef, ArrowError> {
        let offsets = |offsets: Vec<i32>| OffsetBuffer::new(ScalarBuffer::from(offsets));
        Ok(match (builder, field.data_type()) {
            (Builder::Text(mut values), _) => Arc::new(values.finish()),
            (Builder::Number { mut values, .. }, _) => Arc::new(values.finish()),
            (Builder::Date(mut values), _) => Arc::new(values.finish()),
            (Builder::Flag(mut values), _) => Arc::new(values.finish()),
            (Builder::Long(mut values), _) => Arc::new(values.finish()),
            (Builder::Texts { mut values, offsets: ends }, DataType::List(item)) => {
                Arc::new(ListArray::try_new(Arc::clone(item), offsets(ends), Arc::new(values.finish()), None)?)
            }
            (Builder::Items { group, offsets: ends }, DataType::List(item)) => {
                let items = self.structs(group, false)?;
                Arc::new(ListArray::try_new(Arc::clone(item), offsets(ends), Arc::new(items), None)?)
            }
            (Builder::One { group }, _) => Arc::new(self.structs(group, field.is_nullable())?),
            (_, other) => return Err(ArrowError::SchemaError(format!("a builder does not make {other}"))),
        })
    }

    fn structs(&mut self, group: GroupId, nullable: bool) -> Result<StructArray, ArrowError> {
        let fields = self.groups[group].fields.clone();
        let columns = self.arrays(group)?;
        let closed = std::mem::take(&mut self.groups[group].closed);
        let length = closed.len();
        let nulls = nullable.then(|| NullBuffer::from(closed));
        StructArray::try_new_with_length(fields, columns, nulls, length)
    }
}

impl Column {
    fn append(&mut self, text: &str, inner: i32) {
        let cell = std::mem::replace(&mut self.cell, Cell::Empty);
        match (&mut self.builder, cell) {
            (Builder::Text(values), Cell::Text(range)) => values.append_option(text.get(range)),
            (Builder::Text(values), _) => values.append_null(),
            (Builder::Number { values, .. }, Cell::Number(value)) => values.append_value(value),
            (Builder::Number { values, .. }, _) => values.append_null(),
            (Builder::Date(values), Cell::Date(days)) => values.append_value(days),
            (Builder::Date(values), _) => values.append_null(),
            (Builder::Flag(values), Cell::Flag(flag)) => values.append_value(flag),
            (Builder::Flag(values), _) => values.append_null(),
            (Builder::Long(values), Cell::Long(value)) => values.append_value(value),
            (Builder::Long(values), _) => values.append_null(),
            (Builder::Texts { values, offsets }, _) => {
                offsets.push(i32::try_from(values.len()).unwrap_or(i32::MAX));
            }
            (Builder::Items { offsets, .. }, _) => offsets.push(inner),
            (Builder::One { .. }, _) => {}
        }
    }
}

/// Reads an XML decimal (`xs:decimal`) as a count of `10^-scale`.
pub(super) fn number(text: &str, precision: u8, scale: u32) -> Result<i128, Wrong> {
    if text.is_empty() {
        return Err(Wrong::Empty);
    }
    let Some(value) = money::parse_decimal(text, scale) else {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
            && digits.bytes().any(|byte| byte.is_ascii_digit());
        return Err(match digits.split_once('.') {
            Some((whole, _)) if decimal && whole.len() <= usize::from(precision) => Wrong::Decimals(scale),
            _ if decimal => Wrong::Range,
            _ => Wrong::NotANumber,
        });
    };
    let in_range = 10_u128.checked_pow(u32::from(precision)).is_some_and(|limit| value.unsigned_abs() < limit);
    if in_range { Ok(value) } else { Err(Wrong::Range) }
}

fn date(text: &str) -> Result<i32, Wrong> {
    // `%Y-%m-%d` would take signs and missing zeros; EN 16931 wants exactly YYYY-MM-DD (Peppol rule F001).
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let day = shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    day.map(Date32Type::from_naive_date).ok_or(Wrong::Date)
}

fn flag(text: &str) -> Result<bool, Wrong> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Wrong::Flag),
    }
}

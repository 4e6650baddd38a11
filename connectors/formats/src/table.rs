//! Rows of a contract, built column by column: a value goes from the file's bytes straight into its Arrow column.
//!
//! A parser finds the columns it fills once ([`Table::column`]) and then sets them row by row. A column that is not
//! set in a row is null there and costs nothing: nulls are filled in when the column is next set, or at the end. A
//! nested record is there in a row when one of its columns was set; of lists, items are added one by one
//! ([`Table::item`], [`Table::push_text`]).
//!
//! [`rows`](crate::rows) names the columns of the contracts that several formats fill.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBufferBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Int32Builder,
    Int64Builder, ListArray, RecordBatch, StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef};
use schemas::Contract;

use crate::{BATCH_ROWS, ParseError, Sink};

/// Bytes of the file behind a batch, at most: keeps 32-bit offsets of text columns far from their end.
const BATCH_BYTES: u64 = 32 << 20;
/// The group of the contract's own columns.
const ROOT: usize = 0;

/// Builds batches of one contract.
pub(crate) struct Table {
    contract: &'static Contract,
    schema: SchemaRef,
    groups: Vec<Group>,
    texts: Vec<Leaf<StringBuilder>>,
    ints: Vec<Leaf<Int32Builder>>,
    longs: Vec<Leaf<Int64Builder>>,
    flags: Vec<Leaf<BooleanBuilder>>,
    dates: Vec<Leaf<Date32Builder>>,
    decimals: Vec<Leaf<Decimal128Builder>>,
    envelope: [Long; 3],
    bytes: u64,
}

/// A record's columns: those of the contract, of a nested record, or of the items of a list.
struct Group {
    parent: usize,
    shape: Shape,
    fields: Fields,
    columns: Vec<Column>,
}

enum Shape {
    /// The contract itself, with the number of its finished rows.
    Rows(usize),
    /// A nested record: whether it is there in each row of its parent, as far as that is known.
    Record(BooleanBufferBuilder),
    /// A list: where the list of each row begins, as far as that is known, and the number of items.
    List(Vec<i32>, usize),
}

/// Where the values of a column are.
#[derive(Debug, Clone, Copy)]
enum Column {
    Text(usize),
    Int(usize),
    Long(usize),
    Flag(usize),
    Date(usize),
    Decimal(usize),
    Group(usize),
}

struct Leaf<B> {
    builder: B,
    group: usize,
}

/// A column that a parser can fill.
pub(crate) trait Handle: Copy {
    /// The handle of a column, unless the column is of another type.
    fn of(column: ColumnRef) -> Option<Self>;
}

/// What [`Handle::of`] looks at.
pub(crate) struct ColumnRef<'t>(Column, &'t [Group]);

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident($variant:ident))*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name(usize);

        impl Handle for $name {
            fn of(column: ColumnRef<'_>) -> Option<Self> {
                if let Column::$variant(index) = column.0 { Some(Self(index)) } else { None }
            }
        }
    )*};
}

handles! {
    /// A column of text.
    Text(Text)
    /// A column of 32-bit numbers.
    Int(Int)
    /// A column of 64-bit numbers.
    Long(Long)
    /// A column of yes and no.
    Flag(Flag)
    /// A column of dates.
    Date(Date)
    /// A column of decimal numbers.
    Decimal(Decimal)
}

/// A list of records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Items(usize);

/// A list of texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    group: usize,
    text: Text,
}

impl Handle for Items {
    fn of(ColumnRef(column, groups): ColumnRef<'_>) -> Option<Self> {
        match column {
            Column::Group(group) if matches!(groups[group].shape, Shape::List(..)) => Some(Self(group)),
            _ => None,
        }
    }
}

impl Handle for Texts {
    fn of(column: ColumnRef<'_>) -> Option<Self> {
        let Items(group) = Items::of(ColumnRef(column.0, column.1))?;
        match column.1[group].columns.as_slice() {
            [Column::Text(text)] => Some(Self { group, text: Text(*text) }),
            _ => None,
        }
    }
}

impl<B: ArrayBuilder> Leaf<B> {
    /// The builder with nulls up to the open row of its group.
    fn at(&mut self, groups: &mut [Group], null: impl Fn(&mut B, usize)) -> &mut B {
        let missing = open_row(groups, self.group) - self.builder.len();
        if missing > 0 {
            null(&mut self.builder, missing);
        }
        if self.group != ROOT {
            mark(groups, self.group);
        }
        &mut self.builder
    }
}

/// Index of the row or item that is being filled.
fn open_row(groups: &[Group], group: usize) -> usize {
    match &groups[group].shape {
        Shape::Rows(rows) => *rows,
        Shape::Record(_) => open_row(groups, groups[group].parent),
        Shape::List(_, items) => items.saturating_sub(1),
    }
}

/// Notes that a nested record is there in the open row of its parent.
fn mark(groups: &mut [Group], group: usize) {
    let row = open_row(groups, group);
    let Group { parent, shape: Shape::Record(present), .. } = &mut groups[group] else { return };
    if present.len() <= row {
        present.append_n(row - present.len(), false);
        present.append(true);
        let parent = *parent;
        mark(groups, parent);
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $setter:ident($handle:ident, $value:ty) in $leaves:ident)*) => {$(
        $(#[$doc])*
        pub(crate) fn $setter(&mut self, column: $handle, value: $value) {
            let builder = self.$leaves[column.0].at(&mut self.groups, |builder, nulls| builder.append_nulls(nulls));
            builder.append_value(value);
        }
    )*};
}

impl Table {
    /// A table for the contract called `name`.
    pub(crate) fn new(name: &str) -> Result<Self, ParseError> {
        let contract = schemas::contract(name).map_err(|error| ParseError::Configuration(error.to_string()))?;
        let schema = contract.body_schema();
        let mut table = Self {
            contract,
            schema: Arc::clone(&schema),
            groups: Vec::new(),
            texts: Vec::new(),
            ints: Vec::new(),
            longs: Vec::new(),
            flags: Vec::new(),
            dates: Vec::new(),
            decimals: Vec::new(),
            envelope: [Long(0), Long(1), Long(2)],
            bytes: 0,
        };
        table.group(ROOT, Shape::Rows(0), schema.fields())?;
        table.envelope = [table.column("ordinal")?, table.column("byte_start")?, table.column("byte_end")?];
        Ok(table)
    }

    /// The contract of the rows.
    pub(crate) const fn contract(&self) -> &'static Contract {
        self.contract
    }

    fn group(&mut self, parent: usize, shape: Shape, fields: &Fields) -> Result<usize, ParseError> {
        let group = self.groups.len();
        self.groups.push(Group { parent, shape, fields: fields.clone(), columns: Vec::new() });
        for field in fields {
            let column = self.add(group, field)?;
            self.groups[group].columns.push(column);
        }
        Ok(group)
    }

    fn add(&mut self, group: usize, field: &Field) -> Result<Column, ParseError> {
        macro_rules! leaf {
            ($leaves:ident, $builder:expr) => {{
                self.$leaves.push(Leaf { builder: $builder, group });
                self.$leaves.len() - 1
            }};
        }
        Ok(match field.data_type() {
            DataType::Utf8 => Column::Text(leaf!(texts, StringBuilder::new())),
            DataType::Int32 => Column::Int(leaf!(ints, Int32Builder::new())),
            DataType::Int64 => Column::Long(leaf!(longs, Int64Builder::new())),
            DataType::Boolean => Column::Flag(leaf!(flags, BooleanBuilder::new())),
            DataType::Date32 => Column::Date(leaf!(dates, Date32Builder::new())),
            decimal @ DataType::Decimal128(..) => {
                Column::Decimal(leaf!(decimals, Decimal128Builder::new().with_data_type(decimal.clone())))
            }
            DataType::Struct(fields) => {
                Column::Group(self.group(group, Shape::Record(BooleanBufferBuilder::new(0)), fields)?)
            }
            DataType::List(item) => {
                let fields = match item.data_type() {
                    DataType::Struct(fields) => fields.clone(),
                    _ => Fields::from(vec![Arc::clone(item)]),
                };
                Column::Group(self.group(group, Shape::List(Vec::new(), 0), &fields)?)
            }
            other => {
                let message = format!("no column of {other} can be filled: {}", field.name());
                return Err(ParseError::Configuration(message));
            }
        })
    }

    /// The column with this name; `a.b` is column `b` of the nested record or list `a`.
    ///
    /// # Errors
    /// When there is none of this type.
    pub(crate) fn column<H: Handle>(&self, path: &str) -> Result<H, ParseError> {
        let mut found = Column::Group(ROOT);
        for name in path.split('.') {
            let Column::Group(group) = found else { return Err(self.no_column(path)) };
            let Some((index, _)) = self.groups[group].fields.find(name) else { return Err(self.no_column(path)) };
            found = self.groups[group].columns[index];
        }
        H::of(ColumnRef(found, &self.groups)).ok_or_else(|| self.no_column(path))
    }

    fn no_column(&self, path: &str) -> ParseError {
        ParseError::Configuration(format!("the contract {} has no such column: {path}", self.contract.name))
    }

    setters! {
        /// Sets a text.
        text(Text, impl AsRef<str>) in texts
        /// Sets a number.
        int(Int, i32) in ints
        /// Sets a number.
        long(Long, i64) in longs
        /// Sets a flag.
        flag(Flag, bool) in flags
        /// Sets a date, in days since 1970-01-01.
        date(Date, i32) in dates
        /// Sets a decimal number, in the column's smallest unit.
        decimal(Decimal, i128) in decimals
    }

    /// Sets a text where there is one.
    pub(crate) fn maybe(&mut self, column: Text, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.text(column, value);
        }
    }

    /// Sets a text from its parts.
    pub(crate) fn joined(&mut self, column: Text, parts: &[&str]) {
        let builder = self.texts[column.0].at(&mut self.groups, |builder, nulls| builder.append_nulls(nulls));
        for part in parts {
            // Writing into a string column cannot fail.
            let _ = builder.write_str(part);
        }
        builder.append_value("");
    }

    /// Begins the next item of a list; the columns of the list's items are then those of this item.
    pub(crate) fn item(&mut self, list: Items) {
        self.grow(list.0);
    }

    /// Adds to a list of texts.
    pub(crate) fn push_text(&mut self, list: Texts, value: impl AsRef<str>) {
        self.grow(list.group);
        self.texts[list.text.0].builder.append_value(value);
    }

    /// One more item in the list of the open row.
    fn grow(&mut self, list: usize) {
        let parent = self.groups[list].parent;
        mark(&mut self.groups, parent);
        let row = open_row(&self.groups, parent);
        if let Shape::List(begins, items) = &mut self.groups[list].shape {
            if begins.len() <= row {
                begins.resize(row + 1, offset(*items));
            }
            *items += 1;
        }
    }

    /// Ends a row, which stands at `start` to `end` in the file, and gives full batches to the sink.
    ///
    /// # Errors
    /// When the sink stops, or a column that every row must have was not set.
    pub(crate) fn end_row(
        &mut self,
        ordinal: u64,
        start: u64,
        end: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), ParseError> {
        let [first, second, third] = self.envelope;
        self.long(first, signed(ordinal));
        self.long(second, signed(start));
        self.long(third, signed(end));
        self.bytes += end - start;
        if let Shape::Rows(rows) = &mut self.groups[ROOT].shape {
            *rows += 1;
            if *rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
                return self.flush(sink);
            }
        }
        Ok(())
    }

    /// Gives the rows so far to the sink.
    ///
    /// # Errors
    /// As [`Self::end_row`].
    pub(crate) fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        let Shape::Rows(rows) = &mut self.groups[ROOT].shape else { return Ok(()) };
        let rows = std::mem::take(rows);
        if rows == 0 {
            return Ok(());
        }
        self.bytes = 0;
        let columns = self.arrays(ROOT, rows)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        sink.rows(self.contract, batch).map_err(ParseError::Sink)
    }

    fn arrays(&mut self, group: usize, rows: usize) -> Result<Vec<ArrayRef>, ParseError> {
        let Group { columns, fields, .. } = &self.groups[group];
        let columns: Vec<(Column, FieldRef)> = columns.iter().copied().zip(fields.iter().cloned()).collect();
        columns.iter().map(|(column, field)| self.array(*column, field, rows)).collect()
    }

    fn array(&mut self, column: Column, field: &FieldRef, rows: usize) -> Result<ArrayRef, ParseError> {
        macro_rules! leaf {
            ($leaves:ident, $index:ident) => {{
                let builder = &mut self.$leaves[$index].builder;
                builder.append_nulls(rows - builder.len());
                Arc::new(builder.finish())
            }};
        }
        Ok(match column {
            Column::Text(index) => leaf!(texts, index),
            Column::Int(index) => leaf!(ints, index),
            Column::Long(index) => leaf!(longs, index),
            Column::Flag(index) => leaf!(flags, index),
            Column::Date(index) => leaf!(dates, index),
            Column::Decimal(index) => leaf!(decimals, index),
            Column::Group(group) => match field.data_type() {
                DataType::List(item) => self.list(group, item, rows)?,
                _ => Arc::new(self.record(group, field.is_nullable(), rows)?),
            },
        })
    }

    fn record(&mut self, group: usize, nullable: bool, rows: usize) -> Result<StructArray, ParseError> {
        let columns = self.arrays(group, rows)?;
        let nulls = match &mut self.groups[group].shape {
            Shape::Record(present) if nullable => {
                present.append_n(rows - present.len(), false);
                Some(NullBuffer::new(present.finish()))
            }
            _ => None,
        };
        Ok(StructArray::try_new(self.groups[group].fields.clone(), columns, nulls)?)
    }

    fn list(&mut self, group: usize, item: &FieldRef, rows: usize) -> Result<ArrayRef, ParseError> {
        let Shape::List(begins, items) = &mut self.groups[group].shape else {
            return Err(ParseError::Configuration(format!("{} is no list", item.name())));
        };
        let (mut offsets, items) = (std::mem::take(begins), std::mem::take(items));
        offsets.resize(rows + 1, offset(items));
        let mut columns = self.arrays(group, items)?;
        let values: ArrayRef = match item.data_type() {
            DataType::Struct(fields) => Arc::new(StructArray::try_new(fields.clone(), columns, None)?),
            _ => columns.remove(0),
        };
        let offsets = OffsetBuffer::new(offsets.into());
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, None)?))
    }
}

/// Offsets and counts of files are far below 2^63.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A batch has far fewer items than 2^31.
fn offset(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;

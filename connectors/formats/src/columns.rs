//! Arrow columns of one contract, filled in the order of the input.
//!
//! [`Table`] gives the rows of a file to the sink; [`Columns`] is one batch of them.
//!
//! A *group* is the columns of a record: the document itself, a party, a line. An element puts its value into the
//! *cell* of its column; when the group's element ends, [`Columns::close`] moves the cells to the columns' values,
//! null where nothing was put. Texts of open cells lie in one buffer per group, so a value costs no allocation.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use arrow::error::ArrowError;

pub(crate) use self::table::{Table, targets};
use self::values::{Blank, Cell, Kind, Values};
pub(crate) use self::values::{Wrong, date, number};

mod table;
mod values;

/// Index of a group in [`Columns`]; the document itself is [`DOCUMENT`].
pub(crate) type GroupId = usize;
/// The group of the contract's own columns.
pub(crate) const DOCUMENT: GroupId = 0;

/// Values held at most, with [`ITEM_WEIGHT`] for every list item: 256 MiB.
const MAX_HELD: usize = 256 * 1024 * 1024;
const ITEM_WEIGHT: usize = 256;

/// A column of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: GroupId,
    pub(crate) column: usize,
}

/// What happened to a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Stored,
    /// The cell already has the same value.
    Same,
    /// The cell already has another value, which stays.
    Differs,
    Wrong(Wrong),
    /// The document is too large to be held.
    Full,
}

/// The groups of a contract, made once.
#[derive(Debug)]
pub(crate) struct Layout {
    schema: SchemaRef,
    groups: Vec<GroupLayout>,
}

#[derive(Debug)]
struct GroupLayout {
    fields: Fields,
    shapes: Vec<Shape>,
    /// Columns that are lists or records, which every item has something to say of.
    nested: Vec<usize>,
}

/// What a column holds.
#[derive(Debug)]
enum Shape {
    Value(Kind, Blank),
    Texts(Blank),
    Items(GroupId),
    One(GroupId),
}

impl Layout {
    pub(crate) fn new(schema: SchemaRef) -> Result<Self, ArrowError> {
        let mut layout = Self { groups: Vec::new(), schema: Arc::clone(&schema) };
        layout.add(schema.fields())?;
        Ok(layout)
    }

    fn add(&mut self, fields: &Fields) -> Result<GroupId, ArrowError> {
        let id = self.groups.len();
        self.groups.push(GroupLayout { fields: fields.clone(), shapes: Vec::new(), nested: Vec::new() });
        for (index, field) in fields.iter().enumerate() {
            let shape = self.shape(field.data_type())?;
            if !matches!(shape, Shape::Value(..)) {
                self.groups[id].nested.push(index);
            }
            self.groups[id].shapes.push(shape);
        }
        Ok(id)
    }

    fn shape(&mut self, data_type: &DataType) -> Result<Shape, ArrowError> {
        if let Some(kind) = Kind::of(data_type) {
            return Ok(Shape::Value(kind, Blank::new(data_type)));
        }
        match data_type {
            DataType::Struct(fields) => Ok(Shape::One(self.add(fields)?)),
            DataType::List(item) => match item.data_type() {
                DataType::Utf8 => Ok(Shape::Texts(Blank::new(item.data_type()))),
                DataType::Struct(fields) => Ok(Shape::Items(self.add(fields)?)),
                other => Err(ArrowError::NotYetImplemented(format!("list of {other}"))),
            },
            other => Err(ArrowError::NotYetImplemented(format!("column of {other}"))),
        }
    }

    /// The column called `name` of a group.
    pub(crate) fn target(&self, group: GroupId, name: &str) -> Option<Target> {
        self.groups[group].fields.find(name).map(|(column, _)| Target { group, column })
    }

    /// The group that a list or record column holds.
    pub(crate) fn group_in(&self, target: Target) -> Option<GroupId> {
        match self.shape_of(target) {
            Shape::Items(group) | Shape::One(group) => Some(*group),
            Shape::Value(..) | Shape::Texts(_) => None,
        }
    }

    /// True for a column of texts.
    pub(crate) fn is_text(&self, target: Target) -> bool {
        matches!(self.shape_of(target), Shape::Texts(_) | Shape::Value(Kind::Text, _))
    }

    /// True when two different values of a column cannot both be right: numbers, dates, what every row must have.
    pub(crate) fn decides(&self, target: Target) -> bool {
        !self.groups[target.group].fields[target.column].is_nullable()
            || matches!(self.shape_of(target), Shape::Value(Kind::Number { .. } | Kind::Date, _))
    }

    fn shape_of(&self, target: Target) -> &Shape {
        &self.groups[target.group].shapes[target.column]
    }
}

#[derive(Debug)]
struct Column {
    cell: Cell,
    values: Values,
    /// Ends of the lists of closed items.
    ends: Vec<i32>,
}

#[derive(Debug)]
struct Group {
    columns: Vec<Column>,
    /// Columns whose cells have been filled since the group was last closed.
    filled: Vec<usize>,
    /// Texts of the open cells.
    text: String,
    /// The group's element was seen since it was last closed.
    open: bool,
    /// For each closed item, whether its element was there.
    closed: Vec<bool>,
}

#[derive(Debug)]
pub(crate) struct Columns {
    layout: &'static Layout,
    groups: Vec<Group>,
    held: usize,
}

impl Columns {
    pub(crate) fn new(layout: &'static Layout) -> Self {
        let column = || Column { cell: Cell::Empty, values: Values::Absent, ends: Vec::new() };
        let group = |layout: &GroupLayout| Group {
            columns: layout.shapes.iter().map(|_| column()).collect(),
            filled: Vec::new(),
            text: String::new(),
            open: false,
            closed: Vec::new(),
        };
        Self { groups: layout.groups.iter().map(group).collect(), layout, held: 0 }
    }

    pub(crate) const fn layout(&self) -> &'static Layout {
        self.layout
    }

    fn cell(&self, target: Target) -> &Cell {
        &self.groups[target.group].columns[target.column].cell
    }

    fn set(&mut self, target: Target, cell: Cell) {
        let Group { columns, filled, .. } = &mut self.groups[target.group];
        filled.push(target.column);
        columns[target.column].cell = cell;
    }

    /// Notes that a group's element began.
    pub(crate) fn open(&mut self, group: GroupId) {
        self.groups[group].open = true;
    }

    /// Reads `text` as the column's type and puts it into the cell. A list of texts takes any number of values.
    pub(crate) fn put(&mut self, target: Target, text: &str) -> Put {
        self.held += text.len();
        if self.held > MAX_HELD {
            return Put::Full;
        }
        let Group { columns, filled, text: buffer, .. } = &mut self.groups[target.group];
        let Column { cell, values, .. } = &mut columns[target.column];
        let kind = match self.layout.shape_of(target) {
            Shape::Value(kind, _) => *kind,
            Shape::Texts(_) => {
                self.held += ITEM_WEIGHT;
                values.push_text(text);
                return Put::Stored;
            }
            Shape::Items(_) | Shape::One(_) => return Put::Differs,
        };
        if let Cell::Text(range) = cell {
            return if buffer.get(range.clone()) == Some(text) { Put::Same } else { Put::Differs };
        }
        match kind.read(text, buffer) {
            Err(wrong) => Put::Wrong(wrong),
            Ok(new) if *cell == Cell::Empty => {
                filled.push(target.column);
                *cell = new;
                Put::Stored
            }
            Ok(new) if *cell == new => Put::Same,
            Ok(_) => Put::Differs,
        }
    }

    /// Puts a whole number.
    pub(crate) fn put_long(&mut self, target: Target, value: i64) {
        self.set(target, Cell::Long(value));
    }

    /// Puts a number in the column's own unit.
    pub(crate) fn put_number(&mut self, target: Target, value: i128) {
        self.set(target, Cell::Number(value));
    }

    /// Puts a text as it is, unless it is empty.
    pub(crate) fn put_text(&mut self, target: Target, text: &str) {
        if !text.is_empty() {
            self.put(target, text);
        }
    }

    /// Puts a text that may be missing.
    pub(crate) fn put_some(&mut self, target: Target, text: Option<&str>) {
        self.put_text(target, text.unwrap_or_default());
    }

    /// Puts a truth value.
    pub(crate) fn put_flag(&mut self, target: Target, flag: bool) {
        self.set(target, Cell::Flag(flag));
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> usize {
        self.groups[DOCUMENT].closed.len()
    }

    /// Roughly the bytes that the rows hold.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Puts a date, unless there is one.
    pub(crate) fn put_date(&mut self, target: Target, days: i32) {
        if self.is_empty(target) {
            self.set(target, Cell::Date(days));
        }
    }

    /// Replaces a text.
    pub(crate) fn replace_text(&mut self, target: Target, text: &str) {
        self.set(target, Cell::Empty);
        self.put(target, text);
    }

    /// True when nothing was put into a cell.
    pub(crate) fn is_empty(&self, target: Target) -> bool {
        *self.cell(target) == Cell::Empty
    }

    /// The text of an open cell.
    pub(crate) fn text(&self, target: Target) -> Option<&str> {
        match self.cell(target) {
            Cell::Text(range) => self.groups[target.group].text.get(range.clone()),
            _ => None,
        }
    }

    /// The number of an open cell, in the column's own unit.
    pub(crate) fn number(&self, target: Target) -> Option<i128> {
        if let Cell::Number(value) = self.cell(target) { Some(*value) } else { None }
    }

    /// The date of an open cell, in days since 1970.
    pub(crate) fn date(&self, target: Target) -> Option<i32> {
        if let Cell::Date(days) = self.cell(target) { Some(*days) } else { None }
    }

    /// Names of an open item's columns that must have a value and have none.
    pub(crate) fn missing(&self, group: GroupId) -> impl Iterator<Item = &'static str> {
        let GroupLayout { fields, shapes, .. } = &self.layout.groups[group];
        let columns = self.groups[group].columns.iter();
        fields.iter().zip(shapes).zip(columns).filter_map(|((field, shape), column)| {
            let value = matches!(shape, Shape::Value(..));
            (value && !field.is_nullable() && column.cell == Cell::Empty).then_some(field.name().as_str())
        })
    }

    /// True when any column of a group that was never closed has a value.
    pub(crate) fn says_something(&self, group: GroupId) -> bool {
        let said = |column: &Column| column.cell != Cell::Empty || !matches!(column.values, Values::Absent);
        self.groups[group].columns.iter().any(said)
    }

    /// Forgets the cells of an open group: the item does not count.
    pub(crate) fn discard(&mut self, group: GroupId) {
        let Group { columns, filled, text, open, .. } = &mut self.groups[group];
        filled.drain(..).for_each(|column| columns[column].cell = Cell::Empty);
        text.clear();
        *open = false;
    }

    /// Moves the cells of a group to its columns' values: one more item. Records inside it are closed first.
    pub(crate) fn close(&mut self, group: GroupId) {
        self.held += ITEM_WEIGHT;
        let GroupLayout { shapes, nested, .. } = &self.layout.groups[group];
        for index in nested {
            let end = match shapes[*index] {
                Shape::One(inner) => {
                    self.close(inner);
                    continue;
                }
                Shape::Items(inner) => self.groups[inner].closed.len(),
                _ => self.groups[group].columns[*index].values.texts(),
            };
            self.groups[group].columns[*index].ends.push(i32::try_from(end).unwrap_or(i32::MAX));
        }
        let Group { columns, filled, text, open, closed } = &mut self.groups[group];
        // A column without a value costs nothing here: its nulls are filled in before its next value, or at the end.
        for index in filled.drain(..) {
            let Column { cell, values, .. } = &mut columns[index];
            values.push(&std::mem::take(cell), text, closed.len());
        }
        text.clear();
        closed.push(std::mem::take(open));
    }

    /// The closed items as a batch of the schema.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.arrays(DOCUMENT)?;
        RecordBatch::try_new(Arc::clone(&self.layout.schema), columns)
    }

    fn arrays(&mut self, group: GroupId) -> Result<Vec<ArrayRef>, ArrowError> {
        let GroupLayout { fields, shapes, .. } = &self.layout.groups[group];
        let Group { columns, closed, .. } = &mut self.groups[group];
        let (columns, items) = (std::mem::take(columns), closed.len());
        let columns = fields.iter().zip(shapes).zip(columns);
        columns.map(|((field, shape), column)| self.array(field, shape, column, items)).collect()
    }

    fn array(&mut self, field: &FieldRef, shape: &Shape, column: Column, items: usize) -> Result<ArrayRef, ArrowError> {
        match (shape, field.data_type()) {
            (Shape::Value(_, blank), data_type) => column.values.finish(data_type, blank, items),
            (Shape::Texts(blank), DataType::List(item)) => {
                let texts = column.values.texts();
                list(item, column.ends, column.values.finish(item.data_type(), blank, texts)?)
            }
            (Shape::Items(group), DataType::List(item)) => {
                let items = self.structs(*group, false)?;
                list(item, column.ends, Arc::new(items))
            }
            (Shape::One(group), _) => Ok(Arc::new(self.structs(*group, field.is_nullable())?)),
            (_, other) => Err(ArrowError::SchemaError(format!("no column of {other} is made"))),
        }
    }

    fn structs(&mut self, group: GroupId, nullable: bool) -> Result<StructArray, ArrowError> {
        let columns = self.arrays(group)?;
        let closed = std::mem::take(&mut self.groups[group].closed);
        let length = closed.len();
        let nulls = (nullable && closed.contains(&false)).then(|| NullBuffer::from(closed));
        StructArray::try_new_with_length(self.layout.groups[group].fields.clone(), columns, nulls, length)
    }
}

fn list(item: &FieldRef, ends: Vec<i32>, items: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let mut offsets = vec![0; ends.len() + 1];
    offsets[1..].copy_from_slice(&ends);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, None)?))
}

//! The values of one column, and what the text of an element is as such a value.
//!
//! Most columns of a document have no value: such a column is only a count, and its array is shared.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, NullBufferBuilder, StringArray,
    new_null_array,
};

use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, Date32Type};
use arrow::error::ArrowError;
use chrono::NaiveDate;
use schemas::money;

/// Why a text is no value of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Empty,
    NotANumber,
    Decimals(u32),
    Range,
    Date,
    Flag,
}

/// The value of a column in the open item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Cell {
    #[default]
    Empty,
    /// Where the text lies in the group's buffer.
    Text(Range<usize>),
    Number(i128),
    Date(i32),
    Flag(bool),
    Long(i64),
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number { precision: u8, scale: u32 },
    Date,
    Flag,
    Int,
    Long,
}

impl Kind {
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => Self::Text,
            DataType::Date32 => Self::Date,
            DataType::Boolean => Self::Flag,
            DataType::Int32 => Self::Int,
            DataType::Int64 => Self::Long,
            DataType::Decimal128(precision, scale) => {
                Self::Number { precision: *precision, scale: u32::try_from(*scale).ok()? }
            }
            _ => return None,
        })
    }

    /// The value of `text`; for texts, its place in `buffer`, to which it is added.
    pub(crate) fn read(self, text: &str, buffer: &mut String) -> Result<Cell, Wrong> {
        match self {
            Self::Text => {
                let start = buffer.len();
                buffer.push_str(text);
                Ok(Cell::Text(start..buffer.len()))
            }
            Self::Number { precision, scale } => number(text, precision, scale).map(Cell::Number),
            Self::Date => date(text).map(Cell::Date),
            Self::Flag => flag(text).map(Cell::Flag),
            Self::Int => text.parse().map(|number: i32| Cell::Long(number.into())).map_err(|_| Wrong::NotANumber),
            Self::Long => text.parse().map(Cell::Long).map_err(|_| Wrong::NotANumber),
        }
    }
}

/// Arrays of a column without values: of no item and of one.
#[derive(Debug)]
pub(crate) struct Blank {
    none: ArrayRef,
    one: ArrayRef,
}

impl Blank {
    pub(crate) fn new(data_type: &DataType) -> Self {
        Self { none: new_null_array(data_type, 0), one: new_null_array(data_type, 1) }
    }

    fn array(&self, items: usize) -> ArrayRef {
        match items {
            0 => Arc::clone(&self.none),
            1 => Arc::clone(&self.one),
            _ => new_null_array(self.none.data_type(), items),
        }
    }
}

/// The values of the closed items up to the last that has one; the nulls between them are filled in.
#[derive(Debug)]
pub(crate) enum Values {
    /// No item has one.
    Absent,
    Text(Texts),
    Number(Valued<i128>),
    Date(Valued<i32>),
    Flag(Valued<bool>),
    Long(Valued<i64>),
}

/// Values of which at least one is there; the others hold a default.
#[derive(Debug)]
pub(crate) struct Valued<T> {
    values: Vec<T>,
    present: NullBufferBuilder,
}

#[derive(Debug)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends, after a zero.
    ends: Vec<i32>,
    present: NullBufferBuilder,
}

impl<T: Copy + Default> Valued<T> {
    fn new() -> Self {
        Self { values: Vec::new(), present: NullBufferBuilder::new(0) }
    }

    /// Nulls up to an item.
    fn fill(&mut self, items: usize) {
        let missing = items - self.values.len();
        if missing > 0 {
            self.values.resize(items, T::default());
            self.present.append_n_nulls(missing);
        }
    }

    fn push(&mut self, value: T, item: usize) {
        self.fill(item);
        self.values.push(value);
        self.present.append_non_null();
    }

    fn finish(mut self, items: usize) -> (ScalarBuffer<T>, Option<NullBuffer>)
    where
        T: ArrowNativeType,
    {
        self.fill(items);
        (self.values.into(), self.present.finish())
    }
}

impl Texts {
    fn new() -> Self {
        Self { bytes: Vec::new(), ends: vec![0], present: NullBufferBuilder::new(0) }
    }

    fn end(&self) -> i32 {
        i32::try_from(self.bytes.len()).unwrap_or(i32::MAX)
    }

    fn fill(&mut self, items: usize) {
        let missing = items + 1 - self.ends.len();
        if missing > 0 {
            self.ends.resize(items + 1, self.end());
            self.present.append_n_nulls(missing);
        }
    }

    fn push(&mut self, text: &str, item: usize) {
        self.fill(item);
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.end());
        self.present.append_non_null();
    }

    fn finish(mut self, items: usize) -> Result<ArrayRef, ArrowError> {
        self.fill(items);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(self.bytes), self.present.finish())?))
    }
}

impl Values {
    /// Gives an item the value of its cell; `text` is the buffer that texts lie in. Nothing for an empty cell.
    pub(crate) fn push(&mut self, cell: &Cell, text: &str, item: usize) {
        if matches!(self, Self::Absent) {
            *self = match cell {
                Cell::Empty => return,
                Cell::Text(_) => Self::Text(Texts::new()),
                Cell::Number(_) => Self::Number(Valued::new()),
                Cell::Date(_) => Self::Date(Valued::new()),
                Cell::Flag(_) => Self::Flag(Valued::new()),
                Cell::Long(_) => Self::Long(Valued::new()),
            };
        }
        match (self, cell) {
            (Self::Text(texts), Cell::Text(range)) => texts.push(text.get(range.clone()).unwrap_or_default(), item),
            (Self::Number(values), Cell::Number(value)) => values.push(*value, item),
            (Self::Date(values), Cell::Date(value)) => values.push(*value, item),
            (Self::Flag(values), Cell::Flag(value)) => values.push(*value, item),
            (Self::Long(values), Cell::Long(value)) => values.push(*value, item),
            // A column's cells are all of its kind.
            _ => {}
        }
    }

    /// Adds to a list of texts, which has no nulls.
    pub(crate) fn push_text(&mut self, text: &str) {
        let item = self.texts();
        self.push(&Cell::Text(0..text.len()), text, item);
    }

    /// How many texts a list of texts has.
    pub(crate) fn texts(&self) -> usize {
        if let Self::Text(texts) = self { texts.ends.len() - 1 } else { 0 }
    }

    /// The array of so many items.
    pub(crate) fn finish(self, data_type: &DataType, blank: &Blank, items: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Absent => blank.array(items),
            Self::Text(texts) => texts.finish(items)?,
            Self::Number(values) => {
                let (values, present) = values.finish(items);
                Arc::new(Decimal128Array::try_new(values, present)?.with_data_type(data_type.clone()))
            }
            Self::Date(values) => {
                let (values, present) = values.finish(items);
                Arc::new(Date32Array::try_new(values, present)?)
            }
            Self::Flag(mut flags) => {
                flags.fill(items);
                Arc::new(BooleanArray::new(flags.values.into(), flags.present.finish()))
            }
            Self::Long(longs) if *data_type == DataType::Int32 => {
                let (longs, present) = longs.finish(items);
                let narrow = |value: &i64| i32::try_from(*value).map_err(|_| misfit());
                let values: Vec<i32> = longs.iter().map(narrow).collect::<Result<_, _>>()?;
                Arc::new(Int32Array::try_new(values.into(), present)?)
            }
            Self::Long(longs) => {
                let (values, present) = longs.finish(items);
                Arc::new(Int64Array::try_new(values, present)?)
            }
        })
    }
}

fn misfit() -> ArrowError {
    ArrowError::InvalidArgumentError("an int beyond 2^31".to_owned())
}

/// Reads an XML decimal (`xs:decimal`) as a count of `10^-scale`.
pub(crate) fn number(text: &str, precision: u8, scale: u32) -> Result<i128, Wrong> {
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

/// A date, which EN 16931 wants exactly as YYYY-MM-DD (Peppol rule F001), in days since 1970.
pub(crate) fn date(text: &str) -> Result<i32, Wrong> {
    let digit =
        |at: usize| text.as_bytes().get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let two = |at| Some(digit(at)? * 10 + digit(at + 1)?);
    let hyphens = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
    let day = || {
        let year = i32::try_from(two(0)? * 100 + two(2)?).ok()?;
        NaiveDate::from_ymd_opt(year, two(5)?, two(8)?)
    };
    hyphens.then(day).flatten().map(Date32Type::from_naive_date).ok_or(Wrong::Date)
}

fn flag(text: &str) -> Result<bool, Wrong> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Wrong::Flag),
    }
}

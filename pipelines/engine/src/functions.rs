//! The SQL functions that the engine gives beside DataFusion's. Each is immutable: the same arguments give the
//! same value, in any batch, on any machine.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Builder, ListBuilder,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use schemas::calendar::{Calendar, ServiceLevel};

mod numbers;
pub mod shipped;
mod similarity;
mod subset_sum;

pub use subset_sum::only_subset;

/// The version of each function, and of what the engine adds to tables. Whoever changes what one of them gives for
/// some argument raises its number; then the jobs that use it are computed again, and a plan says so.
pub const VERSIONS: &[(&str, u32)] = &[
    ("as_of", 1),
    ("bankgiro", 1),
    ("bic", 1),
    ("contract_view", 1),
    ("creditor_reference", 1),
    ("due_at", 2),
    ("end_of_day", 1),
    ("exception_id", 1),
    ("gln", 1),
    ("iban", 1),
    ("luhn_valid", 1),
    ("nth_last_workday", 1),
    ("nth_workday", 1),
    ("ocr_valid", 1),
    ("ocr_valid_with_length", 1),
    ("organisation_number", 1),
    ("person_number", 1),
    ("plusgiro", 1),
    ("previous_workday", 1),
    ("record_ref", 1),
    ("round_half_up", 1),
    ("service_day", 1),
    ("similarity", 1),
    ("stockholm_date", 1),
    ("subset_sum", 1),
    ("workday_add", 1),
    ("workdays_after", 1),
];

type Body = Arc<dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync>;
type Returns = fn(&[DataType]) -> DataType;

/// What a function depends on beside its arguments.
#[derive(Debug, Hash)]
enum Setting {
    None,
    Date(NaiveDate),
    Calendar(Arc<Calendar>),
    Levels(Arc<Calendar>, BTreeMap<String, ServiceLevel>),
}

/// A function over whole columns, with the argument types that callers' types are coerced to.
struct Function {
    name: &'static str,
    setting: Setting,
    /// A digest of the setting, so that two sessions' functions do not pass for each other.
    state: u64,
    arguments: fn(&[DataType]) -> Option<Vec<DataType>>,
    returns: Returns,
    signature: Signature,
    body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.state == other.state
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.name.hash(hasher);
        self.state.hash(hasher);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        (self.arguments)(given)
            .filter(|wanted| wanted.len() == given.len())
            .ok_or_else(|| DataFusionError::Plan(format!("{} does not take arguments of types {given:?}", self.name)))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok((self.returns)(arguments))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_scalar = call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if all_scalar { 1 } else { call.number_rows };
        let columns = call.args.iter().map(|argument| argument.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let result = (self.body)(&columns)?;
        if all_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

fn function(
    name: &'static str,
    arguments: fn(&[DataType]) -> Option<Vec<DataType>>,
    returns: Returns,
    body: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Function {
    let signature = Signature::user_defined(Volatility::Immutable);
    Function { name, setting: Setting::None, state: 0, arguments, returns, signature, body: Arc::new(body) }
}

impl Function {
    fn in_setting(self, setting: Setting) -> Self {
        let state = BuildHasherDefault::<DefaultHasher>::default().hash_one(&setting);
        Self { setting, state, ..self }
    }
}

/// All functions, for a run as of `as_of` with the working days of `calendar`.
#[must_use]
pub fn functions(as_of: NaiveDate, calendar: &Arc<Calendar>) -> Vec<ScalarUDF> {
    let mut all = vec![
        as_of_date(as_of),
        text_predicate("luhn_valid", schemas::reference::luhn_valid),
        text_predicate("ocr_valid", schemas::reference::ocr_valid),
        text_predicate("ocr_valid_with_length", schemas::reference::ocr_valid_with_length),
        round_half_up(),
        record_ref(),
        subset_sum::function(),
        similarity::function(),
        previous_workday(calendar.clone()),
        service_day(calendar.clone()),
        stockholm_date(),
        end_of_day(),
        workdays_after(calendar.clone()),
        date_and_count("workday_add", calendar.clone(), Calendar::workday_add),
        date_and_count("nth_workday", calendar.clone(), Calendar::nth_workday),
        date_and_count("nth_last_workday", calendar.clone(), Calendar::nth_last_workday),
    ];
    all.extend(numbers::functions());
    all.into_iter().map(ScalarUDF::from).collect()
}

/// `as_of()`: the business date that the run is computed for.
fn as_of_date(as_of: NaiveDate) -> Function {
    let days = Date32Type::from_naive_date(as_of);
    let mut function =
        function("as_of", |_| Some(vec![]), |_| DataType::Date32, move |_| Ok(Arc::new(Date32Array::from(vec![days]))));
    function.signature = Signature::nullary(Volatility::Immutable);
    function.in_setting(Setting::Date(as_of))
}

fn text_predicate(name: &'static str, predicate: fn(&str) -> bool) -> Function {
    let arguments = |given: &[DataType]| (given.len() == 1).then(|| vec![DataType::Utf8]);
    function(
        name,
        arguments,
        |_| DataType::Boolean,
        move |columns| {
            let texts = columns[0].as_string::<i32>();
            Ok(Arc::new(texts.iter().map(|text| text.map(predicate)).collect::<BooleanArray>()))
        },
    )
}

/// `round_half_up(decimal, digits)`: rounds to `digits` decimals, halves away from zero; the type stays.
fn round_half_up() -> Function {
    let arguments = |given: &[DataType]| match given {
        [decimal @ DataType::Decimal128(..), digits] if digits.is_integer() => {
            Some(vec![decimal.clone(), DataType::Int64])
        }
        [whole, digits] if whole.is_integer() && digits.is_integer() => {
            Some(vec![DataType::Decimal128(20, 0), DataType::Int64])
        }
        _ => None,
    };
    function(
        "round_half_up",
        arguments,
        |given| given[0].clone(),
        |columns| {
            let values = columns[0].as_primitive::<Decimal128Type>();
            let digits = columns[1].as_primitive::<Int64Type>();
            let scale = i64::from(values.scale());
            let rounded = values.iter().zip(digits).map(|(value, digits)| round(value?, scale, digits?));
            let rounded: Decimal128Array = rounded.collect();
            Ok(Arc::new(rounded.with_precision_and_scale(values.precision(), values.scale())?))
        },
    )
}

fn round(value: i128, scale: i64, digits: i64) -> Option<i128> {
    let dropped = u32::try_from((scale - digits).max(0)).ok()?;
    let unit = 10_i128.checked_pow(dropped)?;
    let half = if value < 0 { -(unit / 2) } else { unit / 2 };
    Some(value.checked_add(half)? / unit * unit)
}

/// `record_ref(contract, file_id, ordinal, byte_start, byte_end)`: where a record's bytes are, as text.
fn record_ref() -> Function {
    let arguments = |given: &[DataType]| {
        let wanted = vec![DataType::Utf8, DataType::Utf8, DataType::Int64, DataType::Int64, DataType::Int64];
        (given.len() == wanted.len()).then_some(wanted)
    };
    function(
        "record_ref",
        arguments,
        |_| DataType::Utf8,
        |columns| {
            let [contract, file] = [0, 1].map(|index| columns[index].as_string::<i32>());
            let [ordinal, start, end] = [2, 3, 4].map(|index| columns[index].as_primitive::<Int64Type>());
            let all_valid = |row: usize| columns.iter().all(|column| column.is_valid(row));
            let references = (0..contract.len()).map(|row| {
                all_valid(row).then(|| {
                    let (contract, file) = (contract.value(row), file.value(row));
                    format!("{contract}:{file}:{}:{}-{}", ordinal.value(row), start.value(row), end.value(row))
                })
            });
            Ok(Arc::new(references.collect::<StringArray>()))
        },
    )
}

fn dates<'a>(column: &'a ArrayRef) -> impl Iterator<Item = Option<NaiveDate>> + 'a {
    column.as_primitive::<Date32Type>().iter().map(|days| Date32Type::to_naive_date_opt(days?))
}

fn previous_workday(calendar: Arc<Calendar>) -> Function {
    let arguments = |given: &[DataType]| (given.len() == 1).then(|| vec![DataType::Date32]);
    let setting = Setting::Calendar(calendar.clone());
    function(
        "previous_workday",
        arguments,
        |_| DataType::Date32,
        move |columns| {
            let days = dates(&columns[0]).map(|date| calendar.previous_workday(date?).map(Date32Type::from_naive_date));
            Ok(Arc::new(days.collect::<Date32Array>()))
        },
    )
    .in_setting(setting)
}

/// `service_day(received_at)`: day 1 of the service-level clock (SLA63).
fn service_day(calendar: Arc<Calendar>) -> Function {
    let setting = Setting::Calendar(calendar.clone());
    date_of_time("service_day", move |time| calendar.day_one(time)).in_setting(setting)
}

/// `stockholm_date(time)`: the date in Stockholm.
fn stockholm_date() -> Function {
    date_of_time("stockholm_date", |time| Some(schemas::calendar::stockholm_date(time)))
}

fn date_of_time(
    name: &'static str,
    rule: impl Fn(DateTime<Utc>) -> Option<NaiveDate> + Send + Sync + 'static,
) -> Function {
    let arguments = |given: &[DataType]| (given.len() == 1).then(|| vec![utc_time()]);
    function(
        name,
        arguments,
        |_| DataType::Date32,
        move |columns| {
            let times = columns[0].as_primitive::<TimestampMicrosecondType>();
            let days = times.iter().map(|micros| {
                DateTime::from_timestamp_micros(micros?).and_then(&rule).map(Date32Type::from_naive_date)
            });
            Ok(Arc::new(days.collect::<Date32Array>()))
        },
    )
}

/// `end_of_day(date)`: the first moment after a day in Stockholm, which is when work due on that day is late.
fn end_of_day() -> Function {
    let arguments = |given: &[DataType]| (given.len() == 1).then(|| vec![DataType::Date32]);
    function(
        "end_of_day",
        arguments,
        |_| utc_time(),
        |columns| {
            let ends = dates(&columns[0])
                .map(|date| schemas::calendar::end_of_day(date?).map(|end| end.timestamp_micros()))
                .collect::<TimestampMicrosecondArray>();
            Ok(Arc::new(ends.with_data_type(utc_time())))
        },
    )
}

/// [`end_of_day`], for the wrapper around exception jobs.
#[must_use]
pub fn day_end() -> ScalarUDF {
    ScalarUDF::from(end_of_day())
}

/// `workdays_after(from, to)`: the working days after `from` up to and including `to`; 0 when `to` is not later.
fn workdays_after(calendar: Arc<Calendar>) -> Function {
    let arguments = |given: &[DataType]| (given.len() == 2).then(|| vec![DataType::Date32, DataType::Date32]);
    let setting = Setting::Calendar(calendar.clone());
    function(
        "workdays_after",
        arguments,
        |_| int32(),
        move |columns| {
            let days = dates(&columns[0])
                .zip(dates(&columns[1]))
                .map(|(from, to)| i32::try_from(calendar.workdays_after(from?, to?)?).ok());
            Ok(integers(days))
        },
    )
    .in_setting(setting)
}

fn date_and_count(
    name: &'static str,
    calendar: Arc<Calendar>,
    rule: fn(&Calendar, NaiveDate, usize) -> Option<NaiveDate>,
) -> Function {
    let arguments = |given: &[DataType]| (given.len() == 2).then(|| vec![DataType::Date32, DataType::Int64]);
    let setting = Setting::Calendar(calendar.clone());
    function(
        name,
        arguments,
        |_| DataType::Date32,
        move |columns| {
            let counts = columns[1].as_primitive::<Int64Type>();
            let days = dates(&columns[0]).zip(counts).map(|(date, count)| {
                rule(&calendar, date?, usize::try_from(count?).ok()?).map(Date32Type::from_naive_date)
            });
            Ok(Arc::new(days.collect::<Date32Array>()))
        },
    )
    .in_setting(setting)
}

/// `due_at(received_at, service_level)`, for the wrapper around exception jobs.
#[must_use]
pub fn due_at(calendar: Arc<Calendar>, levels: BTreeMap<String, ServiceLevel>) -> ScalarUDF {
    let setting = Setting::Levels(calendar.clone(), levels.clone());
    let arguments = |given: &[DataType]| (given.len() == 2).then(|| vec![utc_time(), DataType::Utf8]);
    let due = function(
        "due_at",
        arguments,
        |_| utc_time(),
        move |columns| {
            let received = columns[0].as_primitive::<TimestampMicrosecondType>();
            let levels_of_rows = columns[1].as_string::<i32>();
            let due = received.iter().zip(levels_of_rows).map(|(micros, level)| {
                let received = DateTime::from_timestamp_micros(micros?)?;
                calendar.due(received, levels.get(level?)?).map(|due| due.timestamp_micros())
            });
            Ok(Arc::new(due.collect::<TimestampMicrosecondArray>().with_data_type(utc_time())))
        },
    );
    ScalarUDF::from(due.in_setting(setting))
}

fn utc_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

pub(crate) fn list_of_positions() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Int64, true)))
}

pub(crate) fn positions(lists: impl Iterator<Item = Option<Vec<i64>>>) -> ArrayRef {
    let mut builder = ListBuilder::new(Int64Builder::new());
    for list in lists {
        builder.append_option(list.map(|list| list.into_iter().map(Some)));
    }
    Arc::new(builder.finish())
}

pub(crate) fn integers(values: impl Iterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(values.collect::<Int32Array>())
}

pub(crate) const fn int32() -> DataType {
    Int32Type::DATA_TYPE
}

use arrow::datatypes::ArrowPrimitiveType as _;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_version() {
        let calendar = Arc::new(Calendar::default());
        let mut names: Vec<String> =
            functions(NaiveDate::default(), &calendar).iter().map(|function| function.name().to_owned()).collect();
        names.push(due_at(calendar, BTreeMap::new()).name().to_owned());
        names.extend(["contract_view", "exception_id"].map(str::to_owned));
        names.sort();
        assert_eq!(names, VERSIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(round(168_750, 2, 0), Some(168_800), "1687.50 becomes 1688");
        assert_eq!(round(56_250, 2, 0), Some(56_300), "562.50 becomes 563");
        assert_eq!(round(-56_250, 2, 0), Some(-56_300));
        assert_eq!(round(56_249, 2, 0), Some(56_200));
        assert_eq!(round(12_345, 3, 2), Some(12_350));
        assert_eq!(round(12_345, 2, 5), Some(12_345), "more digits than there are change nothing");
    }
}

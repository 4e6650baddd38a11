//! Functions on their way to another process. A name alone would be read there as a function of the same name with
//! another business date or another calendar, so what a function depends on travels with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;
use schemas::calendar::{Calendar, ServiceLevel};

use super::{Function, Setting, due_at, functions};

type Levels = BTreeMap<String, ServiceLevel>;
/// Every field of a [`Setting`], as JSON.
type Written<'a> = (Option<NaiveDate>, Option<&'a Calendar>, Option<&'a Levels>);
type Read = (Option<NaiveDate>, Option<Calendar>, Option<Levels>);

/// What one of the engine's functions depends on beside its arguments; nothing for a function that is not ours.
///
/// # Errors
/// When it cannot be written.
pub fn encode(function: &ScalarUDF) -> Result<Option<Vec<u8>>> {
    let Some(function) = function.inner().downcast_ref::<Function>() else { return Ok(None) };
    let setting: Written<'_> = match &function.setting {
        Setting::None => (None, None, None),
        Setting::Date(date) => (Some(*date), None, None),
        Setting::Calendar(calendar) => (None, Some(&**calendar), None),
        Setting::Levels(calendar, levels) => (None, Some(&**calendar), Some(levels)),
    };
    serde_json::to_vec(&setting).map(Some).map_err(failed)
}

/// The function `name` with what [`encode`] gave for it.
///
/// # Errors
/// When there is no such function, or what it depends on is missing.
pub fn decode(name: &str, setting: &[u8]) -> Result<ScalarUDF> {
    if setting.is_empty() {
        return Err(DataFusionError::Plan(format!("there is no function {name} here")));
    }
    let (date, calendar, levels): Read = serde_json::from_slice(setting).map_err(failed)?;
    let calendar = calendar.map(Arc::new);
    let all = functions(date.unwrap_or_default(), &calendar.clone().unwrap_or_default());
    let due = levels.map(|levels| due_at(calendar.clone().unwrap_or_default(), levels));
    let found = all.into_iter().chain(due).find(|function| function.name() == name);
    let is_whole = |function: &ScalarUDF| match function.inner().downcast_ref::<Function>().map(|known| &known.setting)
    {
        Some(Setting::Date(_)) => date.is_some(),
        Some(Setting::Calendar(_)) => calendar.is_some(),
        _ => true,
    };
    found.filter(is_whole).ok_or_else(|| DataFusionError::Plan(format!("{name} is no function of this version")))
}

fn failed(error: serde_json::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::{DataType, Field};
    use datafusion::config::ConfigOptions;
    use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn of(function: &ScalarUDF, arguments: &[ArrayRef]) -> ArrayRef {
        let types: Vec<DataType> = arguments.iter().map(|argument| argument.data_type().clone()).collect();
        let returns = function.return_type(&types).unwrap();
        let call = ScalarFunctionArgs {
            args: arguments.iter().cloned().map(ColumnarValue::Array).collect(),
            arg_fields: types.iter().map(|given| Arc::new(Field::new("a", given.clone(), true))).collect(),
            number_rows: 1,
            return_field: Arc::new(Field::new("r", returns, true)),
            config_options: Arc::new(ConfigOptions::default()),
        };
        function.invoke_with_args(call).unwrap().into_array(1).unwrap()
    }

    #[test]
    fn a_function_arrives_with_its_date_its_calendar_and_its_service_levels() {
        let calendar = Arc::new(Calendar::new(day("2026-01-01"), day("2026-12-31"), [day("2026-05-01")]));
        let levels = Levels::from([("soon".to_owned(), ServiceLevel::WorkingDays(2))]);
        let ours = functions(day("2026-04-30"), &calendar).into_iter().chain([due_at(calendar, levels)]);
        let thursday: ArrayRef = Arc::new(Date32Array::from(vec![20_573]));
        let two: ArrayRef = Arc::new(Int64Array::from(vec![2]));
        let morning =
            TimestampMicrosecondArray::from(vec![20_573 * 86_400_000_000]).with_data_type(super::super::utc_time());
        let level: ArrayRef = Arc::new(StringArray::from(vec!["soon"]));
        for function in ours {
            let arrived = decode(function.name(), &encode(&function).unwrap().unwrap()).unwrap();
            let arguments: Vec<ArrayRef> = match function.name() {
                "as_of" => vec![],
                "previous_workday" | "end_of_day" => vec![thursday.clone()],
                "service_day" | "stockholm_date" => vec![Arc::new(morning.clone())],
                "workdays_after" => vec![thursday.clone(), thursday.clone()],
                "workday_add" | "nth_workday" | "nth_last_workday" => vec![thursday.clone(), two.clone()],
                "due_at" => vec![Arc::new(morning.clone()), level.clone()],
                _ => continue,
            };
            let (here, there) = (of(&function, &arguments), of(&arrived, &arguments));
            assert_eq!(&here, &there, "{}", function.name());
            assert!(here.is_valid(0), "{} says something about {arguments:?}", function.name());
        }
    }

    #[test]
    fn a_function_without_what_it_depends_on_is_refused() {
        assert!(decode("workday_add", b"[null,null,null]").is_err());
        assert!(decode("as_of", b"[null,null,null]").is_err());
        assert!(decode("due_at", b"[null,null,null]").is_err());
        assert!(decode("luhn_valid", b"").is_err());
        assert!(decode("luhn_valid", b"[null,null,null]").is_ok());
    }
}

//! Files written from generated rows by the mapping are read back, whatever the mapping; hostile files do not panic.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::super::cells::Kind;
use super::super::declaration::{Check, Encoding};
use super::super::mapping::{Dialect, From, Source};
use super::super::{cells, mapping};
use super::*;

/// A value as the contract writes it, or none.
type Cell = Option<String>;

const EXTRACTED_ON: &str = "2026-03-31";

fn dialect(mapping: &Mapping) -> &Dialect {
    match &mapping.source {
        Source::Delimited(dialect) => dialect,
    }
}

/// Values of a column, as the contract writes them.
fn cells_of(column: &mapping::Column) -> BoxedStrategy<Cell> {
    let rule = column.rule.clone();
    if matches!(column.from, From::ExtractedOn) {
        return Just(Some(EXTRACTED_ON.to_owned())).boxed();
    }
    if matches!(column.from, From::Constant(crate::register::cells::Value::Null)) {
        return Just(None).boxed();
    }
    let from_list = rule.values.as_ref().map(|values| {
        let values: Vec<String> = values.iter().map(|(_, value)| written(value)).collect();
        prop::sample::select(values).boxed()
    });
    let value = from_list.unwrap_or_else(|| match (rule.kind, rule.check) {
        (_, Some(Check::Period)) => (2000..2100, 1..13).prop_map(|(year, month)| format!("{year}{month:02}")).boxed(),
        (_, Some(Check::Department)) => "[0-9]{3}".boxed(),
        (_, Some(Check::Currency)) => prop::sample::select(vec!["SEK".to_owned(), "EUR".to_owned()]).boxed(),
        (_, Some(Check::Ocr)) => "[0-9]{3,20}".prop_map(|number| with_check_digit(&number, 0)).boxed(),
        (_, Some(Check::PersonalNumber)) => person().boxed(),
        (_, Some(Check::Identity)) => prop_oneof![person(), organisation()].boxed(),
        (_, Some(Check::OrganisationNumber)) => organisation().boxed(),
        (_, Some(other)) => panic!("write a generator for {other:?}"),
        (Kind::Text, None) if rule.digits_only => "[0-9]{1,12}".boxed(),
        (Kind::Text, None) => {
            "[A-Za-z0-9åäöÅÄÖé;\"' .,-]{0,12}[a-zåäö]".prop_map(|text| text.trim().to_owned()).boxed()
        }
        (Kind::Int | Kind::Long, None) => {
            let (least, most) = if rule.kind == Kind::Int {
                (i128::from(i32::MIN), i128::from(i32::MAX))
            } else {
                (i128::from(i64::MIN), i128::from(i64::MAX))
            };
            let (least, most) = (rule.minimum.unwrap_or(least), rule.maximum.unwrap_or(most));
            (least..=most).prop_map(|number| number.to_string()).boxed()
        }
        (Kind::Boolean, None) => any::<bool>().prop_map(|truth| truth.to_string()).boxed(),
        (Kind::Date, None) => (0..40_000_u64).prop_map(|days| (day(1950) + Days::new(days)).to_string()).boxed(),
        // in the daytime, when no clock is set forward or back
        (Kind::Time, None) => (0..40_000_u64, 5..20, 0..60)
            .prop_map(|(days, hour, second)| format!("{}T{hour:02}:07:{second:02}Z", day(1950) + Days::new(days)))
            .boxed(),
        (Kind::Decimal { precision, scale }, None) => {
            let limit = 10_i128.pow(u32::from(precision)) - 1;
            let least = rule.minimum.unwrap_or(-limit);
            prop_oneof![least.max(-100_000)..100_000_i128.min(limit), least..limit]
                .prop_map(move |number| schemas::money::plain(number, scale))
                .boxed()
        }
    });
    let means_nothing = rule.nulls;
    let value = value.prop_filter("means no value", move |text| !means_nothing.contains(&text.to_lowercase()));
    if rule.nullable {
        prop_oneof![1 => Just(None), 4 => value.prop_map(Some)].boxed()
    } else {
        value.prop_map(Some).boxed()
    }
}

fn day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap()
}

fn person() -> impl Strategy<Value = String> {
    (0..26_000_u64, 1..1000).prop_map(|(days, number)| {
        let born = day(1950) + Days::new(days);
        with_check_digit(&format!("{}{number:03}", born.format("%Y%m%d")), 2)
    })
}

fn organisation() -> impl Strategy<Value = String> {
    "5[0-9][2-9][0-9]{6}".prop_map(|number| with_check_digit(&number, 0))
}

fn with_check_digit(number: &str, from: usize) -> String {
    format!("{number}{}", schemas::reference::luhn_check_digit(&number[from..]).unwrap())
}

fn written(value: &cells::Value<'_>) -> String {
    match value {
        cells::Value::Text(text) => text.to_string(),
        cells::Value::Boolean(truth) => truth.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Writes rows as the source system does.
fn write(mapping: &Mapping, rows: &[Vec<Cell>], line_end: &str) -> Vec<u8> {
    let dialect = dialect(mapping);
    let fields = mapping.columns.iter().enumerate().filter(|(_, column)| matches!(column.from, From::Field { .. }));
    let header: Vec<String> = fields.clone().map(|(_, column)| column.header().to_owned()).collect();
    let mut lines = vec![header];
    for row in rows {
        lines.push(fields.clone().map(|(index, column)| source_text(column, dialect, row[index].as_deref())).collect());
    }
    if let Some(trailer) = &mapping.trailer {
        let mut line = vec![trailer.marker.to_uppercase(), rows.len().to_string()];
        for sum in &trailer.sums {
            let amounts = rows.iter().filter_map(|row| schemas::money::parse_decimal(row[sum.column].as_deref()?, 2));
            line.resize(line.len().max(sum.field + 1), String::new());
            line[sum.field] = number(&schemas::money::plain(amounts.sum(), 2), dialect);
        }
        lines.push(line);
    }
    let delimiter = char::from(dialect.delimiter).to_string();
    let quoted = |field: &String| {
        if field.contains([char::from(dialect.delimiter), '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.clone()
        }
    };
    let lines = lines.iter().map(|line| line.iter().map(quoted).collect::<Vec<_>>().join(&delimiter) + line_end);
    let text: String = lines.collect();
    if dialect.encoding == Encoding::Utf8 { text.into_bytes() } else { latin(&text) }
}

fn source_text(column: &mapping::Column, dialect: &Dialect, value: Option<&str>) -> String {
    let Some(value) = value else { return column.rule.nulls[0].clone() };
    if let Some(values) = &column.rule.values {
        return values.iter().find(|(_, known)| written(known) == value).unwrap().0.to_uppercase();
    }
    match column.rule.kind {
        Kind::Decimal { .. } => number(value, dialect),
        Kind::Time => {
            let moment: chrono::DateTime<chrono::Utc> = value.parse().unwrap();
            moment.with_timezone(&chrono_tz::Europe::Stockholm).format("%Y-%m-%d %H:%M:%S").to_string()
        }
        _ => value.to_owned(),
    }
}

/// `-1234567.50` as `-1 234 567,50`.
fn number(plain: &str, dialect: &Dialect) -> String {
    let (whole, fraction) = plain.split_once('.').unwrap();
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let Some(thousands) = dialect.numbers.thousands.first() else {
        return format!("{sign}{digits}{}{fraction}", dialect.numbers.decimal);
    };
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap());
    format!("{sign}{}{}{fraction}", groups.collect::<Vec<_>>().join(&thousands.to_string()), dialect.numbers.decimal)
}

fn rows_of(mapping: &Mapping) -> impl Strategy<Value = Vec<Vec<Cell>>> {
    let row: Vec<_> = mapping.columns.iter().map(cells_of).collect();
    let keys: Vec<usize> = mapping
        .contract
        .key
        .iter()
        .map(|name| mapping.columns.iter().position(|column| column.name == *name).unwrap())
        .collect();
    let marker = mapping.trailer.as_ref().map(|trailer| trailer.marker.clone());
    prop::collection::vec(row, 1..12).prop_map(move |mut rows| {
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert(keys.iter().map(|key| row[*key].clone()).collect::<Vec<_>>()));
        rows.retain(|row| !row.iter().flatten().any(|cell| Some(cell.to_lowercase()) == marker));
        rows
    })
}

/// What is read of a row, as the contract writes it.
fn as_written(mapping: &Mapping, row: &Map<String, Value>) -> Vec<Cell> {
    let cell = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    mapping.columns.iter().map(|column| cell(&row[&column.name])).collect()
}

#[test]
fn what_is_written_by_any_embedded_mapping_is_read_back() {
    let name = format!("X_{EXTRACTED_ON}.csv");
    for mapping in super::super::mappings().values() {
        let mut runner =
            TestRunner::new(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() });
        let result = runner.run(&(rows_of(mapping), any::<bool>()), |(rows, crlf)| {
            let bytes = write(mapping, &rows, if crlf { "\r\n" } else { "\n" });
            let outcome = read_as(mapping, &name, &bytes);
            prop_assert_eq!(&outcome.summary.verdict, &Verdict::Accepted);
            prop_assert_eq!(&outcome.rejects, &vec![]);
            prop_assert_eq!(outcome.rows.iter().map(|row| as_written(mapping, row)).collect::<Vec<_>>(), rows);
            for row in &outcome.rows {
                let (start, end) =
                    (row["byte_start"].as_u64().unwrap() as usize, row["byte_end"].as_u64().unwrap() as usize);
                let line_end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
                prop_assert!(bytes[end..].starts_with(line_end));
                prop_assert!(bytes[..start].ends_with(b"\n"));
            }
            prop_assert_eq!(outcome.remarks(), Vec::<&str>::new());
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", mapping.name()));
    }
}

#[test]
fn a_damaged_file_of_any_embedded_mapping_is_read_or_refused_without_panic() {
    for mapping in super::super::mappings().values() {
        let mut runner =
            TestRunner::new(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() });
        let damage = prop::collection::vec((any::<prop::sample::Index>(), "[\0-\u{ff}]{0,3}"), 1..6);
        let result = runner.run(&(rows_of(mapping), damage), |(rows, damage)| {
            let mut bytes = write(mapping, &rows, "\n");
            for (place, text) in damage {
                let place = place.index(bytes.len());
                let end = (place + 2).min(bytes.len());
                bytes.splice(place..end, latin(&text));
                if bytes.is_empty() {
                    break;
                }
            }
            let outcome = read_as(mapping, "2026-03-31", &bytes);
            let mut before = 0;
            for row in &outcome.rows {
                prop_assert!(row["byte_start"].as_u64().unwrap() >= before);
                before = row["byte_end"].as_u64().unwrap();
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", mapping.name()));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_panic(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b";\"\n\r \xef\xbb\xbf".to_vec())], 0..200),
    ) {
        for mapping in super::super::mappings().values() {
            read_as(mapping, "2026-03-31", &bytes);
        }
    }
}

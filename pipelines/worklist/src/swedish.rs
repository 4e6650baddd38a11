//! Values as handlers read them: `1 234,50 kr`, `2026-03-31`, `ja`.

use arrow::datatypes::{DataType, Field};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Stockholm;
use schemas::money;
use serde_json::Value;

/// What stands for a value that is missing.
pub const MISSING: &str = "uppgift saknas";

/// True for kronor and öre: two decimals and the width of money, or of a sum of it. Percentages are narrower.
#[must_use]
pub const fn is_money(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(precision, money::SCALE) if *precision >= money::PRECISION)
}

/// A value of a column in Swedish: as [`value`], with amounts in `currency` and percentages as such.
#[must_use]
pub fn column(field: &Field, value: &Value, currency: &str) -> String {
    match value {
        Value::String(plain) if is_percentage(field) => format!("{}\u{a0}%", number(plain)),
        Value::String(plain) if is_money(field.data_type()) => amount(plain, currency),
        value => self::value(field.data_type(), value),
    }
}

/// Percentages can be as wide as money: their names tell them apart.
fn is_percentage(field: &Field) -> bool {
    let named = field.name() == "percent" || field.name().ends_with("_percent");
    named && matches!(field.data_type(), DataType::Decimal128(..))
}

/// A value of a row (see [`schemas::json`]) in Swedish, given its Arrow type.
#[must_use]
pub fn value(data_type: &DataType, value: &Value) -> String {
    match (data_type, value) {
        (_, Value::Null) => MISSING.to_owned(),
        (DataType::Decimal128(..), Value::String(number)) if is_money(data_type) => amount(number, "SEK"),
        (DataType::Decimal128(..), Value::String(text)) => number(text),
        (DataType::Timestamp(..), Value::String(text)) => {
            text.parse::<DateTime<Utc>>().map_or_else(|_| text.clone(), time)
        }
        (_, Value::Bool(yes)) => if *yes { "ja" } else { "nej" }.to_owned(),
        (_, Value::String(text)) => text.clone(),
        (DataType::List(item), Value::Array(items)) => {
            items.iter().map(|member| self::value(item.data_type(), member)).collect::<Vec<_>>().join(", ")
        }
        (DataType::Struct(fields), Value::Object(members)) => {
            let known = fields.iter().filter_map(|field| Some((field, members.get(field.name())?)));
            let told = known.filter(|(_, member)| !member.is_null());
            told.map(|(field, member)| self::value(field.data_type(), member)).collect::<Vec<_>>().join(" · ")
        }
        (_, other) => other.to_string(),
    }
}

/// An amount such as `1234.50` as `1 234,50 kr`, or with its currency code where that is not the krona.
#[must_use]
pub fn amount(plain: &str, currency: &str) -> String {
    let Some(ore) = money::parse_decimal(plain, 2) else { return plain.to_owned() };
    let kronor = money::kronor(ore);
    match currency {
        "SEK" | "" => kronor,
        code => kronor.replace("kr", code),
    }
}

/// A decimal number such as `1234.5000` as `1 234,5`.
#[must_use]
pub fn number(plain: &str) -> String {
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("\u{2212}", digits));
    let fraction = fraction.trim_end_matches('0');
    let comma = if fraction.is_empty() { "" } else { "," };
    format!("{sign}{}{comma}{fraction}", grouped(digits))
}

/// A count such as 12345 as `12 345`.
#[must_use]
pub fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// A moment in Stockholm's time to the minute, for example `2026-03-31 14:05`.
#[must_use]
pub fn time(time: DateTime<Utc>) -> String {
    time.with_timezone(&Stockholm).format("%Y-%m-%d\u{a0}%H:%M").to_string()
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::TimeUnit;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_type_is_written_the_swedish_way() {
        let time = DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()));
        let cases = [
            (DataType::Decimal128(18, 2), json!("1234.50"), "1\u{a0}234,50\u{a0}kr"),
            (DataType::Decimal128(28, 2), json!("-0.05"), "\u{2212}0,05\u{a0}kr"),
            (DataType::Decimal128(7, 4), json!("25.0000"), "25"),
            (DataType::Decimal128(24, 6), json!("-1234567.250000"), "\u{2212}1\u{a0}234\u{a0}567,25"),
            (DataType::Decimal128(5, 2), json!("99.50"), "99,5"),
            (DataType::Int64, json!(1234567), "1234567"),
            (DataType::Date32, json!("2026-03-31"), "2026-03-31"),
            (time, json!("2026-03-31T12:05:00Z"), "2026-03-31\u{a0}14:05"),
            (DataType::Boolean, json!(true), "ja"),
            (DataType::Utf8, json!("<b>Å"), "<b>Å"),
            (DataType::Utf8, Value::Null, "uppgift saknas"),
        ];
        for (data_type, plain, swedish) in cases {
            assert_eq!(value(&data_type, &plain), swedish, "{data_type} {plain}");
        }
    }

    #[test]
    fn lists_and_records_are_written_on_one_line() {
        let fields = vec![
            Field::new("invoice_no", DataType::Utf8, true),
            Field::new("remaining", DataType::Decimal128(18, 2), true),
            Field::new("note", DataType::Utf8, true),
        ];
        let candidates = DataType::List(Arc::new(Field::new("item", DataType::Struct(fields.into()), true)));
        let plain = json!([{"invoice_no": "F1", "remaining": "10.00", "note": null}, {"invoice_no": "F2"}]);
        assert_eq!(value(&candidates, &plain), "F1 · 10,00\u{a0}kr, F2");
    }

    #[test]
    fn a_column_is_told_by_its_name_and_currency_too() {
        let wide = DataType::Decimal128(18, 2);
        let percent = Field::new("vat_percent", wide.clone(), true);
        assert_eq!(column(&percent, &json!("25.50"), "SEK"), "25,5\u{a0}%");
        assert_eq!(column(&percent, &Value::Null, "SEK"), "uppgift saknas");
        let fee = Field::new("fee", wide, true);
        assert_eq!(column(&fee, &json!("25.50"), "EUR"), "25,50\u{a0}EUR");
        assert_eq!(column(&Field::new("percent", DataType::Utf8, true), &json!("halva"), "SEK"), "halva");
    }

    #[test]
    fn foreign_amounts_carry_their_currency() {
        assert_eq!(amount("-1234.5", "EUR"), "\u{2212}1\u{a0}234,50\u{a0}EUR");
        assert_eq!(amount("1", "SEK"), "1,00\u{a0}kr");
        assert_eq!(amount("oläsligt", "SEK"), "oläsligt");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000_000), "1\u{a0}000\u{a0}000");
    }
}

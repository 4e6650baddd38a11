//! The sentence that says why a row is an exception: a job's `why` with its columns filled in.

use arrow::datatypes::Schema;
use serde_json::{Map, Value};

use crate::swedish;

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder is no column.
    #[error("{{{placeholder}}} is no column; there are: {columns}")]
    UnknownColumn {
        /// What stands between the braces.
        placeholder: String,
        /// The columns there are.
        columns: String,
    },
    /// A brace has no partner.
    #[error("unbalanced brace at byte {at}; write {{column}}, or {{{{ for a brace")]
    Unbalanced {
        /// 0-based byte of the brace.
        at: usize,
    },
}

/// A template taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

/// Checks that a template is well formed and names nothing but `columns`.
///
/// # Errors
/// Says which placeholder or brace is wrong.
pub fn check_template(template: &str, columns: &[&str]) -> Result<(), TemplateError> {
    let template = Template::parse(template)?;
    match template.columns().find(|placeholder| !columns.contains(placeholder)) {
        None => Ok(()),
        Some(placeholder) => {
            Err(TemplateError::UnknownColumn { placeholder: placeholder.to_owned(), columns: columns.join(", ") })
        }
    }
}

impl Template {
    /// Takes a template apart: `{column}` is a placeholder, `{{` and `}}` are braces.
    ///
    /// # Errors
    /// When a brace has no partner.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some(found) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(found);
            let at = template.len() - brace.len();
            text.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                text.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                text.push('}');
                rest = after;
            } else {
                let inside = brace.strip_prefix('{').and_then(|inside| inside.split_once('}'));
                let (column, after) = inside.ok_or(TemplateError::Unbalanced { at })?;
                if column.contains('{') {
                    return Err(TemplateError::Unbalanced { at });
                }
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Column(column.to_owned()));
                rest = after;
            }
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        Ok(Self { parts })
    }

    /// The columns that it names, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(column) => Some(column.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The sentence for one row (see [`schemas::json`]) whose columns have the types of `schema`.
    ///
    /// Money is in kronor unless the row has a `currency` of its own. A column that the row does not have reads as
    /// a missing value; [`check_template`] refuses such a template when the job is loaded.
    #[must_use]
    pub fn render(&self, schema: &Schema, row: &Map<String, Value>) -> String {
        let currency = row.get("currency").and_then(Value::as_str).unwrap_or("SEK");
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Column(column) => match (schema.field_with_name(column), row.get(column)) {
                (Ok(field), Some(value)) => swedish::column(field, value, currency),
                _ => swedish::MISSING.to_owned(),
            },
        });
        parts.collect()
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("payment_id", DataType::Utf8, false),
            Field::new("residual", DataType::Decimal128(18, 2), true),
            Field::new("payment_date", DataType::Date32, true),
            Field::new("currency", DataType::Utf8, true),
        ])
    }

    fn render(template: &str, row: &Value) -> String {
        Template::parse(template).unwrap().render(&schema(), row.as_object().unwrap())
    }

    #[test]
    fn placeholders_become_swedish_values() {
        let row = json!({"payment_id": "bgmax:1", "residual": "-1234.50", "payment_date": "2026-03-31"});
        assert_eq!(
            render("Inbetalningen {payment_id} på {residual} den {payment_date}.", &row),
            "Inbetalningen bgmax:1 på \u{2212}1\u{a0}234,50\u{a0}kr den 2026-03-31."
        );
    }

    #[test]
    fn missing_values_are_said_to_be_missing() {
        let row = json!({"payment_id": "p", "residual": null});
        assert_eq!(render("{residual}, {payment_date}", &row), "uppgift saknas, uppgift saknas");
    }

    #[test]
    fn an_amount_in_another_currency_is_not_called_kronor() {
        let row = json!({"residual": "10.00", "currency": "EUR"});
        assert_eq!(render("{residual}", &row), "10,00\u{a0}EUR");
    }

    #[test]
    fn what_a_value_holds_is_never_a_placeholder_again() {
        assert_eq!(render("{payment_id}", &json!({"payment_id": "{residual}"})), "{residual}");
    }

    #[test]
    fn braces_are_written_twice() {
        assert_eq!(render("{{{payment_id}}}", &json!({"payment_id": "p"})), "{p}");
    }

    #[test]
    fn unknown_columns_and_lone_braces_are_refused() {
        let error = check_template("{payment_id} {belopp}", &["payment_id", "residual"]).unwrap_err();
        assert_eq!(error.to_string(), "{belopp} is no column; there are: payment_id, residual");
        assert_eq!(check_template("{payment_id}", &["payment_id"]), Ok(()));
        for (template, at) in [("åa {payment_id", 4), ("a}", 1), ("{a{b}", 0), ("x {", 2)] {
            assert_eq!(Template::parse(template), Err(TemplateError::Unbalanced { at }), "{template}");
        }
        assert!(check_template("{}", &["payment_id"]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(template in "[{}a-zå ]{0,20}") {
            if let Ok(parsed) = Template::parse(&template) {
                let columns: Vec<&str> = parsed.columns().collect();
                prop_assert_eq!(check_template(&template, &columns), Ok(()));
            }
        }
    }
}

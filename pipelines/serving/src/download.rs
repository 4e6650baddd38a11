//! Whole tables as CSV for spreadsheets and as JSON, streamed batch by batch.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use axum::body::Body;
use axum::extract::Path;
use axum::http::header;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::rows::by;
use crate::source::{RowQuery, Rows, SourceError};

/// `/tabeller/{job}/csv`: semicolons, decimal comma, UTF-8 with byte order mark: what Excel opens as a table.
pub async fn csv(cut: Cut, Path(name): Path<String>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let rows = all(&cut, &name).await?;
    let head = head(&rows.schema).map_err(|error| SourceError::Failed(error.to_string()))?;
    let body = rows.batches.map(|batch| lines(&batch?).map_err(|error| SourceError::Failed(error.to_string())));
    let body = Body::from_stream(stream::once(async { Ok(head) }).chain(body));
    Ok(attachment(&cut, &name, "csv", "text/csv; charset=utf-8", body))
}

/// `/tabeller/{job}/json`: the generation, the table and its rows.
pub async fn json(cut: Cut, Path(name): Path<String>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let rows = all(&cut, &name).await?;
    let head = format!("{{\"generation\":{},\"table\":{},\"rows\":[", cut.number(), json!(name));
    let mut first = true;
    let members = rows.batches.map(move |batch| {
        let batch = batch?;
        let mut text = String::new();
        for index in 0..batch.num_rows() {
            text.push_str(if first { "\n" } else { ",\n" });
            first = false;
            text.push_str(&Value::Object(schemas::json::row(&batch, index)).to_string());
        }
        Ok::<Bytes, SourceError>(text.into())
    });
    let body = stream::once(async { Ok(Bytes::from(head)) }).chain(members);
    let body = Body::from_stream(body.chain(stream::once(async { Ok(Bytes::from_static(b"\n]}\n")) })));
    Ok(attachment(&cut, &name, "json", "application/json", body))
}

async fn all(cut: &Cut, name: &str) -> Result<Rows, Failure> {
    let job = cut.job(name)?;
    let query = RowQuery { order_by: by(&job.key), ..RowQuery::default() };
    let rows = cut.app.source.rows(cut.number(), &job.name, query).await?;
    // The status is sent by then: the reader sees a download that broke off, the operator why.
    let table = job.name.clone();
    let batches = rows.batches.inspect_err(move |error| tracing::error!(table, %error, "a download broke off"));
    Ok(Rows { batches: batches.boxed(), ..rows })
}

fn attachment(cut: &Cut, name: &str, extension: &str, content_type: &'static str, body: Body) -> Response {
    let file_name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    let disposition = format!("attachment; filename=\"{file_name}_g{}.{extension}\"", cut.number());
    let headers = [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    cut.reply((headers, body), Fresh::WithGeneration)
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

fn head(schema: &Schema) -> Result<Bytes, csv::Error> {
    let mut writer = writer();
    writer.write_record(schema.fields().iter().map(|field| field.name()))?;
    let head = finished(writer)?;
    Ok([BYTE_ORDER_MARK.as_bytes(), &head].concat().into())
}

fn lines(batch: &RecordBatch) -> Result<Bytes, csv::Error> {
    let schema: SchemaRef = batch.schema();
    let mut writer = writer();
    for index in 0..batch.num_rows() {
        let fields = schema.fields().iter().zip(batch.columns());
        let cells = fields.map(|(field, column)| text(field.data_type(), &schemas::json::cell(column.as_ref(), index)));
        writer.write_record(cells)?;
    }
    Ok(finished(writer)?.into())
}

fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new())
}

fn finished(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, csv::Error> {
    writer.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))
}

/// A value in a spreadsheet. A text that begins like a formula gets an apostrophe in front: names and messages come
/// from outside, and a spreadsheet would run them.
fn text(data_type: &DataType, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(number) if matches!(data_type, DataType::Decimal128(..)) => number.replace('.', ","),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "ja" } else { "nej" }.to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_decimal_comma_and_formulas_stay_text() {
        assert_eq!(text(&DataType::Decimal128(18, 2), &json!("-1234.50")), "-1234,50");
        assert_eq!(text(&DataType::Utf8, &json!("=1+1")), "'=1+1");
        assert_eq!(text(&DataType::Utf8, &json!("12.50")), "12.50");
        assert_eq!(text(&DataType::Utf8, &Value::Null), "");
        assert_eq!(text(&DataType::Int64, &json!(-3)), "-3");
    }
}

//! Bank rows and invoices, written once by the lake as it writes the tables of jobs.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use datafusion::arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake::{Lake, Table};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::random::mix;

/// The tables.
pub const NAMES: [&str; 2] = ["bank_row", "invoice"];
/// Rows that are made at once.
const BATCH: u64 = 100_000;
/// The first day.
const DAY: u64 = 20_000;

/// Tables to write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub storage: PathBuf,
    /// There are a quarter as many invoices.
    pub bank_rows: u64,
}

/// Opens the lake in a folder.
///
/// # Errors
/// When the folder cannot be addressed.
pub fn lake(storage: &Path) -> Result<Lake> {
    let url = Url::from_directory_path(storage).ok().with_context(|| format!("{} is no folder", storage.display()))?;
    Ok(Lake::open(&url)?)
}

/// Pattern of the Parquet files of a table; none of them has deleted rows.
pub fn files(storage: &Path, name: &str) -> PathBuf {
    storage.join("tables").join(name).join("*.parquet")
}

/// A table that was written.
///
/// # Errors
/// When it was not.
pub async fn open(lake: &Lake, name: &str) -> Result<Table> {
    lake.job_table(name).await?.with_context(|| format!("the table {name}"))
}

/// Writes the tables and gives the bytes of each.
///
/// # Errors
/// When the store fails.
pub async fn write(task: &Task) -> Result<[u64; 2]> {
    let lake = lake(&task.storage)?;
    let invoices = task.bank_rows / 4;
    Ok([
        table(&lake, NAMES[0], task.bank_rows, &bank_schema(), |numbers| bank_rows(numbers, invoices)).await?,
        table(&lake, NAMES[1], invoices, &invoice_schema(), invoices_of).await?,
    ])
}

async fn table(
    lake: &Lake,
    name: &str,
    rows: u64,
    schema: &SchemaRef,
    columns: impl Fn(Range<u64>) -> Result<Vec<ArrayRef>>,
) -> Result<u64> {
    let mut writer = lake.stage(name, schema.clone())?.sorted_by(&["id".to_owned()]);
    for start in (0..rows).step_by(usize::try_from(BATCH)?) {
        writer.write(&RecordBatch::try_new(schema.clone(), columns(start..rows.min(start + BATCH))?)?).await?;
    }
    let table = lake.replace(name, schema, &writer.finish().await?).await?;
    Ok(table.files()?.iter().map(|file| file.size).sum())
}

struct BankRow {
    number: u64,
    reference: u64,
    amount: u64,
    noise: u64,
}

/// Of four rows, three pay one of the invoices, the fourth something else; of ten, one has another amount.
fn bank_row(number: u64, invoices: u64) -> BankRow {
    let noise = mix(number);
    let reference = noise % invoices.max(1) + if (noise >> 40).is_multiple_of(4) { invoices } else { 0 };
    let other = if (noise >> 44).is_multiple_of(10) { 1 + noise % 100 } else { 0 };
    BankRow { number, reference, amount: amount(reference) + other, noise }
}

fn bank_rows(numbers: Range<u64>, invoices: u64) -> Result<Vec<ArrayRef>> {
    let rows: Vec<BankRow> = numbers.map(|number| bank_row(number, invoices)).collect();
    Ok(vec![
        text(&rows, |row| format!("B{:019}", row.number)),
        integers(&rows, |row| row.noise % 10_000),
        text(&rows, |row| format!("{:07}", 9_000_000 + row.noise % 60)),
        dates(&rows, |row| DAY + (row.noise >> 50) % 30),
        text(&rows, |row| reference(row.reference)),
        amounts(&rows, |row| row.amount)?,
        text(&rows, |row| format!("Betalare {:x}", mix(row.reference) % 0x00ff_ffff)),
    ])
}

fn invoices_of(numbers: Range<u64>) -> Result<Vec<ArrayRef>> {
    let rows: Vec<u64> = numbers.collect();
    Ok(vec![
        text(&rows, |number| format!("F{number:019}")),
        integers(&rows, |number| mix(*number) % 10_000),
        text(&rows, |number| format!("{:07}", mix(*number) % 2_000_000)),
        dates(&rows, |number| DAY + mix(*number) % 60),
        text(&rows, |number| reference(*number)),
        amounts(&rows, |number| amount(*number))?,
    ])
}

/// What is to be paid for a reference, in öre.
const fn amount(reference: u64) -> u64 {
    10_000 + mix(reference ^ 1 << 60) % 1_000_000
}

/// References of 16 digits that do not ascend with the number of what they refer to.
fn reference(number: u64) -> String {
    format!("{:016}", mix(number ^ 1 << 61) % 10_000_000_000_000_000)
}

fn bank_schema() -> SchemaRef {
    let fields = [
        ("id", DataType::Utf8),
        ("line", DataType::Int64),
        ("bankgiro", DataType::Utf8),
        ("booked", DataType::Date32),
        ("reference", DataType::Utf8),
        ("amount", DataType::Decimal128(18, 2)),
        ("payer", DataType::Utf8),
    ];
    schema(&fields)
}

fn invoice_schema() -> SchemaRef {
    let fields = [
        ("id", DataType::Utf8),
        ("line", DataType::Int64),
        ("customer", DataType::Utf8),
        ("due", DataType::Date32),
        ("reference", DataType::Utf8),
        ("amount", DataType::Decimal128(18, 2)),
    ];
    schema(&fields)
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields = fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn text<Row>(rows: &[Row], value: impl Fn(&Row) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
}

fn integers<Row>(rows: &[Row], value: impl Fn(&Row) -> u64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| i64::try_from(value(row)).unwrap_or(i64::MAX))))
}

fn dates<Row>(rows: &[Row], value: impl Fn(&Row) -> u64) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| i32::try_from(value(row)).unwrap_or(i32::MAX))))
}

fn amounts<Row>(rows: &[Row], value: impl Fn(&Row) -> u64) -> Result<ArrayRef> {
    let amounts = Decimal128Array::from_iter_values(rows.iter().map(|row| i128::from(value(row))));
    Ok(Arc::new(amounts.with_precision_and_scale(18, 2)?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn three_rows_of_four_pay_an_invoice() {
        let rows: Vec<BankRow> = (0..10_000).map(|number| bank_row(number, 2_500)).collect();
        let paid = rows.iter().filter(|row| row.reference < 2_500).count();
        let exact = rows.iter().filter(|row| row.amount == amount(row.reference)).count();
        assert!((7_300..7_700).contains(&paid) && (8_800..9_200).contains(&exact), "{paid} {exact}");
    }

    #[test]
    fn references_are_different() {
        let references: HashSet<String> = (0..100_000).map(reference).collect();
        assert_eq!(references.len(), 100_000);
        assert!(references.iter().all(|reference| reference.len() == 16));
    }
}

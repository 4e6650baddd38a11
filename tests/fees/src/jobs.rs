//! The jobs of `sql/fees` on registers in memory.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMillisecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, SchemaRef};
use chrono::NaiveDate;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use engine::{Library, Planner, contract_view_schema};

use crate::law::Compared;
use crate::registers::Family;

/// The jobs, in their order.
pub const JOBS: [&str; 5] = ["fee_household", "fee_income", "fee_placement", "fee_period", "fee_month"];

/// The jobs of the income comparison, after those of the fee.
pub const COMPARISON: [&str; 4] = ["fee_taxed_income", "fee_charged", "fee_compared_adult", "fee_comparison_month"];

/// The year with two regimes, which is compared two years later.
pub const COMPARED_YEAR: i32 = 2026;

/// Loads the jobs and parameters.
///
/// # Errors
/// When the folder is none of jobs.
pub fn library(sql: &Path) -> Result<Library> {
    Ok(Library::load(sql)?)
}

/// A session as of a date in which the registers are the landed contracts, and nothing is computed yet.
///
/// # Errors
/// When a table cannot be made.
pub fn session(library: &Library, families: &[Family], as_of: NaiveDate) -> Result<SessionContext> {
    let context = Planner::new(library, as_of).session()?;
    for (contract, extracts) in [
        ("household", extracts(households, families, as_of)?),
        ("income_declaration", extracts(incomes, families, as_of)?),
        ("placement", extracts(placements, families, as_of)?),
        ("taxed_income", extracts(taxed, families, as_of)?),
        ("fee_charge", extracts(charges, families, as_of)?),
    ] {
        let schema = schema(contract)?;
        context.register_table(contract, Arc::new(MemTable::try_new(schema, vec![extracts])?))?;
    }
    Ok(context)
}

/// Computes a job and makes its table one that the next can read.
///
/// # Errors
/// When the job fails.
pub async fn compute(
    library: &Library,
    context: &SessionContext,
    as_of: NaiveDate,
    name: &str,
) -> Result<Vec<RecordBatch>> {
    let job = library.job(name).with_context(|| format!("there is no job {name}"))?;
    let planned = Planner::new(library, as_of).plan(context, job).await?;
    let state = context.state();
    let plan = state.create_physical_plan(&planned.plan).await?;
    let parts = datafusion::physical_plan::collect_partitioned(plan, context.task_ctx()).await?;
    let rows = parts.concat();
    let schema = rows.first().map_or_else(|| planned.schema.clone(), RecordBatch::schema);
    context.register_table(name, Arc::new(MemTable::try_new(schema, parts)?))?;
    Ok(rows)
}

fn schema(contract: &str) -> Result<SchemaRef> {
    let contract = schemas::contracts().get(contract).with_context(|| format!("there is no contract {contract}"))?;
    Ok(contract_view_schema(contract))
}

/// Days since 1970.
fn days(date: NaiveDate) -> i32 {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}

type Columns = Vec<(&'static str, ArrayRef)>;

/// The extract that counts, with one before it in which half the families are missing and one after the as-of, of which
/// nothing may be seen.
fn extracts(
    of: fn(&[Family]) -> (&'static str, Columns),
    families: &[Family],
    as_of: NaiveDate,
) -> Result<Vec<RecordBatch>> {
    let older = &families[..families.len() / 2];
    [(older, -40), (families, 0), (older, 1)]
        .into_iter()
        .map(|(families, offset)| {
            let (contract, columns) = of(families);
            batch(&schema(contract)?, columns, days(as_of) + offset)
        })
        .collect()
}

fn batch(schema: &SchemaRef, columns: Columns, extracted_on: i32) -> Result<RecordBatch> {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    let column = |name: &str, data_type: &DataType| -> Result<ArrayRef> {
        if let Some((_, column)) = columns.iter().find(|(known, _)| *known == name) {
            return Ok(arrow::compute::cast(column, data_type)?);
        }
        let numbers = || (1..=i64::try_from(rows).unwrap_or(i64::MAX)).collect::<Vec<_>>();
        let made: ArrayRef = match name {
            "extracted_on" => Arc::new(Date32Array::from(vec![extracted_on; rows])),
            "file_id" => Arc::new(StringArray::from(vec!["f"; rows])),
            "unit" | "department" => Arc::new(StringArray::from(vec!["104"; rows])),
            "received_at" => Arc::new(TimestampMillisecondArray::from(vec![0; rows])),
            "ordinal" | "byte_start" | "byte_end" => Arc::new(Int64Array::from(numbers())),
            _ => new_null_array(data_type, rows),
        };
        Ok(arrow::compute::cast(&made, data_type)?)
    };
    let columns = schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

fn text<'r>(rows: impl Iterator<Item = &'r str>) -> ArrayRef {
    texts(rows.map(Some))
}

fn texts<'r>(rows: impl Iterator<Item = Option<&'r str>>) -> ArrayRef {
    Arc::new(rows.collect::<StringArray>())
}

fn dates(rows: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    Arc::new(rows.map(|date| date.map(days)).collect::<Date32Array>())
}

fn flags(rows: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(rows.map(Some).collect::<BooleanArray>())
}

/// Hundredths.
fn decimals(rows: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let rows: Decimal128Array = rows.map(|hundredths| hundredths.map(i128::from)).collect();
    Arc::new(rows.with_data_type(DataType::Decimal128(18, 2)))
}

fn households(families: &[Family]) -> (&'static str, Columns) {
    let rows = || families.iter().flat_map(|family| &family.households);
    let columns = vec![
        ("household_id", text(rows().map(|row| &*row.id))),
        ("valid_from", dates(rows().map(|row| Some(row.valid_from)))),
        ("valid_to", dates(rows().map(|row| row.valid_to))),
        ("customer_id", text(rows().map(|row| &*row.customer))),
        ("guardian_1", texts(rows().map(|row| row.adults.first().map(String::as_str)))),
        ("guardian_2", texts(rows().map(|row| row.adults.get(1).map(String::as_str)))),
        ("protected", flags(rows().map(|row| row.protected))),
    ];
    ("household", columns)
}

fn incomes(families: &[Family]) -> (&'static str, Columns) {
    let rows = || families.iter().flat_map(|family| &family.declarations);
    let columns = vec![
        ("declaration_id", text(rows().map(|row| &*row.id))),
        ("household_id", text(rows().map(|row| &*row.household))),
        ("valid_from", dates(rows().map(|row| Some(row.valid_from)))),
        ("valid_to", dates(rows().map(|row| row.valid_to))),
        ("monthly_income", decimals(rows().map(|row| row.income))),
        ("status", text(rows().map(|row| row.status))),
        ("received_on", dates(rows().map(|row| Some(row.received_on)))),
    ];
    ("income_declaration", columns)
}

fn placements(families: &[Family]) -> (&'static str, Columns) {
    let rows = || families.iter().flat_map(|family| &family.placements);
    let columns = vec![
        ("placement_id", text(rows().map(|row| &*row.id))),
        ("child_id", text(rows().map(|row| &*row.child))),
        ("child_birth_date", dates(rows().map(|row| Some(row.born)))),
        ("household_id", text(rows().map(|row| &*row.household))),
        ("form", text(rows().map(|row| row.form.text()))),
        ("hours_per_week", decimals(rows().map(|row| row.hours))),
        ("general_preschool", flags(rows().map(|row| row.general))),
        ("starts_on", dates(rows().map(|row| Some(row.starts_on)))),
        ("ends_on", dates(rows().map(|row| row.ends_on))),
        ("municipal", flags(rows().map(|row| row.municipal))),
    ];
    ("placement", columns)
}

fn taxed(families: &[Family]) -> (&'static str, Columns) {
    let rows = || families.iter().flat_map(|family| &family.taxed);
    let years: ArrayRef = Arc::new(rows().map(|_| Some(COMPARED_YEAR)).collect::<Int32Array>());
    let columns = vec![
        ("person_id", text(rows().map(|row| &*row.person))),
        ("income_year", years),
        ("outcome", text(rows().map(|row| row.outcome))),
        ("employment_income", decimals(rows().map(|row| row.employment))),
        ("business_income", decimals(rows().map(|row| row.business))),
    ];
    ("taxed_income", columns)
}

fn charges(families: &[Family]) -> (&'static str, Columns) {
    let rows = || families.iter().flat_map(|family| &family.charges);
    let columns = vec![
        ("charge_id", text(rows().map(|row| &*row.id))),
        ("kind", text(rows().map(|row| row.kind))),
        ("placement_id", text(rows().map(|row| &*row.placement))),
        ("month", dates(rows().map(|row| Some(row.month)))),
        ("customer_id", text(rows().map(|row| &*row.customer))),
        ("amount", decimals(rows().map(|row| Some(row.amount)))),
        ("invoiced_on", dates(rows().map(|row| Some(row.month)))),
    ];
    ("fee_charge", columns)
}

/// The rows of `fee_comparison_month`.
///
/// # Errors
/// When the table has other columns.
pub fn compared(batches: &[RecordBatch]) -> Result<Vec<Compared>> {
    const REASONS: [&str; 5] = ["missing", "undecided", "deceased", "protected", "no_adult"];
    let mut rows = Vec::new();
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).with_context(|| format!("there is no {name}"));
        let texts = |name: &str| Ok::<_, anyhow::Error>(column(name)?.as_string::<i32>());
        let (households, placements) = (texts("household_id")?, texts("placement_id")?);
        let reasons = texts("not_compared")?;
        let months = column("month")?.as_primitive::<Date32Type>();
        let fees = column("compared_fee")?.as_primitive::<Decimal128Type>();
        let charged = column("charged")?.as_primitive::<Decimal128Type>();
        for row in 0..batch.num_rows() {
            let month = city::dates::add_days(NaiveDate::default(), i64::from(months.value(row)));
            let reason = reasons.is_valid(row).then(|| reasons.value(row));
            rows.push(Compared {
                key: (households.value(row).to_owned(), placements.value(row).to_owned(), month),
                not_compared: reason.map(|text| REASONS.into_iter().find(|known| *known == text).unwrap_or("another")),
                fee: fees.is_valid(row).then(|| i64::try_from(fees.value(row)).unwrap_or(i64::MAX)),
                charged: i64::try_from(charged.value(row)).unwrap_or(i64::MAX),
            });
        }
    }
    Ok(rows)
}

/// A row of `fee_month` as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Placement.
    pub placement: String,
    /// First day of its row in the register.
    pub starts_on: NaiveDate,
    /// First day of the month.
    pub month: NaiveDate,
    /// charged, free, other_tariff or refused.
    pub status: String,
    /// Why refused.
    pub refusal: Option<String>,
    /// Öre.
    pub fee: Option<i64>,
    /// Place among the siblings at the end.
    pub position: Option<i32>,
}

/// The rows of `fee_month`.
///
/// # Errors
/// When the table has other columns.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).with_context(|| format!("fee_month has no {name}"));
        let texts = |name: &str| Ok::<_, anyhow::Error>(column(name)?.as_string::<i32>());
        let (placements, statuses, refusals) = (texts("placement_id")?, texts("status")?, texts("refusal")?);
        let (starts, months) =
            (column("starts_on")?.as_primitive::<Date32Type>(), column("month")?.as_primitive::<Date32Type>());
        let fees = column("fee")?.as_primitive::<Decimal128Type>();
        let positions = column("position")?.as_primitive::<Int32Type>();
        let date = |days: i32| city::dates::add_days(NaiveDate::default(), i64::from(days));
        for row in 0..batch.num_rows() {
            rows.push(Row {
                placement: placements.value(row).to_owned(),
                starts_on: date(starts.value(row)),
                month: date(months.value(row)),
                status: statuses.value(row).to_owned(),
                refusal: refusals.is_valid(row).then(|| refusals.value(row).to_owned()),
                fee: fees.is_valid(row).then(|| i64::try_from(fees.value(row)).unwrap_or(i64::MAX)),
                position: positions.is_valid(row).then(|| positions.value(row)),
            });
        }
    }
    Ok(rows)
}

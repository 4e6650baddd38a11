//! Two tables of a job, row by row: a full outer join on the key, counted and summed by the query engine.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::context::{SessionConfig, SessionContext};
use lake::Lake;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{EngineError, Job};

/// A table of a job.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its rows.
    pub rows: Arc<dyn TableProvider>,
    /// Its columns.
    pub schema: SchemaRef,
}

/// How two tables of a job differ.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The job.
    pub job: String,
    /// Its title, in Swedish.
    pub title: String,
    /// The columns that rows are compared by.
    pub key: Vec<String>,
    /// Rows before; nothing when there was no such job.
    pub before: Option<u64>,
    /// Rows now; nothing when there is no such job any more.
    pub now: Option<u64>,
    /// Rows whose key stands only before.
    pub only_before: u64,
    /// Rows whose key stands only now.
    pub only_now: u64,
    /// Rows of the same key with other cells.
    pub changed: u64,
    /// Columns that differ.
    pub columns: Vec<ColumnChange>,
    /// Money by queue, department and currency, of a job whose header names an amount.
    pub sums: Vec<Sum>,
    /// Some of the rows that differ, by key.
    pub samples: Samples,
}

/// A column that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// The column.
    pub name: String,
    /// Its type before.
    pub before: Option<String>,
    /// Its type now.
    pub now: Option<String>,
    /// Rows of the same key in which it differs; nothing where only one side has it.
    pub changed: Option<u64>,
}

/// Rows and money of one queue, department and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The queue.
    pub queue: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The currency.
    pub currency: Option<String>,
    /// Rows before.
    pub rows_before: u64,
    /// Rows now.
    pub rows_now: u64,
    /// The sum before, in the units of the column.
    pub before: String,
    /// The sum now.
    pub now: String,
}

/// Some of the rows that differ, by key.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Samples {
    /// Rows that stand only before.
    pub only_before: Vec<Map<String, Value>>,
    /// Rows that stand only now.
    pub only_now: Vec<Map<String, Value>>,
    /// Rows that differ.
    pub changed: Vec<ChangedRow>,
}

/// A row whose cells differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedRow {
    /// Its key.
    pub key: Map<String, Value>,
    /// Cells that differ: before and now.
    pub cells: Map<String, Value>,
}

impl Comparison {
    /// True when both tables hold the same rows and columns.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.only_before + self.only_now + self.changed == 0
            && self.columns.is_empty()
            && self.before.is_some() == self.now.is_some()
    }
}

/// Compares two tables of a job; one that is not there counts as empty.
///
/// # Errors
/// When a table cannot be read.
pub async fn compare(
    lake: &Lake,
    job: &Job,
    before: Option<Table>,
    now: Option<Table>,
    samples: usize,
) -> Result<Comparison, EngineError> {
    let sides = (before.is_some(), now.is_some());
    let (before, now) = match (before, now) {
        (Some(before), Some(now)) => (before, now),
        (Some(before), None) => (before.clone(), empty(&before.schema)),
        (None, Some(now)) => (empty(&now.schema), now),
        (None, None) => (empty(&SchemaRef::new(Schema::empty())), empty(&SchemaRef::new(Schema::empty()))),
    };
    Compare::new(lake, job, before, now)?.run(sides, samples).await
}

fn empty(schema: &SchemaRef) -> Table {
    Table { rows: Arc::new(EmptyTable::new(schema.clone())), schema: schema.clone() }
}

struct Compare<'a> {
    context: SessionContext,
    job: &'a Job,
    before: SchemaRef,
    now: SchemaRef,
    /// Columns of the key that both sides have.
    key: Vec<String>,
    /// Columns that both sides have beside the key.
    both: Vec<String>,
}

impl<'a> Compare<'a> {
    fn new(lake: &Lake, job: &'a Job, before: Table, now: Table) -> Result<Self, EngineError> {
        let failed = || EngineError::query(format!("comparing {}", job.name));
        let mut config = SessionConfig::from_env().map_err(failed())?;
        let options = config.options_mut();
        options.sql_parser.map_string_types_to_utf8view = false;
        options.execution.parquet.schema_force_view_types = false;
        options.sql_parser.parse_float_as_decimal = true;
        // A merge of sorted sides can leave memory for disk, which a hash table cannot.
        options.optimizer.prefer_hash_join = false;
        let context = SessionContext::new_with_config(config);
        lake.register(&context);
        context.register_table("before", before.rows).map_err(failed())?;
        context.register_table("now", now.rows).map_err(failed())?;
        let has = |schema: &SchemaRef, name: &str| schema.index_of(name).is_ok();
        let shared = |name: &str| has(&before.schema, name) && has(&now.schema, name);
        let key: Vec<String> = job.header.key.iter().filter(|name| shared(name)).cloned().collect();
        let names = now.schema.fields().iter().map(|field| field.name().clone());
        let both = names.filter(|name| shared(name) && !key.contains(name)).collect();
        Ok(Self { context, job, before: before.schema, now: now.schema, key, both })
    }

    async fn run(&self, sides: (bool, bool), samples: usize) -> Result<Comparison, EngineError> {
        let mut counts = vec![
            "count(b__there)".to_owned(),
            "count(n__there)".to_owned(),
            "count(case when n__there is null then 1 end)".to_owned(),
            "count(case when b__there is null then 1 end)".to_owned(),
            format!("count(case when {} then 1 end)", self.any_differs()),
        ];
        counts.extend(self.both.iter().map(|name| format!("count(case when {} then 1 end)", self.differs(name))));
        let rows = self.rows(&format!("select {} from {}", named(&counts), self.joined())).await?;
        let count = |index: usize| -> u64 {
            let value = rows.first().and_then(|row| row.get(&format!("c{index}"))).and_then(Value::as_u64);
            value.unwrap_or_default()
        };
        Ok(Comparison {
            job: self.job.name.clone(),
            title: self.job.header.title.clone(),
            key: self.key.clone(),
            before: sides.0.then(|| count(0)),
            now: sides.1.then(|| count(1)),
            only_before: count(2),
            only_now: count(3),
            changed: count(4),
            columns: self.columns(|index| count(5 + index)),
            sums: self.sums().await?,
            samples: self.samples(samples).await?,
        })
    }

    /// The columns that differ; `changed` is the number of rows in which a shared one does.
    fn columns(&self, changed: impl Fn(usize) -> u64) -> Vec<ColumnChange> {
        let type_of = |schema: &SchemaRef, name: &str| {
            schema.field_with_name(name).ok().map(|field| field.data_type().to_string())
        };
        let change = |name: &str, changed: Option<u64>| {
            let (before, now) = (type_of(&self.before, name), type_of(&self.now, name));
            let differs = before != now || changed.is_some_and(|rows| rows > 0);
            differs.then(|| ColumnChange { name: name.to_owned(), before, now, changed })
        };
        let shared = self.both.iter().enumerate().filter_map(|(index, name)| change(name, Some(changed(index))));
        let of_key = self.key.iter().filter_map(|name| change(name, None));
        let names = self.before.fields().iter().chain(self.now.fields()).map(|field| field.name().as_str());
        let single = names.filter(|name| !self.both.iter().chain(&self.key).any(|both| both == name));
        shared.chain(of_key).chain(single.filter_map(|name| change(name, None))).collect()
    }

    async fn sums(&self) -> Result<Vec<Sum>, EngineError> {
        let Some(amount) = &self.job.header.amount else { return Ok(Vec::new()) };
        let side = |table: &str, schema: &SchemaRef, is_before: bool| {
            let text = |name: &str| match schema.index_of(name) {
                Ok(_) => format!("cast({} as varchar)", quoted(name)),
                Err(_) => "cast(null as varchar)".to_owned(),
            };
            let money = match schema.index_of(amount) {
                Ok(_) => format!("cast({} as decimal(38, 6))", quoted(amount)),
                Err(_) => NO_MONEY.to_owned(),
            };
            let (before, now) = if is_before { (money.as_str(), NO_MONEY) } else { (NO_MONEY, money.as_str()) };
            let (one, other) = if is_before { ("1", "null") } else { ("null", "1") };
            format!(
                "select {} as department, {} as currency, {before} as before_sum, {now} as now_sum, \
                 {one} as before_row, {other} as now_row from {table}",
                text("department"),
                text("currency")
            )
        };
        let sql = format!(
            "select department, currency, count(before_row) as rows_before, count(now_row) as rows_now, \
             coalesce(sum(before_sum), 0) as before_sum, coalesce(sum(now_sum), 0) as now_sum \
             from ({} union all {}) group by department, currency order by department, currency",
            side("before", &self.before, true),
            side("now", &self.now, false)
        );
        let queue = self.job.header.exception.as_ref().map(|exception| exception.queue.clone());
        let text = |row: &Map<String, Value>, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |row: &Map<String, Value>, name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
        let money = |row: &Map<String, Value>, name: &str| two_decimals(&text(row, name).unwrap_or_default());
        let sum = |row: Map<String, Value>| Sum {
            queue: queue.clone(),
            department: text(&row, "department"),
            currency: text(&row, "currency"),
            rows_before: number(&row, "rows_before"),
            rows_now: number(&row, "rows_now"),
            before: money(&row, "before_sum"),
            now: money(&row, "now_sum"),
        };
        Ok(self.rows(&sql).await?.into_iter().map(sum).collect())
    }

    async fn samples(&self, most: usize) -> Result<Samples, EngineError> {
        if most == 0 {
            return Ok(Samples::default());
        }
        let order: Vec<String> = self.key.iter().map(|name| quoted(name)).collect();
        let order = if order.is_empty() { String::new() } else { format!("order by {}", order.join(", ")) };
        let only = |side: &str, other: &str, schema: &SchemaRef| {
            let columns = schema
                .fields()
                .iter()
                .map(|field| format!("{} as {}", quoted(&format!("{side}{}", field.name())), quoted(field.name())));
            let columns: Vec<String> = columns.collect();
            let columns = if columns.is_empty() { "1 as nothing".to_owned() } else { columns.join(", ") };
            format!("select {columns} from {} where {other}_there is null {order} limit {most}", self.joined())
        };
        let key = self.key.iter().map(|name| format!("{} as {}", quoted(&format!("b_{name}")), quoted(name)));
        let cells = self.both.iter().flat_map(|name| {
            [
                format!("{} as d_{}", self.differs(name), self.place(name)),
                quoted(&format!("b_{name}")),
                quoted(&format!("n_{name}")),
            ]
        });
        let columns: Vec<String> = key.chain(cells).collect();
        let changed = match columns.is_empty() || self.both.is_empty() {
            true => Vec::new(),
            false => {
                let sql = format!(
                    "select {} from {} where {} {order} limit {most}",
                    columns.join(", "),
                    self.joined(),
                    self.any_differs()
                );
                self.rows(&sql).await?
            }
        };
        Ok(Samples {
            only_before: self.rows(&only("b_", "n_", &self.before)).await?,
            only_now: self.rows(&only("n_", "b_", &self.now)).await?,
            changed: changed.iter().map(|row| self.changed_row(row)).collect(),
        })
    }

    fn changed_row(&self, row: &Map<String, Value>) -> ChangedRow {
        let cell = |name: String| row.get(&name).cloned().unwrap_or_default();
        let key = self.key.iter().map(|name| (name.clone(), cell(name.clone()))).collect();
        let differ = self.both.iter().filter(|name| cell(format!("d_{}", self.place(name))) == Value::Bool(true));
        let cells = differ
            .map(|name| (name.clone(), Value::Array(vec![cell(format!("b_{name}")), cell(format!("n_{name}"))])))
            .collect();
        ChangedRow { key, cells }
    }

    fn place(&self, name: &str) -> usize {
        self.both.iter().position(|both| both == name).unwrap_or_default()
    }

    /// Both sides, joined by key; columns are called `b_…` and `n_…`.
    fn joined(&self) -> String {
        let side = |table: &str, prefix: &str, schema: &SchemaRef| {
            let columns = schema
                .fields()
                .iter()
                .map(|field| format!("{} as {}", quoted(field.name()), quoted(&format!("{prefix}{}", field.name()))));
            let columns: Vec<String> = columns.chain([format!("1 as {prefix}_there")]).collect();
            format!("(select {} from {table})", columns.join(", "))
        };
        let on = self.key.iter().map(|name| {
            format!("({} is not distinct from {})", quoted(&format!("b_{name}")), quoted(&format!("n_{name}")))
        });
        let on: Vec<String> = on.collect();
        let on = if on.is_empty() { "false".to_owned() } else { on.join(" and ") };
        format!(
            "(select * from {} as b full outer join {} as n on {on}) as joined",
            side("before", "b_", &self.before),
            side("now", "n_", &self.now)
        )
    }

    fn any_differs(&self) -> String {
        let each: Vec<String> = self.both.iter().map(|name| self.differs(name)).collect();
        if each.is_empty() { "false".to_owned() } else { format!("({})", each.join(" or ")) }
    }

    /// Whether a column's cells differ in a row that both sides have.
    fn differs(&self, name: &str) -> String {
        let (b, n) = (quoted(&format!("b_{name}")), quoted(&format!("n_{name}")));
        let type_of = |schema: &SchemaRef| schema.field_with_name(name).map(|field| field.data_type().clone());
        let (before, now) = (type_of(&self.before), type_of(&self.now));
        let both = "b__there is not null and n__there is not null";
        match (before, now) {
            (Ok(before), Ok(now)) if alike(&before, &now) => format!("({both} and {b} is distinct from {n})"),
            (Ok(before), Ok(now)) if !before.is_nested() && !now.is_nested() => {
                format!("({both} and cast({b} as varchar) is distinct from cast({n} as varchar))")
            }
            // Values of lists and of another type are never the same.
            _ => format!("({both} and ({b} is not null or {n} is not null))"),
        }
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Map<String, Value>>, EngineError> {
        let failed = || EngineError::query(format!("comparing {}", self.job.name));
        let frame = self.context.sql(sql).await.map_err(failed())?;
        let batches: Vec<RecordBatch> = frame.collect().await.map_err(failed())?;
        let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| schemas::json::row(batch, row)));
        Ok(rows.collect())
    }
}

const NO_MONEY: &str = "cast(null as decimal(38, 6))";

/// Types whose values can be compared as they are.
fn alike(a: &DataType, b: &DataType) -> bool {
    a == b || (a.is_numeric() && b.is_numeric())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn named(expressions: &[String]) -> String {
    let named = expressions.iter().enumerate().map(|(index, expression)| format!("{expression} as c{index}"));
    named.collect::<Vec<_>>().join(", ")
}

/// A decimal without the zeroes that its type adds, but with two digits.
fn two_decimals(text: &str) -> String {
    let Some((whole, decimals)) = text.split_once('.') else { return format!("{text}.00") };
    format!("{whole}.{:0<2}", decimals.trim_end_matches('0'))
}

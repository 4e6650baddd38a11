//! The queries that tracing asks: the rows of an operator's input from which given values are computed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef};
use arrow::row::OwnedRow;
use datafusion::common::{Column, DFSchema, JoinType, ScalarValue};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, LogicalPlanBuilder, ident, lit};
use futures::TryStreamExt as _;

use crate::rows::{RowSet, concat, converter, distinct, encoded, is_all_null};

/// Values of a column that are worth naming in a filter.
const NAMED: usize = 500;

/// Rows that were found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) rows: RecordBatch,
    /// False when there are more, beyond the limit.
    pub(super) complete: bool,
}

impl Found {
    pub(super) fn all(schema: &SchemaRef, parts: Vec<Self>) -> Result<Self> {
        let rows = distinct(&concat(schema, parts.iter().map(|part| &part.rows))?)?;
        Ok(Self { rows, complete: parts.iter().all(|part| part.complete) })
    }

    pub(super) fn also(mut self, complete: bool) -> Self {
        self.complete &= complete;
        self
    }

    /// What an outer join has put in the place of a partner is no row.
    pub(super) fn without_null_rows(self) -> Result<Self> {
        let null = is_all_null(self.rows.columns(), self.rows.num_rows());
        Ok(Self { rows: filter_record_batch(&self.rows, &arrow::compute::not(&null)?)?, complete: self.complete })
    }
}

/// Which of the rows that have the values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    All,
    /// For each combination of values the smallest row, so that it is the same one in every run.
    OneOfEach,
}

/// Asks the queries.
pub(super) struct Fetcher<'a> {
    pub(super) context: &'a SessionContext,
    pub(super) limit: usize,
}

impl Fetcher<'_> {
    /// The distinct rows of `input` for which the expressions `keys` have a combination of `values` (one array for
    /// each key, all of one length) and `also` holds.
    pub(super) async fn fetch(
        &self,
        input: &LogicalPlan,
        keys: &[Expr],
        values: &[ArrayRef],
        also: Option<&Expr>,
        keep: Keep,
    ) -> Result<Found> {
        let conditions = restriction(keys, values)?.into_iter().chain(also.cloned()).collect();
        match self.fetch_where(input, keys, values, conditions, keep).await {
            // Of a column that a condition makes constant the planner leaves out sorts, and then misses them.
            Err(_) if !keys.is_empty() => {
                self.fetch_where(input, keys, values, also.cloned().into_iter().collect(), keep).await
            }
            found => found,
        }
    }

    async fn fetch_where(
        &self,
        input: &LogicalPlan,
        keys: &[Expr],
        values: &[ArrayRef],
        conditions: Vec<Expr>,
        keep: Keep,
    ) -> Result<Found> {
        let mut plan = LogicalPlanBuilder::from(input.clone());
        for condition in conditions {
            plan = plan.filter(condition)?;
        }
        let named = keys
            .iter()
            .enumerate()
            .map(|(index, key)| key.clone().unalias_nested().data.alias(format!("__key_{index}")));
        let columns = input.schema().iter().map(|field| Expr::Column(Column::from(field)));
        let plan = plan.project(named.chain(columns).collect::<Vec<_>>())?.build()?;
        let frame = self.context.execute_logical_plan(plan).await?;
        let mut stream = frame.execute_stream().await?;
        let wanted = RowSet::of_columns(values, values.first().map_or(1, |value| value.len()))?;
        let mut kept = Kept { keep, seen: HashMap::new(), batches: Vec::new() };
        let mut complete = true;
        while let Some(batch) = stream.try_next().await? {
            let (of_keys, _) = batch.columns().split_at(keys.len());
            let mask = wanted.contained(&of_type(of_keys, values)?, batch.num_rows())?;
            kept.add(&filter_record_batch(&batch, &mask)?, keys.len())?;
            if kept.seen.len() > self.limit {
                complete = false;
                break;
            }
        }
        let rows = kept.rows(input.schema().inner())?;
        Ok(Found { rows: rows.slice(0, rows.num_rows().min(self.limit)), complete })
    }

    /// The rows of the right side of a semi join that these rows of its left side found.
    pub(super) async fn partners(&self, join: &Join, left: &RecordBatch) -> Result<Found> {
        let (wanted, sought): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let values = self.evaluate(&wanted, join.left.schema(), left)?;
        let mut right = LogicalPlanBuilder::from(join.right.as_ref().clone());
        for condition in restriction(&sought, &values)? {
            right = right.filter(condition)?;
        }
        let semi = Join::try_new(
            Arc::new(as_plan(left, join.left.schema())?),
            Arc::new(right.build()?),
            join.on.clone(),
            join.filter.clone(),
            JoinType::RightSemi,
            join.join_constraint,
            join.null_equality,
            false,
        )?;
        self.fetch(&LogicalPlan::Join(semi), &[], &[], None, Keep::All).await
    }

    /// The expressions on rows that are at hand.
    pub(super) fn evaluate(
        &self,
        expressions: &[Expr],
        schema: &DFSchema,
        rows: &RecordBatch,
    ) -> Result<Vec<ArrayRef>> {
        let value = |expression: &Expr| {
            let physical = self.context.create_physical_expr(expression.clone(), schema)?;
            physical.evaluate(rows)?.into_array(rows.num_rows())
        };
        expressions.iter().map(value).collect()
    }

    pub(super) async fn collect(&self, plan: &LogicalPlan) -> Result<RecordBatch> {
        let batches = self.context.execute_logical_plan(plan.clone()).await?.collect().await?;
        Ok(concat(plan.schema().inner(), &batches)?)
    }
}

/// The rows that are kept so far.
struct Kept {
    keep: Keep,
    /// Rows by what each must be the only one of: itself, or its key.
    seen: HashMap<OwnedRow, Place>,
    batches: Vec<RecordBatch>,
}

struct Place {
    row: OwnedRow,
    batch: usize,
    index: usize,
}

impl Kept {
    /// Adds rows whose first `keys` columns are the keys.
    fn add(&mut self, batch: &RecordBatch, keys: usize) -> Result<()> {
        let (of_keys, columns) = batch.columns().split_at(keys);
        let rows = encoded(&converter(columns)?, columns, batch.num_rows())?;
        let only = match self.keep {
            Keep::All => None,
            Keep::OneOfEach => Some(encoded(&converter(of_keys)?, of_keys, batch.num_rows())?),
        };
        let number = self.batches.len();
        for (index, row) in rows.iter().enumerate() {
            let only = only.as_ref().map_or(row, |only| only.row(index)).owned();
            let is_better = self.seen.get(&only).is_none_or(|kept| row < kept.row.row());
            if is_better {
                self.seen.insert(only, Place { row: row.owned(), batch: number, index });
            }
        }
        // Only what is kept stays in memory: one row of a million may be all that is wanted.
        let mut taken: Vec<&mut Place> = self.seen.values_mut().filter(|place| place.batch == number).collect();
        taken.sort_by_key(|place| place.index);
        let indices: UInt64Array = taken.iter().map(|place| place.index as u64).collect();
        for (index, place) in taken.into_iter().enumerate() {
            place.index = index;
        }
        let columns: Vec<usize> = (keys..batch.num_columns()).collect();
        self.batches.push(take_record_batch(&batch.project(&columns)?, &indices)?);
        Ok(())
    }

    fn rows(self, schema: &SchemaRef) -> Result<RecordBatch> {
        let places: HashSet<(usize, usize)> = self.seen.into_values().map(|place| (place.batch, place.index)).collect();
        let mut parts = Vec::with_capacity(self.batches.len());
        for (number, batch) in self.batches.iter().enumerate() {
            let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(places.contains(&(number, row)))).collect();
            parts.push(filter_record_batch(batch, &mask)?);
        }
        Ok(concat(schema, &parts)?)
    }
}

/// What every row with these values fulfils: for each key, that it has one of its values. It only spares work; which
/// combinations are wanted is seen on the rows.
fn restriction(keys: &[Expr], values: &[ArrayRef]) -> Result<Vec<Expr>> {
    let mut conditions = Vec::new();
    for (key, values) in keys.iter().zip(values) {
        let key = key.clone().unalias_nested().data;
        if values.data_type().is_nested() || matches!(key, Expr::Literal(..)) {
            continue;
        }
        let mut known = Vec::new();
        for row in 0..values.len() {
            let value = ScalarValue::try_from_array(values, row)?;
            if !value.is_null() && !known.contains(&value) && known.len() <= NAMED {
                known.push(value);
            }
        }
        if known.len() > NAMED {
            continue;
        }
        let is_one = match known.as_slice() {
            [] => None,
            [one] => Some(key.clone().eq(lit(one.clone()))),
            more => Some(key.clone().in_list(more.iter().cloned().map(lit).collect(), false)),
        };
        let is_null = (values.null_count() > 0).then(|| key.is_null());
        conditions.push(match (is_one, is_null) {
            (Some(one), Some(null)) => one.or(null),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => lit(false),
        });
    }
    Ok(conditions)
}

fn of_type(columns: &[ArrayRef], like: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    let column = |(column, like): (&ArrayRef, &ArrayRef)| {
        if column.data_type() == like.data_type() {
            Ok(column.clone())
        } else {
            Ok(arrow::compute::cast(column, like.data_type())?)
        }
    };
    columns.iter().zip(like).map(column).collect()
}

/// Rows that are at hand as a plan with the columns of `schema`, qualifiers and all.
fn as_plan(rows: &RecordBatch, schema: &DFSchema) -> Result<LogicalPlan> {
    let place = |index: usize| format!("c{index}");
    let fields = rows.columns().iter().enumerate();
    let fields = fields.map(|(index, column)| Field::new(place(index), column.data_type().clone(), true));
    let plain = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let rows = RecordBatch::try_new(plain.clone(), rows.columns().to_vec())?;
    let table = MemTable::try_new(plain, vec![vec![rows]])?;
    let named = schema.iter().enumerate();
    let named =
        named.map(|(index, (qualifier, field))| ident(place(index)).alias_qualified(qualifier.cloned(), field.name()));
    LogicalPlanBuilder::scan("__rows", provider_as_source(Arc::new(table)), None)?
        .project(named.collect::<Vec<_>>())?
        .build()
}

/// The same with the number of each row as last column.
pub(super) fn numbered(rows: &RecordBatch, schema: &DFSchema) -> Result<LogicalPlan> {
    let mut fields: Vec<_> = schema.iter().map(|(qualifier, field)| (qualifier.cloned(), field.clone())).collect();
    let number = Arc::new(Field::new("__number", arrow::datatypes::DataType::Int64, false));
    fields.push((None, number.clone()));
    let numbers: Int64Array = (0_i64..).take(rows.num_rows()).collect();
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(numbers));
    let of_rows = rows.schema();
    let arrow_fields = of_rows.fields().iter().cloned().chain([number]).collect::<Vec<_>>();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(arrow_fields)), columns)?;
    as_plan(&rows, &DFSchema::new_with_metadata(fields, std::collections::HashMap::new())?)
}

/// The rows whose number stands where `taken` is true.
pub(super) fn take_numbered(rows: &RecordBatch, numbers: &ArrayRef, taken: &BooleanArray) -> Result<RecordBatch> {
    let numbers = numbers.as_primitive::<Int64Type>();
    let wanted = (0..taken.len()).filter(|&row| taken.value(row)).map(|row| numbers.value(row));
    let wanted: BTreeSet<i64> = wanted.collect();
    let mask: BooleanArray = (0_i64..).take(rows.num_rows()).map(|number| Some(wanted.contains(&number))).collect();
    Ok(filter_record_batch(rows, &mask)?)
}

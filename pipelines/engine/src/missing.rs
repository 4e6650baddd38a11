//! Rows that files delivered and the landing tables do not have: what the log lost before it was landed.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::{ident, lit};
use lake::Lake;
use schemas::calendar::Calendar;
use serde_json::{Map, Value};

use crate::changes::Landing;
use crate::{EngineError, views};

/// Rows of one contract that a file delivered and its landing table does not have.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The `file` record.
    pub file: Map<String, Value>,
    /// The contract.
    pub contract: String,
    /// How many there are.
    pub rows: i64,
    /// The ordinals of the rows of the file that are there.
    pub landed: BTreeSet<i64>,
}

/// What is missing of files whose `file` record has landed, in order of file and contract. All rows of such a file
/// have been landed before its record, so that nothing of them is still on its way.
///
/// # Errors
/// When a table cannot be read.
pub async fn missing(lake: &Lake) -> Result<Vec<Missing>, EngineError> {
    let landing = Landing::now(lake).await?;
    let Some(sql) = views::landed_otherwise(&landing.tables.keys().cloned().collect()) else { return Ok(Vec::new()) };
    let context = session(lake, &landing).await?;
    let sql = format!(
        "select file_id, contract, missing from (select file_id, contract, \
         delivered + delivered_rejects - coalesce(landed + landed_rejects, 0) as missing from ({sql})) \
         where missing > 0 order by file_id, contract"
    );
    let mut found = Vec::new();
    for batch in collect(&context, &sql).await? {
        let (files, contracts) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let rows = batch.column(2).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let (file, contract) = (files.value(row), contracts.value(row));
            let file = self::file(&context, file).await?;
            let landed = ordinals(&context, contract, &file).await?;
            found.push(Missing { file, contract: contract.to_owned(), rows: rows.value(row), landed });
        }
    }
    Ok(found)
}

/// The ids of all files whose `file` record has landed.
///
/// # Errors
/// When the table cannot be read.
pub async fn landed_files(lake: &Lake) -> Result<Vec<String>, EngineError> {
    let files = collect_landed(lake, "select distinct file_id from file").await?;
    Ok(files.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned)).collect())
}

/// The rows of a question to what has landed.
pub(crate) async fn collect_landed(lake: &Lake, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
    collect(&session(lake, &Landing::now(lake).await?).await?, sql).await
}

async fn session(lake: &Lake, landing: &Landing) -> Result<SessionContext, EngineError> {
    let context = crate::session(NaiveDate::default(), &Arc::new(Calendar::default()))?;
    lake.register(&context);
    views::register(&context, &landing.providers()?).await?;
    Ok(context)
}

async fn collect(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
    let failed = || EngineError::query("looking for rows that are missing");
    context.sql(sql).await.map_err(failed())?.collect().await.map_err(failed())
}

async fn file(context: &SessionContext, file_id: &str) -> Result<Map<String, Value>, EngineError> {
    let failed = || EngineError::query("the record of a file");
    let frame = context.table("file").await.map_err(failed())?;
    let rows = frame.filter(ident("file_id").eq(lit(file_id))).map_err(failed())?.collect().await.map_err(failed())?;
    let first = rows.iter().find(|batch| batch.num_rows() > 0).map(|batch| schemas::json::row(batch, 0));
    Ok(first.unwrap_or_default())
}

async fn ordinals(
    context: &SessionContext,
    contract: &str,
    file: &Map<String, Value>,
) -> Result<BTreeSet<i64>, EngineError> {
    let failed = || EngineError::query("the rows of a file");
    let file_id = file.get("file_id").and_then(Value::as_str).unwrap_or_default();
    if !context.table_exist(format!("landing.{contract}")).map_err(failed())? {
        return Ok(BTreeSet::new());
    }
    let frame = context.table(format!("landing.{contract}")).await.map_err(failed())?;
    let frame = frame.filter(ident("file_id").eq(lit(file_id))).map_err(failed())?;
    let rows = frame.select_columns(&["ordinal"]).map_err(failed())?.collect().await.map_err(failed())?;
    Ok(rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect())
}

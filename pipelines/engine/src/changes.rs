//! What has landed since the last generation, as the jobs see it.
//!
//! A landing table only grows, and jobs see the rows of a file from the moment its `file` record is there. So what
//! is new to them are the rows of files whose records are new. They stand in data files that the last cut did not
//! have; a file's rows that landed before its record stand in older ones, and the record says how many there must
//! be, so that they are looked for there only when some are missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, Schema};
use commit::generation::LandingCut;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::execution::context::SessionContext;
use lake::{Lake, LandingTable, Table};

use crate::EngineError;
use crate::refresh::Change;
use crate::rows::Difference;
use crate::views::WITHOUT_FILE;

/// One cut of the landing tables.
#[derive(Debug)]
pub struct Landing {
    /// What a generation says of it.
    pub cuts: BTreeMap<String, LandingCut>,
    /// The tables.
    pub tables: BTreeMap<String, Table>,
}

impl Landing {
    /// The landing tables as they are now. The table of `file` records is read first: what it names has landed
    /// before it.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn now(lake: &Lake) -> Result<Self, EngineError> {
        Self::of(lake, |_| true).await
    }

    /// The same, of some tables.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn of(lake: &Lake, wanted: impl Fn(&str) -> bool) -> Result<Self, EngineError> {
        let mut landing = Self { cuts: BTreeMap::new(), tables: BTreeMap::new() };
        let files_first = |name: &str| (name != "file", name.to_owned());
        let mut contracts: Vec<_> = schemas::contracts().values().filter(|contract| wanted(&contract.name)).collect();
        contracts.sort_by_key(|contract| files_first(&contract.name));
        for contract in contracts {
            if let Some(table) = lake.landing(&contract.name).await? {
                let positions = LandingTable::new(lake, contract).heads_of(&table).await?;
                landing.cuts.insert(contract.name.clone(), LandingCut { version: table.version(), positions });
                landing.tables.insert(contract.name.clone(), table);
            }
        }
        Ok(landing)
    }

    /// The landing tables as a generation shows them.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn then(lake: &Lake, cuts: &BTreeMap<String, LandingCut>) -> Result<Self, EngineError> {
        let mut landing = Self { cuts: cuts.clone(), tables: BTreeMap::new() };
        for (contract, cut) in cuts {
            landing.tables.insert(contract.clone(), lake.landing_version(contract, cut.version).await?);
        }
        Ok(landing)
    }

    /// Their rows.
    ///
    /// # Errors
    /// When a table's log cannot be read.
    pub fn providers(&self) -> Result<BTreeMap<String, Arc<dyn TableProvider>>, EngineError> {
        let provider = |(name, table): (&String, &Table)| Ok((name.clone(), table.provider()?));
        self.tables.iter().map(provider).collect()
    }

    /// Rows in each.
    ///
    /// # Errors
    /// When a table's log cannot be read.
    pub fn rows(&self) -> Result<BTreeMap<String, u64>, EngineError> {
        self.tables.iter().map(|(name, table)| Ok((name.clone(), table.rows()?))).collect()
    }

    /// What jobs see of it that they did not see in the cut `before`; of a contract with more than `most` new rows
    /// they are not held.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn since(
        &self,
        before: &Self,
        context: &SessionContext,
        most: usize,
    ) -> Result<BTreeMap<String, Change>, EngineError> {
        let mut changes = BTreeMap::new();
        let moved = |name: &str| before.cuts.get(name) != self.cuts.get(name);
        // What belongs to no file shows at once.
        for name in WITHOUT_FILE.iter().filter(|name| **name != "file" && moved(name)) {
            changes.insert((*name).to_owned(), Change::All);
        }
        if !moved("file") {
            return Ok(changes);
        }
        // A session of its own, for tables that are parts of those which the jobs see.
        let session = SessionContext::new_with_config_rt(context.copied_config(), context.runtime_env());
        let new_files = self.new_files(before, &session).await?;
        if count(&new_files) == 0 {
            return Ok(changes);
        }
        let delivered = deliveries(&session).await?;
        if delivered.values().any(|(_, rejected)| *rejected > 0) {
            changes.insert("reject".to_owned(), Change::All);
        }
        for (name, table) in &self.tables {
            let expected = delivered.get(name).map_or(0, |(accepted, _)| *accepted);
            if usize::try_from(expected).is_ok_and(|expected| expected > most) {
                changes.insert(name.clone(), Change::All);
            } else if expected > 0 {
                let mut rows = of_new_files(&session, name, recent(table, before.tables.get(name))?).await?;
                if count(&rows) < expected {
                    rows = of_new_files(&session, name, table.provider()?).await?;
                }
                changes.insert(name.clone(), added(rows));
            }
        }
        changes.insert("file".to_owned(), added(new_files));
        Ok(changes)
    }

    /// The `file` records that `before` does not have; also registered as the table `new_file`.
    async fn new_files(&self, before: &Self, session: &SessionContext) -> Result<Vec<RecordBatch>, EngineError> {
        let Some(now) = self.tables.get("file") else { return Ok(Vec::new()) };
        register(session, "file", recent(now, before.tables.get("file"))?)?;
        let mut known = String::new();
        if let Some(before) = before.tables.get("file") {
            register(session, "known_file", before.provider()?)?;
            known = "and not exists (select 1 from known_file \
                     where known_file.file_id = file.file_id and known_file.status = file.status)"
                .to_owned();
        }
        let sql = format!("select {} from file where reject_code is null {known}", columns("file"));
        let rows = rows(session, &sql).await?;
        let schema = rows.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let table = MemTable::try_new(schema, vec![rows.clone()]).map_err(EngineError::query("new files"))?;
        register(session, "new_file", Arc::new(table))?;
        Ok(rows)
    }
}

/// The rows of a table in data files that are newer than `before`.
fn recent(table: &Table, before: Option<&Table>) -> Result<Arc<dyn TableProvider>, EngineError> {
    Ok(match before {
        Some(before) => table.provider_since(before)?,
        None => table.provider()?,
    })
}

/// Rows that the new `file` records announce, by contract: accepted and rejected.
async fn deliveries(session: &SessionContext) -> Result<BTreeMap<String, (i64, i64)>, EngineError> {
    let sql = "with delivered as (select unnest(deliveries) as delivery from new_file where status = 'accepted') \
               select delivery['contract'] as contract, cast(sum(delivery['accepted']) as bigint) as accepted, \
               cast(sum(delivery['rejected']) as bigint) as rejected from delivered group by delivery['contract']";
    let mut delivered = BTreeMap::new();
    for batch in rows(session, sql).await? {
        let names = cast(batch.column(0), &DataType::Utf8)?;
        let number = |index: usize, row| batch.column(index).as_primitive::<Int64Type>().value(row);
        for (row, name) in names.as_string::<i32>().iter().enumerate() {
            delivered.insert(name.unwrap_or_default().to_owned(), (number(1, row), number(2, row)));
        }
    }
    Ok(delivered)
}

/// The accepted rows of the new files in a part of a contract's landing table.
async fn of_new_files(
    session: &SessionContext,
    contract: &str,
    part: Arc<dyn TableProvider>,
) -> Result<Vec<RecordBatch>, EngineError> {
    register(session, "part", part)?;
    let columns = columns(contract);
    let sql = format!(
        "select {columns} from part where reject_code is null \
         and file_id in (select file_id from new_file where status = 'accepted')"
    );
    rows(session, &sql).await
}

/// The columns that jobs see of a contract.
fn columns(contract: &str) -> String {
    let fields = schemas::contracts().get(contract).map(|contract| contract.schema.fields().clone());
    let names = fields.iter().flatten().map(|field| format!("\"{}\"", field.name()));
    names.collect::<Vec<_>>().join(", ")
}

fn register(session: &SessionContext, name: &str, table: Arc<dyn TableProvider>) -> Result<(), EngineError> {
    session.deregister_table(name).map_err(EngineError::query(name))?;
    session.register_table(name, table).map_err(EngineError::query(name))?;
    Ok(())
}

async fn rows(session: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
    let failed = || EngineError::query("what has landed");
    session.sql(sql).await.map_err(failed())?.collect().await.map_err(failed())
}

fn count(rows: &[RecordBatch]) -> i64 {
    rows.iter().map(|batch| i64::try_from(batch.num_rows()).unwrap_or(i64::MAX)).sum()
}

const fn added(added: Vec<RecordBatch>) -> Change {
    Change::Rows(Difference { removed: Vec::new(), added })
}

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, DeletionVectorDescriptor, MetadataExt as _, StructType, Transaction};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::StreamExt as _;
use object_store::path::Path;
use uuid::Uuid;

use crate::evolve::grown;
use crate::landing::landing_schema;
use crate::lookup::Place;
use crate::{Lake, LakeError, Staged, Writer, paths};

/// A data file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Path below the table.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows that are not deleted.
    pub rows: u64,
    /// Rows that were written.
    pub(crate) written: u64,
    /// Which of them are deleted.
    pub(crate) vector: Option<DeletionVectorDescriptor>,
}

impl DataFile {
    /// Where it is in the store, for a table in `folder`.
    pub(crate) fn location(&self, folder: &Path) -> Path {
        folder.clone().join(self.path.as_str())
    }
}

/// One version of a Delta table.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) delta: DeltaTable,
    pub(crate) lake: Lake,
    pub(crate) path: Path,
    /// Columns that a landing table's contract has: those that the version lacks are read as null.
    contract: Option<SchemaRef>,
}

impl Lake {
    /// The table of a job as it was last committed, if it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn job_table(&self, job: &str) -> Result<Option<Table>, LakeError> {
        self.load(paths::job(job), None).await
    }

    /// A version of a job's table.
    ///
    /// # Errors
    /// When it does not exist or the store fails.
    pub async fn job_table_version(&self, job: &str, version: u64) -> Result<Table, LakeError> {
        self.load(paths::job(job), Some(version)).await?.ok_or_else(|| LakeError::NoTable(job.to_owned()))
    }

    /// The landing table of a contract as it was last committed, if it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn landing(&self, contract: &str) -> Result<Option<Table>, LakeError> {
        Ok(self.load(paths::landing(contract), None).await?.map(|table| table.of_contract(contract)))
    }

    pub(crate) async fn landing_or_new(&self, contract: &str, schema: &SchemaRef) -> Result<Table, LakeError> {
        match self.landing(contract).await? {
            Some(table) => Ok(table),
            None => self.create(paths::landing(contract), schema).await,
        }
    }

    /// A version of a contract's landing table.
    ///
    /// # Errors
    /// When it does not exist or the store fails.
    pub async fn landing_version(&self, contract: &str, version: u64) -> Result<Table, LakeError> {
        let table = self.load(paths::landing(contract), Some(version)).await?;
        let table = table.ok_or_else(|| LakeError::NoTable(contract.to_owned()))?;
        Ok(table.of_contract(contract))
    }

    /// A writer of files for a job's table; nothing changes for readers until [`Lake::replace`].
    ///
    /// # Errors
    /// When the columns are of no type that a table holds.
    pub fn stage(&self, job: &str, schema: SchemaRef) -> Result<Writer, LakeError> {
        Writer::new(self.store(), paths::job(job), schema)
    }

    /// Rows that are staged for a job's table.
    ///
    /// # Errors
    /// When a file's address cannot be built.
    pub fn staged_provider(
        &self,
        job: &str,
        schema: SchemaRef,
        staged: &Staged,
    ) -> Result<Arc<dyn datafusion::catalog::TableProvider>, LakeError> {
        crate::provider(self, &paths::job(job), schema, staged.files())
    }

    /// Makes staged files the content of a job's table, in one commit, creating the table when it is new.
    ///
    /// # Errors
    /// When another process committed first, or the store fails.
    pub async fn replace(&self, job: &str, schema: &SchemaRef, staged: &Staged) -> Result<Table, LakeError> {
        let path = paths::job(job);
        let table = match self.load(path.clone(), None).await? {
            Some(table) => table,
            None => self.create(path, schema).await?,
        };
        let state = table.delta.snapshot().map_err(LakeError::delta(job))?;
        let mut actions: Vec<Action> =
            state.log_data().iter().map(|file| Action::Remove(file.remove_action(true))).collect();
        actions.extend(staged.adds.iter().cloned().map(Action::Add));
        let wanted = kernel_schema(job, schema)?;
        if state.schema().as_ref() != &wanted {
            let metadata =
                state.metadata().clone().with_schema(&wanted).map_err(|error| LakeError::delta(job)(error.into()))?;
            actions.push(Action::Metadata(metadata));
        }
        faults::JOB_COMMIT.before();
        let committed = table.commit(actions, Vec::new(), SaveMode::Overwrite).await;
        faults::JOB_COMMIT.after();
        committed
    }

    /// Deletes staged files that will not be committed.
    ///
    /// # Errors
    /// When the store fails; what is left behind belongs to no table.
    pub async fn discard(&self, job: &str, staged: &Staged) -> Result<(), LakeError> {
        self.delete(&paths::job(job), staged).await
    }

    pub(crate) async fn load(&self, path: Path, version: Option<u64>) -> Result<Option<Table>, LakeError> {
        if version.is_none() && self.is_absent(&path).await? {
            return Ok(None);
        }
        match self.try_load(path.clone(), version).await {
            Ok(delta) => Ok(Some(Table { delta, lake: self.clone(), path, contract: None })),
            Err(error) => Err(LakeError::delta(&path)(error)),
        }
    }

    async fn try_load(&self, path: Path, version: Option<u64>) -> Result<DeltaTable, DeltaTableError> {
        let url = self.table_url(&path).map_err(|error| DeltaTableError::Generic(error.to_string()))?;
        let mut builder = DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(self.store.clone(), url);
        if let Some(version) = version {
            builder = builder.with_version(version);
        }
        builder.load().await
    }

    async fn is_absent(&self, path: &Path) -> Result<bool, LakeError> {
        let store = self.store();
        let mut log = store.list(Some(&path.clone().join("_delta_log")));
        Ok(log.next().await.transpose()?.is_none())
    }

    pub(crate) async fn create(&self, path: Path, schema: &SchemaRef) -> Result<Table, LakeError> {
        faults::CREATE.before();
        let url = self.table_url(&path)?;
        let log_store = DeltaTableBuilder::from_url(url.clone())
            .and_then(|builder| builder.with_storage_backend(self.store.clone(), url.clone()).build_storage())
            .map_err(LakeError::delta(&path))?;
        let columns = kernel_schema(&path, schema)?;
        let created = CreateBuilder::new()
            .with_log_store(log_store)
            .with_columns(columns.fields().cloned())
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_commit_properties(CommitProperties::default().with_max_retries(0))
            .await;
        faults::CREATE.after();
        match created {
            Ok(delta) => Ok(Table { delta, lake: self.clone(), path, contract: None }),
            // Another process created it at the same moment: its table is as good as ours.
            Err(error) => match self.load(path.clone(), None).await? {
                Some(table) => Ok(table),
                None => Err(LakeError::delta(&path)(error)),
            },
        }
    }
}

impl Table {
    /// Version of the table.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.delta.version().unwrap_or_default()
    }

    /// Data files of this version.
    ///
    /// # Errors
    /// When the version's log cannot be read.
    pub fn files(&self) -> Result<Vec<DataFile>, LakeError> {
        let state = self.delta.snapshot().map_err(LakeError::delta(&self.path))?;
        let log = state.log_data();
        let files = log.iter().map(|file| {
            // Deleted rows are numbered, and files without rows are left out: a file has to say how many it has.
            let uncounted = || LakeError::Format {
                path: format!("{}/{}", self.path, file.path()),
                reason: "the log does not say how many rows the file has".to_owned(),
            };
            let written = file.num_records().ok_or_else(uncounted)? as u64;
            let vector = file.deletion_vector_descriptor();
            let deleted = vector.as_ref().map_or(0, |vector| u64::try_from(vector.cardinality).unwrap_or_default());
            Ok(DataFile {
                path: file.path().to_string(),
                size: u64::try_from(file.size()).unwrap_or_default(),
                rows: written.saturating_sub(deleted),
                written,
                vector,
            })
        });
        let mut files = files.collect::<Result<Vec<DataFile>, LakeError>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Rows in this version.
    ///
    /// # Errors
    /// When the version's log cannot be read.
    pub fn rows(&self) -> Result<u64, LakeError> {
        Ok(self.files()?.iter().map(|file| file.rows).sum())
    }

    fn of_contract(self, contract: &str) -> Self {
        Self { contract: schemas::contract(contract).ok().map(landing_schema), ..self }
    }

    /// Columns, with the types that jobs use; of a landing table also those that its contract has and the version
    /// does not have yet.
    ///
    /// # Errors
    /// When the version's log cannot be read, or the contract gives a column another type.
    pub fn schema(&self) -> Result<SchemaRef, LakeError> {
        let stored = self.stored_schema()?;
        let retyped = |reason| LakeError::Retyped { table: self.path.to_string(), reason };
        self.contract.as_ref().map_or(Ok(stored.clone()), |wanted| grown(&stored, wanted).map_err(retyped))
    }

    /// The columns that the version has.
    pub(crate) fn stored_schema(&self) -> Result<SchemaRef, LakeError> {
        let state = self.delta.snapshot().map_err(LakeError::delta(&self.path))?;
        let schema: Schema = state.schema().as_ref().try_into_arrow()?;
        Ok(Arc::new(Schema::new(schema.fields().iter().map(|field| our_names(field)).collect::<Vec<_>>())))
    }

    /// The rows of this version.
    ///
    /// # Errors
    /// When the version's log cannot be read.
    pub fn provider(&self) -> Result<Arc<dyn datafusion::catalog::TableProvider>, LakeError> {
        crate::provider(&self.lake, &self.path, self.schema()?, &self.files()?)
    }

    /// The rows in data files that `before`, an earlier version, does not have: all rows that came since, and rows
    /// that a compaction has moved.
    ///
    /// # Errors
    /// When a version's log cannot be read.
    pub fn provider_since(&self, before: &Self) -> Result<Arc<dyn datafusion::catalog::TableProvider>, LakeError> {
        let old: std::collections::BTreeSet<String> = before.files()?.into_iter().map(|file| file.path).collect();
        let new: Vec<DataFile> = self.files()?.into_iter().filter(|file| !old.contains(&file.path)).collect();
        crate::provider(&self.lake, &self.path, self.schema()?, &new)
    }

    pub(crate) fn place(&self) -> Result<Place, LakeError> {
        Ok(Place::new(&self.lake, self.path.clone(), self.schema()?))
    }

    pub(crate) async fn position(&self, application: &str) -> Result<Option<i64>, LakeError> {
        let state = self.delta.snapshot().map_err(LakeError::delta(&self.path))?;
        let log_store = self.delta.log_store();
        state.transaction_version(log_store.as_ref(), application).await.map_err(LakeError::delta(&self.path))
    }

    pub(crate) async fn commit(
        self,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
        mode: SaveMode,
    ) -> Result<Self, LakeError> {
        self.commit_because(None, actions, transactions, mode).await
    }

    /// Commits what somebody decided; the reason stands in the log.
    pub(crate) async fn commit_because(
        mut self,
        reason: Option<&str>,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
        mode: SaveMode,
    ) -> Result<Self, LakeError> {
        let state = self.delta.snapshot().map_err(LakeError::delta(&self.path))?;
        // Our writer's identity makes the log entry ours alone, so that a lost answer can be told from a lost race.
        let mut identity = HashMap::from([("reskontraWriter".to_owned(), Uuid::new_v4().to_string().into())]);
        if let Some(trace) = telemetry::trace::current() {
            identity.insert(telemetry::trace::HEADER.to_owned(), trace.to_string().into());
        }
        identity.extend(reason.map(|reason| ("reskontraReason".to_owned(), reason.into())));
        let properties = CommitProperties::default()
            .with_metadata(identity)
            .with_application_transactions(transactions)
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false));
        let operation = DeltaOperation::Write { mode, partition_by: None, predicate: None };
        let reference: &dyn TableReference = state;
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(reference), self.delta.log_store(), operation)
            .await
            .map_err(LakeError::delta(&self.path))?;
        // Not the latest version: another process may have committed since, and its rows are not what was written.
        let state = self.delta.update_incremental(Some(committed.version())).await;
        state.map_err(LakeError::delta(&self.path))?;
        Ok(self)
    }
}

pub(crate) fn kernel_schema(table: impl ToString, schema: &SchemaRef) -> Result<StructType, LakeError> {
    let fields = schema.fields().iter().map(|field| delta_types(field)).collect::<Vec<_>>();
    let converted: Result<StructType, _> = (&Schema::new(fields)).try_into_kernel();
    converted.map_err(|error| LakeError::Format { path: table.to_string(), reason: error.to_string() })
}

/// Columns as Delta names them: everything nullable, time in UTC.
fn delta_types(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(Arc::new(delta_types(item))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| delta_types(field)).collect()),
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, true)
}

/// Columns as our files and jobs name them.
fn our_names(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(Arc::new(our_names(item).with_name("item"))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| our_names(field)).collect()),
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, true)
}

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use commit::landing::{After, Answer, Heads, Landing, Next, Refusal};
use commit::positions::Range;
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::SaveMode;
use schemas::{Contract, ENVELOPE};

use crate::{Lake, LakeError, Table, Writer, paths};

/// Columns of a landing table that say why a row was refused; null on accepted rows.
pub const REJECT_COLUMNS: [&str; 6] =
    ["reject_code", "reject_message", "reject_message_sv", "reject_amount", "reject_currency", "reject_raw"];

/// The landing table of one contract: accepted rows, refused rows, and the log positions they came from.
#[derive(Debug, Clone)]
pub struct LandingTable {
    pub(crate) lake: Lake,
    pub(crate) contract: &'static Contract,
    pub(crate) schema: SchemaRef,
}

/// Rows that are offered for landing, with the positions they come from.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The range of each log partition.
    pub ranges: BTreeMap<i32, (i64, i64)>,
    /// Accepted rows, with the contract's columns.
    pub accepted: Vec<RecordBatch>,
    /// Refused rows, with the columns of the contract `reject`.
    pub rejects: Vec<RecordBatch>,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landed {
    /// It is in the table since this version.
    Committed {
        /// Version of the table.
        version: u64,
    },
    /// All of it was there before.
    Already,
}

/// Columns of a contract's landing table.
#[must_use]
pub fn landing_schema(contract: &Contract) -> SchemaRef {
    let mut fields: Vec<Field> = contract.schema.fields().iter().map(|field| stored(field)).collect();
    let types =
        [DataType::Utf8, DataType::Utf8, DataType::Utf8, schemas::decimal_type(), DataType::Utf8, DataType::Binary];
    // The contract of rejects has no rejects of its own.
    if contract.name != "reject" {
        fields.extend(REJECT_COLUMNS.iter().zip(types).map(|(name, data_type)| Field::new(*name, data_type, true)));
    }
    Arc::new(Schema::new(fields))
}

fn stored(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(Arc::new(stored(item))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| stored(field)).collect()),
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, true)
}

impl LandingTable {
    /// The landing table of `contract`; it is created by the first landing.
    #[must_use]
    pub fn new(lake: &Lake, contract: &'static Contract) -> Self {
        Self { lake: lake.clone(), contract, schema: landing_schema(contract) }
    }

    /// Position landed, by partition, for the partitions `0..partitions`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heads(&self, partitions: i32) -> Result<BTreeMap<i32, i64>, LakeError> {
        match self.lake.landing(&self.contract.name).await? {
            Some(table) => self.heads_of(&table, partitions).await,
            None => Ok(BTreeMap::new()),
        }
    }

    /// The same, of one version of the table.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heads_of(&self, table: &Table, partitions: i32) -> Result<BTreeMap<i32, i64>, LakeError> {
        self.heads_at(table, 0..partitions).await
    }

    async fn heads_at(&self, table: &Table, partitions: impl Iterator<Item = i32>) -> Result<Heads, LakeError> {
        let mut heads = Heads::new();
        for partition in partitions {
            if let Some(position) = table.position(&self.application(partition)).await? {
                heads.insert(partition, position);
            }
        }
        Ok(heads)
    }

    /// Lands an offer: rows and positions in one commit, or nothing. An offer without rows is how an operator goes on
    /// past messages that the log has lost.
    ///
    /// # Errors
    /// When the offer does not follow the table's heads, or the store fails.
    pub async fn land(&self, offer: &Offer) -> Result<Landed, LakeError> {
        let ranges = offer.ranges.iter().map(|(partition, &(from, to))| (*partition, Range { from, to }));
        let mut landing = Landing::of(ranges);
        let mut staged = None;
        loop {
            let table = match self.lake.landing(&self.contract.name).await? {
                Some(table) => table,
                None => self.lake.create(paths::landing(&self.contract.name), &self.schema).await?,
            };
            let heads = self.heads_at(&table, landing.partitions()).await?;
            let permit = match landing.next(&heads) {
                Next::Commit(permit) => permit,
                Next::Landed => return Ok(Landed::Already),
                Next::Refuse(refusal) => return Err(self.refused(refusal)),
            };
            let files = match staged.take() {
                Some(files) => files,
                None => self.write(offer).await?,
            };
            let actions = files.adds.iter().cloned().map(Action::Add).collect();
            let position = |(partition, to)| Transaction::new(self.application(partition), to);
            let transactions = permit.positions().map(position).collect();
            faults::LANDING_COMMIT.before();
            let (answer, committed) = match table.commit(actions, transactions, SaveMode::Append).await {
                Ok(table) => (Answer::Written, Ok(Landed::Committed { version: table.version() })),
                Err(LakeError::Delta { error, .. }) if is_conflict(&error) => {
                    (Answer::Taken, Err(LakeError::Contended(self.contract.name.clone())))
                }
                Err(error) => (Answer::Unknown, Err(error)),
            };
            faults::LANDING_COMMIT.after();
            match permit.answered(answer) {
                After::GoOn | After::GiveUp | After::BeginAnew => return committed,
                After::LookAgain(again) => (landing, staged) = (again, Some(files)),
            }
        }
    }

    fn refused(&self, refusal: Refusal) -> LakeError {
        let table = self.contract.name.clone();
        match refusal {
            Refusal::Stale { partition, offered: Range { from, to }, head } => {
                LakeError::Stale { table, partition, from, to, head }
            }
            Refusal::Gap { partition, offered: Range { from, .. }, head } => {
                LakeError::Gap { table, partition, from, head }
            }
            Refusal::Malformed { partition, offered: Range { from, to } } => {
                LakeError::Malformed { table, partition, from, to }
            }
            Refusal::Nothing => LakeError::NoPositions(table),
        }
    }

    fn application(&self, partition: i32) -> String {
        format!("{}/{partition}", self.contract.name)
    }

    async fn write(&self, offer: &Offer) -> Result<crate::Staged, LakeError> {
        faults::LANDING_STAGE.before();
        let mut writer = Writer::new(self.lake.store(), paths::landing(&self.contract.name), self.schema.clone())?;
        for batch in &offer.accepted {
            writer.write(&self.accepted(batch)?).await?;
        }
        for batch in &offer.rejects {
            writer.write(&self.rejected(batch)?).await?;
        }
        let staged = writer.finish().await?;
        faults::LANDING_STAGE.after();
        Ok(staged)
    }

    fn accepted(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        self.row_set(batch.num_rows(), |name| batch.column_by_name(name).cloned())
    }

    fn rejected(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        self.row_set(batch.num_rows(), |name| {
            if ENVELOPE.contains(&name) {
                return batch.column_by_name(name).cloned();
            }
            batch.column_by_name(name.strip_prefix("reject_")?).cloned()
        })
    }

    /// The table's columns from those that are there; the others are null.
    fn row_set(&self, rows: usize, column: impl Fn(&str) -> Option<ArrayRef>) -> Result<RecordBatch, LakeError> {
        let exact = CastOptions { safe: false, ..CastOptions::default() };
        let columns = self.schema.fields().iter().map(|field| match column(field.name()) {
            Some(values) => cast_with_options(values.as_ref(), field.data_type(), &exact),
            None => Ok(new_null_array(field.data_type(), rows)),
        });
        Ok(RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<Vec<_>, _>>()?)?)
    }
}

pub(crate) fn is_conflict(error: &deltalake::DeltaTableError) -> bool {
    use deltalake::DeltaTableError as E;
    matches!(error, E::VersionAlreadyExists(_) | E::Transaction { .. })
}

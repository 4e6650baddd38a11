use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use commit::landing::{After, Answer, Heads, Landing, Next, Refusal};
use commit::positions::Range;
use deltalake::kernel::{Action, MetadataExt as _, Transaction};
use deltalake::protocol::SaveMode;
use schemas::{Contract, ENVELOPE};
use telemetry::lag;
use telemetry::metrics::{COMMIT_SECONDS, GAPS, LANDED_ROWS, OFFERS_REFUSED, REJECTS};
use telemetry::wait::Wait;

use crate::evolve::grown;
use crate::table::kernel_schema;
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

    /// Position landed, by partition.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heads(&self) -> Result<BTreeMap<i32, i64>, LakeError> {
        for reason in ["stale", "gap"] {
            OFFERS_REFUSED.add(&[&self.contract.name, reason], 0);
        }
        match self.lake.landing(&self.contract.name).await? {
            Some(table) => {
                let heads = self.heads_of(&table).await?;
                for (partition, position) in &heads {
                    lag::committed(&self.contract.name, *partition, *position);
                    GAPS.set(&[&self.contract.name, &partition.to_string()], 0);
                }
                Ok(heads)
            }
            None => Ok(BTreeMap::new()),
        }
    }

    /// The same, of one version of the table.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heads_of(&self, table: &Table) -> Result<BTreeMap<i32, i64>, LakeError> {
        self.heads_at(table, 0..self.partitions(table).await?).await
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

    /// Up to which number partitions have landed.
    async fn partitions(&self, table: &Table) -> Result<i32, LakeError> {
        if let Some(count) = table.position(&self.partitions_application()).await? {
            return Ok(i32::try_from(count).unwrap_or(i32::MAX));
        }
        // A table of an earlier version does not say it.
        let mut count = 0;
        while table.position(&self.application(count)).await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Lands an offer: rows and positions in one commit, or nothing.
    ///
    /// # Errors
    /// When the offer does not follow the table's heads, or the store fails.
    pub async fn land(&self, offer: &Offer) -> Result<Landed, LakeError> {
        self.land_because(None, offer).await
    }

    async fn land_because(&self, reason: Option<&str>, offer: &Offer) -> Result<Landed, LakeError> {
        let (started, waiting) = (Instant::now(), Wait::LandingCommit.begin());
        let landed = self.land_untold(reason, offer).await;
        drop(waiting);
        self.tell(offer, &landed, started.elapsed());
        landed
    }

    /// Tells what became of an offer to those who operate the process.
    fn tell(&self, offer: &Offer, landed: &Result<Landed, LakeError>, took: Duration) {
        let name = self.contract.name.as_str();
        match landed {
            Ok(landed) => {
                for (partition, (from, to)) in &offer.ranges {
                    lag::committed(name, *partition, *to);
                    tracing::info!(contract = name, partition, from, to, ?landed, "landed");
                }
            }
            Err(error) => {
                if let Some(reason) = error.refusal() {
                    OFFERS_REFUSED.add(&[name, reason], 1);
                }
            }
        }
        if let Ok(Landed::Committed { .. }) = landed {
            let rows = |batches: &[RecordBatch]| batches.iter().map(|batch| batch.num_rows() as u64).sum();
            COMMIT_SECONDS.observe(&[name], took);
            LANDED_ROWS.add(&[name, "accepted"], rows(&offer.accepted));
            LANDED_ROWS.add(&[name, "rejected"], rows(&offer.rejects));
            let codes = offer.rejects.iter().filter_map(|batch| batch.column_by_name("code")?.as_string_opt::<i32>());
            for code in codes.flatten().flatten() {
                REJECTS.add(&[name, code], 1);
            }
        }
    }

    async fn land_untold(&self, reason: Option<&str>, offer: &Offer) -> Result<Landed, LakeError> {
        let ranges = offer.ranges.iter().map(|(partition, &(from, to))| (*partition, Range { from, to }));
        let mut landing = Landing::of(ranges);
        let mut staged = None;
        loop {
            let table = self.lake.landing_or_new(&self.contract.name, &self.schema).await?;
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
            let actions = self.actions(&table, &files)?;
            let positions = self.positions(&table, permit.positions().collect()).await?;
            faults::LANDING_COMMIT.before();
            let (answer, committed) = match table.commit_because(reason, actions, positions, SaveMode::Append).await {
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

    /// Moves the head of a partition past messages that the log no longer has, because somebody decided so; `reason`
    /// stands in the commit. What was lost is not in the table: see [`Gap`](commit::positions::Decision::Gap).
    ///
    /// # Errors
    /// When the head is neither at `from` nor at `to`, or the store fails.
    pub async fn jump(&self, partition: i32, from: i64, to: i64, reason: &str) -> Result<Landed, LakeError> {
        let offer = Offer { ranges: BTreeMap::from([(partition, (from, to))]), ..Offer::default() };
        self.land_because(Some(reason), &offer).await
    }

    /// Lands rows of a file that the log has lost: `rows` of them belong in the table in all. Filling the same twice is
    /// filling once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fill(&self, file_id: &str, rows: i64, offer: &Offer) -> Result<Landed, LakeError> {
        const TRIES: usize = 10;
        let filled = || Transaction::new(format!("{}/filled/{file_id}", self.contract.name), rows);
        let reason = Some("rows that the log had lost, read again from the archive");
        let mut staged = None;
        for _ in 0..TRIES {
            let table = self.lake.landing_or_new(&self.contract.name, &self.schema).await?;
            if table.position(&filled().app_id).await? == Some(rows) {
                return Ok(Landed::Already);
            }
            let files = match staged.take() {
                Some(files) => files,
                None => self.write(offer).await?,
            };
            let actions = self.actions(&table, &files)?;
            match table.commit_because(reason, actions, vec![filled()], SaveMode::Append).await {
                Ok(table) => return Ok(Landed::Committed { version: table.version() }),
                Err(LakeError::Delta { error, .. }) if is_conflict(&error) => staged = Some(files),
                Err(error) => return Err(error),
            }
        }
        Err(LakeError::Contended(self.contract.name.clone()))
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

    /// What a commit says that moves the heads of partitions.
    pub(crate) async fn positions(
        &self,
        table: &Table,
        heads: BTreeMap<i32, i64>,
    ) -> Result<Vec<Transaction>, LakeError> {
        let landed = self.partitions(table).await?;
        let partitions = heads.keys().map(|partition| partition + 1).fold(landed, i32::max);
        let moved = heads.iter().map(|(partition, to)| Transaction::new(self.application(*partition), *to));
        let mut positions: Vec<_> = moved.collect();
        if partitions > landed {
            positions.push(Transaction::new(self.partitions_application(), partitions.into()));
        }
        Ok(positions)
    }

    /// What a commit says that adds files.
    fn actions(&self, table: &Table, files: &crate::Staged) -> Result<Vec<Action>, LakeError> {
        let rows = files.adds.iter().cloned().map(Action::Add);
        Ok(self.new_columns(table)?.into_iter().chain(rows).collect())
    }

    /// What gives the table the columns that it lacks; nothing when it has all.
    fn new_columns(&self, table: &Table) -> Result<Option<Action>, LakeError> {
        let stored = table.stored_schema()?;
        let retyped = |reason| LakeError::Retyped { table: self.contract.name.clone(), reason };
        let columns = grown(&stored, &self.schema).map_err(retyped)?;
        if columns == stored {
            return Ok(None);
        }
        let failed = || LakeError::delta(&self.contract.name);
        let state = table.delta.snapshot().map_err(failed())?;
        let wanted = kernel_schema(&self.contract.name, &columns)?;
        let metadata = state.metadata().clone().with_schema(&wanted);
        Ok(Some(Action::Metadata(metadata.map_err(|error| failed()(error.into()))?)))
    }

    pub(crate) fn application(&self, partition: i32) -> String {
        format!("{}/{partition}", self.contract.name)
    }

    /// A Delta log can be asked for the version of an application, but not which applications it knows.
    fn partitions_application(&self) -> String {
        format!("{}/partitions", self.contract.name)
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

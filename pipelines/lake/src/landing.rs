use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use commit::positions::{Decision, Range, decide};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::SaveMode;
use schemas::{Contract, ENVELOPE};
use telemetry::lag;
use telemetry::metrics::{COMMIT_SECONDS, GAPS, LANDED_ROWS, OFFERS_REFUSED, REJECTS};
use telemetry::wait::Wait;

use crate::{Lake, LakeError, Table, Writer, paths};

/// Columns of a landing table that say why a row was refused; null on accepted rows.
pub const REJECT_COLUMNS: [&str; 6] =
    ["reject_code", "reject_message", "reject_message_sv", "reject_amount", "reject_currency", "reject_raw"];

/// How often a commit is tried again after another process committed first.
const TRIES: usize = 10;

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
        let mut heads = BTreeMap::new();
        for partition in 0..self.partitions(table).await? {
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
        let (started, waiting) = (Instant::now(), Wait::LandingCommit.begin());
        let landed = self.land_untold(offer).await;
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

    async fn land_untold(&self, offer: &Offer) -> Result<Landed, LakeError> {
        let mut staged = None;
        for _ in 0..TRIES {
            let table = self.lake.landing_or_new(&self.contract.name, &self.schema).await?;
            if !self.follows(&table, offer).await? {
                return Ok(Landed::Already);
            }
            let files = match staged.take() {
                Some(files) => files,
                None => self.write(offer).await?,
            };
            let actions = files.adds.iter().cloned().map(Action::Add).collect();
            let heads = offer.ranges.iter().map(|(partition, (_, to))| (*partition, *to));
            let positions = self.positions(&table, heads.collect()).await?;
            match table.commit(actions, positions, SaveMode::Append).await {
                Ok(table) => return Ok(Landed::Committed { version: table.version() }),
                Err(LakeError::Delta { error, .. }) if is_conflict(&error) => staged = Some(files),
                Err(error) => return Err(error),
            }
        }
        Err(LakeError::Contended(self.contract.name.clone()))
    }

    /// Moves the head of a partition past messages that the log no longer has, because somebody decided so; `reason`
    /// stands in the commit. What was lost is not in the table: see [`Gap`](commit::positions::Decision::Gap).
    ///
    /// # Errors
    /// When the head is neither at `from` nor at `to`, or the store fails.
    pub async fn jump(&self, partition: i32, from: i64, to: i64, reason: &str) -> Result<Landed, LakeError> {
        let range = Offer { ranges: BTreeMap::from([(partition, (from, to))]), ..Offer::default() };
        for _ in 0..TRIES {
            let table = self.lake.landing_or_new(&self.contract.name, &self.schema).await?;
            if !self.follows(&table, &range).await? {
                return Ok(Landed::Already);
            }
            let positions = self.positions(&table, BTreeMap::from([(partition, to)])).await?;
            match table.commit_because(Some(reason), Vec::new(), positions, SaveMode::Append).await {
                Ok(table) => return Ok(Landed::Committed { version: table.version() }),
                Err(LakeError::Delta { error, .. }) if is_conflict(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LakeError::Contended(self.contract.name.clone()))
    }

    /// Lands rows of a file that the log has lost: `rows` of them belong in the table in all. Filling the same twice is
    /// filling once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fill(&self, file_id: &str, rows: i64, offer: &Offer) -> Result<Landed, LakeError> {
        let filled = || Transaction::new(format!("{}/filled/{file_id}", self.contract.name), rows);
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
            let actions = files.adds.iter().cloned().map(Action::Add).collect();
            let reason = Some("rows that the log had lost, read again from the archive");
            match table.commit_because(reason, actions, vec![filled()], SaveMode::Append).await {
                Ok(table) => return Ok(Landed::Committed { version: table.version() }),
                Err(LakeError::Delta { error, .. }) if is_conflict(&error) => staged = Some(files),
                Err(error) => return Err(error),
            }
        }
        Err(LakeError::Contended(self.contract.name.clone()))
    }

    /// True when all ranges follow the heads, false when all are landed already.
    async fn follows(&self, table: &Table, offer: &Offer) -> Result<bool, LakeError> {
        let name = || self.contract.name.clone();
        let mut append = 0;
        let mut landed = 0;
        let mut last_landed = None;
        for (&partition, &(from, to)) in &offer.ranges {
            let head = table.position(&self.application(partition)).await?;
            match decide(head, Range { from, to }) {
                Decision::Append => append += 1,
                Decision::Landed => {
                    landed += 1;
                    last_landed = Some((partition, from, to, head.unwrap_or_default()));
                }
                Decision::Stale { head } => return Err(LakeError::Stale { table: name(), partition, from, to, head }),
                Decision::Gap { head } => return Err(LakeError::Gap { table: name(), partition, from, head }),
                Decision::Malformed => return Err(LakeError::Malformed { table: name(), partition, from, to }),
            }
        }
        match (append, last_landed) {
            (1.., Some((partition, from, to, head))) => {
                Err(LakeError::Stale { table: name(), partition, from, to, head })
            }
            _ => Ok(landed == 0),
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

    pub(crate) fn application(&self, partition: i32) -> String {
        format!("{}/{partition}", self.contract.name)
    }

    /// A Delta log can be asked for the version of an application, but not which applications it knows.
    fn partitions_application(&self) -> String {
        format!("{}/partitions", self.contract.name)
    }

    async fn write(&self, offer: &Offer) -> Result<crate::Staged, LakeError> {
        let mut writer = Writer::new(self.lake.store(), paths::landing(&self.contract.name), self.schema.clone())?;
        for batch in &offer.accepted {
            writer.write(&self.accepted(batch)?).await?;
        }
        for batch in &offer.rejects {
            writer.write(&self.rejected(batch)?).await?;
        }
        writer.finish().await
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

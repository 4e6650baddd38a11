//! Indexes: where in a table's files the values of a column stand.
//!
//! Runs are sorted by their table's key. By any other column a look-up would have to read that column of every run, so
//! large files are indexed by it: for each of their rows the value, the file and the row's number, as runs sorted by
//! value, which are searched as a keyed table's are. Data files never change, so what an index says of a file stays
//! true: deleted rows are left out once they are found, and files that are gone are passed over.
//!
//! An index is made and brought up to date by the first look-up that misses a file. It belongs to no version of its
//! table and holds nothing that the table does not: it may be deleted at any time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use datafusion::catalog::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::ident;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};

use crate::lookup::{Hit, Place, Wanted};
use crate::{DataFile, Lake, LakeError, Staged, Writer, paths};

/// Columns of an index, which are its key.
const VALUE: &str = "value";
const FILE: &str = "file";
const ROW: &str = "row";
/// So many groups of one size are merged into one of the next size: a look-up reads a page of each group for every
/// value, so they are kept fewer than the runs of a table.
const TIER: u64 = 4;
/// Groups are of one size up to this many rows; the next size is [`TIER`] times that.
const FIRST_TIER: u64 = 100_000;
/// Rows that are sorted at once when files are indexed.
const AT_ONCE: u64 = 8_000_000;
/// Version of the persisted form.
const FORMAT: u32 = 1;

/// What an index holds: the object `index.json` beside its runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    /// The files that are indexed; an entry names a file by its place here.
    files: Vec<Indexed>,
    /// Runs that follow each other in order of value.
    groups: Vec<Vec<Run>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Indexed {
    path: String,
    rows: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    path: String,
    size: u64,
    rows: u64,
}

impl Manifest {
    const fn empty() -> Self {
        Self { format: FORMAT, files: Vec::new(), groups: Vec::new() }
    }

    /// Files that are not indexed yet.
    fn missing(&self, files: &[DataFile]) -> Vec<DataFile> {
        let known: HashSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        files.iter().filter(|file| !known.contains(file.path.as_str())).cloned().collect()
    }

    /// True when most of what is indexed are files that are gone.
    fn is_worn(&self, files: &[DataFile]) -> bool {
        let live: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let rows = |alive: bool| -> u64 {
            let of_kind = self.files.iter().filter(|file| live.contains(file.path.as_str()) == alive);
            of_kind.map(|file| file.rows).sum()
        };
        rows(false) > rows(true)
    }

    /// Takes out the groups of a size that has many.
    fn take_full_tier(&mut self) -> Option<Vec<Run>> {
        let rows = |group: &[Run]| group.iter().map(|run| run.rows).sum::<u64>();
        let tier = |group: &[Run]| (rows(group) / FIRST_TIER).max(1).ilog(TIER);
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        for group in &self.groups {
            *sizes.entry(tier(group)).or_default() += 1;
        }
        let (full, _) = sizes.into_iter().find(|(_, groups)| *groups >= TIER)?;
        let (taken, kept) = std::mem::take(&mut self.groups).into_iter().partition(|group| tier(group) == full);
        self.groups = kept;
        Some(Vec::into_iter(taken).flatten().collect())
    }
}

impl Run {
    fn file(&self) -> DataFile {
        DataFile { path: self.path.clone(), size: self.size, rows: self.rows, written: self.rows, vector: None }
    }
}

/// The index of a table by one column.
struct Index<'a> {
    /// The table.
    of: &'a Place,
    column: &'a str,
    /// Where the index's own runs are.
    runs: Place,
}

/// Rows of the large `files` of a table that have one of the wanted values of `column`, by number of their file.
pub fn find<'a>(
    place: &'a Place,
    column: &'a str,
    files: &'a [DataFile],
    wanted: &'a Wanted,
) -> BoxFuture<'a, Result<Vec<Vec<Hit>>, LakeError>> {
    Box::pin(async move { Index::new(place, column)?.find(files, wanted).await })
}

/// Objects that the indexes of a table consist of, of which `files` are needed. An index of none of them is not needed.
pub async fn needs(lake: &Lake, table: &Path, files: &HashSet<Path>) -> Result<HashSet<Path>, LakeError> {
    let store = lake.store();
    let objects = store.list(Some(&paths::indexes(table)));
    let manifests: Vec<Path> = objects
        .try_filter_map(|object| {
            let is_manifest = object.location.filename() == Some(paths::INDEX_MANIFEST);
            std::future::ready(Ok(is_manifest.then_some(object.location)))
        })
        .try_collect()
        .await?;
    let mut needed = HashSet::new();
    for path in manifests {
        let manifest = read(lake, &path).await?;
        if !manifest.files.iter().any(|file| files.contains(&table.clone().join(file.path.as_str()))) {
            continue;
        }
        let folder: Path = path.parts().take(path.parts().count().saturating_sub(1)).collect();
        needed.extend(manifest.groups.iter().flatten().map(|run| folder.clone().join(run.path.as_str())));
        needed.insert(path);
    }
    Ok(needed)
}

impl<'a> Index<'a> {
    fn new(of: &'a Place, column: &'a str) -> Result<Self, LakeError> {
        let value = of.schema.field_with_name(column)?.data_type().clone();
        let fields = vec![
            Field::new(VALUE, value, true),
            Field::new(FILE, DataType::Int32, true),
            Field::new(ROW, DataType::Int64, true),
        ];
        let runs = Place::new(&of.lake, paths::index(&of.table, column), Arc::new(Schema::new(fields)));
        Ok(Self { of, column, runs })
    }

    async fn find(&self, files: &[DataFile], wanted: &Wanted) -> Result<Vec<Vec<Hit>>, LakeError> {
        let manifest = self.up_to_date(files).await?;
        let numbers: HashMap<&str, usize> = files.iter().enumerate().map(|(at, file)| (&*file.path, at)).collect();
        let slots: Vec<Option<usize>> =
            manifest.files.iter().map(|file| numbers.get(file.path.as_str()).copied()).collect();
        let mut found = vec![Vec::new(); files.len()];
        for entries in self.entries(&manifest, wanted).await? {
            let keys = wanted.numbers_of(&entries.project(&[0])?)?;
            let (numbers, rows) = (entries.column(1).as_primitive::<Int32Type>(), entries.column(2));
            let rows = rows.as_primitive::<Int64Type>();
            for ((number, row), key) in numbers.values().iter().zip(rows.values()).zip(keys) {
                let slot = usize::try_from(*number).ok().and_then(|number| slots.get(number).copied().flatten());
                if let (Some(slot), Some(key), Ok(row)) = (slot, key, u64::try_from(*row)) {
                    found[slot].push(Hit { row, key });
                }
            }
        }
        for (file, hits) in files.iter().zip(&mut found).filter(|(_, hits)| !hits.is_empty()) {
            let deleted = self.of.known.deleted(&self.of.folder, file).await?;
            hits.retain(|hit| deleted.binary_search(&hit.row).is_err());
            hits.sort_unstable_by_key(|hit| hit.row);
        }
        Ok(found)
    }

    /// Entries with one of the wanted values.
    async fn entries(&self, manifest: &Manifest, wanted: &Wanted) -> Result<Vec<RecordBatch>, LakeError> {
        let runs: Vec<DataFile> = manifest.groups.iter().flatten().map(Run::file).collect();
        let wanted = Arc::new(wanted.in_columns(&self.runs.schema, &[VALUE.to_owned()])?);
        let found = self.runs.find(&runs, &wanted).await?;
        self.runs.fetch(&runs, &found).await
    }

    /// What the index holds, once it holds all of `files`.
    async fn up_to_date(&self, files: &[DataFile]) -> Result<Manifest, LakeError> {
        let manifest = self.read().await?;
        if manifest.missing(files).is_empty() {
            return Ok(manifest);
        }
        // One at a time in this process; when two processes do the same, one of the two results stays, and either is
        // right.
        let _guard = self.of.lake.indexing.lock().await;
        let mut manifest = self.read().await?;
        if manifest.is_worn(files) {
            manifest = Manifest::empty();
        }
        let mut missing = manifest.missing(files).into_iter().peekable();
        while missing.peek().is_some() {
            let mut rows = 0;
            let mut chunk = Vec::new();
            while let Some(file) = missing.next_if(|file| rows == 0 || rows + file.written <= AT_ONCE) {
                rows += file.written;
                chunk.push(file);
            }
            let staged = self.write(&chunk, manifest.files.len()).await?;
            manifest.files.extend(chunk.into_iter().map(|file| Indexed { path: file.path, rows: file.written }));
            manifest.groups.push(runs(&staged));
        }
        while let Some(group) = manifest.take_full_tier() {
            let files: Vec<DataFile> = group.iter().map(Run::file).collect();
            let merged = self.of.lake.merge(&self.runs.table, &self.runs.schema, &files, &key()).await?;
            manifest.groups.push(runs(&merged));
        }
        let text = serde_json::to_vec(&manifest).map_err(|error| unreadable(&self.manifest(), &error.to_string()))?;
        faults::INDEX.before();
        self.of.lake.store().put(&self.manifest(), text.into()).await?;
        faults::INDEX.after();
        Ok(manifest)
    }

    /// Sorts the rows of some files by the column.
    async fn write(&self, files: &[DataFile], first: usize) -> Result<Staged, LakeError> {
        let context = SessionContext::new();
        let mut partitions = Vec::with_capacity(files.len());
        for (number, file) in (first..).zip(files) {
            let number = i32::try_from(number).map_err(|_| unreadable(&self.manifest(), "it holds too many files"))?;
            partitions.push(self.values(file, number).await?);
        }
        let table = MemTable::try_new(self.runs.schema.clone(), partitions)?;
        let order = key().iter().map(|name| ident(name).sort(true, true)).collect();
        let mut sorted = context.read_table(Arc::new(table))?.sort(order)?.execute_stream().await?;
        let mut writer = Writer::new(self.of.lake.store(), self.runs.table.clone(), self.runs.schema.clone())?;
        writer = writer.sorted_by(&key());
        while let Some(batch) = sorted.try_next().await? {
            writer.write(&batch).await?;
        }
        writer.finish().await
    }

    /// The entries of a file, in the order of its rows.
    async fn values(&self, file: &DataFile, number: i32) -> Result<Vec<RecordBatch>, LakeError> {
        let mut entries = Vec::new();
        let mut row = 0;
        let mut values = self.of.column(file, self.column).await?;
        while let Some(batch) = values.try_next().await? {
            let count = batch.num_rows();
            let end = row + i64::try_from(count).unwrap_or_default();
            let columns: Vec<ArrayRef> = vec![
                batch.column(0).clone(),
                Arc::new(Int32Array::from_value(number, count)),
                Arc::new(Int64Array::from_iter_values(row..end)),
            ];
            entries.push(RecordBatch::try_new(self.runs.schema.clone(), columns)?);
            row = end;
        }
        Ok(entries)
    }

    fn manifest(&self) -> Path {
        paths::index_manifest(&self.runs.table)
    }

    async fn read(&self) -> Result<Manifest, LakeError> {
        read(&self.of.lake, &self.manifest()).await
    }
}

async fn read(lake: &Lake, path: &Path) -> Result<Manifest, LakeError> {
    let bytes = match lake.store().get(path).await {
        Ok(object) => object.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => return Ok(Manifest::empty()),
        Err(error) => return Err(error.into()),
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error.to_string()))?;
    // A form that is not ours is made anew.
    Ok(if manifest.format == FORMAT { manifest } else { Manifest::empty() })
}

fn unreadable(path: &Path, reason: &str) -> LakeError {
    let reason = format!("{reason}; delete the folder of this index: it is made again when it is needed");
    LakeError::Format { path: path.to_string(), reason }
}

fn key() -> Vec<String> {
    [VALUE, FILE, ROW].map(str::to_owned).to_vec()
}

fn runs(staged: &Staged) -> Vec<Run> {
    let run = |file: &DataFile| Run { path: file.path.clone(), size: file.size, rows: file.rows };
    staged.files().iter().map(run).collect()
}

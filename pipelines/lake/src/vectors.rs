//! Deletion vectors: which rows of a data file are gone. The format is Delta's; its reader and writer are those of
//! the Delta library's kernel.

use std::sync::Arc;

use bytes::Bytes;
use delta_kernel::actions::deletion_vector::{self as kernel, DeletionVectorStorageType};
use delta_kernel::actions::deletion_vector_writer::{KernelDeletionVector, StreamingDeletionVectorWriter};
use delta_kernel::{DeltaResult, FileMeta, FileSlice, StorageHandler};
use deltalake::kernel::{DeletionVectorDescriptor, StorageType};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use parquet::arrow::arrow_reader::RowSelection;
use url::Url;
use uuid::Uuid;

use crate::LakeError;
use crate::files::Files;

/// Numbers of the deleted rows of a data file, ascending.
pub type Deleted = Arc<[u64]>;

/// A file of vectors that is about to be written.
#[derive(Debug)]
pub struct VectorFile {
    id: Uuid,
    bytes: Vec<u8>,
    entries: Vec<DeletionVectorDescriptor>,
}

fn name(id: &Uuid) -> String {
    format!("deletion_vector_{id}.bin")
}

impl VectorFile {
    /// A file that holds these vectors.
    pub fn new(vectors: &[Deleted]) -> Result<Self, LakeError> {
        let id = Uuid::new_v4();
        let mut bytes = Vec::new();
        let mut writer = StreamingDeletionVectorWriter::new(&mut bytes);
        let mut entries = Vec::with_capacity(vectors.len());
        for deleted in vectors {
            let mut vector = KernelDeletionVector::new();
            vector.add_deleted_row_indexes(deleted.iter());
            let written = writer.write_deletion_vector(vector).map_err(|error| damaged(&name(&id), &error))?;
            entries.push(DeletionVectorDescriptor {
                storage_type: StorageType::UuidRelativePath,
                path_or_inline_dv: z85::encode(id.as_bytes()),
                offset: Some(written.offset),
                size_in_bytes: written.size_in_bytes,
                cardinality: written.cardinality,
            });
        }
        writer.finalize().map_err(|error| damaged(&name(&id), &error))?;
        Ok(Self { id, bytes, entries })
    }

    /// Name of the file, below the table.
    pub fn name(&self) -> String {
        name(&self.id)
    }

    /// Where the vectors are, in the order they were given.
    pub fn entries(&self) -> &[DeletionVectorDescriptor] {
        &self.entries
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn damaged(path: &str, error: &delta_kernel::Error) -> LakeError {
    LakeError::Format { path: path.to_owned(), reason: error.to_string() }
}

/// Name of the file below the table that holds a vector; none when the vector is in the log.
pub fn file_name(vector: &DeletionVectorDescriptor) -> Result<Option<String>, LakeError> {
    let root = root(&vector.path_or_inline_dv)?;
    let url = descriptor(vector)?.absolute_path(&root).map_err(|error| damaged(&vector.path_or_inline_dv, &error))?;
    Ok(url.map(|url| url.path().trim_start_matches('/').to_owned()))
}

fn root(path: &str) -> Result<Url, LakeError> {
    Url::parse("memory:///").map_err(|error| LakeError::Format { path: path.to_owned(), reason: error.to_string() })
}

fn descriptor(vector: &DeletionVectorDescriptor) -> Result<kernel::DeletionVectorDescriptor, LakeError> {
    let storage = match vector.storage_type {
        StorageType::UuidRelativePath => DeletionVectorStorageType::PersistedRelative,
        StorageType::Inline => DeletionVectorStorageType::Inline,
        // Another writer's file in another folder: nothing of ours, and nothing that we could collect.
        StorageType::AbsolutePath => {
            let reason = "a deletion vector outside the table's folder is not supported".to_owned();
            return Err(LakeError::Format { path: vector.path_or_inline_dv.clone(), reason });
        }
    };
    kernel::DeletionVectorDescriptor::try_new(
        storage,
        vector.path_or_inline_dv.clone(),
        vector.offset,
        vector.size_in_bytes,
        vector.cardinality,
    )
    .map_err(|error| damaged(&vector.path_or_inline_dv, &error))
}

/// Reads a vector of the table in the folder `table`.
pub async fn read(files: &Files, table: &Path, vector: &DeletionVectorDescriptor) -> Result<Deleted, LakeError> {
    let bytes = match file_name(vector)? {
        Some(name) => files.store().get(&Path::from(format!("{table}/{name}"))).await?.bytes().await?,
        None => Bytes::new(),
    };
    let fail = |error: delta_kernel::Error| damaged(&vector.path_or_inline_dv, &error);
    let rows =
        descriptor(vector)?.row_indexes(Arc::new(Fetched(bytes)), &root(&vector.path_or_inline_dv)?).map_err(fail)?;
    if rows.len() as u64 != u64::try_from(vector.cardinality).unwrap_or_default() {
        let reason = format!("the vector holds {} rows, the log says {}", rows.len(), vector.cardinality);
        return Err(LakeError::Format { path: vector.path_or_inline_dv.clone(), reason });
    }
    Ok(rows.into())
}

/// The kernel reads through a store of its own; it gets the bytes that ours has read.
#[derive(Debug)]
struct Fetched(Bytes);

impl StorageHandler for Fetched {
    fn list_from(&self, path: &Url) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<FileMeta>>>> {
        Err(delta_kernel::Error::file_not_found(path))
    }

    fn read_files(&self, _: Vec<FileSlice>) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<Bytes>>>> {
        Ok(Box::new(std::iter::once(Ok(self.0.clone()))))
    }

    fn copy_atomic(&self, _: &Url, to: &Url) -> DeltaResult<()> {
        Err(delta_kernel::Error::file_not_found(to))
    }

    fn put(&self, path: &Url, _: Bytes, _: bool) -> DeltaResult<()> {
        Err(delta_kernel::Error::file_not_found(path))
    }

    fn head(&self, path: &Url) -> DeltaResult<FileMeta> {
        Err(delta_kernel::Error::file_not_found(path))
    }

    fn delete(&self, path: &Url) -> DeltaResult<()> {
        Err(delta_kernel::Error::file_not_found(path))
    }
}

/// The rows of a file that are left.
pub fn kept(deleted: &[u64], rows: u64) -> RowSelection {
    let ends = deleted.iter().copied().chain([rows]);
    let starts = std::iter::once(0).chain(deleted.iter().map(|row| row + 1));
    let ranges = starts.zip(ends).filter(|(start, end)| start < end);
    RowSelection::from_consecutive_ranges(ranges.map(|(start, end)| as_range(start, end)), as_usize(rows))
}

/// A selection of single rows, given ascending.
pub fn only(rows: &[u64], of: u64) -> RowSelection {
    RowSelection::from_consecutive_ranges(rows.iter().map(|row| as_range(*row, row + 1)), as_usize(of))
}

/// A range of rows as parquet counts them.
pub fn as_range(start: u64, end: u64) -> std::ops::Range<usize> {
    as_usize(start)..as_usize(end)
}

/// Row numbers fit: a file has at most some million rows.
pub fn as_usize(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// Both sets of rows, ascending.
pub fn union(deleted: &[u64], more: &[u64]) -> Deleted {
    let mut all: Vec<u64> = deleted.iter().chain(more).copied().collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

#[cfg(test)]
mod tests {
    use parquet::arrow::arrow_reader::RowSelector;

    use super::*;

    #[test]
    fn what_is_kept_is_what_is_not_deleted() {
        let select = RowSelector::select;
        let skip = RowSelector::skip;
        let selection: Vec<RowSelector> = kept(&[0, 3, 4], 7).into();
        assert_eq!(selection, [skip(1), select(2), skip(2), select(2)]);
        let all: Vec<RowSelector> = kept(&[], 2).into();
        assert_eq!(all, [select(2)]);
        assert_eq!(kept(&[0, 1], 2).row_count(), 0);
        assert_eq!(only(&[1, 2, 5], 6).row_count(), 3);
    }

    #[test]
    fn vectors_of_one_file_stand_at_their_own_places() {
        let file = VectorFile::new(&[vec![1, 5].into(), vec![0, 2, 9_000_000_000].into()]).unwrap();
        let entries = file.entries();
        assert_eq!(entries.iter().map(|entry| entry.cardinality).collect::<Vec<_>>(), [2, 3]);
        assert!(entries[0].offset < entries[1].offset);
        assert_eq!(file_name(&entries[0]).unwrap().unwrap(), file.name());
    }

    #[test]
    fn a_vector_outside_the_table_is_refused() {
        let entry = DeletionVectorDescriptor {
            storage_type: StorageType::AbsolutePath,
            path_or_inline_dv: "s3://elsewhere/vector.bin".to_owned(),
            offset: Some(1),
            size_in_bytes: 10,
            cardinality: 1,
        };
        assert!(matches!(file_name(&entry), Err(LakeError::Format { .. })));
    }
}

//! Files that were delivered, read again from the archive: the same bytes give the same rows.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use formats::SealKey;

use crate::archive::Archive;
use crate::parsed::{Origin, Parsed, Parser};
use crate::receive::read;
use crate::spool::{Kind, Parts};
use crate::{Error, Result};

/// Rows of one contract.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Accepted rows, in the schema of the contract.
    pub accepted: Vec<RecordBatch>,
    /// Refused rows, in the schema of the contract `reject`.
    pub rejects: Vec<RecordBatch>,
}

impl Rows {
    /// Accepted and refused rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.accepted.iter().chain(&self.rejects).map(RecordBatch::num_rows).sum()
    }
}

/// Reads an archived file again, as it was read when it arrived; `seal_keys` are those it was received with.
///
/// # Errors
/// When it is not in the archive or is damaged there, or the store or the disk fails.
pub async fn read_again(
    archive: &Archive,
    work_dir: PathBuf,
    seal_keys: Arc<[SealKey]>,
    origin: Origin,
) -> Result<Arc<Parsed>> {
    let copy = archive.fetch(origin.file_id, &work_dir).await?;
    let mut parser = Parser::new(formats::parse);
    parser.seal_keys = seal_keys;
    Ok(Arc::new(read(parser, origin, copy, work_dir).await?))
}

/// The rows that a file delivers to a contract, without those of the ordinals `landed`.
///
/// # Errors
/// When rows that wait on disk cannot be read.
pub fn rows_without(file: &Arc<Parsed>, contract: &str, landed: &BTreeSet<i64>) -> Result<Rows> {
    let mut rows = Rows::default();
    for (_, mut parts) in Parts::of(file).into_iter().filter(|(of, _)| of.name == contract) {
        while let Some(part) = parts.next()? {
            let failed = |source| Error::Rows { what: format!("rows of {}", file.origin.name), source };
            let ordinals = part.rows.column_by_name("ordinal").map(|column| column.as_primitive::<Int64Type>());
            let ordinals = ordinals.ok_or_else(|| Error::Defect(format!("rows of {contract} have no ordinal")))?;
            let missing: BooleanArray =
                ordinals.values().iter().map(|ordinal| Some(!landed.contains(ordinal))).collect();
            let missing = filter_record_batch(&part.rows, &missing).map_err(failed)?;
            if missing.num_rows() > 0 {
                match part.kind {
                    Kind::Accepted => rows.accepted.push(missing),
                    Kind::Rejected => rows.rejects.push(missing),
                }
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{origin, parse};

    #[test]
    fn what_has_landed_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let script = "rows 5\nreject 2";
        let read =
            Parsed::read_with(&Parser::new(parse), origin("a", script.as_bytes()), &mut script.as_bytes(), dir.path());
        let file = Arc::new(read.unwrap());
        let all = rows_without(&file, "ledger_balance", &BTreeSet::new()).unwrap();
        assert_eq!(all.count(), 7);
        let landed: BTreeSet<i64> = ordinals(&all.accepted).into_iter().take(3).collect();
        let rest = rows_without(&file, "ledger_balance", &landed).unwrap();
        assert_eq!(rest.count(), 4);
        assert!(ordinals(&rest.accepted).iter().all(|ordinal| !landed.contains(ordinal)));
        assert_eq!(rows_without(&file, "customer_item", &BTreeSet::new()).unwrap().count(), 0);
    }

    fn ordinals(batches: &[RecordBatch]) -> Vec<i64> {
        let of = |batch: &RecordBatch| {
            batch.column_by_name("ordinal").unwrap().as_primitive::<Int64Type>().values().to_vec()
        };
        batches.iter().flat_map(of).collect()
    }
}

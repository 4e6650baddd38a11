//! One number that says which rows a table holds.
//!
//! The digest of a table is the sum, modulo 2^256, of the SHA-256 of every row's encoding (arrow's row format over
//! all columns, in the table's column order). It does not depend on the order of rows, on batches or on files, and it
//! follows a change without reading the table: what goes is subtracted, what comes is added.
//!
//! What it promises: two tables of the same columns with different rows have different digests, unless SHA-256 fails
//! or rows were *chosen* to add up. It finds lost, doubled and damaged rows. What it does not promise: a sum of
//! hashes is no defence against an adversary who can choose many rows freely (the generalised birthday attack), and
//! it says nothing about names and types of columns; the job's fingerprint does.
//!
//! Digests are compared over years, so a golden test pins the encoding: when a new arrow encodes rows differently,
//! that test fails before any table looks changed.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::row::{RowConverter, SortField};
use sha2::{Digest as _, Sha256};

use crate::LakeError;

/// A number modulo 2^256, in limbs from the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest([u64; 4]);

impl Digest {
    /// Reads 64 hexadecimal digits.
    pub fn parse(table: impl ToString, text: &str) -> Result<Self, LakeError> {
        let fail = || LakeError::Format { path: table.to_string(), reason: format!("{text:?} is no digest of rows") };
        if text.len() != 64 || !text.is_ascii() {
            return Err(fail());
        }
        let mut limbs = [0; 4];
        for (index, limb) in limbs.iter_mut().rev().enumerate() {
            *limb = u64::from_str_radix(&text[index * 16..index * 16 + 16], 16).map_err(|_error| fail())?;
        }
        Ok(Self(limbs))
    }

    /// 64 hexadecimal digits.
    pub fn hex(self) -> String {
        self.0.iter().rev().map(|limb| format!("{limb:016x}")).collect()
    }

    fn of_row(row: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(row).into();
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(hash.rchunks_exact(8)) {
            *limb = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        }
        Self(limbs)
    }

    /// The sum.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        let mut carry = false;
        for (limb, added) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = limb.overflowing_add(added);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || again);
        }
        self
    }

    /// The difference.
    #[must_use]
    pub fn minus(mut self, other: Self) -> Self {
        let mut borrow = false;
        for (limb, taken) in self.0.iter_mut().zip(other.0) {
            let (rest, under) = limb.overflowing_sub(taken);
            let (rest, again) = rest.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (rest, under || again);
        }
        self
    }
}

/// Digests rows of one set of columns.
#[derive(Debug)]
pub struct RowDigest(RowConverter);

impl RowDigest {
    pub fn new(schema: &Schema) -> Result<Self, LakeError> {
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
        Ok(Self(RowConverter::new(fields.collect())?))
    }

    /// The digest of a batch's rows.
    pub fn of(&self, batch: &RecordBatch) -> Result<Digest, LakeError> {
        let rows = self.0.convert_columns(batch.columns())?;
        Ok(rows.iter().fold(Digest::default(), |sum, row| sum.plus(Digest::of_row(row.data()))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, ListArray,
        StringArray, StructArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{DataType, Field, Fields, Int32Type};

    use super::*;

    fn every_type() -> RecordBatch {
        let parts: Fields = vec![Field::new("x", DataType::Utf8, true), Field::new("y", DataType::Int64, true)].into();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("text", Arc::new(StringArray::from(vec![Some("Å"), None, Some("")]))),
            (
                "money",
                Arc::new(
                    Decimal128Array::from(vec![Some(-1250), Some(0), None]).with_precision_and_scale(18, 2).unwrap(),
                ),
            ),
            ("day", Arc::new(Date32Array::from(vec![Some(20_000), None, Some(-1)]))),
            ("time", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("+00:00"))),
            ("small", Arc::new(Int32Array::from(vec![1, 2, 3]))),
            ("large", Arc::new(Int64Array::from(vec![None, Some(i64::MIN), Some(i64::MAX)]))),
            ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("raw", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None, Some(b"")]))),
            (
                "list",
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
                    Some(vec![Some(1), None]),
                    None,
                    Some(vec![]),
                ])),
            ),
            (
                "parts",
                Arc::new(StructArray::new(
                    parts,
                    vec![Arc::new(StringArray::from(vec!["a", "b", "c"])), Arc::new(Int64Array::from(vec![1, 2, 3]))],
                    None,
                )),
            ),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn digest(batch: &RecordBatch) -> Digest {
        RowDigest::new(&batch.schema()).unwrap().of(batch).unwrap()
    }

    #[test]
    fn the_encoding_of_every_type_stays_what_it_was() {
        assert_eq!(digest(&every_type()).hex(), "632da1219c17a860e6ee3d445581f2463810773cfaa3ee8a2095a55564d592cc");
    }

    #[test]
    fn a_digest_has_one_value_whatever_the_order_and_the_batches() {
        let rows = every_type();
        let parts = digest(&rows.slice(2, 1)).plus(digest(&rows.slice(0, 2)));
        assert_eq!(parts, digest(&rows));
        assert_ne!(parts.plus(digest(&rows.slice(0, 1))), digest(&rows), "a doubled row shows");
    }

    #[test]
    fn what_is_subtracted_was_never_there() {
        let rows = every_type();
        let rest = digest(&rows).minus(digest(&rows.slice(1, 1)));
        assert_eq!(rest, digest(&rows.slice(0, 1)).plus(digest(&rows.slice(2, 1))));
        assert_eq!(rest.minus(rest), Digest::default());
    }

    #[test]
    fn carries_and_borrows_run_through_all_limbs() {
        let top = Digest([u64::MAX; 4]);
        let one = Digest([1, 0, 0, 0]);
        assert_eq!(top.plus(one), Digest::default());
        assert_eq!(Digest::default().minus(one), top);
        assert_eq!(Digest::parse("t", &top.hex()).unwrap(), top);
        let mixed = Digest([1, 2, 3, u64::MAX]);
        assert_eq!(Digest::parse("t", &mixed.hex()).unwrap(), mixed);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "12", &"g".repeat(64), &"å".repeat(32), &"+".repeat(64)] {
            assert!(matches!(Digest::parse("t", text), Err(LakeError::Format { .. })), "{text}");
        }
    }
}

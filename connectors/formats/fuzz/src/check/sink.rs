use std::io::Read;

use arrow::array::RecordBatch;
use formats::{FileInfo, Reject, Sink, SinkError, Summary};
use schemas::Contract;

/// Everything that a file gave, in order.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub summary: Summary,
    pub batches: Vec<(&'static str, RecordBatch)>,
    pub rejects: Vec<(&'static str, Reject)>,
}

#[derive(Default)]
struct Kept {
    batches: Vec<(&'static str, RecordBatch)>,
    rejects: Vec<(&'static str, Reject)>,
}

impl Sink for Kept {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        assert_eq!(rows.schema(), contract.body_schema(), "rows have the columns of their contract");
        assert!((1..=formats::BATCH_ROWS).contains(&rows.num_rows()), "a batch is neither empty nor too large");
        self.batches.push((&contract.name, rows));
        Ok(())
    }

    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        self.rejects.push((&contract.name, reject));
        Ok(())
    }
}

impl Outcome {
    pub fn of(format: &str, input: &mut dyn Read) -> Self {
        let mut kept = Kept::default();
        // The name has a date in it, which some registers take for the extract's.
        let info = FileInfo { name: "REGISTER_20260331.txt", ..FileInfo::default() };
        let summary = formats::parse(format, info, input, &mut kept)
            .unwrap_or_else(|error| panic!("bytes in memory can be read, yet: {error}"));
        Self { summary, batches: kept.batches, rejects: kept.rejects }
    }
}

/// Gives a few bytes at a time, differently many each time.
pub struct Pieces<'a> {
    rest: &'a [u8],
    step: usize,
}

impl<'a> Pieces<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, step: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        const SIZES: [usize; 8] = [1, 1, 2, 3, 79, 7, 512, 31];
        let size = SIZES[self.step % SIZES.len()];
        self.step += 1;
        let size = size.min(buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.rest = rest;
        Ok(size)
    }
}

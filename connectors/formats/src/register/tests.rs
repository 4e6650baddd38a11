//! What is accepted, remarked on, rejected and refused, one named change to a good file at a time.

use arrow::array::RecordBatch;
use schemas::Contract;
use serde_json::{Map, Value};

use super::*;
use crate::{Finding, Reject, SinkError, Verdict};

mod accepted;
mod mappings;
mod refused;
mod rejected;
mod round_trip;

/// Keeps everything.
#[derive(Default)]
struct Keep {
    rows: Vec<Map<String, Value>>,
    rejects: Vec<Reject>,
    largest_batch: usize,
}

impl Sink for Keep {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        assert_eq!(rows.schema(), contract.body_schema());
        self.largest_batch = self.largest_batch.max(rows.num_rows());
        self.rows.extend((0..rows.num_rows()).map(|row| schemas::json::row(&rows, row)));
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        self.rejects.push(reject);
        Ok(())
    }
}

struct Outcome {
    summary: Summary,
    rows: Vec<Map<String, Value>>,
    rejects: Vec<Reject>,
}

impl Outcome {
    #[track_caller]
    fn accepted(&self) -> &Self {
        assert_eq!(self.summary.verdict, Verdict::Accepted);
        self
    }

    #[track_caller]
    fn refusal(&self) -> &Finding {
        match &self.summary.verdict {
            Verdict::Refused(finding) => finding,
            Verdict::Accepted => panic!("accepted: {:?}", self.summary),
        }
    }

    #[track_caller]
    fn only_reject(&self) -> &Reject {
        self.accepted();
        assert_eq!(self.rejects.len(), 1, "{:?}", self.rejects);
        &self.rejects[0]
    }

    fn remarks(&self) -> Vec<&'static str> {
        self.summary.remarks.iter().map(|remark| remark.code).collect()
    }
}

fn read_as(mapping: &Mapping, name: &str, bytes: &[u8]) -> Outcome {
    let mut sink = Keep::default();
    let summary = parse(mapping, FileInfo { name, ..FileInfo::default() }, &mut &bytes[..], &mut sink).unwrap();
    assert!(sink.largest_batch <= crate::BATCH_ROWS);
    assert_eq!(summary.rejected_records, sink.rejects.len() as u64);
    if summary.verdict == Verdict::Accepted {
        assert_eq!(summary.read_records, (sink.rows.len() + sink.rejects.len()) as u64);
    }
    for reject in &sink.rejects {
        let (start, end) = (reject.start as usize, reject.end as usize);
        assert_eq!(reject.raw, &bytes[start..end.min(start + crate::MAX_RAW)]);
        assert!((reject.start..=reject.end).contains(&reject.finding.position.byte));
    }
    Outcome { summary, rows: sink.rows, rejects: sink.rejects }
}

/// Windows-1252, as far as these tests need it.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

const HOUSEHOLDS: &str = "\
HUSHALLSID;GILTIG_FROM;GILTIG_TOM;VARDNADSHAVARE1;VARDNADSHAVARE2;KUNDNR;SDF;SKYDD
H1;2025-08-15;;189001019802;;K1;104;N
H2;2025-08-15;2026-01-31;189001029819;19890103-9800;K2;105;J
";

fn households(text: &str) -> Outcome {
    read_as(&super::mappings()["ber_household"], "BER_HUSHALL_2026-03-31.csv", &latin(text))
}

const ITEMS: &str = "\
POSTID;KUNDNR;KUNDNAMN;ORGNR;FÖRVALTNING;KONTO;VERNR;VERTYP;FAKTURANR;OCR;FAKTURADATUM;FÖRFALLODATUM;VALUTA;BELOPP;REST;PERIOD;KÄLLA;BETALARNR;AVSÄNDARKONTO
SU-1-1;K1;Åberg Åsa;189001019802;104;1512;1;KF;900;12345674;2026-03-01;2026-03-31;SEK;1 572,00;1 000,50;202603;BER;;5050-1055
SU-2-1;K2;Bolaget AB;556016-0680;105;1512;2;KF;901;;2026-03-02;2026-04-01;SEK;-200;-200,00;2026-03;;77;
SUMMA;2;800,50
";

fn items(text: &str) -> Outcome {
    read_as(&super::mappings()["erp_customer_item"], "AGR_KUNDRESKONTRA_20260331.txt", &latin(text))
}

/// The file with one change.
#[track_caller]
fn with(file: &str, from: &str, to: &str) -> String {
    assert_eq!(file.matches(from).count(), 1, "{from} stands once in the file");
    file.replace(from, to)
}

#[test]
fn every_embedded_mapping_can_be_used() {
    for (name, toml) in SOURCES {
        if let Err(error) = Mapping::parse(toml, name) {
            panic!("{error}");
        }
    }
    assert_eq!(super::mappings().len(), SOURCES.len());
}

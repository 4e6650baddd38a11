//! The published documents of CEN, OpenPEPPOL and SFTI, and the mutations of them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use schemas::money;

use super::{Outcome, read};
use crate::Verdict;

/// Whole documents, by folder.
const WHOLE: [&str; 7] = [
    "ConnectingEurope__eInvoicing-EN16931/test/testfiles",
    "ConnectingEurope__eInvoicing-EN16931/ubl/examples",
    "OpenPEPPOL__peppol-bis-invoice-3/rules/examples",
    "OpenPEPPOL__peppol-bis-invoice-3/rules/snippets",
    "SFTI__via_phive-rules_docs",
    "derived_sfti_checkdigits_fixed",
    "phax__phive-rules",
];

/// Published documents that are not read: what their path holds, and the code of their refusal.
const NOT_READ: [(&str, &str); 1] = [
    // Svefaktura 1.0 and its ObjectEnvelope are an older vocabulary with namespaces of their own.
    ("svefaktura", "ubl.root"),
];

fn samples() -> Option<PathBuf> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/einvoice");
    if samples.is_dir() {
        return Some(samples);
    }
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    {
        eprintln!("skipped: there are no samples at {}", samples.display());
    }
    None
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml")) {
            found.push(path);
        }
    }
}

/// The amount payable, found by plain search and not by the reader.
fn payable(document: &str) -> Option<(i128, String)> {
    let totals = document.split_once("LegalMonetaryTotal")?.1;
    let element = totals.split_once("PayableAmount")?.1;
    let (attributes, text) = element.split_once('>')?;
    let currency = attributes.split_once("currencyID=")?.1.get(1..4)?;
    let amount = money::parse_decimal(text.split_once('<')?.0.trim(), 2)?;
    let credit = document.contains("xsd:CreditNote-2");
    Some((if credit { -amount } else { amount }, currency.to_owned()))
}

fn verdict(outcome: &Outcome) -> String {
    match &outcome.summary.verdict {
        Verdict::Refused(finding) => format!("refused {}: {} ({})", finding.code, finding.message, finding.position),
        Verdict::Accepted => outcome.rejects.first().map_or_else(
            || "read".to_owned(),
            |reject| {
                format!("rejected {}: {} ({})", reject.finding.code, reject.finding.message, reject.finding.position)
            },
        ),
    }
}

#[test]
fn every_published_document_is_read_to_the_ore_or_listed() {
    let Some(samples) = samples() else { return };
    let mut wrong = Vec::new();
    let mut read_documents = 0;
    for folder in WHOLE {
        let mut paths = Vec::new();
        documents(&samples.join(folder), &mut paths);
        paths.sort();
        for path in paths {
            let name = path.strip_prefix(&samples).unwrap().display().to_string();
            let bytes = fs::read(&path).unwrap();
            let outcome = read(&bytes);
            let came_to = verdict(&outcome);
            if let Some((_, code)) = NOT_READ.iter().find(|(listed, _)| name.contains(listed)) {
                if !came_to.starts_with(&format!("refused {code}:")) {
                    wrong.push(format!("{name}: listed as {code}, but {came_to}"));
                }
                continue;
            }
            if came_to != "read" {
                wrong.push(format!("{name}: {came_to}"));
                continue;
            }
            read_documents += 1;
            let expected = payable(&String::from_utf8_lossy(&bytes)).unwrap();
            let totals: Vec<_> =
                outcome.summary.totals.iter().map(|total| (total.read, total.currency.clone())).collect();
            if totals != [expected.clone()] {
                wrong.push(format!("{name}: {totals:?} instead of {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} documents:\n{}", wrong.len(), wrong.join("\n"));
    assert!(read_documents >= 100, "only {read_documents} documents were read");
}

#[test]
fn unit_fragments_are_never_more_than_rejected_or_refused() {
    let Some(samples) = samples() else { return };
    let mut paths = Vec::new();
    documents(&samples, &mut paths);
    assert!(paths.len() > 400);
    for path in paths {
        read(fs::read(path).unwrap());
    }
}

/// False for what the contract leaves out: a line's period, a price's allowance.
fn is_mapped(path: &str) -> bool {
    let line_period = path.contains("Line") && path.contains("cac:InvoicePeriod");
    let price_allowance = path.contains("cac:Price/") && path.contains("cac:AllowanceCharge");
    !line_period && !price_allowance
}

#[test]
fn mutated_documents_are_read_rejected_or_refused() {
    let Some(samples) = samples() else { return };
    let file = fs::File::open(samples.join("generated_mutations.jsonl.gz")).unwrap();
    let (mut counts, mut uncomputable) = ([0; 3], 0);
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let outcome = read(line["xml"].as_str().unwrap());
        let (operation, path) = (line["op"].as_str().unwrap(), line["path"].as_str().unwrap());
        // Where the official rules cannot even be computed, an amount, date, rate or flag is no value. (They stop at
        // a repeated element too; one that says the same is only remarked here.)
        if line["fired"].is_null() && operation != "duplicate" && is_mapped(path) {
            assert_eq!(outcome.summary.rejected_records, 1, "{operation} at {path}");
            uncomputable += 1;
        }
        let class = match verdict(&outcome) {
            verdict if verdict.starts_with("refused") => 0,
            verdict if verdict.starts_with("rejected") => 1,
            _ => 2,
        };
        counts[class] += 1;
    }
    assert_eq!(counts[0], 0, "the mutations are well-formed UBL");
    assert!(counts[1] > 100 && counts[2] > 100 && uncomputable >= 80, "{counts:?} {uncomputable}");
}

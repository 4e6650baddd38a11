//! Public files of many ledgers, with the figures that others computed.

use std::fs;
use std::path::Path;

use crate::Verdict;
use crate::testing::{Outcome, read, samples};

/// As an export, or as an import file where it is one.
fn either(bytes: &[u8]) -> Outcome {
    let outcome = read("sie", bytes);
    match &outcome.summary.verdict {
        Verdict::Refused(finding) if finding.code == "sie.import_file" => read("sie_import", bytes),
        _ => outcome,
    }
}

fn remark_count(outcome: &Outcome, code: &str) -> u64 {
    let remark = outcome.summary.remarks.iter().find(|remark| remark.code == code);
    let count = |text: &str| text.rsplit_once('(')?.1.split_once(' ')?.0.parse().ok();
    remark.map_or(0, |remark| count(&remark.message).unwrap())
}

#[test]
fn every_file_has_the_rows_and_unbalanced_vouchers_that_were_counted_otherwise() {
    let Some(folder) = samples("sie") else { return };
    let text = fs::read_to_string(folder.join("STATS.tsv")).unwrap();
    let (mut files, mut wrong) = (0, Vec::new());
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, _, _, _, encoding, _, _, rows, unbalanced] = cells.as_slice() else { panic!("{line}") };
        let Ok(bytes) = fs::read(folder.join(name)) else { continue };
        files += 1;
        let outcome = either(&bytes);
        if let Verdict::Refused(finding) = &outcome.summary.verdict {
            // Fragments of a program's own tests, without a date.
            if name.starts_with("jacob22__accounting/blm/") && finding.code == "sie.date" {
                continue;
            }
            wrong.push(format!("{name}: {} {} {}", finding.code, finding.message, finding.position));
            continue;
        }
        let postings = outcome.of("ledger_transaction").len() + outcome.of("voucher_row").len();
        let rejected: Vec<_> = outcome.rejects.iter().filter(|(contract, _)| *contract != "account_balance").collect();
        if postings + rejected.len() != rows.parse::<usize>().unwrap() {
            wrong.push(format!("{name}: {postings} + {} rows of {rows}", rejected.len()));
        }
        let mut vouchers: Vec<_> = rejected.iter().map(|(_, reject)| &reject.finding.position).collect();
        vouchers.dedup();
        if vouchers.len() != unbalanced.parse::<usize>().unwrap() {
            wrong.push(format!("{name}: {} of {unbalanced} {:?}", vouchers.len(), outcome.reject_codes()));
        }
        let seen = match () {
            () if outcome.remarks().contains(&"sie.encoding_utf8") => "utf-8",
            () if outcome.remarks().contains(&"sie.encoding_latin1") => "latin",
            () => "cp437 or ascii",
        };
        if !seen.contains(encoding) && !encoding.contains(seen) {
            wrong.push(format!("{name}: {seen}, not {encoding}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(files > 100, "{files}");
}

/// What jokedst/SieFile's own test asserts: records with missing or wrong fields, vouchers that do not sum to zero.
const JOKEDST: [(&str, u64, u64); 9] = [
    // Two missing fields of one record.
    ("BL0001_typ4I.SI", 1, 0),
    ("SIE-fil från Visma Enskild Firma 2010.se", 4, 0),
    ("Sie4.se", 1, 0),
    ("Sie4.si", 1, 0),
    ("SIE_exempelfil.se", 1, 0),
    ("testWrite.se", 0, 1),
    ("testWrite1.se", 0, 1),
    ("transaktioner_ovnbolag-bad-balance.se", 0, 1),
    ("XE_SIE_4_20151125095119.SE", 0, 1),
];

#[test]
fn the_errors_that_jokedst_asserts_are_found_and_no_others() {
    let Some(folder) = samples("sie/jokedst__SieFile") else { return };
    let mut found = Vec::new();
    visit(&folder, &mut |path, bytes| {
        let outcome = either(bytes);
        let mut vouchers: Vec<_> = outcome.rejects.iter().map(|(_, reject)| &reject.finding.position).collect();
        vouchers.dedup();
        let (fields, vouchers) = (remark_count(&outcome, "sie.incomplete"), vouchers.len() as u64);
        if fields + vouchers > 0 {
            found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), fields, vouchers));
        }
    });
    found.sort();
    let mut expected = JOKEDST.map(|(name, fields, vouchers)| (name.to_owned(), fields, vouchers));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_public_checksum_is_right() {
    let Some(folder) = samples("sie") else { return };
    let mut checked = 0;
    visit(&folder, &mut |path, bytes| {
        if bytes.windows(8).any(|window| window == b"#KSUMMA\r" || window == b"#KSUMMA\n") {
            checked += 1;
            assert_eq!(either(bytes).summary.verdict, Verdict::Accepted, "{}", path.display());
        }
    });
    assert_eq!(checked, 13);
}

fn visit(folder: &Path, each: &mut dyn FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, each);
        } else {
            each(&path, &fs::read(&path).unwrap());
        }
    }
}

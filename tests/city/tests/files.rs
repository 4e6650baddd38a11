//! What is written satisfies the formats, checked by small readers of their own.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use city::City;
use city::truth::{FileReason, FileStatus, FileTruth, Truth};
use schemas::reference::{bankgiro, luhn_valid};
use sha2::{Digest, Sha256};

struct Written {
    _folder: tempfile::TempDir,
    landing: PathBuf,
    truth: Truth,
}

fn written(seed: u64) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let truth = City::generate(seed, 1).write(folder.path()).unwrap();
    Written { landing: folder.path().join("landing"), truth, _folder: folder }
}

/// A city that several tests only look at.
fn shared() -> &'static Written {
    static CITY: OnceLock<Written> = OnceLock::new();
    CITY.get_or_init(|| written(1))
}

fn every_file(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (one, again, other) = (written(7), written(7), written(8));
    assert_eq!(every_file(&one.landing), every_file(&again.landing));
    assert_eq!(one.truth, again.truth);
    assert_ne!(every_file(&one.landing), every_file(&other.landing));
}

#[test]
fn the_truth_names_every_file_with_its_hash_and_is_read_back() {
    let city = shared();
    let files = every_file(&city.landing);
    let named: BTreeSet<&String> = city.truth.files.iter().map(|file| &file.path).collect();
    assert_eq!(named, files.keys().collect());
    for file in &city.truth.files {
        let bytes = &files[&file.path];
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&hash, bytes.len() as u64), (&file.sha256, file.size), "{}", file.path);
    }
    let hashes: BTreeSet<&String> = city.truth.files.iter().map(|file| &file.sha256).collect();
    let duplicates = city.truth.files.iter().filter(|file| file.status == FileStatus::Duplicate).count();
    assert_eq!((city.truth.files.len() - hashes.len(), duplicates), (1, 1));
    assert_eq!(Truth::read(&city.landing.with_file_name("truth")).unwrap(), city.truth);
}

/// Counts and sums of a BgMax file as its own records give them.
#[derive(Default, Debug, PartialEq)]
struct Control {
    payments: u64,
    deductions: u64,
    references: u64,
    deposits: u64,
    sums: BTreeMap<String, i64>,
}

/// Reads by position, from the manual's table.
fn control(bytes: &[u8]) -> (Control, [u64; 4], BTreeSet<String>) {
    let (mut control, mut declared, mut serials) = (Control::default(), [0; 4], BTreeSet::new());
    let (mut sum, mut count, mut currency, mut giro, mut listed, mut amount) =
        (0, 0, String::new(), String::new(), 0, 0);
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let end_of_payment = |listed: &mut i64, amount: i64| {
        assert!(*listed == 0 || *listed == amount, "listed references sum to the payment");
        *listed = 0;
    };
    for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
        let record: Vec<char> = line.chars().collect();
        assert_eq!(record.len(), 80, "{line}");
        let field = |from: usize, to: usize| record[from - 1..to].iter().collect::<String>();
        let number = |from, to| field(from, to).parse::<i64>().unwrap();
        match field(1, 2).as_str() {
            "01" => assert!(field(3, 24) == "BGMAX               01" && field(46, 80).trim().is_empty()),
            "05" => {
                (sum, count, currency, giro) = (0, 0, field(23, 25), field(3, 12));
                assert!(bankgiro(giro.trim_start_matches('0')).is_some());
            }
            kind @ ("20" | "21") => {
                end_of_payment(&mut listed, amount);
                amount = number(38, 55);
                sum += if kind == "20" { amount } else { -amount };
                count += 1;
                *if kind == "20" { &mut control.payments } else { &mut control.deductions } += 1;
                if field(56, 56) == "2" {
                    assert!(luhn_valid(field(13, 37).trim_start()));
                }
                let serial = field(58, 69);
                if field(57, 57) == "4" {
                    assert!(serial.trim().is_empty());
                } else {
                    assert!(serials.insert(serial));
                }
                let sender = field(3, 12);
                assert!(sender == "0000000000" || bankgiro(sender.trim_start_matches('0')).is_some());
            }
            kind @ ("22" | "23") => {
                control.references += 1;
                listed += if kind == "22" { number(38, 55) } else { -number(38, 55) };
                assert!(luhn_valid(field(13, 37).trim()));
            }
            "15" => {
                end_of_payment(&mut listed, amount);
                assert_eq!((number(51, 68), number(72, 79), field(69, 71)), (sum, count, currency.clone()));
                control.deposits += 1;
                *control.sums.entry(currency.clone()).or_default() += sum;
            }
            "70" => declared = [3, 11, 19, 27].map(|from| number(from, from + 7).unsigned_abs()),
            "29" => assert!(luhn_valid(&field(5, 14)) && field(3, 4) == "00"),
            kind => assert!(matches!(kind, "25" | "26" | "27" | "28"), "{kind}"),
        }
    }
    assert!(!giro.is_empty());
    (control, declared, serials)
}

#[test]
fn bgmax_files_satisfy_their_own_control_totals_but_for_the_one_built_to_lie() {
    let city = shared();
    let files = every_file(&city.landing);
    let mut serials = BTreeSet::new();
    for file in city.truth.files.iter().filter(|file| file.format == "bgmax") {
        if file.reason == Some(FileReason::NotTheFormat) {
            continue;
        }
        let (control, declared, own) = control(&files[&file.path]);
        let counts = [control.payments, control.deductions, control.references, control.deposits];
        assert_eq!(declared == counts, file.reason != Some(FileReason::ControlCount), "{}", file.path);
        assert_eq!(file.records, control.payments + control.deductions, "{}", file.path);
        let sums = file.totals.iter().map(|(currency, total)| (currency.clone(), total.read_ore + total.rejected_ore));
        assert_eq!(control.sums, sums.collect(), "{}", file.path);
        if file.status != FileStatus::Duplicate {
            for serial in own {
                assert!(serials.insert(serial), "a serial number comes once in two years");
            }
        }
    }
}

#[test]
fn the_payments_of_the_truth_are_those_of_the_accepted_files() {
    let city = shared();
    let mut read: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    for payment in &city.truth.payments {
        let (count, sum) = read.entry(&payment.file).or_default();
        *count += 1;
        *sum += payment.amount_ore;
    }
    let accepted = city.truth.files.iter().filter(|f| f.format == "bgmax" && f.status == FileStatus::Accepted);
    let expected: BTreeMap<&str, (u64, i64)> = accepted
        .map(|file| {
            let sum = file.totals.values().map(|total| total.read_ore).sum();
            (file.path.as_str(), (file.records - file.rejected, sum))
        })
        .collect();
    assert_eq!(read, expected);
}

#[test]
fn every_invoice_is_well_formed_but_the_one_that_ends_in_the_middle() {
    let city = shared();
    let files = every_file(&city.landing);
    for file in city.truth.files.iter().filter(|file| file.format == "ubl") {
        let mut reader = quick_xml::Reader::from_reader(files[&file.path].as_slice());
        let mut buffer = Vec::new();
        let (mut depth, mut elements) = (0_i64, 0);
        let whole = loop {
            match reader.read_event_into(&mut buffer) {
                Ok(quick_xml::events::Event::Start(_)) => (depth, elements) = (depth + 1, elements + 1),
                Ok(quick_xml::events::Event::End(_)) => depth -= 1,
                Ok(quick_xml::events::Event::Eof) => break depth == 0 && elements > 50,
                Ok(_) => {}
                Err(_) => break false,
            }
            buffer.clear();
        };
        assert_eq!(whole, file.reason != Some(FileReason::Malformed), "{}", file.path);
    }
}

/// Fields of a line; a quote inside a quoted field is doubled.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ';' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(letter),
        }
    }
    fields
}

fn ore(text: &str) -> i64 {
    text.replace([' ', ','], "").parse().unwrap()
}

#[test]
fn registers_have_rows_as_wide_as_their_header_and_trailers_that_agree() {
    let city = shared();
    let files = every_file(&city.landing);
    let registers: Vec<&FileTruth> =
        city.truth.files.iter().filter(|f| !["bgmax", "ubl"].contains(&&*f.format)).collect();
    assert_eq!(registers.len(), 20);
    for file in registers {
        let bytes = &files[&file.path];
        let utf8 = file.format.starts_with("lois") || file.format == "bank_statement";
        let text = if utf8 {
            String::from_utf8(bytes.clone()).unwrap()
        } else {
            bytes.iter().map(|b| char::from(*b)).collect()
        };
        let mut lines: Vec<Vec<String>> = text.lines().map(fields).collect();
        let header = lines.remove(0);
        if file.format.starts_with("erp") || ["bank_statement", "ber_charge"].contains(&&*file.format) {
            let trailer = lines.pop().unwrap();
            assert_eq!((trailer[0].as_str(), trailer[1].parse().unwrap()), ("SUMMA", file.records), "{}", file.path);
            let columns: &[&str] = match file.format.as_str() {
                "erp_customer_item" => &["REST"],
                "erp_ledger_balance" => &["DEBET", "KREDIT"],
                _ => &["BELOPP"],
            };
            for (declared, column) in trailer[2..].iter().zip(columns) {
                let index = header.iter().position(|name| name == column).unwrap();
                assert_eq!(ore(declared), lines.iter().map(|row| ore(&row[index])).sum::<i64>(), "{}", file.path);
            }
        }
        assert_eq!(lines.len() as u64, file.records, "{}", file.path);
        assert!(lines.iter().all(|row| row.len() == header.len()), "{}", file.path);
        let whole = ["bank_statement", "erp_ledger_balance", "ber_charge"].contains(&&*file.format);
        assert_eq!(file.rejected, u64::from(!whole), "{}", file.path);
    }
}

//! Public files with the values that others read in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use schemas::money;
use serde_json::Value;

use super::camt;
use crate::Verdict;
use crate::testing::{Outcome, plain, samples};

fn sample(folder: &Path, name: &str) -> Outcome {
    camt(fs::read(folder.join(name)).unwrap())
}

/// Figures of a message that were computed with another XML library and no bank-format library.
struct Stats {
    entries: usize,
    credit: i128,
    debit: i128,
    is_proven: Option<bool>,
}

fn stats(folder: &Path) -> BTreeMap<String, Stats> {
    let text = fs::read_to_string(folder.join("STATS.tsv")).unwrap();
    let mut files: BTreeMap<String, Stats> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if !cells[0].starts_with("camt/") {
            continue;
        }
        let of = files.entry(cells[0].to_owned()).or_insert(Stats { entries: 0, credit: 0, debit: 0, is_proven: None });
        of.entries += cells[3].parse::<usize>().unwrap();
        of.credit += money::parse_decimal(cells[5], 2).unwrap();
        of.debit += money::parse_decimal(cells[6], 2).unwrap();
        if let Some(check) = cells.get(10).filter(|check| check.starts_with("BAL")) {
            of.is_proven = Some(of.is_proven.unwrap_or(true) && *check == "BAL-OK");
        }
    }
    files
}

#[test]
fn the_entries_of_every_statement_have_the_sums_and_balances_that_were_computed_otherwise() {
    let Some(folder) = samples("camt") else { return };
    let mut statements = 0;
    for (file, stats) in stats(&folder) {
        let outcome = camt(fs::read(folder.join("..").join(&file)).unwrap());
        if file.contains("camt052") {
            assert_eq!(outcome.refusal().code, "camt.interim", "{file}");
            continue;
        }
        assert_eq!(outcome.summary.verdict, Verdict::Accepted, "{file}");
        if file.contains("054") {
            continue;
        }
        statements += 1;
        let amounts = outcome.column("statement_entry", "amount");
        let amounts: Vec<i128> = amounts.iter().map(|amount| money::parse_decimal(amount, 2).unwrap()).collect();
        assert_eq!(amounts.len(), stats.entries, "{file}");
        assert_eq!(amounts.iter().filter(|amount| **amount > 0).sum::<i128>(), stats.credit, "{file}");
        assert_eq!(-amounts.iter().filter(|amount| **amount < 0).sum::<i128>(), stats.debit, "{file}");
        let remarked = outcome.remarks().contains(&"camt.balance");
        assert_eq!(remarked, stats.is_proven == Some(false), "{file}");
        let balances = outcome.column("statement_entry", "balance_after");
        assert!(balances.iter().all(|balance| (balance != "null") == (stats.is_proven == Some(true))), "{file}");
    }
    assert!(statements > 10, "{statements}");
}

/// The part of a getter's value that stands for a text.
fn getter(of: &Value, path: &str) -> Option<String> {
    let value = path.split('.').try_fold(of, |value, step| value.get(step)).unwrap_or(&Value::Null);
    (!value.is_null() && *value != "").then(|| plain(value))
}

/// Fields of an entry and of a row that must say the same: getters in genkgo's tree, columns of ours.
const ENTRY: [(&str, &str); 3] = [
    ("getAccountServicerReference", "bank_reference"),
    ("getAmount.getCurrency.getCode", "currency"),
    ("getRecord.getAccount.getIdentification", "account"),
];
const PAYMENT: [(&str, &str); 4] = [
    ("getReference.getEndToEndId", "end_to_end_id"),
    ("getReference.getInstructionId", "instruction_id"),
    ("getReference.getUuidEndToEndReference", "transaction_id"),
    ("getReturnInformation.getCode", "reversal_code"),
];

#[test]
fn every_entry_of_genkgo_is_read_as_its_expected_tree_says() {
    let Some(folder) = samples("camt/genkgo__camt") else { return };
    let mut compared = 0;
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in names.filter(|name| name.starts_with("camt053") && name.ends_with(".json")) {
        let tree: Value = serde_json::from_slice(&fs::read(folder.join(&name)).unwrap()).unwrap();
        let outcome = sample(&folder, &name.replace(".json", ".xml"));
        let rows = outcome.of("statement_entry");
        let entries = tree["getEntries"].as_array().unwrap();
        // The tree of several statements lists the entries of one.
        if name.contains("multi.statement") {
            continue;
        }
        assert_eq!(rows.len(), entries.len(), "{name}");
        let mut payments = outcome.of("payment_in").iter();
        for (row, entry) in rows.iter().zip(entries) {
            for (get, column) in ENTRY {
                let Some(expected) = getter(entry, get) else { continue };
                assert_eq!(plain(&row[column]), expected, "{name} {column}");
                compared += 1;
            }
            let minor = money::parse_decimal(&plain(&row["amount"]), 2).unwrap();
            if !name.contains("five.decimals") {
                assert_eq!(minor.to_string(), plain(&entry["getAmount"]["getAmount"]), "{name}");
            }
            for (get, column) in [("getBookingDate.0", "booking_date"), ("getValueDate.0", "value_date")] {
                let expected = getter(entry, get).map_or("null".to_owned(), |date| date[..10].to_owned());
                assert_eq!(plain(&row[column]), expected, "{name} {column}");
            }
            assert_eq!(minor > 0, entry["getCreditDebitIndicator"] == "CRDT", "{name}");
            for details in entry["getTransactionDetails"].as_array().unwrap().iter().take(1) {
                let details = if details.is_object() { details } else { &entry["getTransactionDetail"] };
                if !details.is_object() || minor < 0 {
                    continue;
                }
                let payment = payments.next().unwrap();
                for (get, column) in PAYMENT {
                    let Some(expected) = getter(details, get) else { continue };
                    assert_eq!(plain(&payment[column]), expected, "{name} {column}");
                    compared += 1;
                }
                let message = "getRemittanceInformation.getCreditorReferenceInformation.getRef";
                if let Some(expected) = getter(details, message) {
                    assert_eq!(plain(&payment["reference"]), expected, "{name}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 25, "{compared}");
}

#[test]
fn oca_s_asserted_amounts_are_read() {
    let Some(folder) = samples("camt/OCA__bank-statement-import") else { return };
    let statement = sample(&folder, "test-camt053");
    assert_eq!(statement.column("statement_entry", "amount"), ["-754.25", "-664.05", "1405.31"]);
    let out = &statement.of("statement_entry")[0]["iso20022"]["transactions"][0];
    assert_eq!((&out["amount"], &out["end_to_end_id"]), (&"-754.25".into(), &"435005714488-ABNO33052620".into()));
    assert_eq!(out["counterparty"], "INSURANCE COMPANY TESTX");
    assert_eq!(statement.column("payment_in", "amount"), ["-564.05", "-100.00", "1405.31"]);
    assert_eq!(statement.column("payment_in", "kind"), ["reversal", "reversal", "payment"]);
    assert_eq!(statement.column("payment_in", "reversal_code"), ["AC06", "AC06", "null"]);

    let itemised = sample(&folder, "test-camt053-txdtls");
    assert_eq!(itemised.column("statement_entry", "balance_after"), ["79443.15"]);
    assert_eq!(itemised.column("payment_in", "amount"), ["2187.00", "1296.00"]);
    assert_eq!(
        itemised.column("payment_in", "reference"),
        ["302388292000011111111111111", "302388292000022222222222222"]
    );

    let empty = sample(&folder, "test-camt053-no-ntry");
    assert_eq!((empty.summary.read_records, empty.summary.verdict), (0, Verdict::Accepted));

    let notified = sample(&folder, "test-camt054");
    assert_eq!(notified.column("payment_in", "amount"), ["5.00"]);
    assert_eq!(notified.column("payment_in", "end_to_end_id"), ["ENDTOENDID-01"]);

    let Some(returns) = samples("camt/OCA__account-payment") else { return };
    for name in ["test-sepa-camt-053-unpaid.xml", "test-sepa-camt-054-unpaid.xml"] {
        let returned = sample(&returns, name);
        assert_eq!(returned.column("payment_in", "amount"), ["-100.00"]);
        assert_eq!(returned.column("payment_in", "reversal_code"), ["AC06"]);
        assert_eq!(returned.column("payment_in", "end_to_end_id"), ["E2EID1"]);
    }
}

#[test]
fn swedish_bankgiro_notifications_are_read_as_expected() {
    let Some(folder) = samples("camt/bankgirot-camt054") else { return };
    let split = sample(&folder, "camt054_02_split_over_invoices.xml");
    assert_eq!(split.column("payment_in", "payer_name"), ["Cecilia Provsson", "David Nollsson", "Eva Minusson"]);
    assert_eq!(split.column("payment_in", "amount"), ["1000.00", "500.00", "250.00"]);
    let references = |payment: usize, of: &str| -> Vec<String> {
        let list = split.of("payment_in")[payment]["references"].as_array().unwrap();
        list.iter().map(|reference| plain(&reference[of])).collect()
    };
    assert_eq!(references(0, "reference"), ["INV/2031/0044", "203100466"]);
    assert_eq!(references(0, "amount"), ["600.00", "400.00"]);
    // 300 + 100 of 500: the payment is kept whole with all its references.
    assert_eq!(references(1, "reference"), ["INV/2031/0045", "20310454"]);
    assert_eq!(references(1, "amount"), ["null", "null"]);
    assert_eq!(references(2, "reference"), ["203100441", "12345674"]);
    assert_eq!(split.of("payment_in")[0]["sender_account"], "9999999");

    let by_reference = sample(&folder, "camt054_08_ntryref_bg.xml");
    let payment = &by_reference.of("payment_in")[0];
    assert_eq!(
        (&payment["receiver_account"], &payment["receiver_account_type"]),
        (&"55555555".into(), &"bankgiro".into())
    );
    assert_eq!((&payment["sender_account"], &payment["reference"]), (&"5555556".into(), &"12345674".into()));
    assert_eq!((&payment["payment_date"], &payment["amount"]), (&"2026-09-16".into(), &"300.00".into()));

    let debit = sample(&folder, "camt054_02_debit_only.xml");
    assert_eq!((debit.summary.read_records, debit.remarks()), (0, vec!["camt.debit_notified"]));
    assert_eq!(sample(&folder, "not_camt_document.xml").refusal().code, "camt.root");
}

#[test]
fn a_message_without_statements_is_refused() {
    let Some(folder) = samples("camt/genkgo__camt") else { return };
    assert_eq!(sample(&folder, "camt053.v2.wrong.xml").refusal().code, "camt.no_statement");
    // A foreign amount among several cannot be what came to the account.
    for name in ["camt054.v4.xml", "camt054.v8.xml"] {
        let foreign = sample(&folder, name);
        assert_eq!(foreign.reject_codes(), ["camt.transaction_amount"; 3], "{name}");
        assert_eq!(foreign.totals(), [("CHF".to_owned(), "0.00".to_owned(), "9.50".to_owned())], "{name}");
    }
}

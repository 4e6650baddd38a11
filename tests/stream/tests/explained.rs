//! Every row can say why it is there, down to the bytes it was read from.

use serde_json::Value;

use crate::folder::{Folder, published};
use crate::program::run;

/// The explanation of the first row of a job.
fn explained(folder: &Folder, job: &str, key: &[&str], raw: bool) -> Value {
    let columns = key.join(", ");
    let rows = folder.query(&format!("select {columns} from {job} order by {columns} limit 1"));
    let row = rows.first().unwrap_or_else(|| panic!("{job} is empty"));
    let key: Vec<String> = key.iter().map(|column| format!("{column}={}", row.text(column))).collect();
    let mut arguments = vec!["explain", job, "--format", "json"];
    arguments.extend(key.iter().map(String::as_str));
    if raw {
        arguments.push("--raw");
    }
    serde_json::from_str(&run(&mut folder.reskontra(&arguments)).succeeded().out).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("{name} is no list in {value}"))
}

#[test]
fn every_step_of_an_explanation_is_computed_again_from_what_it_found_and_ends_in_files() {
    let jobs: [(&str, &[&str]); 3] = [
        ("ar_unmatched_payment", &["exception_id"]),
        ("ap_duplicate_invoice", &["first_document", "second_document"]),
        ("rent_high_notice", &["exception_id"]),
    ];
    for (job, key) in jobs {
        let explanation = explained(published(), job, key, false);
        let steps = list(&explanation, "steps");
        assert_eq!(steps[0]["table"], job);
        for step in steps.iter().filter(|step| step["kind"] == "job") {
            assert_eq!(step["recomputed"], true, "{job}: {} {}", step["table"], step["complete"]);
            assert_eq!(step["changed_since"], false, "{job}: {}", step["table"]);
        }
        let parameters = steps.iter().filter(|step| step["kind"] == "parameter").flat_map(|step| list(step, "rows"));
        for row in parameters {
            assert!(row["source"].is_string() && row.get("approved_by").is_some(), "{job}: {row}");
        }
        let files = list(&explanation, "files");
        for record in list(&explanation, "records") {
            assert!(files.iter().any(|file| file["file_id"] == record["file_id"]), "{job}: {record}");
            // Of the records behind these rows, only a rent component cannot tell who a person is.
            assert_eq!(record.get("raw").is_some(), record["contract"] == "rent_component", "{job}: {record}");
        }
    }
}

#[test]
fn the_bytes_of_an_explanation_are_those_of_the_archive_when_they_are_asked_for() {
    let explanation = explained(published(), "ap_duplicate_invoice", &["exception_id"], true);
    let records = list(&explanation, "records");
    assert_eq!(records.len(), 2, "a pair of invoices: {records:?}");
    for record in records {
        assert!(record["raw"].as_str().unwrap().contains('<'), "an invoice is XML: {record}");
    }
}

#[test]
fn a_row_whose_file_is_past_its_retention_says_so_and_the_file_is_not_received_again() {
    let folder = published().copy();
    let vacuum = |more: &[&str]| {
        let arguments = [&["vacuum", "--archive", "--as-of"], more].concat();
        run(&mut folder.reskontra(&arguments)).succeeded().out
    };
    assert!(vacuum(&["2026-09-01"]).contains("\n0 raw files, 0 bytes removed"), "all must be kept");
    let told = vacuum(&["2033-12-31", "--dry-run"]);
    assert!(told.contains("archive, ber_income: ") && !told.contains("archive, ubl"), "copies go earlier: {told}");
    vacuum(&["2034-01-01"]);

    let explanation = explained(&folder, "ap_duplicate_invoice", &["exception_id"], true);
    for record in list(&explanation, "records") {
        assert_eq!(record["removed_on"], "2034-01-01", "{record}");
        let reason = record["removed_because"].as_str().unwrap();
        assert!(reason.starts_with("past its retention: Bokföringslagen (1999:1078) 7 kap. 2 §"), "{reason}");
        assert!(record.get("raw").is_none(), "{record}");
    }
    assert_eq!(list(&explanation, "files").len(), list(&explanation, "records").len(), "the files are still named");
    let again = run(&mut folder.reskontra(&["up", "--once"])).succeeded();
    assert!(again.said.contains("nothing has changed since generation 1"), "{again}");
}

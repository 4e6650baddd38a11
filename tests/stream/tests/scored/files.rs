//! What became of every file: verdict, rows, rejects, öre.

use std::collections::BTreeMap;

use city::truth::{FileReason, FileStatus, Truth};

use crate::folder::Folder;
use crate::score::{Score, keyed};

/// Code of the finding that says why a file is refused.
const fn code(reason: FileReason) -> Option<&'static str> {
    match reason {
        FileReason::ControlCount => Some("bgmax.payment_count"),
        FileReason::NotTheFormat => Some("bgmax.not_bgmax"),
        FileReason::Malformed => Some("xml.not_well_formed"),
        FileReason::MarkedTest | FileReason::SameBytes => None,
    }
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    // The same bytes under another name have no manifest of their own.
    let received = || truth.files.iter().filter(|file| file.status != FileStatus::Duplicate);
    let manifests = folder.query("select * from file");
    let path = |landing: &str, name: &str| format!("{landing}/{name}");

    let expected = keyed(received().map(|file| {
        let status = match file.status {
            FileStatus::Accepted | FileStatus::Duplicate => "accepted",
            FileStatus::Refused => "refused",
            FileStatus::Test => "test",
        };
        let verdict = (status.to_owned(), file.reason.and_then(code).map(str::to_owned));
        (file.path.clone(), (file.sha256.clone(), file.format.clone(), file.size, verdict))
    }));
    let found = keyed(manifests.iter().map(|row| {
        let verdict = (row.text("status"), row.some_text("reason_code"));
        let file = (row.text("file_id"), row.text("format"), row.number("size"), verdict);
        (path(&row.text("landing"), &row.text("name")), file)
    }));
    score.compare("files: verdict", &expected, &found);

    let accepted = || received().filter(|file| file.status == FileStatus::Accepted);
    let expected = keyed(accepted().map(|file| {
        let delivered = (file.contract.clone(), file.records - file.rejected, file.rejected);
        (file.path.clone(), (file.records, file.rejected, file.extracted_on, delivered))
    }));
    let of_accepted = || manifests.iter().filter(|row| row.text("status") == "accepted");
    let found = keyed(of_accepted().map(|row| {
        let deliveries = row.rows("deliveries");
        let [delivery] = deliveries.as_slice() else { panic!("{} contracts in one file", deliveries.len()) };
        let delivered = (delivery.text("contract"), delivery.number("accepted"), delivery.number("rejected"));
        let counts =
            (row.number("read_records"), row.number("rejected_records"), row.some_date("extracted_on"), delivered);
        (path(&row.text("landing"), &row.text("name")), counts)
    }));
    score.compare("files: rows, rejects", &expected, &found);

    let expected = keyed(accepted().filter(|file| file.format == "bgmax").flat_map(|file| {
        file.totals.iter().map(|(currency, total)| {
            ((file.path.clone(), currency.clone()), (total.declared_ore, total.read_ore, total.rejected_ore))
        })
    }));
    let found = keyed(of_accepted().filter(|row| row.text("format") == "bgmax").flat_map(|row| {
        let path = path(&row.text("landing"), &row.text("name"));
        row.rows("totals").into_iter().map(move |total| {
            let ore = (total.some_ore("declared_amount"), total.ore("read_amount"), total.ore("rejected_amount"));
            ((path.clone(), total.text("currency")), ore)
        })
    }));
    score.compare("files: öre declared, read, rejected", &expected, &found);

    let expected: BTreeMap<String, u64> =
        accepted().filter(|file| file.rejected > 0).map(|file| (file.sha256.clone(), file.rejected)).collect();
    let rejects = folder.query("select file_id, count(*) as rejects from reject group by file_id");
    let found = keyed(rejects.iter().map(|row| (row.text("file_id"), row.number("rejects"))));
    score.compare("rejects that landed, by file", &expected, &found);

    // The control of files finds what was refused and nothing else: all sides agree, and every file came in time.
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let cases = received().filter_map(|file| {
        let (cause, count) = match file.status {
            FileStatus::Refused => ("refused", None),
            FileStatus::Accepted if file.rejected > 0 => ("row_error", Some(file.rejected)),
            _ => return None,
        };
        Some(((name(&file.path), cause.to_owned()), count))
    });
    let expected = keyed(cases);
    let found = folder.query("select name, cause, sum(count) as count from interface_difference group by name, cause");
    let found = keyed(found.iter().map(|row| {
        let count = (row.text("cause") == "row_error").then(|| row.number("count"));
        ((row.text("name"), row.text("cause")), count)
    }));
    score.compare("files: cases of the three-way control", &expected, &found);
}

/// A contract that the job does not count would look as if its rows had been lost.
#[test]
fn the_control_of_files_counts_the_rows_of_every_contract() {
    let job = include_str!("../../../../sql/files/file_landed.sql");
    for contract in schemas::contracts().values().filter(|contract| !["file", "decision"].contains(&&*contract.name)) {
        let counted = job.lines().any(|line| line.trim() == format!("from {}", contract.name));
        assert!(counted, "sql/files/file_landed.sql does not count the rows of {}", contract.name);
    }
}

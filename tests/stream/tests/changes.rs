//! A changed job goes into service by a deployment only, one knows before what it will do, and can take it back.

use std::fs;
use std::path::Path;

use crate::folder::{Folder, published};
use crate::program::{Ended, run};

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

fn reskontra(folder: &Folder, arguments: &[&str]) -> Ended {
    let ended = run(&mut folder.reskontra(arguments));
    println!("{arguments:?} took {:.1?}", ended.took);
    ended
}

#[track_caller]
fn ends(folder: &Folder, arguments: &[&str], code: i32, says: &[&str]) -> Ended {
    let ended = reskontra(folder, arguments);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended}");
    for text in says {
        assert!(ended.out.contains(text) || ended.said.contains(text), "{arguments:?} does not say {text}: {ended}");
    }
    ended
}

/// Data files of all job tables, staged ones among them.
fn data_files(folder: &Folder) -> usize {
    let mut count = 0;
    crate::folder::each_file(&folder.path().join("store/tables"), &mut |file| {
        count += usize::from(file.extension().is_some_and(|kind| kind == "parquet"));
    });
    count
}

#[test]
fn a_change_is_planned_compared_deployed_rolled_back_and_replayed() {
    let folder = published().copy();
    let sql = folder.own_sql();
    let job = sql.join("ar/ar_overpayment.sql");
    let first = folder.content();
    ends(&folder, &["plan"], 0, &["nothing differs"]);

    // Layout means nothing, to any of them.
    edit(&job, "\nselect\n", "\n-- laid out otherwise\nSELECT   \n");
    ends(&folder, &["plan"], 0, &["white space, comments and order only"]);
    ends(&folder, &["diff", "ar_overpayment"], 0, &["the same"]);

    // A text changes what handlers read and computes nothing.
    edit(&job, "title = \"", "title = \"Ny: ");
    ends(&folder, &["plan"], 2, &["job ar_overpayment: texts only", "→ Ny: ", "nothing is computed again"]);
    ends(&folder, &["diff", "ar_overpayment"], 0, &["the same"]);

    // A condition leaves out rows.
    let text = fs::read_to_string(&job).unwrap();
    fs::write(&job, text.trim_end().to_owned() + "\n").unwrap();
    let overpaid = folder.query("select min(overpayment) as least, count(*) as rows from ar_overpayment");
    let rows = overpaid[0].number("rows");
    assert!(rows > 1, "the city has overpayments");
    let statement = fs::read_to_string(&job).unwrap();
    let end = statement.find("*/").unwrap() + 2;
    let wrapped = format!(
        "{}\nwith everything as (\n{}\n)\n\nselect * from everything\nwhere overpayment > {}\n",
        &statement[..end],
        statement[end..].trim().trim_end_matches(';'),
        overpaid[0].text("least")
    );
    fs::write(&job, wrapped).unwrap();
    ends(&folder, &["plan"], 2, &["job ar_overpayment: changed", "because of its SQL", "+++ sql"]);
    let files = data_files(&folder);
    let report = folder.path().join("report.html");
    let html = ["diff", "ar_overpayment", "--html", report.to_str().unwrap()];
    ends(&folder, &html, 1, &["only before", "0 only now, 0 changed"]);
    assert!(fs::read_to_string(&report).unwrap().contains("<h2>ar_overpayment</h2>"));
    assert_eq!(data_files(&folder), files, "what was computed for the comparison is gone");
    ends(&folder, &["diff", "ar_overpaymint"], 2, &["did you mean ar_overpayment?"]);

    // It is not in service before it is deployed.
    ends(&folder, &["run"], 0, &["nothing has changed since generation 1", "sql/ differs from the library in service"]);
    assert_eq!(folder.content(), first);
    let least = &folder.query("select payment_id, item_id from ar_overpayment order by overpayment limit 1")[0];
    let (payment, item) = (least.text("payment_id"), least.text("item_id"));
    let explained = ends(&folder, &["explain", "ar_overpayment", &payment, &item, "--format", "json"], 0, &[]);
    let explained: serde_json::Value = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(explained["steps"][0]["recomputed"], true, "by the job that computed it, not by the one in sql/");
    ends(&folder, &["deploy"], 1, &["there is no terminal to ask at"]);
    ends(&folder, &["deploy", "--yes"], 0, &["published generation 2"]);
    let second = folder.content();
    assert!(second["ar_overpayment"].0 < rows);
    let others = |content: &std::collections::BTreeMap<String, (u64, String)>| {
        content
            .iter()
            .filter(|(job, _)| *job != "ar_overpayment")
            .map(|(job, c)| (job.clone(), c.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(others(&second), others(&first), "no job reads it");
    ends(&folder, &["plan"], 0, &["nothing differs"]);
    ends(&folder, &["deploy", "--yes"], 0, &["nothing differs"]);

    // Rolled back: the old rows under a new number, and the old library stays in service.
    ends(&folder, &["rollback", "--to", "2", "--reason", "none"], 1, &["name an earlier one"]);
    ends(&folder, &["rollback", "--reason", "wrong condition"], 0, &["generation 3 shows generation 1 again"]);
    assert_eq!(folder.content(), first);
    assert_eq!(folder.query("select count(*) as rows from ar_overpayment")[0].number("rows"), rows);
    let generation = folder.generation();
    assert_eq!(generation.rolled_back.as_ref().map(|back| (back.from, back.to)), Some((2, 1)));
    let before = folder.generations();
    for (job, cut) in &generation.tables {
        assert!(cut.version >= before[1].tables[job].version, "the versions of {job} go up");
    }
    ends(&folder, &["run"], 0, &["nothing has changed since generation 3"]);
    ends(&folder, &["plan"], 2, &["job ar_overpayment: changed"]);

    // New rows come in with the library in service.
    let lying = folder.landing("bank").join("BGMAX_20260831_OCR_KONTROLL.txt");
    let text = fs::read_to_string(lying).unwrap().replace("\r\n7000000006", "\r\n7000000005");
    fs::write(folder.landing("bank").join("BGMAX_20260831_OCR_RATTAD.txt"), text).unwrap();
    folder.up().succeeded();
    let fourth = folder.generation();
    assert_eq!((fourth.number, fourth.library.clone()), (4, before[0].library.clone()));
    assert_eq!(fourth.rolled_back, None);

    // Every generation comes out of its own library and data again.
    ends(&folder, &["replay", "4"], 0, &[" 0 different"]);
    let generation = folder.path().join("store/generations/000000000002.json");
    let digest = &second["ar_overpayment"].1;
    let forged: String = digest.chars().rev().collect();
    edit(&generation, digest, &forged);
    ends(&folder, &["replay", "2"], 1, &["ar_overpayment: published", "156 tables the same, 1 different"]);
}

#[test]
fn jobs_are_asked_for_another_business_date_with_the_parameters_known_now_or_then() {
    let folder = published().copy();
    let sql = folder.own_sql();
    let day = folder.generation().as_of.to_string();
    let files = data_files(&folder);
    let ask = |arguments: &[&str], statement: &str| {
        let arguments = [&["query", "--format", "csv"], arguments, &[statement]].concat();
        ends(&folder, &arguments, 0, &[]).out
    };
    // The same date gives what is published, another date what would have been.
    let fees = "select * from fee_month order by 1, 2, 3";
    let published = ask(&[], fees);
    assert!(published.lines().count() > 10, "{published}");
    assert_eq!(ask(&["--as-of", &day], fees), published);
    let due = "select count(*) as rows from ar_unmatched_payment where as_of() = date '2026-07-15'";
    assert_eq!(ask(&["--as-of", "2026-06-30"], due).lines().nth(1), Some("0"));
    let earlier = ask(&["--as-of", "2026-01-31"], fees);
    assert_ne!(earlier, published, "fees are computed up to the business date");
    assert_eq!(data_files(&folder), files, "nothing that was computed aside is left");

    // A parameter changes; what was in service earlier is still known.
    edit(&sql.join("parameters/param.csv"), "ar_candidates_max,5,", "ar_candidates_max,4,");
    ends(&folder, &["deploy", "--yes"], 0, &["published generation 2"]);
    let first = folder.path().join("store/generations/000000000001.json");
    let mut generation: serde_json::Value = serde_json::from_str(&fs::read_to_string(&first).unwrap()).unwrap();
    generation["published_at"] = "2026-01-15T22:30:00Z".into();
    fs::write(&first, generation.to_string()).unwrap();
    let most = "select cast(value as int) from param where name = 'ar_candidates_max'";
    let value = |arguments: &[&str]| ask(arguments, most).lines().nth(1).unwrap().to_owned();
    assert_eq!(value(&["--as-of", "2026-01-31"]), "4");
    assert_eq!(value(&["--as-of", "2026-01-31", "--parameters", "then"]), "5");
    assert_eq!(value(&["--as-of", "2026-01-15", "--parameters", "then"]), "5", "at 23:30 in Stockholm");
    let before = ["query", "--as-of", "2026-01-14", "--parameters", "then", most];
    ends(&folder, &before, 1, &["nothing was in service on 2026-01-14", "was published on 2026-01-15"]);
    ends(&folder, &["query", "--parameters", "then", most], 2, &["--as-of"]);
    ends(&folder, &["query", "--as-of", "2026-01-31", "show tables"], 1, &["the statement"]);
}

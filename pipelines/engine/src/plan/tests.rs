use std::path::Path;

use commit::generation::{Audit, TableCut};

use super::*;
use crate::files::Files;

const RATE: &str = "name:string,value:int,valid_from:date,valid_to:date,source:string,entered_by:string,\
                    approved_by:string,recorded_at:date\n\
                    a,1,2025-01-01,2025-12-31,s,e,p,2025-01-01\na,2,2026-01-01,,s,e,p,2026-01-01\n";

fn job(title: &str, sql: &str) -> String {
    format!(
        "/*\ntitle = \"{title}\"\ndescription = \"D\"\nkey = [\"payment_id\"]\n[columns]\npayment_id = \"p\"\n*/\n{sql}\n"
    )
}

fn files() -> BTreeMap<String, String> {
    let files = [
        ("ar/base.sql", job("Bas", "select payment_id from payment_in where amount > 1")),
        ("ar/rated.sql", job("Sats", "select payment_id from payment_in cross join rate where rate.value = 2")),
        ("ar/top.sql", job("Topp", "select payment_id from base")),
        ("parameters/rate.csv", RATE.to_owned()),
        ("parameters/unread.csv", RATE.to_owned()),
    ];
    files.map(|(path, text)| (path.to_owned(), text)).into()
}

/// The plan for an edit of what is published.
fn plan(edit: impl FnOnce(&mut BTreeMap<String, String>)) -> Plan {
    let parse = |files: BTreeMap<String, String>| {
        Library::parse(Path::new("sql"), files.into_iter().collect::<Files>()).unwrap()
    };
    let old = parse(files());
    let table = |parts: &Fingerprint| TableCut {
        version: 1,
        rows: 7,
        digest: "d".into(),
        fingerprint: "f".into(),
        parts: Some(parts.clone()),
    };
    let landing =
        |to| BTreeMap::from([("payment_in".to_owned(), LandingCut { version: 1, positions: [(0, to)].into() })]);
    let generation = Generation {
        format: 2,
        number: 3,
        writer: "w".into(),
        published_at: chrono::DateTime::UNIX_EPOCH,
        as_of: NaiveDate::default(),
        landing: landing(10),
        tables: old.parts().iter().map(|(name, parts)| (name.clone(), table(parts))).collect(),
        audit: Audit::default(),
        library: Some("l".into()),
        rolled_back: None,
    };
    let mut edited = files();
    edit(&mut edited);
    let library = parse(edited);
    let archived = Archived { library: old, contracts: files::contracts() };
    let refreshes = refreshes(&library, NaiveDate::default()).unwrap();
    Plan::of(Some(&generation), Some(&archived), &library, &landing(15), &refreshes)
}

fn replace(path: &'static str, from: &'static str, to: &'static str) -> Plan {
    plan(|files| {
        let text = files.get_mut(path).unwrap();
        assert!(text.contains(from));
        *text = text.replace(from, to);
    })
}

fn jobs(plan: &Plan) -> Vec<(&str, Change)> {
    plan.jobs.iter().map(|job| (job.name.as_str(), job.change)).collect()
}

#[test]
fn layout_is_nothing_to_deploy_and_what_has_landed_is_told() {
    let plan = replace("ar/base.sql", "where amount", "-- more\n  WHERE amount");
    assert!(plan.is_empty() && plan.layout_only);
    assert_eq!(plan.landed, BTreeMap::from([("payment_in".to_owned(), 5)]));
    let text = plan.to_string();
    assert!(text.contains("nothing differs (white space, comments and order only)"), "{text}");
    assert!(text.contains("Landed since, which a run would bring in: payment_in 5."), "{text}");
}

#[test]
fn a_changed_statement_shows_its_lines_and_what_reads_it() {
    let plan = replace("ar/base.sql", "> 1", "> 2");
    assert_eq!(jobs(&plan), [("base", Change::Changed), ("top", Change::Follows)]);
    let text = plan.to_string();
    assert!(text.contains("-  amount > 1") && text.contains("+  amount > 2"), "{text}");
    assert!(text.contains("computed again for all keys and periods, 7 rows now"), "{text}");
    assert!(text.contains("later runs: by payment_id"), "{text}");
    assert!(text.contains("because of job base"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours");
}

#[test]
fn texts_compute_nothing() {
    let plan = replace("ar/base.sql", "Bas", "Basen");
    assert_eq!(jobs(&plan), [("base", Change::Texts)]);
    assert!(!plan.is_empty(), "people read the texts, so they are deployed");
    let text = plan.to_string();
    assert!(text.contains("title: Bas → Basen") && text.contains("nothing is computed again"), "{text}");
}

#[test]
fn a_parameter_that_ends_and_one_that_begins_say_which_days_they_hold() {
    let plan = replace("parameters/rate.csv", "a,2,2026-01-01,,s", "a,2,2026-01-01,2026-06-30,s");
    assert_eq!(jobs(&plan), [("rated", Change::Changed)]);
    let from = |date: &str| Some(Period { from: date.parse().ok(), to: None });
    assert_eq!(plan.jobs[0].recompute.as_ref().unwrap().period, from("2026-07-01"));
    let text = plan.to_string();
    assert!(text.contains("~ name a, valid_from 2026-01-01: valid_to: nothing → 2026-06-30"), "{text}");

    let plan = replace("parameters/rate.csv", "a,2,", "a,3,2027-01-01,,s,e,p,2026-12-01\na,2,");
    assert_eq!(plan.parameters[0].key, ["name", "valid_from"]);
    assert_eq!(plan.jobs[0].recompute.as_ref().unwrap().period, from("2027-01-01"));
    assert!(plan.to_string().contains("+ name a, value 3, valid_from 2027-01-01"), "{plan}");
}

#[test]
fn parameters_that_no_job_reads_compute_nothing_but_are_told() {
    let plan = replace("parameters/unread.csv", "a,1,", "a,9,");
    assert!(jobs(&plan).is_empty() && !plan.is_empty());
    assert!(plan.to_string().contains("read by no job"), "{plan}");
}

#[test]
fn new_and_removed_jobs_are_named() {
    let plan = plan(|files| {
        let text = files.remove("ar/top.sql").unwrap();
        files.insert("ar/newest.sql".to_owned(), text);
    });
    assert_eq!(jobs(&plan), [("newest", Change::New), ("top", Change::Removed)]);
}

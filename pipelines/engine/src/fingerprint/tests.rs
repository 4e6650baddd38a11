use std::path::Path;

use commit::fingerprint::Part;

use super::*;
use crate::files::Files;

const RATE: &str = "rate:string,value:int,valid_from:date,valid_to:date,source:string,entered_by:string,\
                    approved_by:string,recorded_at:date\na,1,2026-01-01,,s,e,p,2026-01-01\nb,2,2026-01-01,,s,e,p,2026-01-01\n";

const BASE: &str = r#"/*
title = "Bas"
description = "The base."
key = ["payment_id"]
[columns]
payment_id = "payment"
amount = "amount"
*/
select payment_id, amount from payment_in where amount > 100 -- a comment
"#;

const TOP: &str = r#"/*
title = "Topp"
description = "The top."
kind = "exception"
key = ["payment_id"]
amount = "amount"
[exception]
queue = "q"
queue_title = "Kö"
service_level = "SLA01"
why = "Därför"
action = "Gör"
[columns]
payment_id = "payment"
amount = "amount"
received_at = "received"
*/
select
    b.payment_id,
    b.amount,
    p.received_at
from base as b
inner join payment_in as p on p.payment_id = b.payment_id
cross join rate
where luhn_valid(b.payment_id) and p.payer_name <> 'X'
"#;

fn library(edit: impl FnOnce(&mut BTreeMap<String, String>)) -> Library {
    let level = "id:string,kind:string,n:int,weekday:int,title:string,valid_from:date,valid_to:date,source:string,\
                 entered_by:string,approved_by:string,recorded_at:date\nSLA01,working_days,1,,t,2023-01-01,,s,e,p,2023-01-01\n";
    let mut files: BTreeMap<String, String> = [
        ("ar/base.sql", BASE),
        ("ar/top.sql", TOP),
        ("parameters/rate.csv", RATE),
        ("parameters/other.csv", RATE),
        ("parameters/ref_service_level.csv", level),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into();
    edit(&mut files);
    Library::parse(Path::new("sql"), files.into_iter().collect::<Files>()).unwrap()
}

/// What the edit of a file changes in the fingerprint of the job `top`.
#[track_caller]
fn changes(file: &str, from: &str, to: &str) -> Vec<Part> {
    let edited = library(|files| {
        let text = files.get_mut(file).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        *text = text.replacen(from, to, 1);
    });
    let before = library(|_| {});
    let parts = edited.parts()["top"].changed_since(&before.parts()["top"]);
    let day = NaiveDate::default();
    let own = parts.iter().any(|part| part.recomputes() && !matches!(part, Part::Job(_)));
    let top = |library: &Library| library.fingerprint(library.job("top").unwrap(), day);
    assert_eq!(top(&edited) != top(&before), own, "the digest that a run compares says the same of the job itself");
    parts
}

#[test]
fn what_does_not_matter_changes_nothing() {
    let edits = [
        ("ar/top.sql", "inner join", "-- why\n    inner  join"),
        ("ar/top.sql", "from base as b", "/* all of them */ from base as b"),
        ("ar/top.sql", "inner join", "join"),
        ("ar/top.sql", "base as b", "BASE As B"),
        ("ar/top.sql", "base as b", "base b"),
        ("ar/top.sql", "base as b", "\"base\" as \"b\""),
        ("ar/top.sql", "<> 'X'\n", "!= 'X';\n"),
        ("ar/top.sql", "luhn_valid(", "LUHN_VALID( "),
        ("ar/base.sql", "-- a comment", "-- as_of"),
        ("parameters/rate.csv", "a,1,2026-01-01,,s,e,p,2026-01-01\nb,2,", "b,2,2026-01-01,,s,e,p,2026-01-01\na,1,"),
        ("parameters/rate.csv", "a,1,", "a , 1,"),
        ("parameters/other.csv", "a,1,", "a,7,"),
    ];
    for (file, from, to) in edits {
        assert_eq!(changes(file, from, to), [], "{file}: {from} → {to}");
    }
}

#[test]
fn texts_change_only_texts() {
    let edits = [
        ("title = \"Topp\"", "title = \"Toppen\""),
        ("The top.", "The very top."),
        ("why = \"Därför\"", "why = \"Därför att\""),
        ("action = \"Gör\"", "action = \"Gör så\""),
        ("Kö", "Kön"),
        ("received_at = \"received\"", "received_at = \"when it came\""),
    ];
    for (from, to) in edits {
        assert_eq!(changes("ar/top.sql", from, to), [Part::Texts], "{from} → {to}");
    }
}

#[test]
fn what_matters_changes_its_part() {
    let job = |name: &str| Part::Job(name.to_owned());
    let parameters = |name: &str| Part::Parameters(name.to_owned());
    let edits = [
        ("ar/top.sql", "'X'", "'x'", Part::Sql),
        ("ar/top.sql", "inner join", "left join", Part::Sql),
        ("ar/top.sql", "b.amount,", "b.amount as \"Amount\",", Part::Sql),
        ("ar/top.sql", "b.amount,", "b.amount + 0.00 as amount,", Part::Sql),
        ("ar/top.sql", "key = [\"payment_id\"]", "key = [\"payment_id\", \"amount\"]", Part::Header),
        ("ar/top.sql", "amount = \"amount\"\n[exc", "[exc", Part::Header),
        ("ar/top.sql", "queue = \"q\"", "queue = \"r\"", Part::Header),
        ("ar/base.sql", "> 100", "> 101", job("base")),
        ("ar/base.sql", "key = [\"payment_id\"]", "key = [\"amount\"]", job("base")),
        ("parameters/rate.csv", "b,2,", "c,3,2027-01-01,,s,e,p,2026-01-01\nb,2,", parameters("rate")),
        ("parameters/rate.csv", "value:int", "value:string", parameters("rate")),
        ("parameters/ref_service_level.csv", "working_days,1", "working_days,2", parameters("ref_service_level")),
    ];
    for (file, from, to, part) in edits {
        assert_eq!(changes(file, from, to), [part], "{file}: {from} → {to}");
    }
    let text = changes("ar/base.sql", "The base.", "The very base.");
    assert_eq!(text, [], "the texts of a job that is read do not matter");
}

#[test]
fn functions_of_ours_and_what_the_engine_adds_are_parts() {
    let library = library(|_| {});
    let names = |job: &str| library.parts()[job].functions.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names("top"), ["contract_view", "due_at", "exception_id", "luhn_valid"]);
    assert_eq!(names("base"), ["contract_view"]);
    assert_eq!(library.parts()["base"].contracts.keys().collect::<Vec<_>>(), ["payment_in"]);
    let mut newer = library.parts()["top"].clone();
    newer.functions.insert("luhn_valid".to_owned(), 2);
    newer.contracts.insert("payment_in".to_owned(), "other".to_owned());
    let parts = newer.changed_since(&library.parts()["top"]);
    assert_eq!(parts, [Part::Contract("payment_in".into()), Part::Function("luhn_valid".into())]);
}

#[test]
fn a_job_that_asks_for_the_date_means_something_else_tomorrow() {
    let library = library(|files| {
        let base = files.get_mut("ar/base.sql").unwrap();
        *base = base.replace("amount > 100", "payment_date < as_of()");
    });
    let on = |job: &str, date: &str| library.fingerprint(library.job(job).unwrap(), date.parse().unwrap());
    assert_ne!(on("base", "2026-01-01"), on("base", "2026-01-02"));
    assert_eq!(on("top", "2026-01-01"), on("top", "2026-01-02"));
    assert_ne!(on("top", "2022-12-31"), on("top", "2023-01-01"), "the service level begins to hold");
}

#[test]
fn an_invariant_that_asks_for_the_calendar_means_something_else_with_another_one() {
    const RUN_DAYS: &str = "/*\ntitle = \"T\"\ndescription = \"D\"\nkey = [\"day\"]\n*/\n\
                            select nth_workday(cast('2026-03-01' as date), 2) as day\n";
    const CALENDAR: &str = "date:date,is_city_workday:boolean,valid_from:date,valid_to:date,source:string,\
                            entered_by:string,approved_by:string,recorded_at:date\n\
                            2026-03-02,true,,,s,e,p,2026-01-01\n2026-03-03,true,,,s,e,p,2026-01-01\n";
    let meaning = |calendar: &str| {
        let library = library(|files| {
            files.insert("invariants/INV-RUN-DAYS.sql".to_owned(), RUN_DAYS.to_owned());
            files.insert("parameters/ref_calendar.csv".to_owned(), calendar.to_owned());
        });
        library.fingerprint_of_invariant(&library.invariants[0], NaiveDate::default())
    };
    assert_eq!(meaning(CALENDAR), meaning(CALENDAR));
    assert_ne!(meaning(CALENDAR), meaning(&CALENDAR.replace("03,true", "03,false")));
}

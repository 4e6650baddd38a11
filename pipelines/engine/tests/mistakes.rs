//! What an author is told after a typical mistake: the file, the line, the column, the reason and the near miss.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use engine::{Library, Planner};

/// A job without a mistake.
const JOB: &str = r#"/*
title = "Fakturor att kontrollera"
description = "One row for each invoice that is large."
kind = "exception"
key = ["document_id"]
amount = "gross"

[exception]
queue = "stora-fakturor"
queue_title = "Stora fakturor"
service_level = "SLA06"
why = "Faktura {invoice_no} är på {gross}."
action = "Kontrollera fakturan."

[columns]
document_id = "the document"
invoice_no = "its number"
seller_key = "supplier"
gross = "gross amount"
open_days = "days since the invoice date"
received_at = "when it arrived"
*/
with total as (
    select
        seller_key,
        sum(gross) as gross
    from ap_invoice
    group by
        seller_key
),

large as (
    select
        ap_invoice.document_id,
        ap_invoice.invoice_no,
        ap_invoice.seller_key,
        ap_invoice.gross,
        ap_invoice.issue_date,
        ap_invoice.received_at
    from ap_invoice
    inner join total
        on total.seller_key = ap_invoice.seller_key
    where ap_invoice.gross > 1000
)

select
    document_id,
    invoice_no,
    seller_key,
    gross,
    cast(as_of() - issue_date as int) as open_days,
    received_at
from large
"#;

/// The job that it reads.
const INVOICE: &str = r#"/*
title = "Fakturor"
description = "One row for each document."
key = ["document_id"]

[columns]
document_id = "the document"
invoice_no = "its number"
seller_key = "supplier"
gross = "gross amount"
issue_date = "date"
received_at = "when it arrived"
*/
select
    concat(file_id, ':', cast(ordinal as varchar)) as document_id,
    invoice_no,
    seller['company_id'] as seller_key,
    tax_inclusive as gross,
    issue_date,
    received_at
from supplier_invoice
"#;

/// A mistake: what is replaced by what, and what must be said.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "unknown table",
        "from ap_invoice\n    group",
        "from ap_invoise\n    group",
        "ap/large_invoice.sql:27:10: there is no table ap_invoise; did you mean ap_invoice?",
    ),
    (
        "misspelt step",
        "from large\n",
        "from lrage\n",
        "ap/large_invoice.sql:53:6: there is no table lrage; did you mean large?",
    ),
    (
        "column typo",
        "ap_invoice.issue_date,",
        "ap_invoice.isue_date,",
        "ap/large_invoice.sql:38:9: there is no column isue_date in ap_invoice; did you mean issue_date?",
    ),
    (
        "column typo without a table's name",
        "    gross,\n    cast",
        "    grosss,\n    cast",
        "ap/large_invoice.sql:50:5: there is no column grosss; did you mean gross?",
    ),
    (
        "ambiguous column",
        "where ap_invoice.gross",
        "where gross",
        "ap/large_invoice.sql:43:11: gross is in more than one table; say which: ap_invoice.gross or total.gross",
    ),
    (
        "alias of a table that is not there",
        "        ap_invoice.gross,",
        "        totl.gross,",
        "ap/large_invoice.sql:37:9: totl.gross: from has no table totl; did you mean total?",
    ),
    (
        "function typo",
        "sum(gross)",
        "summ(gross)",
        "ap/large_invoice.sql:26:9: there is no function summ; did you mean sum?",
    ),
    (
        "missing group by",
        "    from ap_invoice\n    group by\n        seller_key\n",
        "    from ap_invoice\n",
        "ap/large_invoice.sql:25:9: ap_invoice.seller_key is neither in group by nor inside an aggregate such as sum or max",
    ),
    (
        "type mismatch in a calculation",
        "as_of() - issue_date",
        "invoice_no - issue_date",
        "ap/large_invoice.sql:51:10: cannot calculate text - date: the types do not fit; cast one side to the other's type",
    ),
    (
        "type mismatch in a comparison",
        "ap_invoice.gross > 1000",
        "ap_invoice.gross > ap_invoice.issue_date",
        "ap/large_invoice.sql:43:11: cannot compare decimal(18, 2) > date: the types do not fit; cast one side to the other's type",
    ),
    (
        "wrong arguments of a function",
        "cast(as_of() - issue_date as int)",
        "round_half_up(gross)",
        "ap/large_invoice.sql:51:5: round_half_up(decimal(18, 2)) cannot be called like this: the types of its arguments do not fit",
    ),
    (
        "missing comma",
        "    gross,\n    cast",
        "    gross\n    cast",
        "ap/large_invoice.sql:51:9: ( does not fit here; is there a comma or an operator missing before it?",
    ),
    (
        "missing parenthesis",
        "sum(gross) as gross",
        "sum(gross as gross",
        "ap/large_invoice.sql:26:19: expected ), found as",
    ),
    (
        "file that ends too early",
        "from large\n",
        "from\n",
        "ap/large_invoice.sql:53:5: expected identifier, found the end of the file",
    ),
    (
        "float on money",
        "sum(gross) as gross",
        "sum(cast(gross as double)) as gross",
        "ap/large_invoice.sql:26:18: this is floating point; money is decimal: cast to decimal(p,s) or use whole numbers",
    ),
    (
        "unrounded division",
        "sum(gross) as gross",
        "sum(gross) / 2 as gross",
        "ap/large_invoice.sql:26:9: this divides decimals without saying the precision: write cast(… as decimal(p,s)) or round_half_up(…, decimals) around the division",
    ),
    (
        "a clock",
        "as_of() - issue_date",
        "current_date() - issue_date",
        "ap/large_invoice.sql:51:10: current_date depends on more than its arguments; a job's date is as_of()",
    ),
    (
        "undocumented column",
        "open_days = \"days since the invoice date\"\n",
        "",
        "ap/large_invoice.sql:50:42: [columns] does not say what these columns are: open_days",
    ),
    (
        "key that is no column",
        "key = [\"document_id\"]",
        "key = [\"documnt_id\"]",
        "ap/large_invoice.sql:5:8: key names documnt_id, which the SELECT does not give; did you mean document_id?",
    ),
    (
        "documented column that is not there",
        "seller_key = \"supplier\"",
        "seller = \"supplier\"",
        "ap/large_invoice.sql:18:1: columns names seller, which the SELECT does not give",
    ),
    (
        "amount that is no decimal",
        "amount = \"gross\"",
        "amount = \"invoice_no\"",
        "ap/large_invoice.sql:6:10: amount names invoice_no, which is no decimal",
    ),
    (
        "unknown header key",
        "amount = \"gross\"",
        "amuont = \"gross\"",
        "ap/large_invoice.sql:6:1: the header has no key amuont; did you mean amount?",
    ),
    (
        "unknown key of the exception",
        "queue_title",
        "queue_titel",
        "ap/large_invoice.sql:10:1: [exception] has no key queue_titel; did you mean queue_title?",
    ),
    (
        "missing header key",
        "title = \"Fakturor att kontrollera\"\n",
        "",
        "ap/large_invoice.sql:1:3: the header lacks title",
    ),
    (
        "header that is no TOML",
        "kind = \"exception\"",
        "kind = exception",
        "ap/large_invoice.sql:4:8: the header is wrong: string values must be quoted, expected literal string",
    ),
    (
        "exception without its section",
        "kind = \"exception\"",
        "kind = \"table\"",
        "ap/large_invoice.sql:8:2: a section [exception] needs kind = \"exception\"",
    ),
    (
        "two statements",
        "from large\n",
        "from large;\nselect 1\n",
        "ap/large_invoice.sql:54:1: a second statement; a file holds exactly one SELECT",
    ),
    (
        "no SELECT",
        "select\n    document_id,\n    invoice_no,",
        "insert into large select\n    document_id,\n    invoice_no,",
        "ap/large_invoice.sql:46:1: insert is no SELECT; a file holds exactly one SELECT",
    ),
    (
        "missing received_at",
        "    cast(as_of() - issue_date as int) as open_days,\n    received_at\n",
        "    cast(as_of() - issue_date as int) as open_days\n",
        "ap/large_invoice.sql:46:1: an exception job must give the column received_at, which starts the clock",
    ),
    (
        "unknown service level",
        "SLA06",
        "SLA6",
        "ap/large_invoice.sql:11:1: service level SLA6 is not in sql/parameters/ref_service_level.csv, or not valid on 2026-03-31; did you mean SLA06?",
    ),
    (
        "placeholder that is no column",
        "är på {gross}",
        "är på {grsos}",
        "ap/large_invoice.sql:12:1: why names {grsos}, which is no column; did you mean gross?",
    ),
    (
        "brace without its partner",
        "är på {gross}",
        "är på {gross",
        "ap/large_invoice.sql:12:1: why has a brace without its partner: Faktura {invoice_no} är på {gross.",
    ),
    (
        "two columns of one name",
        "    seller_key,\n    gross,\n",
        "    seller_key as gross,\n    gross,\n",
        "ap/large_invoice.sql:50:5: two columns are called gross; give one of them another name with as",
    ),
    (
        "steps that give different numbers of columns",
        "from large\n",
        "from large\nunion all\nselect document_id from large\n",
        "ap/large_invoice.sql:46:1: the branches of a union have different numbers of columns",
    ),
    (
        "comparison with a text that is no date",
        "ap_invoice.gross > 1000",
        "ap_invoice.issue_date > invoice_no + 1",
        "ap/large_invoice.sql:43:35: cannot calculate text + bigint: the types do not fit; cast one side to the other's type",
    ),
];

fn library(root: &Path, job: &str, invoice: &str) -> Result<(), String> {
    let parameters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql/parameters");
    for folder in ["ap", "parameters"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for entry in fs::read_dir(parameters).unwrap() {
        let file = entry.unwrap().path();
        fs::copy(&file, root.join("parameters").join(file.file_name().unwrap())).unwrap();
    }
    fs::write(root.join("ap/large_invoice.sql"), job).unwrap();
    fs::write(root.join("ap/ap_invoice.sql"), invoice).unwrap();
    let library = Library::load(root).map_err(|error| error.to_string())?;
    let planner = Planner::new(&library, NaiveDate::from_ymd_opt(2026, 3, 31).unwrap());
    planner.check().map(drop).map_err(|error| error.to_string())
}

fn said(root: &Path, job: &str, invoice: &str) -> String {
    let error = library(root, job, invoice).unwrap_err();
    error.replace(&format!("{}/", root.display()), "")
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    library(root.path(), JOB, INVOICE).unwrap();
    let mut wrong = Vec::new();
    for (name, from, to, expected) in MISTAKES {
        assert_eq!(JOB.matches(from).count(), 1, "{name}: the text to replace must stand there once");
        let said = said(root.path(), &JOB.replace(from, to), INVOICE);
        if said != *expected {
            wrong.push(format!("{name}\n  expected {expected}\n  said     {said}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn jobs_that_read_each_other_are_told_as_a_circle() {
    let root = tempfile::tempdir().unwrap();
    let invoice = INVOICE.replace("from supplier_invoice", "from supplier_invoice\ncross join large_invoice");
    assert_eq!(
        said(root.path(), JOB, &invoice),
        "ap/ap_invoice.sql:22:12: jobs read each other in a circle: ap_invoice reads large_invoice reads ap_invoice"
    );
}

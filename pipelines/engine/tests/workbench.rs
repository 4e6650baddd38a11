//! Examples on the workbench: steps, differences, expectations written anew, and jobs that change under it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

use engine::example::{self, Outcome};
use engine::{Job, Library, Workbench};

const INVOICE: &str = r#"/*
title = "Fakturor"
description = "One row for each document."
key = ["document_id"]

[columns]
document_id = "the document"
gross = "gross amount"
*/
select
    file_id as document_id,
    tax_inclusive as gross
from supplier_invoice
"#;

const LARGE: &str = r#"/*
title = "Stora fakturor"
description = "Invoices above a limit."
key = ["document_id"]

[columns]
document_id = "the document"
gross = "gross amount"
size = "large or huge"
*/
with large as (
    select
        document_id,
        gross
    from ap_invoice
    where gross > 100
)

select
    document_id,
    gross,
    case when gross > 1000 then 'huge' else 'large' end as size
from large
"#;

const EXAMPLES: &str = "# Only large ones
as-of: 2026-03-31

Text that stays, with | a bar.

## given supplier_invoice
| file_id | tax_inclusive |
|---|---:|
| a | 50.00 |
| b | 500.00 |
| c | 5000.00 |

## expect step large
| document_id |
|---|
| b |

## expect
| document_id  | size  |
|--------------|-------|
| d            | large |
| c            | large |
|  b | large |

After it.
";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::create_dir(files.path("sql")).unwrap();
        fs::create_dir(files.path("sql/ap")).unwrap();
        fs::write(files.path("sql/ap/ap_invoice.sql"), INVOICE).unwrap();
        fs::write(files.path("sql/ap/large_invoice.sql"), LARGE).unwrap();
        files
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn library(&self) -> Library {
        let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql/catalogue.csv");
        fs::copy(catalogue, self.path("sql/catalogue.csv")).unwrap();
        Library::load(&self.path("sql")).unwrap()
    }
}

async fn outcome(bench: &Workbench, text: &str) -> Outcome {
    let examples = example::parse(Path::new("large_invoice.md"), text).unwrap();
    bench.run(bench.library().job("large_invoice").unwrap(), &examples[0]).await.unwrap()
}

#[tokio::test]
async fn steps_are_expected_too_and_expectations_can_be_written_anew() {
    let files = Files::new();
    let bench = Workbench::open(files.library()).await.unwrap();
    let Outcome::Failed { difference, replacements } = outcome(&bench, EXAMPLES).await else { panic!("must fail") };
    let said = "    step large
    + not expected
      | document_id |
    + | c           |
    ~ changed: expected → got, - expected and missing
      | document_id | size         |
    ~ | c           | large → huge |
    - | d           | large        |
";
    assert_eq!(difference, said);
    let text = example::replaced(EXAMPLES, replacements);
    let expected = EXAMPLES
        .replace("| b |\n\n## expect\n", "| b |\n| c |\n\n## expect\n")
        .replace("| d            | large |\n| c            | large |\n", "| c | huge |\n");
    assert_eq!(text, expected);
    assert!(matches!(outcome(&bench, &text).await, Outcome::Passed));
}

#[tokio::test]
async fn a_step_that_is_not_there_is_told_with_a_near_one() {
    let files = Files::new();
    let bench = Workbench::open(files.library()).await.unwrap();
    let examples = example::parse(Path::new("x.md"), &EXAMPLES.replace("step large", "step lagre")).unwrap();
    let job = bench.library().job("large_invoice").unwrap();
    let error = bench.run(job, &examples[0]).await.unwrap_err().to_string();
    assert!(error.ends_with("there is no step lagre; did you mean large?"), "{error}");
}

#[tokio::test]
async fn what_was_tried_before_a_job_changed_does_not_count_after() {
    let files = Files::new();
    let mut bench = Workbench::open(files.library()).await.unwrap();
    let good = "# All\nas-of: 2026-03-31\n\n## given supplier_invoice\n| file_id | tax_inclusive |\n|---|---|\n| a | 150.00 |\n\n\
                ## expect\n| document_id | gross |\n|---|---|\n| a | 150.00 |\n";
    assert!(matches!(outcome(&bench, good).await, Outcome::Passed));
    let path = files.path("sql/ap/ap_invoice.sql");
    fs::write(&path, INVOICE.replace("tax_inclusive as", "tax_inclusive * 2 as")).unwrap();
    let changed_columns = bench.replace(Job::load(&path, "ap").unwrap()).await.unwrap();
    assert!(changed_columns, "the product has more digits");
    bench.check("large_invoice").await.unwrap();
    let Outcome::Failed { difference, .. } = outcome(&bench, good).await else { panic!("must fail") };
    assert!(difference.contains("150.00 → 300.00"), "{difference}");
}

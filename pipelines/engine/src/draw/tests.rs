use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, NaiveDate};
use commit::generation::Audit;
use schemas::identity::PersonNumber;

use super::*;
use crate::Library;
use crate::planner::register_rows;

/// Skatteverket's own test number stands for a real person's.
const REAL: &str = "199001072397";

const EXAMPLE: &str = "# A placement and another one
as-of: 2026-03-31

## given placement
| extracted_on | placement_id | child_id | child_birth_date | household_id | form | starts_on | municipal | received_at |
|---|---|---|---|---|---|---|---|---|
| 2026-03-31 | P1 | 199001072397 | 1990-01-07 | H1 | forskola | 2026-01-01 | true | 2026-03-31T08:00:00Z |
| 2026-03-31 | P2 | 199001082396 | 1990-01-08 | H2 | forskola | 2026-01-01 | true | 2026-03-31T08:00:00Z |

## expect
| placement_id |
|---|
| P1 |
| P2 |
";

fn generation() -> Generation {
    Generation {
        format: commit::generation::FORMAT,
        number: 7,
        writer: String::new(),
        published_at: DateTime::UNIX_EPOCH,
        as_of: NaiveDate::from_ymd_opt(2026, 3, 31).unwrap(),
        landing: BTreeMap::new(),
        tables: BTreeMap::new(),
        audit: Audit::default(),
        library: None,
        rolled_back: None,
    }
}

#[test]
fn an_example_is_drawn_with_what_is_needed_and_with_test_persons() {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().thread_stack_size(64 << 20).build().unwrap();
        runtime.block_on(drawn())
    });
    let drawn = thread.unwrap().join().unwrap();
    assert_eq!((drawn.traced, drawn.given, drawn.least), (1, 1, true), "{}", drawn.markdown);
    assert!(!drawn.markdown.contains(REAL) && !drawn.markdown.contains("1990-01-07"), "{}", drawn.markdown);
    let of_child = drawn
        .markdown
        .split(['|', ' '])
        .filter_map(|cell| PersonNumber::parse(cell, generation().as_of).filter(|number| number.digits() == cell));
    let numbers: BTreeSet<String> = of_child.map(|number| number.digits().to_owned()).collect();
    assert_eq!(numbers.len(), 1, "one test person in the given row and in the expected one: {numbers:?}");
    assert!(!drawn.markdown.contains("P2") && !drawn.markdown.contains("ordinal"), "{}", drawn.markdown);
}

async fn drawn() -> Drawn {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = Library::load(&root.join("sql")).unwrap();
    let name = "fee_placement".to_owned();
    let bench = Workbench::open_for(library, &BTreeSet::from([name.clone()])).await.unwrap();
    let job = bench.library().job(&name).unwrap();
    let examples = parse(Path::new("x.md"), EXAMPLE).unwrap();
    let mut tables = bench.inputs(job, &examples[0]).await.unwrap();
    tables.insert(name.clone(), bench.compute(job, generation().as_of, &tables).await.unwrap());
    let context = Planner::new(bench.library(), generation().as_of).session().unwrap();
    for (name, rows) in tables {
        context.deregister_table(name.as_str()).unwrap();
        register_rows(&context, &name, rows).unwrap();
    }
    let key = vec![(Some("placement_id".to_owned()), "P1".to_owned())];
    let question = Question { table: name, key, shown: 0, limit: 100, persons: false };
    draw(&context, &bench, &generation(), &Wish { question, tries: 500 }, &|_, _| {}).await.unwrap()
}

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use arrow::util::pretty::pretty_format_batches;

use super::*;
use crate::Workbench;
use crate::example;
use crate::planner::register_rows;
use crate::{Library, Planner};

/// Plans are deep and the stacks of test threads are not.
fn on_deep_stacks<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(32 << 20).enable_all().build().unwrap();
    runtime.block_on(async { tokio::task::JoinSet::from_iter([work]).join_all().await.remove(0) })
}

/// Traces the row of `sql` whose first column is `key`. Returns the traced rows of each scan as text: the table and
/// the values of its first column.
fn traced(tables: &'static [&'static str], sql: &'static str, key: i64) -> (Vec<String>, Vec<Absence>) {
    on_deep_stacks(async move {
        let context = SessionContext::new();
        for table in tables {
            context.sql(table).await.unwrap().collect().await.unwrap();
        }
        let plan = context.state().create_logical_plan(sql).await.unwrap();
        let state = context.state();
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}).unwrap();
        let name = vec![plan.schema().field(0).name().clone()];
        let wanted: Vec<ArrayRef> = vec![Arc::new(arrow::array::Int64Array::from(vec![key]))];
        let found = trace(&context, &plan, &name, &wanted, 100).await.unwrap();
        assert_eq!(found.rows.num_rows(), 1, "the row is there once");
        assert!(found.recompute(&context, &name).await.unwrap(), "the traced rows give the row again: {found:?}");
        let shown = found.scans.iter().map(|scan| {
            let ids = scan.rows.column(0).as_primitive::<Int64Type>();
            let mut ids: Vec<i64> = ids.values().to_vec();
            ids.sort_unstable();
            format!("{} {ids:?}", scan.table)
        });
        (shown.collect(), found.absences)
    })
}

const PAYMENTS: &[&str] = &[
    "create table payment (id bigint, customer bigint, amount bigint) as values (1, 10, 5), (2, 10, 7), (3, 11, 7), (4, 12, 1)",
    "create table customer (id bigint, name text) as values (10, 'a'), (11, 'b')",
    "create table held (id bigint) as values (3), (9)",
];

#[test]
fn a_join_gives_the_rows_of_both_sides() {
    let sql = "select payment.id, customer.name from payment inner join customer on customer.id = payment.customer";
    assert_eq!(traced(PAYMENTS, sql, 2).0, ["payment [2]", "customer [10]"]);
}

#[test]
fn a_sum_comes_from_its_whole_group_and_a_filtered_one_from_what_passes() {
    let sum = "select customer, sum(amount) as total from payment group by customer";
    assert_eq!(traced(PAYMENTS, sum, 10).0, ["payment [1, 2]"]);
    let filtered = "select customer, sum(amount) filter (where amount > 5) as total from payment group by customer";
    assert_eq!(traced(PAYMENTS, filtered, 10).0, ["payment [2]"]);
    assert_eq!(traced(PAYMENTS, filtered, 12).0, ["payment [4]"], "a group without a value is there because of a row");
}

#[test]
fn a_maximum_comes_from_a_row_that_has_it() {
    let sql = "with latest as (select max(amount) as amount from payment)
        select payment.id, latest.amount from payment cross join latest";
    assert_eq!(traced(PAYMENTS, sql, 1).0, ["payment [1]", "payment [2]"]);
}

#[test]
fn a_window_comes_from_its_partition() {
    let sql = "select id, sum(amount) over (partition by customer order by id) as running from payment";
    assert_eq!(traced(PAYMENTS, sql, 1).0, ["payment [1, 2]"]);
}

#[test]
fn a_row_of_a_union_comes_from_the_branch_that_has_it() {
    let sql = "select id, amount + 1 as n from payment union all select id, 0 as n from held";
    assert_eq!(traced(PAYMENTS, sql, 9).0, ["payment []", "held [9]"]);
}

#[test]
fn an_anti_join_and_an_outer_join_without_partner_say_what_was_not_found() {
    let absent = |table: &str, condition: &str| Absence {
        tables: BTreeSet::from([table.to_owned()]),
        condition: condition.to_owned(),
    };
    let anti = "select payment.id from payment left anti join held on held.id = payment.id";
    assert_eq!(
        traced(PAYMENTS, anti, 1),
        (vec!["payment [1]".to_owned(), "held []".to_owned()], vec![absent("held", "id = 1")])
    );
    let outer = "select payment.id, customer.name from payment left join customer on customer.id = payment.customer";
    assert_eq!(traced(PAYMENTS, outer, 4).1, [absent("customer", "id = 12")]);
    let not_in = "select id from payment where not exists (select 1 from held where held.id = payment.id)";
    assert_eq!(traced(PAYMENTS, not_in, 2).1, [absent("held", "id = 2")]);
}

#[test]
fn a_semi_join_and_a_subquery_give_the_rows_that_they_found() {
    assert_eq!(
        traced(PAYMENTS, "select id from payment left semi join held on held.id = payment.id", 3).0,
        ["payment [3]", "held [3]"]
    );
    assert_eq!(
        traced(PAYMENTS, "select id from payment where id in (select id from held)", 3).0,
        ["payment [3]", "held [3]"]
    );
    let scalar = "select id from payment where id < (select max(id) from held)";
    assert_eq!(traced(PAYMENTS, scalar, 1).0, ["payment [1]", "held [9]"]);
}

#[test]
fn an_unnested_element_comes_from_the_list_that_has_it() {
    let tables: &[&str] =
        &["create table lists as values (1, make_array(1, 2)), (2, make_array(2, 3)), (3, make_array(4))"];
    let sql = "select unnest(column2) as item, 'x' as word from lists";
    assert_eq!(traced(tables, sql, 3).0, ["lists [2]"]);
}

#[test]
fn a_set_beyond_the_limit_is_cut_off_and_marked() {
    on_deep_stacks(async {
        let context = SessionContext::new();
        context.sql("create table t as select * from range(1000)").await.unwrap().collect().await.unwrap();
        let plan = context.state().create_logical_plan("select 1 as one, count(*) as n from t").await.unwrap();
        let wanted: Vec<ArrayRef> = vec![Arc::new(arrow::array::Int64Array::from(vec![1]))];
        let found = trace(&context, &plan, &["one".to_owned()], &wanted, 10).await.unwrap();
        assert_eq!((found.scans[0].rows.num_rows(), found.scans[0].complete), (10, false));
    });
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Examples of each job whose rows are traced.
const EXAMPLES: usize = 1;

/// For every job: rows of its worked examples come again from the traced rows alone.
#[test]
fn the_traced_rows_of_every_job_give_its_rows_again() {
    let library = Library::load(&root().join("sql")).unwrap();
    let failures = on_deep_stacks(async move {
        let bench = Arc::new(Workbench::open(library).await.unwrap());
        let mut running = tokio::task::JoinSet::new();
        for number in 0..bench.library().jobs.len() {
            let bench = bench.clone();
            running.spawn(async move { of_job(&bench, number).await });
        }
        running.join_all().await.concat()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

async fn of_job(bench: &Workbench, number: usize) -> Vec<String> {
    let library = bench.library();
    let job = &library.jobs[number];
    let file = root().join("tests/examples").join(&job.area).join(format!("{}.md", job.name));
    let mut failures = Vec::new();
    let mut traced = 0;
    for example in example::load(&file).unwrap() {
        if traced == EXAMPLES {
            break;
        }
        let planner = Planner::new(library, example.as_of);
        let context = planner.small_session().unwrap();
        for (name, rows) in bench.inputs(job, &example).await.unwrap() {
            context.deregister_table(name.as_str()).unwrap();
            register_rows(&context, &name, rows).unwrap();
        }
        let plan = planner.plan(&context, job).await.unwrap().plan;
        let batches = context.execute_logical_plan(plan.clone()).await.unwrap().collect().await.unwrap();
        let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { continue };
        traced += 1;
        let row = first.slice(first.num_rows() - 1, 1);
        let wanted = columns_named(&row, &job.header.key).unwrap();
        let found = trace(&context, &plan, &job.header.key, &wanted, 10_000).await;
        let place = format!("{}:{} {}", file.display(), example.line, example.title);
        match found {
            Ok(found) => {
                let again = found.recompute(&context, &job.header.key).await;
                let same = RowSet::of(&found.rows).unwrap().equals(&RowSet::of(&row).unwrap());
                if !same || !found.is_complete() || !matches!(again, Ok(true)) {
                    let scans = found.scans.iter().map(|scan| {
                        format!("{}\n{}", scan.table, pretty_format_batches(std::slice::from_ref(&scan.rows)).unwrap())
                    });
                    let scans = if std::env::var("SHOW_ROWS").is_ok() {
                        scans.collect::<Vec<_>>().join("\n")
                    } else {
                        String::new()
                    };
                    failures.push(format!("{place}: row {same}, again {again:?}\n{scans}"));
                }
            }
            Err(error) => failures.push(format!("{place}: {}", error.strip_backtrace())),
        }
    }
    assert!(traced > 0, "{} has no example with a row", job.name);
    failures
}

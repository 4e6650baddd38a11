use std::path::Path;

use chrono::NaiveDate;
use datafusion::execution::context::SessionContext;

use super::*;
use crate::Library;

/// The sources of each column of a statement over `t (a, b, c)`, `u (a, d)` and `v (id, list)`, as `values | conditions`.
fn of(sql: &str) -> Vec<String> {
    let context = SessionContext::new();
    let plan = futures::executor::block_on(async {
        for table in [
            "create table t (a int, b int, c int)",
            "create table u (a int, d int)",
            "create table v as select 1 as id, make_array(1, 2) as list",
        ] {
            context.sql(table).await.unwrap().collect().await.unwrap();
        }
        context.state().create_logical_plan(sql).await.unwrap()
    });
    let plan = subqueries::as_joins(&context, plan).unwrap();
    let names = |sources: &BTreeSet<Source>| {
        sources.iter().map(|source| format!("{}.{}", source.table, source.column)).collect::<Vec<_>>().join(" ")
    };
    let shown = |(name, sources): (String, Sources)| {
        format!("{name} = {} | {}", names(&sources.values), names(&sources.conditions))
    };
    columns(&plan).unwrap().into_iter().map(shown).collect()
}

#[test]
fn a_value_passes_through_steps_and_aliases_and_a_filter_is_a_condition() {
    let sql = "with step as (select a as x, b + c as y from t where c > 0) select y, x, 1 as one from step as s";
    assert_eq!(of(sql), ["y = t.b t.c | t.c", "x = t.a | t.c", "one =  | t.c"]);
}

#[test]
fn the_columns_of_a_join_keep_their_side_and_its_keys_are_conditions() {
    let sql = "select t.b, u.d from t left join u on u.a = t.a and u.d > t.c";
    assert_eq!(of(sql), ["b = t.b | t.a t.c u.a u.d", "d = u.d | t.a t.c u.a u.d"]);
}

#[test]
fn what_an_anti_join_looks_for_is_only_a_condition() {
    assert_eq!(of("select b from t left anti join u on u.a = t.a"), ["b = t.b | t.a u.a"]);
}

#[test]
fn groups_are_conditions_and_so_are_the_filter_and_the_order_of_an_aggregate() {
    let sql = "select a, sum(b) filter (where c > 0) as total, first_value(b order by c) as first, count(*) as n from t group by a";
    assert_eq!(of(sql), ["a = t.a | t.a", "total = t.b | t.a t.c", "first = t.b | t.a t.c", "n =  | t.a"],);
}

#[test]
fn partition_and_order_of_a_window_are_conditions_of_its_column_alone() {
    let sql = "select b, row_number() over (partition by a order by c) as place from t";
    assert_eq!(of(sql), ["b = t.b | ", "place =  | t.a t.c"]);
}

#[test]
fn a_union_has_the_sources_of_every_branch() {
    assert_eq!(
        of("select a, b from t union all select a, d from u where d = 1"),
        ["a = t.a u.a | u.d", "b = t.b u.d | u.d"]
    );
}

#[test]
fn the_when_of_a_case_is_a_condition_and_its_results_are_values() {
    let sql = "select case when a = 1 then b else c end as chosen, case when a = 1 then 'x' end as word from t";
    assert_eq!(of(sql), ["chosen = t.b t.c | t.a", "word =  | t.a"]);
}

#[test]
fn subqueries_of_all_kinds_are_followed() {
    let scalar = of("select b from t where a = (select max(d) from u)");
    assert_eq!(scalar, ["b = t.b | t.a u.d"]);
    let exists = of("select b from t where exists (select 1 from u where u.a = t.a)");
    assert_eq!(exists, ["b = t.b | t.a u.a"]);
    let listed = of("select b from t where a not in (select a from u)");
    assert_eq!(listed, ["b = t.b | t.a u.a"]);
}

#[test]
fn an_unnested_list_gives_its_values_and_decides_how_many_rows_there_are() {
    assert_eq!(of("select id, unnest(list) as item from v"), ["id = v.id | v.list", "item = v.list | v.list"]);
}

fn sql() -> Library {
    Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql")).unwrap()
}

#[test]
fn every_column_of_every_job_has_a_source_and_ends_in_contracts_and_parameters() {
    let library = sql();
    let planner = Planner::new(&library, NaiveDate::from_ymd_opt(2026, 8, 31).unwrap());
    let lineage = Lineage::of(&planner).unwrap();
    let mut constants = Vec::new();
    for job in &library.jobs {
        let columns = lineage.job(&job.name).unwrap();
        assert!(!columns.is_empty(), "{} has no columns", job.name);
        for (column, sources) in columns {
            for source in sources.values.iter().chain(&sources.conditions) {
                assert!(job.reads.contains(&source.table), "{}.{column} comes from {source:?}", job.name);
            }
            let origins = lineage.origins(&job.name, column);
            if origins.is_constant() {
                constants.push(format!("{}.{column}", job.name));
            }
            for origin in origins.values.iter().chain(&origins.conditions) {
                assert!(library.job(&origin.table).is_none(), "{}.{column} stops at {origin:?}", job.name);
            }
        }
        for table in &job.reads {
            let read = columns.iter().any(|(_, sources)| {
                sources.values.iter().chain(&sources.conditions).any(|source| source.table == *table)
            });
            assert!(read, "{} reads {table}, and no column says so", job.name);
        }
    }
    assert_eq!(constants, Vec::<String>::new());
}

#[test]
fn the_amount_of_a_match_goes_back_to_the_payment_and_to_the_invoice() {
    let library = sql();
    let planner = Planner::new(&library, NaiveDate::from_ymd_opt(2026, 8, 31).unwrap());
    let origins = Lineage::of(&planner).unwrap().origins("ar_allocation", "allocated");
    let has = |table: &str, column: &str| {
        origins.values.contains(&Source { table: table.to_owned(), column: column.to_owned() })
    };
    assert!(has("payment_in", "amount") && has("customer_item", "remaining"), "{origins:#?}");
    assert!(!has("payment_in", "reference"), "a reference decides, it is no part of the amount");
}

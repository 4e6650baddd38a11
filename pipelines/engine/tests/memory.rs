//! The memory limit of a process. It is set once, so this is a program of its own.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::physical_plan::{ExecutionPlan, collect};
use engine::EngineError;
use engine::memory::{Memory, within_limit};

/// More than fits into the limit, whichever of the two is grouped or kept for the join.
const PAYMENTS: &str = "(select concat('reference ', cast(value % 200000 as varchar)) as reference, value as amount \
                        from generate_series(1, 400000) as series(value))";

type Ran = (Arc<dyn ExecutionPlan>, Vec<RecordBatch>);

async fn run(state: SessionState, sql: &str) -> Result<Ran, EngineError> {
    let failed = |error| EngineError::Query { context: "the test".to_owned(), error: Box::new(error) };
    let plan = state.create_logical_plan(sql).await.map_err(failed)?;
    let plan = state.create_physical_plan(&plan).await.map_err(failed)?;
    let rows = collect(plan.clone(), state.task_ctx()).await.map_err(failed)?;
    Ok((plan, rows))
}

fn spilled(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.spilled_bytes()).unwrap_or_default();
    own + plan.children().into_iter().map(spilled).sum::<usize>()
}

fn session() -> SessionContext {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    engine::session(day, &Arc::default()).unwrap()
}

fn is_empty(folder: &Path) -> bool {
    let files = |folder: std::fs::DirEntry| std::fs::read_dir(folder.path()).unwrap().count();
    std::fs::read_dir(folder).unwrap().map(|entry| files(entry.unwrap())).sum::<usize>() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_goes_to_disk_and_gives_the_same_rows() {
    let grouped = format!(
        "select count(*), sum(paid), min(reference) from \
         (select reference, sum(amount) as paid from {PAYMENTS} group by reference)"
    );
    let joined = format!(
        "select count(*), sum(a.amount), sum(b.amount) from {PAYMENTS} as a \
         join {PAYMENTS} as b on a.reference = b.reference and a.amount = b.amount"
    );
    // Sessions that were opened before the limit are not held to it.
    let unlimited = session();
    let spill = tempfile::tempdir().unwrap();
    Memory { limit: 64 << 20, spill: spill.path().join("spill") }.set().unwrap();
    let limited = session();

    for sql in [&grouped, &joined] {
        let (_, expected) = run(unlimited.state(), sql).await.unwrap();
        let (plan, rows) = within_limit(limited.state(), |state| run(state, sql)).await.unwrap();
        let [expected, rows] = [expected, rows].map(|rows| pretty_format_batches(&rows).unwrap().to_string());
        assert_eq!(rows, expected, "{sql}");
        assert!(spilled(&plan) > 0, "{sql} stayed in memory");
    }
    let error = run(limited.state(), &joined).await.unwrap_err();
    assert!(error.to_string().contains("HashJoin"), "without sorting it does not fit: {error}");
    assert!(is_empty(&spill.path().join("spill")), "what was put on disk is gone");
}

//! Planning for a cluster, sending the plan, receiving the rows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballista_core::execution_plans::execute_physical_plan;
use ballista_core::extension::SessionConfigExt as _;
use ballista_core::optimizer::with_ballista_optimizer_rules;
use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _, replace_children_if_necessary};
use datafusion_proto::protobuf::PhysicalPlanNode;
use engine::executor::{Executor, Lost};
use futures::TryStreamExt as _;

use crate::{ClusterError, Codec, MESSAGE_BYTES};

/// No job takes longer than this; if one seems to, the cluster has forgotten it.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// A cluster's scheduler.
#[derive(Debug)]
pub struct Cluster {
    scheduler: String,
}

impl Cluster {
    pub fn at(host: &str, port: u16) -> Self {
        Self { scheduler: format!("http://{host}:{port}") }
    }
}

#[async_trait]
impl Executor for Cluster {
    async fn execute(&self, state: SessionState, plan: LogicalPlan) -> Result<SendableRecordBatchStream> {
        let state = planning_for_a_cluster(state);
        let plan = in_one_task(state.create_physical_plan(&plan).await?)?;
        if let Some(table) = lake::with_deleted_rows(&plan) {
            return Err(DataFusionError::External(Box::new(ClusterError::DeletedRows(table.to_owned()))));
        }
        let (config, schema) = (state.config().clone(), plan.schema());
        let (settings, session) = (config.ballista_config(), state.session_id().to_owned());
        let (scheduler, codec) = (self.scheduler.clone(), Codec::default());
        let rows = execute_physical_plan::<PhysicalPlanNode>(scheduler, &settings, plan, &codec, session, config);
        let rows = tokio::time::timeout(LONGEST, rows).await;
        let rows = rows.map_err(|_| DataFusionError::External(Box::new(ClusterError::NoAnswer(LONGEST))))?;
        let rows = rows.map_err(|error| if is_lost(&error) { lost(&error) } else { error })?;
        // The job is done by now, and its rows wait on the executors: whatever fails from here on is the way.
        let rows = rows.map_err(|error| lost(&error));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn reads_plain_files(&self) -> bool {
        true
    }
}

fn lost(error: &DataFusionError) -> DataFusionError {
    DataFusionError::External(Box::new(Lost(error.strip_backtrace())))
}

/// True when an executor was lost under a job. The scheduler tells by text alone: of a job that it cancelled, of a stage
/// that could not fetch its input, or of a task that failed for another reason than its rows.
fn is_lost(error: &DataFusionError) -> bool {
    let text = error.strip_backtrace();
    ["failed: Cancelled", "has failed 1 times", "failed 1 times, fail the stage"].iter().any(|sign| text.contains(sign))
}

/// The session with the settings that make plans which fall apart into tasks of several processes: nothing that one
/// operator tells another while they run.
fn planning_for_a_cluster(state: SessionState) -> SessionState {
    let config = state.config().clone().upgrade_for_ballista();
    let config = config.with_ballista_grpc_client_max_message_size(MESSAGE_BYTES as usize);
    // The catalogue is the one of the session, which a new state would otherwise empty.
    let config = config.with_create_default_catalog_and_schema(false);
    let rules = with_ballista_optimizer_rules(state.optimizers());
    SessionStateBuilder::new_from_existing(state).with_config(config).with_optimizer_rules(rules).build()
}

/// A nested-loop join remembers which rows of its left side have found a partner. Tasks in several processes would
/// each remember their own, and give the rows of the left side once a task: so one task reads all of the right side.
fn in_one_task(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let remembers = |kind: &JoinType| {
        use JoinType::{Full, Left, LeftAnti, LeftMark, LeftSemi};
        matches!(kind, Left | Full | LeftSemi | LeftAnti | LeftMark)
    };
    let of_join = |plan: Arc<dyn ExecutionPlan>| match plan.downcast_ref::<NestedLoopJoinExec>() {
        Some(join) if remembers(join.join_type()) && join.right().output_partitioning().partition_count() > 1 => {
            let right = Arc::new(CoalescePartitionsExec::new(join.right().clone()));
            let children = vec![join.left().clone(), right];
            Ok(Transformed::yes(replace_children_if_necessary(plan, children)?))
        }
        _ => Ok(Transformed::no(plan)),
    };
    plan.transform_up(of_join).data()
}

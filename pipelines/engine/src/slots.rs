//! Tables whose rows are put in when a plan runs, so that one physical plan serves many examples.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, collect};

use crate::EngineError;

/// The rows of each slot in one run of a plan.
#[derive(Debug, Default)]
pub struct Contents(pub BTreeMap<String, RecordBatch>);

#[derive(Debug)]
struct Slot {
    name: String,
    schema: SchemaRef,
}

impl PartitionStream for Slot {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let contents = context.session_config().get_extension::<Contents>();
        let rows = contents.and_then(|contents| contents.0.get(&self.name).cloned());
        let stream = match rows {
            Some(rows) => MemoryStream::try_new(vec![rows], self.schema.clone(), None),
            None => Err(DataFusionError::Internal(format!("nothing was put into {}", self.name))),
        };
        match stream {
            Ok(stream) => Box::pin(stream),
            Err(error) => {
                let failed = futures::stream::once(async move { Err(error) });
                Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), failed))
            }
        }
    }
}

/// Registers a table whose rows come from [`Contents`].
pub fn register(context: &SessionContext, name: &str, schema: SchemaRef) -> std::result::Result<(), EngineError> {
    let slot = Slot { name: name.to_owned(), schema: schema.clone() };
    let table = StreamingTable::try_new(schema, vec![Arc::new(slot)]).map_err(EngineError::query(name))?;
    context.deregister_table(name).map_err(EngineError::query(name))?;
    context.register_table(name, Arc::new(table)).map_err(EngineError::query(name))?;
    Ok(())
}

/// False when runs of the plan at the same time would see each other's values: a scalar subquery keeps its value in the
/// plan, whatever is done to reset it.
pub fn is_reusable(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let keeps_values = plan.exists(|node| Ok(node.is::<ScalarSubqueryExec>()));
    matches!(keeps_values, Ok(false))
}

/// Runs a plan once with these contents. The plan itself stays as it was, to be run again.
pub async fn run(
    context: &SessionContext,
    plan: Arc<dyn ExecutionPlan>,
    contents: Contents,
) -> Result<Vec<RecordBatch>> {
    let fresh = reset_plan_states(plan)?;
    let task = context.task_ctx();
    let config = task.session_config().clone().with_extension(Arc::new(contents));
    let task = TaskContext::new(
        None,
        task.session_id(),
        config,
        task.scalar_functions().clone(),
        task.higher_order_functions().clone(),
        task.aggregate_functions().clone(),
        task.window_functions().clone(),
        task.runtime_env(),
    );
    collect(fresh, Arc::new(task)).await
}

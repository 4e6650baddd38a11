use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::config::{ConfigOptions, OptimizerOptions};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SessionConfig, SessionContext};

use crate::{EngineError, functions, memory};
use schemas::calendar::Calendar;

/// A DataFusion session for a run as of `as_of`: the engine's functions, decimals for numeric literals, and no
/// catalogue beside the tables that are registered.
///
/// How fast and with how much memory is DataFusion's own matter, and set in the environment
/// (`DATAFUSION_EXECUTION_TARGET_PARTITIONS`, `DATAFUSION_EXECUTION_BATCH_SIZE`, …); what a statement means is not.
///
/// # Errors
/// When a setting in the environment cannot be read.
pub fn session(as_of: NaiveDate, calendar: &Arc<Calendar>) -> Result<SessionContext, EngineError> {
    let config = SessionConfig::from_env().map_err(EngineError::query("settings in the environment"))?;
    Ok(session_with(config, as_of, calendar))
}

/// A session for a handful of rows: one partition, so that little is spent on dividing them.
#[must_use]
pub(crate) fn small_session(as_of: NaiveDate, calendar: &Arc<Calendar>) -> SessionContext {
    session_with(SessionConfig::new().with_target_partitions(1), as_of, calendar)
}

fn session_with(config: SessionConfig, as_of: NaiveDate, calendar: &Arc<Calendar>) -> SessionContext {
    let mut config = config.with_information_schema(true);
    let options = config.options_mut();
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    // Errors say where.
    options.sql_parser.collect_spans = true;
    options.execution.parquet.schema_force_view_types = false;
    options.execution.collect_statistics = true;
    options.optimizer.prefer_hash_join = true;
    options.execution.time_zone = Some("+00:00".to_owned());
    collect_build_sides(options);
    memory::share(options);
    let state =
        SessionStateBuilder::new_with_default_features().with_config(config).with_runtime_env(memory::runtime());
    let state = state.build();
    let context = SessionContext::new_with_state(state);
    for function in functions::functions(as_of, calendar) {
        context.register_udf(function);
    }
    context
}

/// With few partitions it is cheaper to build one hash table of a join than to spread both its sides over the
/// partitions, up to a size at which building it alone holds the others up. What the environment sets, stands.
fn collect_build_sides(options: &mut ConfigOptions) {
    const FEW: usize = 4;
    const BYTES: usize = 1 << 30;
    const ROWS: usize = 10_000_000;
    let usual = OptimizerOptions::default();
    let optimizer = &mut options.optimizer;
    if options.execution.target_partitions > FEW {
        return;
    }
    if optimizer.hash_join_single_partition_threshold == usual.hash_join_single_partition_threshold {
        optimizer.hash_join_single_partition_threshold = BYTES;
    }
    if optimizer.hash_join_single_partition_threshold_rows == usual.hash_join_single_partition_threshold_rows {
        optimizer.hash_join_single_partition_threshold_rows = ROWS;
    }
}

//! What jobs see of the landing tables: one view for each contract, with the accepted rows of accepted files, and
//! one view `reject` with the refused rows of all contracts.
//!
//! A file's rows and its `file` record come in one transaction, but land in different tables. Rows whose `file`
//! record has not landed yet are left out, so that a cut never shows half a file; that all rows of a landed `file`
//! record are there is an invariant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{MemorySchemaProvider, Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::planner::register_empty;
use crate::{EngineError, contract_view_schema};

/// The schema that holds the landing tables themselves.
const LANDING: &str = "landing";

/// Contracts whose rows belong to no received file.
pub(crate) const WITHOUT_FILE: [&str; 2] = ["file", "decision"];

/// Registers the views of all contracts over the given landing tables; contracts that have none are empty.
pub async fn register(
    context: &SessionContext,
    landing: &BTreeMap<String, Arc<dyn TableProvider>>,
) -> Result<(), EngineError> {
    let catalog = context.catalog("datafusion");
    if let Some(catalog) = catalog {
        catalog
            .register_schema(LANDING, Arc::new(MemorySchemaProvider::new()))
            .map_err(EngineError::query("registering the landing tables"))?;
    }
    for (contract, table) in landing {
        context
            .register_table(TableReference::partial(LANDING, contract.as_str()), table.clone())
            .map_err(EngineError::query(contract))?;
    }
    for contract in schemas::contracts().values().filter(|contract| contract.name != "reject") {
        let of_file = !WITHOUT_FILE.contains(&contract.name.as_str());
        // Before the first `file` record has landed, no row belongs to a file that has.
        if landing.contains_key(&contract.name) && (!of_file || landing.contains_key("file")) {
            let columns: Vec<String> = contract.schema.fields().iter().map(|field| quoted(field.name())).collect();
            let of_files = if of_file {
                "and file_id in (select file_id from landing.file where status = 'accepted')"
            } else {
                ""
            };
            let sql = format!(
                "select {} from landing.{} where reject_code is null {of_files}",
                columns.join(", "),
                contract.name
            );
            register_view(context, &contract.name, &sql).await?;
        } else {
            register_empty(context, &contract.name, contract_view_schema(contract))?;
        }
    }
    register_rejects(context, landing).await
}

async fn register_rejects(
    context: &SessionContext,
    landing: &BTreeMap<String, Arc<dyn TableProvider>>,
) -> Result<(), EngineError> {
    let Some(reject) = schemas::contracts().get("reject") else { return Ok(()) };
    if landing.is_empty() {
        return register_empty(context, "reject", contract_view_schema(reject));
    }
    let branches: Vec<String> = landing
        .keys()
        .map(|contract| {
            let columns: Vec<String> = reject
                .schema
                .fields()
                .iter()
                .map(|field| match field.name().as_str() {
                    "contract" => format!("'{contract}' as contract"),
                    name if schemas::ENVELOPE.contains(&name) => name.to_owned(),
                    name => format!("reject_{name} as {name}"),
                })
                .collect();
            format!("select {} from landing.{contract} where reject_code is not null", columns.join(", "))
        })
        .collect();
    register_view(context, "reject", &branches.join(" union all ")).await
}

/// For each file and contract where the landed rows are not what the `file` record says was delivered: the
/// statement behind the invariant INV-LANDED-ONCE.
pub fn landed_otherwise(landing: &BTreeSet<String>) -> Option<String> {
    if !landing.contains("file") {
        return None;
    }
    let contracts = landing.iter().filter(|name| !WITHOUT_FILE.contains(&name.as_str()));
    let counts: Vec<String> = contracts
        .map(|contract| {
            format!(
                "select '{contract}' as contract, file_id, count(*) - count(reject_code) as accepted, \
                 count(reject_code) as rejected, count(distinct ordinal) as ordinals from landing.{contract} group by file_id"
            )
        })
        .collect();
    if counts.is_empty() {
        return None;
    }
    Some(format!(
        "with landed as ({}), \
         delivered as (select file_id, unnest(deliveries) as delivery from landing.file where status = 'accepted'), \
         wanted as (select file_id, delivery['contract'] as contract, delivery['accepted'] as accepted, delivery['rejected'] as rejected from delivered) \
         select wanted.file_id, wanted.contract, wanted.accepted as delivered, landed.accepted as landed, \
         wanted.rejected as delivered_rejects, landed.rejected as landed_rejects \
         from wanted left join landed on landed.file_id = wanted.file_id and landed.contract = wanted.contract \
         where wanted.accepted + wanted.rejected > 0 and (landed.accepted is null or landed.accepted <> wanted.accepted \
         or landed.rejected <> wanted.rejected or landed.ordinals <> wanted.accepted + wanted.rejected)",
        counts.join(" union all ")
    ))
}

async fn register_view(context: &SessionContext, name: &str, sql: &str) -> Result<(), EngineError> {
    let frame = context.sql(sql).await.map_err(EngineError::query(format!("the view {name}")))?;
    let view = PlanTable::new(frame.into_unoptimized_plan());
    context.register_table(name, Arc::new(view)).map_err(EngineError::query(name))?;
    Ok(())
}

/// The result of a plan, as one table in the plans that read it: they are the same whatever stands behind it.
#[derive(Debug)]
pub(crate) struct PlanTable(ViewTable);

impl PlanTable {
    pub(crate) fn new(plan: LogicalPlan) -> Self {
        Self(ViewTable::new(plan, None))
    }

    /// For the view of a contract: its landing table, where rows of one column are looked up instead.
    pub(crate) fn landing(&self, contract: &str) -> Option<Arc<dyn TableProvider>> {
        let mut found = None;
        let visited = self.0.logical_plan().apply(|plan| {
            if let Some(scan) = landing_scan(plan, contract) {
                found = source_as_provider(&scan.source).ok();
            }
            Ok(TreeNodeRecursion::Continue)
        });
        visited.ok().and(found)
    }

    /// The view of a contract over other rows of its landing table.
    pub(crate) fn over(&self, contract: &str, rows: &Arc<dyn TableProvider>) -> Result<Self, EngineError> {
        let plan = self.0.logical_plan().clone().transform_up(|plan| match landing_scan(&plan, contract).cloned() {
            Some(scan) => {
                let source = provider_as_source(rows.clone());
                Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan })))
            }
            None => Ok(Transformed::no(plan)),
        });
        plan.map(|plan| Self::new(plan.data)).map_err(EngineError::query(contract))
    }
}

#[async_trait]
impl TableProvider for PlanTable {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> datafusion::error::Result<Vec<TableProviderFilterPushDown>> {
        self.0.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        self.0.scan(state, projection, filters, limit).await
    }
}

fn landing_scan<'a>(plan: &'a LogicalPlan, contract: &str) -> Option<&'a TableScan> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.table_name == TableReference::partial(LANDING, contract) => Some(scan),
        _ => None,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

//! Plans without subqueries: what walks a plan meets joins only.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::decorrelate_lateral_join::DecorrelateLateralJoin;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::rewrite_set_comparison::RewriteSetComparison;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::{Optimizer, OptimizerContext};

/// The same plan with every `exists`, `in (select …)` and scalar subquery written as a join, and the equalities of
/// joins told from their other conditions, by the optimiser's own rules for it and no others: names and columns stay as
/// the author wrote them.
pub(crate) fn as_joins(context: &SessionContext, plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut options = context.state().config_options().as_ref().clone();
    options.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    let config = OptimizerContext::new_with_config_options(Arc::new(options));
    let rules = Optimizer::with_rules(vec![
        Arc::new(RewriteSetComparison::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(DecorrelateLateralJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
    ]);
    rules.optimize(plan, &config, |_, _| {})
}

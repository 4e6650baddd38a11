//! What keeps money exact: the checks that every job's plan must pass before it runs.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Diagnostic, ExprSchema, Span};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, Operator, Volatility};

/// Refuses floating point, unrounded division of decimals, and functions whose result depends on more than their
/// arguments.
pub fn check(plan: &LogicalPlan) -> Result<()> {
    // From the tables upwards, so that what is told is where it begins.
    for input in plan.inputs() {
        check(input)?;
    }
    plan.apply_subqueries(|subquery| {
        check(subquery)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    let inputs = plan.inputs();
    let schemas = inputs.iter().map(|input| input.schema().as_ref().clone());
    let schema = schemas.reduce(|mut merged, schema| {
        merged.merge(&schema);
        merged
    });
    let schema = schema.unwrap_or_else(|| plan.schema().as_ref().clone());
    for expression in plan.expressions() {
        check_expression(&expression, &schema, false)?;
    }
    Ok(())
}

fn place(span: &Span) -> (u64, u64) {
    (span.start.line, span.start.column)
}

/// `rounded` says that the value of `expression` goes straight into a cast to a decimal or a rounding.
fn check_expression(expression: &Expr, schema: &dyn ExprSchema, rounded: bool) -> Result<()> {
    let refuse = |reason: String| {
        let place = expression.column_refs().iter().filter_map(|column| column.spans.first()).min_by_key(place);
        Err(DataFusionError::Plan(reason.clone()).with_diagnostic(Diagnostic::new_error(reason, place)))
    };
    let rounds = match expression {
        Expr::Cast(Cast { .. }) => true,
        Expr::ScalarFunction(call) => call.func.name() == "round_half_up",
        _ => false,
    };
    expression.apply_children(|child| {
        check_expression(child, schema, rounds)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    if let Ok((_, field)) = expression.to_field(schema)
        && field.data_type().is_floating()
    {
        return refuse(
            "this is floating point; money is decimal: cast to decimal(p,s) or use whole numbers".to_owned(),
        );
    }
    match expression {
        Expr::BinaryExpr(binary) if binary.op == Operator::Divide && !rounded => {
            let decimal = binary.left.get_type(schema).is_ok_and(|left| matches!(left, DataType::Decimal128(..)));
            if decimal {
                return refuse(
                    "this divides decimals without saying the precision: write cast(… as decimal(p,s)) or \
                     round_half_up(…, decimals) around the division"
                        .to_owned(),
                );
            }
        }
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
            let name = call.func.name();
            return refuse(format!("{name} depends on more than its arguments; a job's date is as_of()"));
        }
        _ => {}
    }
    Ok(())
}

//! What keeps money exact: the checks that every job's plan must pass before it runs.

use arrow::datatypes::DataType;
use datafusion::common::ExprSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, Operator, Volatility};

/// Refuses floating point, unrounded division of decimals, and functions whose result depends on more than their
/// arguments.
pub fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let inputs = node.inputs();
        let schemas = inputs.iter().map(|input| input.schema().as_ref().clone());
        let schema = schemas.reduce(|mut merged, schema| {
            merged.merge(&schema);
            merged
        });
        let schema = schema.unwrap_or_else(|| node.schema().as_ref().clone());
        for expression in node.expressions() {
            check_expression(&expression, &schema, false)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// `rounded` says that the value of `expression` goes straight into a cast to a decimal or a rounding.
fn check_expression(expression: &Expr, schema: &dyn ExprSchema, rounded: bool) -> Result<()> {
    let refuse = |reason: String| Err(DataFusionError::Plan(reason));
    if let Ok((_, field)) = expression.to_field(schema)
        && field.data_type().is_floating()
    {
        return refuse(format!(
            "{expression} is floating point; money is decimal: cast to decimal(p,s) or use whole numbers"
        ));
    }
    match expression {
        Expr::BinaryExpr(binary) if binary.op == Operator::Divide && !rounded => {
            let decimal = binary.left.get_type(schema).is_ok_and(|left| matches!(left, DataType::Decimal128(..)));
            if decimal {
                return refuse(format!(
                    "{expression} divides decimals without saying the precision: write cast({expression} as decimal(p,s)) or round_half_up(…)"
                ));
            }
        }
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
            let name = call.func.name();
            return refuse(format!("{name} depends on more than its arguments; a job's date is as_of()"));
        }
        _ => {}
    }
    let rounds = match expression {
        Expr::Cast(Cast { .. }) => true,
        Expr::ScalarFunction(call) => call.func.name() == "round_half_up",
        _ => false,
    };
    expression.apply_children(|child| {
        check_expression(child, schema, rounds)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

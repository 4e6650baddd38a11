//! A difference as a part of a plan.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::Difference;

impl Difference {
    /// The rows of `before`, which are unique by `key`, without those that went and with those that came.
    pub(crate) fn applied_to(&self, before: Arc<dyn TableProvider>, key: &[String]) -> Result<LogicalPlan> {
        let schema = before.schema();
        let rows = |name: &str, rows: &[RecordBatch]| -> Result<LogicalPlan> {
            let table = MemTable::try_new(schema.clone(), vec![rows.to_vec()])?;
            LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None)?.build()
        };
        let columns = |table: &str| key.iter().map(|name| Column::new(Some(table), name)).collect::<Vec<_>>();
        let pairs = (columns("before"), columns("removed"));
        LogicalPlanBuilder::scan("before", provider_as_source(before), None)?
            .join_detailed(
                rows("removed", &self.removed)?,
                JoinType::LeftAnti,
                pairs,
                None,
                NullEquality::NullEqualsNull,
            )?
            .union(rows("added", &self.added)?)?
            .build()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use datafusion::execution::context::SessionContext;

    use super::*;

    fn batch(keys: &[Option<i64>], texts: &[&str]) -> RecordBatch {
        let keys: Int64Array = keys.iter().copied().collect();
        let texts: StringArray = texts.iter().map(|text| Some(*text)).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("key", Arc::new(keys) as arrow::array::ArrayRef, true),
            ("text", Arc::new(texts) as arrow::array::ArrayRef, true),
        ])
        .unwrap()
    }

    #[tokio::test]
    async fn a_table_plus_a_difference_is_the_table_as_it_became() {
        let before = batch(&[None, Some(1), Some(2)], &["none", "one", "two"]);
        let table = MemTable::try_new(before.schema(), vec![vec![before]]).unwrap();
        let difference = Difference {
            removed: vec![batch(&[None, Some(2)], &["none", "two"])],
            added: vec![batch(&[Some(2), Some(3)], &["two anew", "three"])],
        };
        let plan = difference.applied_to(Arc::new(table), &["key".to_owned()]).unwrap();
        let rows = SessionContext::new().execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        let rows = crate::rows::concat(&rows[0].schema(), &rows).unwrap();
        let rows = crate::rows::sorted::by_key(&rows, &["key".to_owned()]).unwrap();
        assert_eq!(rows, batch(&[Some(1), Some(2), Some(3)], &["one", "two anew", "three"]));
    }
}

//! Where the payments' öre are, by currency.

use anyhow::Result;
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Decimal128Type;
use datafusion::execution::context::SessionContext;
use serving::source::Balance;

/// What accepted payment files brought, beside what the jobs say became of it.
///
/// What came in is counted from the manifests of the files, what became of it from the jobs, so that the two can
/// disagree.
const SQL: &str = "
with outcome as (
  select currency, sum(confirmed) as confirmed, sum(suggested + overpayment + unmatched) as open
  from ar_payment_outcome
  group by currency
),
totals as (
  select unnest(totals) as total
  from file
  where status = 'accepted'
    and file_id in (
      select file_id from payment_in
      union all
      select file_id from reject where contract = 'payment_in'
    )
),
files as (
  select total['currency'] as currency, sum(total['read_amount']) as read, sum(total['rejected_amount']) as rejected
  from totals
  group by total['currency']
)
select files.currency,
  cast(files.read + files.rejected as decimal(28,2)),
  cast(coalesce(outcome.confirmed, 0) as decimal(28,2)),
  cast(coalesce(outcome.open, 0) as decimal(28,2)),
  cast(files.rejected as decimal(28,2))
from files left join outcome on outcome.currency = files.currency
order by files.currency desc";

/// The balance of each currency; empty where no job says what became of payments.
pub async fn balances(context: &SessionContext) -> Result<Vec<Balance>> {
    if !context.table_exist("ar_payment_outcome")? {
        return Ok(Vec::new());
    }
    let mut balances = Vec::new();
    for batch in context.sql(SQL).await?.collect().await? {
        let currency = batch.column(0).as_string::<i32>();
        let amounts = [1, 2, 3, 4].map(|column| batch.column(column).as_primitive::<Decimal128Type>());
        for row in 0..batch.num_rows() {
            let [received, matched, open, rejected] =
                amounts.map(|column| if column.is_null(row) { 0 } else { column.value(row) });
            balances.push(Balance { currency: currency.value(row).to_owned(), received, matched, open, rejected });
        }
    }
    Ok(balances)
}

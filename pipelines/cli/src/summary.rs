//! What a round did, for the person at the terminal.

use anyhow::Result;
use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use engine::Kind;
use engine::run::{Report, generation_session};
use lake::Lake;

use crate::config::Config;
use crate::stream::Received;
use crate::{money, print};

/// Prints files, records, matches, exceptions and the balance of the öre.
pub async fn print(config: &Config, lake: &Lake, received: &Received, landed: u64, report: &Report) -> Result<()> {
    print::out(&format!(
        "files       {} accepted, {} refused, {} test, {} known before, {} without rule, {} failed",
        received.accepted, received.refused, received.tests, received.known, received.no_rule, received.failed
    ));
    print::out(&format!(
        "records     {} read, {} of them rejected; {landed} rows landed",
        received.records, received.rejects
    ));
    let Some(generation) = &report.generation else { return Ok(()) };
    let library = config.library_behind(lake, generation).await?;
    let context = generation_session(lake, &library, generation).await?;
    let count = async |sql: &str| -> Result<i64> {
        let batches = context.sql(sql).await?.collect().await?;
        Ok(batches
            .iter()
            .filter(|batch| batch.num_rows() > 0)
            .map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0))
            .sum())
    };
    if library.job("ar_match").is_some() {
        let confirmed = count("select count(distinct payment_id) from ar_match where status = 'confirmed'").await?;
        let suggested = count("select count(distinct payment_id) from ar_match where status = 'suggested'").await?;
        print::out(&format!("matches     {confirmed} payments confirmed, {suggested} suggested"));
    }
    for job in library.jobs.iter().filter(|job| job.header.kind == Kind::Exception) {
        let rows = report.rows.get(&job.name).copied().unwrap_or_default();
        print::out(&format!("exceptions  {rows:>6}  {} ({})", job.header.title, job.name));
    }
    for balance in money::balances(&context).await? {
        let verdict = if balance.balances() { "balances" } else { "DOES NOT BALANCE" };
        let plain = |ore| schemas::money::plain(ore, 2);
        print::out(&format!(
            "money       {} {} in = {} matched + {} open + {} rejected: {verdict}",
            plain(balance.received),
            balance.currency,
            plain(balance.matched),
            plain(balance.open),
            plain(balance.rejected)
        ));
    }
    print::out(&format!(
        "generation  {} as of {}: {} tables, {} invariants hold",
        generation.number,
        generation.as_of,
        generation.tables.len(),
        generation.audit.invariants.len()
    ));
    Ok(())
}

//! `reskontra query` and `reskontra generations`.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::util::pretty::pretty_format_batches;
use chrono::NaiveDate;
use chrono_tz::Europe::Stockholm;
use commit::generation::Generation;
use datafusion::execution::context::{SQLOptions, SessionContext};
use engine::Library;
use engine::aside::Aside;
use engine::run::generation_session;
use futures::TryStreamExt as _;
use lake::Lake;
use parquet::arrow::ArrowWriter;

use crate::args::{Format, Known, Query};
use crate::config::Config;
use crate::print;

/// The generation with a number, or the last one.
pub async fn published(lake: &Lake, number: Option<u64>) -> Result<Generation> {
    let generation = match number {
        Some(number) => Some(lake.generation(number).await?),
        None => lake.latest_generation().await?,
    };
    generation.context("no generation is published yet; run `reskontra up --once`")
}

/// Asks one generation a question, or jobs that are computed aside for another business date.
pub async fn query(config: &Config, asked: &Query) -> Result<ExitCode> {
    let lake = config.lake()?;
    let generation = published(&lake, asked.generation).await?;
    let library = config.library_behind(&lake, &generation).await?;
    let Some(as_of) = asked.as_of else {
        return answer(&generation_session(&lake, &library, &generation).await?, asked, &generation).await;
    };
    let library = match asked.parameters {
        Known::Now => library,
        Known::Then => library.with_parameters_of(&known_then(config, &lake, as_of).await?)?,
    };
    let aside = Aside::compute(&lake, &library, &generation, as_of, &asked.sql).await?;
    let answered = answer(aside.context(), asked, &Generation { as_of, ..generation }).await;
    aside.discard().await?;
    answered
}

/// The library that was in service at the end of a day.
async fn known_then(config: &Config, lake: &Lake, day: NaiveDate) -> Result<Library> {
    let published_on = |generation: &Generation| generation.published_at.with_timezone(&Stockholm).date_naive();
    let mut first = None;
    let mut numbers = lake.generation_numbers().await?;
    while let Some(number) = numbers.pop() {
        let generation = lake.generation(number).await?;
        if published_on(&generation) <= day {
            let library = config.library_of(lake, &generation).await?;
            return library.with_context(|| format!("generation {number}, in service on {day}, keeps no library"));
        }
        first = Some(published_on(&generation));
    }
    match first {
        Some(first) => bail!("nothing was in service on {day}: the first generation was published on {first}"),
        None => bail!("no generation is published yet; run `reskontra up --once`"),
    }
}

async fn answer(context: &SessionContext, asked: &Query, generation: &Generation) -> Result<ExitCode> {
    let Query { sql, format, output, .. } = asked;
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = match context.sql_with_options(sql, read_only).await {
        Ok(frame) => frame,
        Err(error) => bail!("{}", engine::told(&error, context)),
    };
    let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
    let mut stream = frame.execute_stream().await.context("the statement failed")?;
    let mut out: Box<dyn Write + Send> = match output {
        Some(file) => Box::new(File::create(file).with_context(|| format!("writing {}", file.display()))?),
        None if *format == Format::Parquet => bail!("Parquet is no text: name a file with --output"),
        None => Box::new(io::stdout()),
    };
    match format {
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(&mut out, schema, None)?;
            while let Some(batch) = stream.try_next().await? {
                writer.write(&batch)?;
            }
            writer.close()?;
        }
        Format::Csv => {
            let mut writer = WriterBuilder::new().with_header(true).build(&mut out);
            writer.write(&RecordBatch::new_empty(schema))?;
            while let Some(batch) = stream.try_next().await? {
                writer.write(&flat(&batch)?)?;
            }
        }
        Format::Json => {
            while let Some(batch) = stream.try_next().await? {
                for row in 0..batch.num_rows() {
                    writeln!(out, "{}", serde_json::Value::Object(schemas::json::row(&batch, row)))?;
                }
            }
        }
        Format::Table => {
            let batches: Vec<RecordBatch> = stream.try_collect().await?;
            writeln!(out, "{}", pretty_format_batches(&batches)?)?;
            print::note(&format!("generation {}, as of {}", generation.number, generation.as_of));
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// CSV has no lists and records: they become JSON.
fn flat(batch: &RecordBatch) -> Result<RecordBatch> {
    use arrow::array::{ArrayRef, StringArray};
    let columns = batch.columns().iter().map(|column| -> ArrayRef {
        if !column.data_type().is_nested() {
            return column.clone();
        }
        let cells = (0..column.len()).map(|row| match schemas::json::cell(column.as_ref(), row) {
            serde_json::Value::Null => None,
            value => Some(value.to_string()),
        });
        std::sync::Arc::new(cells.collect::<StringArray>())
    });
    let schema = batch.schema();
    let named = schema.fields().iter().map(|field| field.name().as_str()).zip(columns);
    Ok(RecordBatch::try_from_iter(named)?)
}

/// Lists the published generations.
pub async fn generations(config: &Config) -> Result<ExitCode> {
    let lake = config.lake()?;
    for number in lake.generation_numbers().await? {
        let generation = lake.generation(number).await?;
        let rows: u64 = generation.tables.values().map(|table| table.rows).sum();
        print::out(&format!(
            "{number:>6}  as of {}  published {}  {} tables, {rows} rows, {} invariants held{}",
            generation.as_of,
            generation.published_at.format("%Y-%m-%d %H:%M:%S UTC"),
            generation.tables.len(),
            generation.audit.invariants.len(),
            generation.rolled_back.as_ref().map_or_else(String::new, |back| {
                format!("; rolled back from {} to {}: {}", back.from, back.to, back.reason)
            }),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

//! `reskontra example`: a worked example from real rows.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Result, bail};
use engine::draw::{Wish, draw};
use engine::explain::Question;
use engine::run::generation_session;
use engine::{Library, Workbench, did_you_mean};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Draw;
use crate::config::Config;
use crate::explain::{FOLLOWED, key_part};
use crate::print;
use crate::query::published;

/// Draws an example and prints it.
pub async fn example(config: &Config, asked: &Draw) -> Result<ExitCode> {
    let lake = config.lake()?;
    let generation = published(&lake, asked.generation).await?;
    let library = Library::load(&config.sql)?;
    if library.job(&asked.job).is_none() {
        bail!("there is no job {}{}", asked.job, did_you_mean(&asked.job, library.jobs.iter().map(|job| &job.name)));
    }
    let context = generation_session(&lake, &library, &generation).await?;
    let bench = Workbench::open_for(library, &BTreeSet::from([asked.job.clone()])).await?;
    let question = Question {
        table: asked.job.clone(),
        key: asked.key.iter().chain(&asked.values).map(|part| key_part(part)).collect(),
        shown: 0,
        limit: FOLLOWED,
        persons: false,
    };
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg}")?);
    let progress = |rows: usize, tries: usize| {
        bar.set_message(format!("{rows} rows tried, at most {tries} tries left"));
        bar.tick();
    };
    let drawn = draw(&context, &bench, &generation, &Wish { question, tries: asked.tries }, &progress).await?;
    bar.finish_and_clear();
    print::note(&format!("{} of the {} rows behind it are needed; the example passes", drawn.given, drawn.traced));
    if !drawn.least {
        print::note("the tries were used up; more of them (--tries) may leave fewer rows and columns");
    }
    print::out(drawn.markdown.trim_end());
    Ok(ExitCode::SUCCESS)
}

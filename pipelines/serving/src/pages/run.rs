//! `/korning`: the generation, its audit, its tables, and the last run.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use worklist::swedish;

use super::{BalanceLine, FilesLine, broken};
use crate::App;
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::source::{Invariant, Outcome};

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    frame: Frame,
    number: u64,
    as_of: String,
    published_at: String,
    broken: usize,
    audit: Vec<Invariant>,
    money: Vec<BalanceLine>,
    files: FilesLine,
    tables: Vec<(String, String)>,
    run: Option<RunLine>,
}

struct RunLine {
    started_at: String,
    ended_at: String,
    as_of: String,
    outcome: String,
    bad: bool,
    /// What a run that published nothing was held by.
    audit: Vec<Invariant>,
}

/// The page.
pub async fn page(State(app): State<App>, cut: Cut) -> Result<Response, Failure> {
    let run = app.source.last_run().await?.map(|run| {
        let (outcome, bad) = match &run.outcome {
            Outcome::Published(number) => (format!("Publicerade resultat nummer {number}"), false),
            Outcome::Unchanged => ("Inget hade ändrats, inget nytt publicerades".to_owned(), false),
            Outcome::Held => ("Publicerades inte: kontrollerna höll inte".to_owned(), true),
            Outcome::Failed(reason) => (format!("Avbröts: {reason}"), true),
        };
        RunLine {
            started_at: swedish::time(run.started_at),
            ended_at: swedish::time(run.ended_at),
            as_of: run.as_of.to_string(),
            audit: if run.outcome == Outcome::Held { run.audit } else { Vec::new() },
            outcome,
            bad,
        }
    });
    let generation = &cut.generation;
    let page = Page {
        frame: cut.frame("Senaste körningen", "/korning"),
        number: generation.number,
        as_of: generation.as_of.to_string(),
        published_at: swedish::time(generation.published_at),
        broken: broken(&generation.audit),
        audit: generation.audit.clone(),
        money: BalanceLine::all(generation),
        files: FilesLine::from(&generation.files),
        tables: generation.tables.iter().map(|(name, rows)| (name.clone(), swedish::count(*rows))).collect(),
        run,
    };
    cut.page(&page, Fresh::Never)
}

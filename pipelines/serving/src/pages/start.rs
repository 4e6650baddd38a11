//! `/`: the queues and the state of the last run.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use worklist::due::due_day;
use worklist::queue::Summary;
use worklist::{Due, swedish};

use super::{BalanceLine, FilesLine, area, broken, cases, sums};
use crate::App;
use crate::address::Address;
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::items::queues;
use crate::source::Outcome;

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    frame: Frame,
    areas: Vec<Area>,
    exceptions: String,
    overdue: String,
    alarm: Option<Alarm>,
    money: Vec<BalanceLine>,
    files: FilesLine,
    invariants: usize,
    broken: usize,
}

struct Area {
    name: String,
    queues: Vec<Line>,
}

struct Line {
    href: Address,
    title: String,
    summary: Summary,
    sums: Vec<String>,
    nearest: Option<(Due, String)>,
}

struct Alarm {
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "empty.html")]
struct Empty {
    frame: Frame,
}

/// The page.
pub async fn page(State(app): State<App>, cut: Result<Cut, Failure>) -> Result<Response, Failure> {
    let cut = match cut {
        Err(failure) if failure == Failure::nothing_published() => {
            let page = Empty { frame: Frame::without_generation("Inget resultat är publicerat än") };
            return Ok(axum::response::Html(page.render()?).into_response());
        }
        cut => cut?,
    };
    let calendar = app.source.calendar(cut.number()).await?;
    let mut areas: Vec<Area> = Vec::new();
    let (mut exceptions, mut overdue) = (0, 0);
    for queue in queues(&cut.jobs) {
        let summary = queue.summary(&cut, &calendar).await?;
        exceptions += summary.count;
        overdue += summary.overdue;
        let nearest = summary.nearest_due.map(|at| (Due::at(cut.now, Some(at), &calendar), due_day(at).to_string()));
        let line = Line {
            href: cut.link(Address::to("/koer", queue.name)),
            title: queue.title.to_owned(),
            sums: sums(&summary.sums),
            nearest,
            summary,
        };
        let name = queue.jobs.first().map_or("", |(job, _)| area(&job.area)).to_owned();
        match areas.iter_mut().find(|area| area.name == name) {
            Some(area) => area.queues.push(line),
            None => areas.push(Area { name, queues: vec![line] }),
        }
    }
    let page = Start {
        frame: cut.frame("Köer", "/"),
        areas,
        exceptions: cases(exceptions),
        overdue: swedish::count(overdue),
        alarm: alarm(&app, &cut).await?,
        money: BalanceLine::all(&cut.generation),
        files: FilesLine::from(&cut.generation.files),
        invariants: cut.generation.audit.len(),
        broken: broken(&cut.generation.audit),
    };
    cut.page(&page, Fresh::Never)
}

/// What a handler must know about the last run when it published nothing.
async fn alarm(app: &App, cut: &Cut) -> Result<Option<Alarm>, Failure> {
    let Some(run) = app.source.last_run().await? else { return Ok(None) };
    let at = swedish::time(run.ended_at);
    let shown = format!("Det du ser är resultat nummer {} för {}.", cut.number(), cut.generation.as_of);
    Ok(match run.outcome {
        Outcome::Published(_) | Outcome::Unchanged => None,
        Outcome::Held => Some(Alarm {
            title: "Den senaste körningen publicerades inte".to_owned(),
            text: format!(
                "Körningen {at} höll inte kontrollerna ({} av {}). {shown}",
                broken(&run.audit),
                run.audit.len()
            ),
        }),
        Outcome::Failed(reason) => Some(Alarm {
            title: "Den senaste körningen blev inte klar".to_owned(),
            text: format!("Körningen {at} avbröts: {reason} {shown}"),
        }),
    })
}

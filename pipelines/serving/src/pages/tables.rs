//! `/tabeller` and `/tabeller/{job}`: the results of each job.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use worklist::swedish;

use super::{Grid, area, chosen};
use crate::address::{Address, PAGE_ROWS, Pages};
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::rows::{Table, by};
use crate::source::{Filter, JobInfo, RowQuery};

#[derive(Template)]
#[template(path = "tables.html")]
struct List {
    frame: Frame,
    areas: Vec<Area>,
}

struct Area {
    name: String,
    tables: Vec<TableLine>,
}

struct TableLine {
    href: Address,
    name: String,
    title: String,
    kind: &'static str,
    catalogue: String,
    rows: String,
}

/// The list.
pub async fn list(cut: Cut) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let mut areas: Vec<Area> = Vec::new();
    for job in cut.jobs.iter() {
        let line = TableLine {
            href: cut.link(Address::to("/tabeller", &job.name)),
            name: job.name.clone(),
            title: job.title.clone(),
            kind: kind(job),
            catalogue: job.catalogue.join(", "),
            rows: cut.generation.tables.get(&job.name).map(|rows| swedish::count(*rows)).unwrap_or_default(),
        };
        let name = area(&job.area);
        match areas.iter_mut().find(|area| area.name == name) {
            Some(area) => area.tables.push(line),
            None => areas.push(Area { name: name.to_owned(), tables: vec![line] }),
        }
    }
    cut.page(&List { frame: cut.frame("Tabeller", "/tabeller"), areas }, Fresh::WithGeneration)
}

fn kind(job: &JobInfo) -> &'static str {
    if job.exception.is_some() { "Kö" } else { "Tabell" }
}

/// What the address asks for.
#[derive(Deserialize)]
pub struct Asked {
    sok: Option<String>,
    sida: Option<u64>,
}

#[derive(Template)]
#[template(path = "table.html")]
struct Page {
    frame: Frame,
    job: JobInfo,
    area: String,
    kind: &'static str,
    key: String,
    catalogue: String,
    queue: Option<Address>,
    search: String,
    pinned: Option<u64>,
    csv: Address,
    json: Address,
    columns: Vec<crate::cells::Heading>,
    grid: Grid,
    pages: Pages,
}

/// Columns by which people ask for rows, beside the key: whose, of which invoice, by which payment.
const ASKED_BY: [&str; 3] = ["customer_id", "invoice_no", "payment_id"];

fn sought(job: &JobInfo) -> Vec<String> {
    let others = job.columns.iter().map(|column| &column.name).filter(|name| !job.key.contains(name));
    job.key.iter().chain(others.filter(|name| ASKED_BY.contains(&name.as_str()))).cloned().collect()
}

/// One table.
pub async fn page(cut: Cut, Path(name): Path<String>, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let job = cut.job(&name)?.clone();
    let search = chosen(asked.sok.as_ref());
    let filters: Vec<Filter> =
        search.map(|search| Filter::Contains(sought(&job), search.to_owned())).into_iter().collect();
    let total = cut.app.source.count(cut.number(), &job.name, &filters).await?;
    let own = Address::to("/tabeller", &job.name);
    let pages = Pages::new(total, asked.sida, &own.with("sok", search.unwrap_or_default()), cut.number());
    let query = RowQuery { filters, order_by: by(&job.key), limit: Some(PAGE_ROWS), offset: pages.offset() };
    let table = Table::read(&cut, &job.name, query).await?;
    let download = |format: &str| Address::path(&format!("{own}/{format}")).with("generation", cut.number());
    let columns = job.columns.iter().map(|column| {
        let field = arrow::datatypes::Field::new(&column.name, column.data_type.clone(), true);
        crate::cells::Heading::new(&field, &column.doc)
    });
    let page = Page {
        frame: cut.frame(&job.title, "/tabeller"),
        area: area(&job.area).to_owned(),
        kind: kind(&job),
        key: job.key.join(", "),
        catalogue: job.catalogue.join(", "),
        queue: job.exception.as_ref().map(|e| cut.link(Address::to("/koer", &e.queue).with("jobb", &job.name))),
        search: search.unwrap_or_default().to_owned(),
        pinned: cut.newer.map(|_| cut.number()),
        csv: download("csv"),
        json: download("json"),
        columns: columns.collect(),
        grid: Grid::new(&cut, &table, &job),
        pages,
        job,
    };
    cut.page(&page, Fresh::WithGeneration)
}

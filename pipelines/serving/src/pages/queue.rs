//! `/koer/{queue}`: a queue's exceptions.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use worklist::queue::{Summary, summary};
use worklist::swedish;

use super::{Choice, SortHead, cases, chosen, sums};
use crate::address::{Address, PAGE_ROWS, Pages};
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::items::{Item, item, queues};
use crate::rows::Table;
use crate::source::{ExceptionInfo, Filter, JobInfo, Order, RowQuery};

/// Stands for exceptions whose department is unknown.
const UNKNOWN: &str = "-";

/// What the address asks for.
#[derive(Deserialize)]
pub struct Asked {
    jobb: Option<String>,
    forvaltning: Option<String>,
    sok: Option<String>,
    ordning: Option<String>,
    sida: Option<u64>,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Page {
    frame: Frame,
    title: String,
    service_level: String,
    service_level_text: String,
    jobs: Vec<JobLink>,
    job: String,
    job_title: String,
    departments: Vec<Choice>,
    search: String,
    order: String,
    filtered: bool,
    reset: Address,
    pinned: Option<u64>,
    heads: Vec<SortHead>,
    summary: Summary,
    count: String,
    sums: String,
    items: Vec<Item>,
    has_amount: bool,
    has_department: bool,
    pages: Pages,
}

struct JobLink {
    title: String,
    href: Address,
    chosen: bool,
}

/// The page.
pub async fn page(cut: Cut, Path(name): Path<String>, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithinMinute) {
        return Ok(unchanged);
    }
    let queues = queues(&cut.jobs);
    let queue = queues.iter().find(|queue| queue.name == name).ok_or_else(|| Failure::not_found("Kön"))?;
    let wanted = chosen(asked.jobb.as_ref());
    let found = queue.jobs.iter().find(|(job, _)| wanted.is_none_or(|wanted| wanted == job.name));
    let (job, exception) = *found.ok_or_else(|| Failure::not_found("Urvalet"))?;

    let calendar = cut.app.source.calendar(cut.number()).await?;
    let all = cut.app.source.groups(cut.number(), &job.name, &[]).await?;
    let filters = filters(job, &asked);
    let groups =
        if filters.is_empty() { all.clone() } else { cut.app.source.groups(cut.number(), &job.name, &filters).await? };
    let shown = summary(&groups, cut.now, &calendar);

    let plain = cut.link(Address::to("/koer", &name)).with("jobb", wanted.unwrap_or_default());
    let order = order(job, asked.ordning.as_deref())?;
    let address = plain
        .with("forvaltning", chosen(asked.forvaltning.as_ref()).unwrap_or_default())
        .with("sok", chosen(asked.sok.as_ref()).unwrap_or_default())
        .with("ordning", if order.code == DEFAULT_ORDER { "" } else { order.code });
    let pages = Pages::new(shown.count, asked.sida, &address, cut.number());
    let query = RowQuery { filters, order_by: order.columns, limit: Some(PAGE_ROWS), offset: pages.offset() };
    let table = Table::read(&cut, &job.name, query).await?;
    let schema = table.schema();
    let rows = table.rows();
    let items = rows.iter().map(|row| item(&cut, &calendar, job, exception, &schema, row));

    let page = Page {
        title: queue.title.to_owned(),
        service_level: exception.service_level.clone(),
        service_level_text: exception.service_level_text.clone().unwrap_or_default(),
        jobs: job_links(&queue.jobs, job, &plain),
        job: wanted.unwrap_or_default().to_owned(),
        job_title: job.title.clone(),
        departments: departments(&summary(&all, cut.now, &calendar), asked.forvaltning.as_deref().unwrap_or_default()),
        search: chosen(asked.sok.as_ref()).unwrap_or_default().to_owned(),
        order: if order.code == DEFAULT_ORDER { String::new() } else { order.code.to_owned() },
        filtered: chosen(asked.sok.as_ref()).or(chosen(asked.forvaltning.as_ref())).is_some(),
        reset: plain,
        pinned: cut.newer.map(|_| cut.number()),
        heads: heads(job, order.code, &address),
        sums: sums(&shown.sums).join(" och "),
        count: cases(shown.count),
        summary: shown,
        items: items.collect::<Result<_, _>>()?,
        has_amount: job.amount.is_some(),
        has_department: job.has("department"),
        pages,
        frame: cut.frame(queue.title, "/"),
    };
    cut.page(&page, Fresh::WithinMinute)
}

/// What a list of exceptions is filtered by, in the words of the table.
fn filters(job: &JobInfo, asked: &Asked) -> Vec<Filter> {
    let department = chosen(asked.forvaltning.as_ref()).filter(|_| job.has("department"));
    exception_filters(job, department, chosen(asked.sok.as_ref()))
}

/// Filters by department (`-` for those without) and text in the key.
pub fn exception_filters(job: &JobInfo, department: Option<&str>, search: Option<&str>) -> Vec<Filter> {
    let department = department
        .map(|department| Filter::Is("department".to_owned(), Some(department.to_owned()).filter(|d| d != UNKNOWN)));
    let search = search.map(|search| Filter::Contains(job.key.clone(), search.to_owned()));
    department.into_iter().chain(search).collect()
}

const DEFAULT_ORDER: &str = "klart";

/// The orders there are: code, name of the column on the page, column of the table (`$amount` for the job's), largest first.
const ORDERS: [(&str, &str, &str, bool); 6] = [
    ("klart", "Ska vara klart", "due_at", false),
    ("-klart", "Ska vara klart", "due_at", true),
    ("-belopp", "Belopp", "$amount", true),
    ("belopp", "Belopp", "$amount", false),
    ("forvaltning", "Förvaltning", "department", false),
    ("-forvaltning", "Förvaltning", "department", true),
];

struct Ordered {
    code: &'static str,
    columns: Vec<Order>,
}

/// The table's column of an order; nothing when the job does not have it.
fn column<'a>(job: &'a JobInfo, column: &'a str) -> Option<&'a str> {
    match column {
        "$amount" => job.amount.as_deref(),
        column => job.has(column).then_some(column),
    }
}

fn order(job: &JobInfo, asked: Option<&str>) -> Result<Ordered, Failure> {
    let asked = asked.filter(|code| !code.is_empty()).unwrap_or(DEFAULT_ORDER);
    let known = ORDERS.iter().find(|(code, ..)| *code == asked);
    let (code, _, name, descending) = known.ok_or_else(|| Failure::bad_request("Den ordningen finns inte."))?;
    let first = column(job, name).map(|column| Order { column: column.to_owned(), descending: *descending });
    let rest = ["due_at", "exception_id"].into_iter().filter(|rest| rest != name);
    let rest = rest.map(|column| Order { column: column.to_owned(), descending: false });
    Ok(Ordered { code, columns: first.into_iter().chain(rest).collect() })
}

fn heads(job: &JobInfo, code: &str, address: &Address) -> Vec<SortHead> {
    let mut heads: Vec<SortHead> = Vec::new();
    for pair in ORDERS.chunks(2) {
        let [(first, name, table_column, first_descends), (second, ..)] = pair else { continue };
        if column(job, table_column).is_none() {
            continue;
        }
        let direction = |descends: bool| if descends { "descending" } else { "ascending" };
        let (sorted, next) = match code {
            code if code == *first => (direction(*first_descends), second),
            code if code == *second => (direction(!first_descends), first),
            _ => ("", first),
        };
        heads.push(SortHead { name, href: address.with("ordning", next), sorted });
    }
    heads
}

fn departments(all: &Summary, asked: &str) -> Vec<Choice> {
    let choice = |department: &Option<String>, count: u64| {
        let value = department.as_deref().unwrap_or(UNKNOWN);
        let name = department.as_deref().unwrap_or("okänd");
        let name = format!("{name} ({})", swedish::count(count));
        Choice { value: value.to_owned(), name, chosen: value == asked }
    };
    all.departments.iter().map(|(department, (count, _))| choice(department, *count)).collect()
}

fn job_links(jobs: &[(&JobInfo, &ExceptionInfo)], shown: &JobInfo, plain: &Address) -> Vec<JobLink> {
    if jobs.len() < 2 {
        return Vec::new();
    }
    let link = |(job, _): &(&JobInfo, &ExceptionInfo)| JobLink {
        title: job.title.clone(),
        href: plain.with("jobb", &job.name),
        chosen: job.name == shown.name,
    };
    jobs.iter().map(link).collect()
}

//! `/filer` and `/filer/{file_id}`: what was received, and the verdict on it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use worklist::swedish;

use super::{Choice, chosen};
use crate::address::{Address, PAGE_ROWS, Pages};
use crate::cells::{Cell, Heading, Nested, cells};
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::items::moment;
use crate::pages::rejects::{RejectLine, reject_lines};
use crate::rows::{Table, count, is, text};
use crate::source::{Filter, Order, RowQuery};

/// Rejects of a file on its page.
const SHOWN_REJECTS: usize = PAGE_ROWS as usize;

/// What the address asks for.
#[derive(Deserialize)]
pub struct Asked {
    utfall: Option<String>,
    sok: Option<String>,
    sida: Option<u64>,
}

#[derive(Template)]
#[template(path = "files.html")]
struct List {
    frame: Frame,
    choices: Vec<Choice>,
    search: String,
    filtered: bool,
    pinned: Option<u64>,
    files: Vec<FileLine>,
    pages: Pages,
}

struct FileLine {
    href: Address,
    name: String,
    landing: String,
    format: String,
    received_at: String,
    status: &'static str,
    status_code: String,
    records: String,
    rejected: u64,
    sums: Vec<String>,
    reason: String,
    position: String,
}

impl FileLine {
    fn new(cut: &Cut, row: &Map<String, Value>) -> Self {
        let sums = row.get("totals").and_then(Value::as_array).into_iter().flatten();
        let sums = sums.filter_map(Value::as_object);
        Self {
            href: cut.link(Address::to("/filer", text(row, "file_id"))),
            name: text(row, "name").to_owned(),
            landing: text(row, "landing").to_owned(),
            format: text(row, "format").to_owned(),
            received_at: moment(row, "received_at").map(swedish::time).unwrap_or_default(),
            status: status(text(row, "status")),
            status_code: text(row, "status").to_owned(),
            records: swedish::count(count(row, "read_records")),
            rejected: count(row, "rejected_records"),
            sums: sums.map(|sum| swedish::amount(text(sum, "read_amount"), text(sum, "currency"))).collect(),
            reason: text(row, "reason").to_owned(),
            position: text(row, "reason_position").to_owned(),
        }
    }
}

fn status(code: &str) -> &'static str {
    match code {
        "accepted" => "Mottagen",
        "refused" => "Avvisad",
        "test" => "Testfil",
        _ => "Okänt utfall",
    }
}

/// The list.
pub async fn list(cut: Cut, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let (wanted, search) = (chosen(asked.utfall.as_ref()), chosen(asked.sok.as_ref()));
    let by_status = wanted.map(|wanted| is("status", wanted));
    let by_name =
        search.map(|search| Filter::Contains(vec!["name".to_owned(), "file_id".to_owned()], search.to_owned()));
    let filters: Vec<Filter> = by_status.into_iter().chain(by_name).collect();
    let total = cut.app.source.count(cut.number(), "file", &filters).await?;
    let address =
        Address::path("/filer").with("utfall", wanted.unwrap_or_default()).with("sok", search.unwrap_or_default());
    let pages = Pages::new(total, asked.sida, &address, cut.number());
    let order_by = vec![
        Order { column: "received_at".to_owned(), descending: true },
        Order { column: "file_id".to_owned(), descending: false },
    ];
    let query = RowQuery { filters, order_by, limit: Some(PAGE_ROWS), offset: pages.offset() };
    let table = Table::read(&cut, "file", query).await?;
    let choices = ["accepted", "refused", "test"].map(|code| Choice {
        value: code.to_owned(),
        name: status(code).to_owned(),
        chosen: wanted == Some(code),
    });
    let page = List {
        frame: cut.frame("Filer", "/filer"),
        choices: choices.into(),
        search: search.unwrap_or_default().to_owned(),
        filtered: wanted.or(search).is_some(),
        pinned: cut.newer.map(|_| cut.number()),
        files: table.rows().iter().map(|row| FileLine::new(&cut, row)).collect(),
        pages,
    };
    cut.page(&page, Fresh::WithGeneration)
}

#[derive(Template)]
#[template(path = "file.html")]
struct Page {
    frame: Frame,
    file: FileLine,
    fields: Vec<(Heading, Cell)>,
    totals: Option<Nested>,
    deliveries: Option<Nested>,
    remarks: Option<Nested>,
    rejects: Vec<RejectLine>,
    all_rejects: Option<Address>,
}

/// One file.
pub async fn page(cut: Cut, Path(file_id): Path<String>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let found = Table::find(&cut, "file", "file_id", &file_id).await?;
    let table = found.ok_or_else(|| Failure::not_found("Filen"))?;
    let (schema, row) = (table.schema(), table.row(0));
    let contract = schemas::contracts().get("file");
    let doc = |column: &str| contract.and_then(|contract| contract.docs.get(column)).map_or("", String::as_str);
    let headings = schema.fields().iter().map(|field| Heading::new(field, doc(field.name())));
    let mut fields: Vec<(Heading, Cell)> = headings.zip(cells(&schema, &row)).collect();
    let mut nested = |name: &str| fields.iter_mut().find(|(head, _)| head.name == name)?.1.nested.take();
    let (totals, deliveries, remarks) = (nested("totals"), nested("deliveries"), nested("remarks"));
    // A manifest is a record of its own: its place in the file says nothing.
    let hidden = ["totals", "deliveries", "remarks", "ordinal", "byte_start", "byte_end", "status", "received_at"];
    fields.retain(|(head, _)| !hidden.contains(&head.name.as_str()));

    let rejects = rejects(&cut, &file_id, &row).await?;
    let more = rejected_by_contract(&row).map(|(_, rejected)| rejected).sum::<u64>() > PAGE_ROWS;
    let page = Page {
        frame: cut.frame(&format!("Filen {}", text(&row, "name")), "/filer"),
        file: FileLine::new(&cut, &row),
        fields,
        totals,
        deliveries,
        remarks,
        rejects,
        all_rejects: more.then(|| cut.link(Address::path("/avvisade").with("fil", &file_id))),
    };
    cut.page(&page, Fresh::WithGeneration)
}

/// Contracts for which records of the file were rejected, and how many: the manifest counts them.
fn rejected_by_contract(file: &Map<String, Value>) -> impl Iterator<Item = (&str, u64)> {
    let deliveries = file.get("deliveries").and_then(Value::as_array).into_iter().flatten();
    let counts = deliveries.filter_map(Value::as_object).map(|one| (text(one, "contract"), count(one, "rejected")));
    counts.filter(|(_, rejected)| *rejected > 0)
}

/// The first rejects of a file. Rejects of all contracts are one table over all that has landed: only the parts are
/// read where the manifest says that there are some, and for most files there are none.
async fn rejects(cut: &Cut, file_id: &str, file: &Map<String, Value>) -> Result<Vec<RejectLine>, Failure> {
    let mut lines = Vec::new();
    for (contract, _) in rejected_by_contract(file) {
        if lines.len() < SHOWN_REJECTS {
            lines.extend(reject_lines(cut, vec![is("file_id", file_id), is("contract", contract)], 0).await?);
        }
    }
    lines.truncate(SHOWN_REJECTS);
    Ok(lines)
}

//! `/arenden/{exception_id}/varfor`: what an exception came from, step by step, down to files and bytes.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Field};
use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use worklist::swedish;

use super::exception::{Asked, find};
use crate::address::Address;
use crate::cells::{Cell, Heading, Nested, cell, currency};
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::items::item;
use crate::source::{ExplainedStep, Missing, StepKind};

/// Columns of a step that fit beside each other.
const COLUMNS: usize = 8;

#[derive(Template)]
#[template(path = "why.html")]
struct Page {
    frame: Frame,
    queue_title: String,
    queue_href: Address,
    item_key: String,
    item_href: Address,
    steps: Vec<Step>,
    files: Vec<File>,
}

struct Step {
    number: usize,
    title: String,
    kind: &'static str,
    table: String,
    catalogue: String,
    version: String,
    used_by: String,
    found: String,
    changed_since: bool,
    verdict: Option<&'static str>,
    rows: Option<Nested>,
    hidden: usize,
    missing: Vec<String>,
}

struct File {
    href: Address,
    file_id: String,
    name: String,
    landing: String,
    received_at: String,
}

/// The page.
pub async fn page(cut: Cut, Path(exception_id): Path<String>, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let (job, exception, table) = find(&cut, &exception_id, asked.jobb.as_deref()).await?;
    let calendar = cut.app.source.calendar(cut.number()).await?;
    let item = item(&cut, &calendar, job, exception, &table.schema(), &table.row(0))?;
    let explanation = cut.app.source.explain(cut.number(), &job.name, &exception_id).await?;
    let steps = explanation.steps.iter().enumerate().map(|(index, step)| Step::new(&cut, index + 1, step));
    let files = explanation.files.into_iter().map(|file| File {
        href: cut.link(Address::to("/filer", &file.file_id)),
        received_at: file.received_at.parse::<DateTime<Utc>>().map(swedish::time).unwrap_or(file.received_at),
        file_id: file.file_id,
        name: file.name,
        landing: file.landing,
    });
    let page = Page {
        frame: cut.frame(&format!("Varför: {}", item.key), "/"),
        queue_title: exception.queue_title.clone(),
        queue_href: cut.link(Address::to("/koer", &exception.queue).with("jobb", &job.name)),
        item_href: cut.link(Address::to("/arenden", &exception_id).with("jobb", &job.name)),
        item_key: item.key,
        steps: steps.collect(),
        files: files.collect(),
    };
    cut.page(&page, Fresh::WithGeneration)
}

impl Step {
    fn new(cut: &Cut, number: usize, step: &ExplainedStep) -> Self {
        let title_of =
            |table: &String| cut.job(table).map_or_else(|_| received(table).to_owned(), |job| job.title.clone());
        let used_by: Vec<String> = step.used_by.iter().map(title_of).collect();
        let count = swedish::count(u64::try_from(step.found).unwrap_or(u64::MAX));
        let at_least = if step.complete { "" } else { "Minst " };
        Self {
            number,
            title: title(step).to_owned(),
            kind: match step.kind {
                StepKind::Job => "Kontroll",
                StepKind::Contract => "Mottagna poster",
                StepKind::Parameter => "Parametrar",
            },
            table: step.table.clone(),
            catalogue: step.catalogue.join(", "),
            version: step.version.iter().flat_map(|version| version.chars().take(12)).collect(),
            used_by: used_by.join(", "),
            found: format!("{at_least}{count} {}", if step.found == 1 { "rad" } else { "rader" }),
            changed_since: step.changed_since,
            verdict: step.recomputed.map(|same| match same {
                true => "Provat: räknat på nytt ur enbart raderna i stegen nedan blir resultatet detsamma.",
                false => "Räknat på nytt ur enbart raderna i stegen nedan blir resultatet ett annat: något underlag saknas här.",
            }),
            rows: rows(cut, step),
            hidden: step.found.saturating_sub(step.rows.len()),
            missing: step.missing.iter().map(|missing| sought(missing, &title_of)).collect(),
        }
    }
}

fn sought(missing: &Missing, title_of: &dyn Fn(&String) -> String) -> String {
    let tables: Vec<String> = missing.tables.iter().map(title_of).collect();
    match missing.condition.replace(" and ", " och ") {
        condition if condition.is_empty() => format!("något som passar, i {}", tables.join(", ")),
        condition => format!("{condition}, i {}", tables.join(", ")),
    }
}

/// What people call the table of a step.
fn title(step: &ExplainedStep) -> &str {
    match step.kind {
        StepKind::Job => &step.title,
        StepKind::Contract => received(&step.table),
        StepKind::Parameter => "Värden ur parametertabellen",
    }
}

/// What people call what has been received.
fn received(contract: &str) -> &str {
    match contract {
        "payment_in" => "Inbetalningar från banken",
        "statement_entry" => "Kontoutdrag från banken",
        "payment_status" => "Besked från banken om betalningar",
        "mandate_event" => "Besked från banken om autogiromedgivanden",
        "supplier_invoice" => "Leverantörsfakturor",
        "household" => "Hushåll i BER",
        "income_declaration" => "Inkomstuppgifter i BER",
        "placement" => "Placeringar i BER",
        "customer_item" => "Kundreskontrans poster i ekonomisystemet",
        "ledger_balance" => "Huvudbokens saldon",
        "ledger_transaction" => "Huvudbokens transaktioner",
        "account_balance" => "Kontosaldon ur ekonomisystemet (SIE)",
        "voucher_row" => "Verifikationer på väg in i ekonomisystemet",
        "lease" => "Hyresavtal i LOIS",
        "rent_component" => "Hyresrader i LOIS",
        "claim_status" => "Kravstatus i kundreskontran",
        "payment_plan" => "Anstånd och avbetalningsplaner",
        "collection_remittance" => "Inkassobolagets redovisningar",
        "legacy_writeoff" => "Avskrivna fakturor i det förra ekonomisystemet",
        "writedown_order" => "Underlag för nedskrivning",
        "refund_order" => "Återbetalningar till kunder",
        "autogiro_mandate" => "Autogiromedgivanden i kundreskontran",
        "match_decision" => "Handläggarnas beslut om matchningar",
        "decision" => "Handläggarnas beslut",
        "file" => "Mottagna filer",
        "reject" => "Avvisade poster",
        other => other,
    }
}

/// The rows of a step: what identifies them first, then what has a value, as far as there is room. Nothing that tells
/// who a person is.
fn rows(cut: &Cut, step: &ExplainedStep) -> Option<Nested> {
    let first = step.rows.first()?;
    let has_value = |column: &&String| step.rows.iter().any(|row| row.get(*column).is_some_and(is_plain));
    let open = |column: &&String| !step.personal.contains(*column);
    let in_order = step.key.iter().chain(first.keys()).filter(open).filter(has_value);
    let mut seen = BTreeSet::new();
    let room = if step.kind == StepKind::Parameter { usize::MAX } else { COLUMNS };
    let columns: Vec<&String> = in_order.filter(|column| seen.insert(*column)).take(room).collect();
    let fields: Vec<Field> = columns.iter().map(|column| field(cut, step, column)).collect();
    let cells = |row: &Map<String, Value>| -> Vec<Cell> {
        let value = |field: &Field| cell(field, row.get(field.name()).unwrap_or(&Value::Null), currency(row));
        fields.iter().map(value).collect()
    };
    Some(Nested {
        headings: fields.iter().map(|field| Heading::new(field, "")).collect(),
        rows: step.rows.iter().map(cells).collect(),
    })
}

fn is_plain(value: &Value) -> bool {
    !value.is_null() && !value.is_array() && !value.is_object()
}

/// The column with its type, where that is known.
fn field(cut: &Cut, step: &ExplainedStep, column: &str) -> Field {
    let of_job = cut.job(&step.table).ok().and_then(|job| job.columns.iter().find(|known| known.name == column));
    let of_contract = schemas::contracts().get(&step.table).and_then(|of| of.schema.field_with_name(column).ok());
    let known = of_job.map(|known| &known.data_type).or(of_contract.map(Field::data_type));
    Field::new(column, known.cloned().unwrap_or(DataType::Utf8), true)
}

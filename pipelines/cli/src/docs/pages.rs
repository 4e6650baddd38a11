//! The pages of the site.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field};
use askama::Template;
use engine::ExceptionHeader;
use engine::lineage::Source;
use schemas::calendar::ServiceLevel;
use serde_json::{Map, Value};

use super::{Facts, graph, names};
use crate::catalogue::{Count, Status};

/// Rows of a parameter table that a page shows.
const ROWS: usize = 500;

/// What every page has around it.
pub struct Frame {
    title: String,
    /// The way from the page to the folder of the site.
    root: &'static str,
    section: &'static str,
}

impl Frame {
    fn new(title: &str, section: &'static str) -> Self {
        Self { title: title.to_owned(), root: "", section }
    }

    fn sections(&self) -> [(&'static str, &'static str); 4] {
        [
            ("index.html", "Tables"),
            ("catalogue.html", "Requirements"),
            ("invariants.html", "Invariants"),
            ("queues.html", "Queues and service levels"),
        ]
    }
}

/// All tables.
#[derive(Template)]
#[template(path = "docs/index.html")]
pub struct Index {
    frame: Frame,
    jobs: usize,
    contracts: usize,
    parameters: usize,
    areas: Vec<Area>,
}

struct Area {
    title: String,
    tables: Vec<TableLine>,
}

struct TableLine {
    name: String,
    href: String,
    title: String,
    exception: bool,
    columns: usize,
    readers: String,
}

impl Index {
    /// From the facts.
    pub fn new(facts: &Facts<'_>) -> Self {
        let line = |name: &str, title: &str| TableLine {
            name: name.to_owned(),
            href: format!("tables/{name}.html"),
            title: title.to_owned(),
            exception: facts.library.job(name).is_some_and(|job| job.header.exception.is_some()),
            columns: facts.schemas.get(name).map_or(0, |schema| schema.fields().len()),
            readers: facts.readers(name).iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", "),
        };
        let mut areas: BTreeMap<&str, Vec<TableLine>> = BTreeMap::new();
        for job in &facts.library.jobs {
            areas.entry(&job.area).or_default().push(line(&job.name, &job.header.title));
        }
        let of_jobs = areas.into_iter().map(|(area, mut tables)| {
            tables.sort_by(|one, other| one.name.cmp(&other.name));
            Area { title: format!("Jobs: {area}"), tables }
        });
        let contracts = schemas::contracts().values().map(|contract| line(&contract.name, &contract.doc));
        let parameters = facts.library.parameters.keys().map(|name| line(name, "dated values"));
        Self {
            frame: Frame::new("Tables", "index.html"),
            jobs: facts.library.jobs.len(),
            contracts: schemas::contracts().len(),
            parameters: facts.library.parameters.len(),
            areas: of_jobs
                .chain([
                    Area { title: "Contracts".to_owned(), tables: contracts.collect() },
                    Area { title: "Parameters".to_owned(), tables: parameters.collect() },
                ])
                .collect(),
        }
    }
}

/// One table.
#[derive(Template)]
#[template(path = "docs/table.html")]
pub struct Table<'a> {
    frame: Frame,
    name: &'a str,
    title: String,
    kind: &'static str,
    file: Option<String>,
    key: Vec<String>,
    description: Vec<String>,
    requirements: Vec<(String, String)>,
    exception: Option<&'a ExceptionHeader>,
    graph: String,
    reads: Vec<&'a str>,
    readers: Vec<&'a str>,
    origins: BTreeSet<&'a str>,
    columns: Vec<ColumnLine>,
    rows: Vec<Vec<String>>,
    more_rows: usize,
    examples: Vec<String>,
    sql: String,
}

struct ColumnLine {
    name: String,
    data_type: String,
    doc: String,
    personal: bool,
    values: BTreeSet<Source>,
    conditions: BTreeSet<Source>,
}

impl<'a> Table<'a> {
    /// From the facts.
    pub fn new(facts: &'a Facts<'_>, name: &'a str) -> Self {
        let job = facts.library.job(name);
        let contract = schemas::contracts().get(name);
        let reads: Vec<&str> = job.iter().flat_map(|job| names(&job.reads)).collect();
        let readers: Vec<&str> = facts.readers(name).into_iter().map(|job| job.name.as_str()).collect();
        let title = job.map(|job| job.header.title.clone()).or(contract.map(|contract| contract.doc.clone()));
        let rows = facts.library.parameters.get(name);
        let shown = rows.map(|rows| rows.slice(0, rows.num_rows().min(ROWS)));
        let cells = |row: Map<String, Value>| row.values().map(plain).collect();
        let requirement = |id: &String| {
            let title = facts.library.catalogue.get(id).map(|requirement| requirement.title.clone());
            (id.clone(), title.unwrap_or_default())
        };
        Self {
            frame: Frame { title: name.to_owned(), root: "../", section: "index.html" },
            name,
            title: title.unwrap_or_else(|| "Dated values with source and approval.".to_owned()),
            kind: match (job, contract) {
                (Some(job), _) if job.header.exception.is_some() => "Job of exceptions",
                (Some(_), _) => "Job",
                (None, Some(_)) => "Contract",
                (None, None) => "Parameter table",
            },
            file: job.map(|job| format!("sql/{}/{name}.sql", job.area)),
            key: job.map(|job| job.header.key.clone()).or(contract.map(|one| one.key.clone())).unwrap_or_default(),
            description: job.map(|job| paragraphs(&job.header.description)).unwrap_or_default(),
            requirements: job.map(|job| job.header.catalogue.iter().map(requirement).collect()).unwrap_or_default(),
            exception: job.and_then(|job| job.header.exception.as_ref()),
            graph: graph::svg(name, &reads, &readers),
            reads,
            readers,
            origins: facts.origins(name),
            columns: columns(facts, name),
            more_rows: rows.map_or(0, |rows| rows.num_rows().saturating_sub(ROWS)),
            rows: shown
                .map(|shown| (0..shown.num_rows()).map(|row| cells(schemas::json::row(&shown, row))).collect())
                .unwrap_or_default(),
            examples: facts.examples.get(name).into_iter().flatten().map(|example| example.title.clone()).collect(),
            sql: job.map(|job| job.sql.trim().to_owned()).unwrap_or_default(),
        }
    }
}

fn columns(facts: &Facts<'_>, table: &str) -> Vec<ColumnLine> {
    let Some(schema) = facts.schemas.get(table) else { return Vec::new() };
    let job = facts.library.job(table);
    let contract = schemas::contracts().get(table);
    let sources: BTreeMap<&str, _> =
        facts.lineage.job(table).unwrap_or_default().iter().map(|(name, sources)| (name.as_str(), sources)).collect();
    let line = |field: &Field| {
        let name = field.name();
        let of_job = job.and_then(|job| job.header.columns.get(name));
        let of_contract = contract.and_then(|contract| contract.docs.get(name));
        let of_engine = match name.as_str() {
            "exception_id" if job.is_some() => "identity of the exception, the same in every run",
            "due_at" if job.is_some() => "when the service level ends",
            _ => "",
        };
        let person = |path: &String| path == name || path.starts_with(&format!("{name}."));
        let sources = sources.get(name.as_str()).map(|sources| (*sources).clone()).unwrap_or_default();
        ColumnLine {
            name: name.clone(),
            data_type: type_name(field.data_type()),
            doc: of_job.or(of_contract).cloned().unwrap_or_else(|| of_engine.to_owned()),
            personal: contract.is_some_and(|contract| contract.person_fields.iter().any(person)),
            values: sources.values,
            conditions: sources.conditions,
        }
    };
    schema.fields().iter().map(|field| line(field)).collect()
}

/// A type as SQL writes it.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Binary => "bytes".to_owned(),
        DataType::Timestamp(..) => "time (UTC)".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item) => format!("list of {}", type_name(item.data_type())),
        DataType::Struct(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            format!("record ({})", names.join(", "))
        }
        other => other.to_string(),
    }
}

/// The catalogue with what has become of it.
#[derive(Template)]
#[template(path = "docs/catalogue.html")]
pub struct Requirements {
    frame: Frame,
    counts: BTreeMap<String, Count>,
    lines: Vec<RequirementLine>,
}

struct RequirementLine {
    id: String,
    section: String,
    title: String,
    status: &'static str,
    class: &'static str,
    jobs: Vec<(String, usize)>,
    missing: String,
}

impl Requirements {
    /// From the facts.
    pub fn new(facts: &Facts<'_>) -> Self {
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        let mut lines = Vec::new();
        for requirement in facts.library.catalogue.requirements() {
            let status = Status::of(requirement, facts.library);
            counts.entry(requirement.area().to_owned()).or_default().add(&status);
            let class = match status {
                Status::Implemented(_) => "implemented",
                Status::InPart(_) => "part",
                Status::Open => "open",
                Status::Out => "out",
            };
            let examples = |job: &str| (job.to_owned(), facts.examples.get(job).map_or(0, Vec::len));
            lines.push(RequirementLine {
                id: requirement.id.clone(),
                section: requirement.section.clone(),
                title: requirement.title.clone(),
                status: status.word(),
                class,
                jobs: status.jobs().iter().copied().map(examples).collect(),
                missing: requirement.missing.clone(),
            });
        }
        Self { frame: Frame::new("Requirements", "catalogue.html"), counts, lines }
    }
}

/// What must hold.
#[derive(Template)]
#[template(path = "docs/invariants.html")]
pub struct Invariants {
    frame: Frame,
    invariants: Vec<InvariantLine>,
}

struct InvariantLine {
    name: String,
    title: String,
    description: Vec<String>,
    reads: Vec<String>,
}

impl Invariants {
    /// From the facts.
    pub fn new(facts: &Facts<'_>) -> Self {
        let line = |invariant: &engine::Invariant| InvariantLine {
            name: invariant.name.clone(),
            title: invariant.header.title.clone(),
            description: paragraphs(&invariant.header.description),
            reads: invariant.reads.iter().cloned().collect(),
        };
        let invariants = facts.library.invariants.iter().map(line).collect();
        Self { frame: Frame::new("Invariants", "invariants.html"), invariants }
    }
}

/// Who works with what, and in what time.
#[derive(Template)]
#[template(path = "docs/queues.html")]
pub struct Queues {
    frame: Frame,
    queues: Vec<Queue>,
    levels: Vec<Level>,
}

struct Queue {
    name: String,
    title: String,
    jobs: Vec<String>,
    service_level: String,
    action: String,
}

struct Level {
    id: String,
    /// False for a later row of the same level.
    first: bool,
    title: String,
    time: String,
    from: String,
    to: String,
    source: String,
}

impl Queues {
    /// From the facts.
    pub fn new(facts: &Facts<'_>) -> Self {
        let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
        for job in &facts.library.jobs {
            let Some(exception) = &job.header.exception else { continue };
            let queue = queues.entry(exception.queue.clone()).or_insert_with(|| Queue {
                name: exception.queue.clone(),
                title: exception.queue_title.clone(),
                jobs: Vec::new(),
                service_level: exception.service_level.clone(),
                action: exception.action.clone(),
            });
            queue.jobs.push(job.name.clone());
        }
        let rows = facts.library.parameters.get("ref_service_level");
        let rows = rows.into_iter().flat_map(|rows| (0..rows.num_rows()).map(|row| schemas::json::row(rows, row)));
        let mut seen = BTreeSet::new();
        let levels = rows.map(|row| {
            let text = |name: &str| row.get(name).map(plain).unwrap_or_default();
            let number = |name: &str| text(name).parse::<i32>().ok();
            let rule = ServiceLevel::parse(&text("kind"), number("n"), number("weekday"));
            Level {
                first: seen.insert(text("id")),
                id: text("id"),
                title: text("title"),
                time: rule.and_then(|rule| rule.text_sv()).unwrap_or_default(),
                from: text("valid_from"),
                to: text("valid_to"),
                source: text("source"),
            }
        });
        let levels = levels.collect();
        Self {
            frame: Frame::new("Queues and service levels", "queues.html"),
            queues: queues.into_values().collect(),
            levels,
        }
    }
}

fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n\n").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

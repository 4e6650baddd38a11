//! A source with few, awkward rows in memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, stream};
use schemas::calendar::Calendar;
use serde_json::{Map, Value, json};
use worklist::RecordRef;
use worklist::decision::{Decision, Kind};
use worklist::queue::Group;

use crate::source::{
    Balance, Column, ExceptionInfo, ExplainedFile, ExplainedStep, Explanation, Files, Filter, Generation, Invariant,
    JobInfo, Missing, Outcome, RowQuery, Rows, Run, Source, SourceError, StepKind,
};

/// SHA-256 stand-in of the accepted payment file.
pub const PAYMENT_FILE: &str = "aa11bb22cc33dd44aa11bb22cc33dd44aa11bb22cc33dd44aa11bb22cc33dd44";
/// SHA-256 stand-in of the refused file.
pub const REFUSED_FILE: &str = "ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00";
/// What the archive holds for every record: ISO-8859-1, two lines, markup, a control character.
pub const ORIGINAL: &[u8] = b"20000000001234  <script>alert(1)</script>\r\n26\xc5sa \xd6berg & S\xf6ner\x07";

/// The fake.
pub struct Fake {
    /// Tables by name.
    pub tables: BTreeMap<String, RecordBatch>,
    /// Generations that exist, the last one last.
    pub generations: Vec<Generation>,
    /// The last run.
    pub run: Option<Run>,
    /// When set, reading of rows fails with it.
    pub broken: Mutex<Option<SourceError>>,
    /// How often tables were read.
    pub reads: Mutex<u32>,
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()))
}

fn money() -> DataType {
    DataType::Decimal128(18, 2)
}

fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

fn candidates() -> DataType {
    let fields = vec![
        Field::new("rank", DataType::Int64, true),
        Field::new("invoice_no", DataType::Utf8, true),
        Field::new("customer_name", DataType::Utf8, true),
        Field::new("remaining", money(), true),
        Field::new("reason_sv", DataType::Utf8, true),
    ];
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields.into()), true)))
}

fn columns(list: &[(&str, DataType)]) -> Vec<Column> {
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).to_owned(),
        doc: format!("the {name} of <the> row"),
        data_type: data_type.clone(),
    };
    list.iter().map(column).collect()
}

fn job(name: &str, area: &str, title: &str, key: &str, amount: Option<&str>, list: &[(&str, DataType)]) -> JobInfo {
    JobInfo {
        name: name.to_owned(),
        area: area.to_owned(),
        title: title.to_owned(),
        description: "Rule & assumptions, in English.".to_owned(),
        catalogue: vec!["AR23".to_owned()],
        key: vec![key.to_owned()],
        amount: amount.map(str::to_owned),
        columns: columns(list),
        exception: None,
    }
}

fn exception(queue: &str, title: &str, why: &str) -> Option<ExceptionInfo> {
    Some(ExceptionInfo {
        queue: queue.to_owned(),
        queue_title: title.to_owned(),
        service_level: "SLA06".to_owned(),
        service_level_text: Some("5 arbetsdagar".to_owned()),
        why: why.to_owned(),
        action: "Välj rätt faktura bland förslagen, eller be betalaren om en referens.".to_owned(),
    })
}

/// The jobs of the fake.
pub fn jobs() -> Vec<JobInfo> {
    let tail = |mut list: Vec<(&'static str, DataType)>| {
        list.extend([
            ("received_at", time()),
            ("evidence", text_list()),
            ("exception_id", DataType::Utf8),
            ("due_at", time()),
        ]);
        list
    };
    let payments = tail(vec![
        ("payment_id", DataType::Utf8),
        ("department", DataType::Utf8),
        ("payer_name", DataType::Utf8),
        ("currency", DataType::Utf8),
        ("residual", money()),
        ("payment_date", DataType::Date32),
        ("reason_sv", DataType::Utf8),
        ("candidates", candidates()),
    ]);
    let duplicates = tail(vec![("invoice_id", DataType::Utf8), ("payable", money())]);
    let unbalanced = tail(vec![("invoice_id", DataType::Utf8), ("rule", DataType::Utf8)]);
    let fees = [
        ("placement_id", DataType::Utf8),
        ("month", DataType::Date32),
        ("fee", money()),
        ("rate", DataType::Decimal128(7, 4)),
        ("child_name", DataType::Utf8),
        ("protected", DataType::Boolean),
    ];
    vec![
        JobInfo {
            exception: exception(
                "kund-ej-matchade",
                "Ej matchade inbetalningar",
                "Inbetalningen {payment_id} på {residual} den {payment_date} kunde inte kopplas till någon faktura: {reason_sv}.",
            ),
            ..job(
                "ar23_unmatched_payment",
                "ar",
                "Ej matchade kundinbetalningar",
                "payment_id",
                Some("residual"),
                &payments,
            )
        },
        JobInfo {
            exception: exception(
                "lev-felaktiga",
                "Felaktiga fakturor",
                "Fakturan {invoice_id} på {payable} finns två gånger.",
            ),
            ..job("ap01_duplicate_invoice", "ap", "Dubbletter", "invoice_id", Some("payable"), &duplicates)
        },
        JobInfo {
            exception: exception("lev-felaktiga", "Felaktiga fakturor", "Fakturan {invoice_id} bryter mot {rule}."),
            ..job("ap10_unbalanced_invoice", "ap", "E-fakturor som inte balanserar", "invoice_id", None, &unbalanced)
        },
        JobInfo {
            exception: exception("lev-tom", "Stoppade betalningar", "Betalningen {invoice_id} är stoppad."),
            ..job("ap31_not_executed", "ap", "Ej utförda betalningar", "invoice_id", Some("payable"), &duplicates)
        },
        job("fee29_monthly_fee", "fees", "Månadsavgift per barn", "placement_id", Some("fee"), &fees),
    ]
}

fn batch(schema: SchemaRef, rows: &[Value]) -> RecordBatch {
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::clone(&schema)).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    decoder.flush().unwrap().unwrap_or_else(|| RecordBatch::new_empty(schema))
}

fn evidence(contract: &str, ordinal: u64) -> String {
    let reference = RecordRef {
        contract: contract.to_owned(),
        file_id: PAYMENT_FILE.to_owned(),
        ordinal,
        byte_start: ordinal * 82,
        byte_end: ordinal * 82 + 64,
    };
    reference.to_string()
}

/// Identity of the awkward exception: markup in its name, candidates, two records behind it.
pub const AWKWARD: &str = "e0000";

fn payments() -> Vec<Value> {
    let mut rows = vec![
        json!({
            "payment_id": "bgmax:0000", "department": "Skärholmen", "payer_name": "<b onclick=x>Åsa</b> & Öbergs \"Måleri\"",
            "currency": "SEK", "residual": "-1234.50", "payment_date": "2026-03-20",
            "reason_sv": "referensen <saknas> & beloppet är negativt", "received_at": "2026-03-20T09:00:00Z",
            "candidates": [
                {"rank": 1, "invoice_no": "F-1001", "customer_name": "<i>Ärlig</i> AB", "remaining": "1234.50", "reason_sv": "samma belopp"},
                {"rank": 2, "invoice_no": "F-1002", "customer_name": null, "remaining": null, "reason_sv": "liknande namn"},
            ],
            "evidence": [evidence("payment_in", 7), evidence("customer_item", 9)],
            "exception_id": AWKWARD, "due_at": "2026-03-26T23:00:00Z",
        }),
        json!({
            "payment_id": "bgmax:0001", "department": null, "payer_name": null, "currency": "EUR", "residual": "99.00",
            "payment_date": null, "reason_sv": "okänd betalare", "received_at": "2026-03-31T09:00:00Z", "candidates": [],
            "evidence": [], "exception_id": "e0001", "due_at": "2026-03-31T22:00:00Z",
        }),
    ];
    for n in 2..130 {
        rows.push(json!({
            "payment_id": format!("bgmax:{n:04}"), "department": if n % 2 == 0 { "Skärholmen" } else { "Södermalm" },
            "payer_name": "Test Testsson", "currency": "SEK", "residual": format!("{n}.25"), "payment_date": "2026-03-30",
            "reason_sv": "ingen faktura har referensen", "received_at": "2026-03-31T10:00:00Z", "candidates": null,
            "evidence": [evidence("payment_in", n)], "exception_id": format!("e{n:04}"), "due_at": "2026-04-09T22:00:00Z",
        }));
    }
    rows
}

fn invoices(prefix: &str, due_at: &str) -> Vec<Value> {
    vec![json!({
        "invoice_id": format!("{prefix} 1/ö"), "payable": "500.00", "rule": "BR-CO-15", "received_at": "2026-03-30T09:00:00Z",
        "evidence": [evidence("supplier_invoice", 1)], "exception_id": prefix, "due_at": due_at,
    })]
}

fn files() -> Vec<Value> {
    let file = |file_id: &str, name: &str, status: &str| {
        json!({
            "file_id": file_id, "received_at": "2026-03-31T04:00:00Z", "ordinal": 1, "byte_start": 0, "byte_end": 0,
            "name": name, "landing": "bank", "format": "bgmax", "size": 12345, "status": status,
            "read_records": 131, "rejected_records": 1, "totals": [], "deliveries": [], "remarks": [],
        })
    };
    let mut accepted = file(PAYMENT_FILE, "BgMax_<å>.txt", "accepted");
    accepted["totals"] = json!([{"currency": "SEK", "declared_amount": "8500.75", "read_amount": "8400.75", "rejected_amount": "100.00"}]);
    accepted["deliveries"] = json!([{"contract": "payment_in", "accepted": 130, "rejected": 1}]);
    accepted["remarks"] =
        json!([{"code": "bgmax.blank_line", "message": "En tom rad hoppades över", "position": "rad 4"}]);
    let mut refused = file(REFUSED_FILE, "fel.txt", "refused");
    refused["reason_code"] = json!("bgmax.deposit_sum");
    refused["reason"] = json!("Insättningens summa är 100,00 kr men filen uppger 200,00 kr");
    refused["reason_position"] = json!("rad 12, kolumn 38");
    vec![accepted, refused]
}

fn rejects() -> Vec<Value> {
    let hex: String = b"20\xc5<script>x</script>".iter().map(|byte| format!("{byte:02x}")).collect();
    vec![json!({
        "file_id": PAYMENT_FILE, "received_at": "2026-03-31T04:00:00Z", "ordinal": 131, "byte_start": 10742, "byte_end": 10822,
        "contract": "payment_in", "code": "bgmax.amount", "message": "amount is not a number",
        "message_sv": "Beloppet är inte ett tal", "amount": "100.00", "currency": "SEK", "raw": hex,
    })]
}

fn invariant(name: &str, statement: &str, holds: bool) -> Invariant {
    Invariant {
        name: name.to_owned(),
        statement: statement.to_owned(),
        holds,
        detail: Some("8 500,75 kr mot 8 500,75 kr".to_owned()),
    }
}

/// A generation with this number.
pub fn generation(number: u64) -> Generation {
    Generation {
        number,
        published_at: "2026-03-31T05:12:00Z".parse().unwrap(),
        as_of: "2026-03-31".parse().unwrap(),
        audit: vec![
            invariant("INV-ORE", "Varje öre in är matchat, öppet eller avvisat", true),
            invariant("INV-LANDED", "Varje post är antagen eller avvisad, aldrig båda", true),
        ],
        tables: BTreeMap::from([("ar23_unmatched_payment".to_owned(), 130), ("payment_in".to_owned(), 1_234_567)]),
        money: vec![Balance {
            currency: "SEK".to_owned(),
            received: 850_075,
            matched: 700_000,
            open: 140_075,
            rejected: 10_000,
        }],
        files: Files { accepted: 1, refused: 1, test: 0, records: 130, rejects: 1 },
    }
}

impl Fake {
    /// A source with generations 6 and 7.
    pub fn new() -> Self {
        let mut tables = BTreeMap::new();
        let rows = [
            payments(),
            invoices("d0001", "2026-04-01T22:00:00Z"),
            invoices("u0001", "2026-04-20T22:00:00Z"),
            Vec::new(),
            vec![
                json!({"placement_id": "=1+1", "month": "2026-03-01", "fee": "1847.00", "rate": "3.0000", "child_name": "<b>Åke;</b>", "protected": false}),
                json!({"placement_id": "p2", "month": "2026-03-01", "fee": null, "rate": null, "child_name": null, "protected": true}),
            ],
        ];
        for (job, rows) in jobs().into_iter().zip(rows) {
            let fields: Vec<Field> =
                job.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), true)).collect();
            tables.insert(job.name, batch(Arc::new(Schema::new(fields)), &rows));
        }
        for (name, rows) in [("file", files()), ("reject", rejects())] {
            tables.insert(name.to_owned(), batch(Arc::clone(&schemas::contract(name).unwrap().schema), &rows));
        }
        Self {
            tables,
            generations: vec![generation(6), generation(7)],
            run: None,
            broken: Mutex::new(None),
            reads: Mutex::new(0),
        }
    }

    /// The fake when its last run did not hold.
    pub fn held() -> Self {
        let mut audit = generation(8).audit;
        audit[0].holds = false;
        let run = Run {
            started_at: "2026-03-31T08:00:00Z".parse().unwrap(),
            ended_at: "2026-03-31T08:01:00Z".parse().unwrap(),
            as_of: "2026-03-31".parse().unwrap(),
            outcome: Outcome::Held,
            audit,
        };
        Self { run: Some(run), ..Self::new() }
    }

    fn select(&self, table: &str, query: &RowQuery) -> Result<RecordBatch, SourceError> {
        *self.reads.lock().unwrap() += 1;
        if let Some(error) = self.broken.lock().unwrap().clone() {
            return Err(error);
        }
        let batch = self.tables.get(table);
        let batch = batch.ok_or_else(|| SourceError::NotFound { generation: 7, what: format!("table {table}") })?;
        let rows: Vec<Map<String, Value>> =
            (0..batch.num_rows()).map(|index| schemas::json::row(batch, index)).collect();
        let mut kept: Vec<usize> =
            (0..rows.len()).filter(|index| query.filters.iter().all(|f| fits(f, &rows[*index]))).collect();
        kept.sort_by(|a, b| {
            let orders = query.order_by.iter().map(|order| {
                let (a, b) = (&rows[*a][&order.column], &rows[*b][&order.column]);
                compare(a, b, order.descending)
            });
            orders.fold(Ordering::Equal, Ordering::then)
        });
        let skipped = kept.into_iter().skip(usize::try_from(query.offset).unwrap());
        let taken = skipped.take(query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()));
        let indices = UInt32Array::from_iter_values(taken.map(|index| u32::try_from(index).unwrap()));
        Ok(take_record_batch(batch, &indices).unwrap())
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn fits(filter: &Filter, row: &Map<String, Value>) -> bool {
    match filter {
        Filter::Is(column, value) => plain(&row[column]) == *value,
        Filter::Contains(columns, text) => {
            let text = text.to_lowercase();
            columns.iter().filter_map(|column| plain(&row[column])).any(|value| value.to_lowercase().contains(&text))
        }
    }
}

/// Nulls last in both directions; amounts by value.
fn compare(a: &Value, b: &Value, descending: bool) -> Ordering {
    match (plain(a), plain(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => {
            let number = |text: &str| schemas::money::parse_decimal(text, 2);
            let order = match (number(&a), number(&b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.cmp(&b),
            };
            if descending { order.reverse() } else { order }
        }
    }
}

#[async_trait]
impl Source for Fake {
    async fn generation(&self, number: Option<u64>) -> Result<Option<Arc<Generation>>, SourceError> {
        match number {
            None => Ok(self.generations.last().cloned().map(Arc::new)),
            Some(number) => {
                let found = self.generations.iter().find(|generation| generation.number == number);
                found.cloned().map(|found| Some(Arc::new(found))).ok_or(SourceError::NoSuchGeneration(number))
            }
        }
    }

    async fn last_run(&self) -> Result<Option<Run>, SourceError> {
        Ok(self.run.clone())
    }

    async fn jobs(&self, _generation: u64) -> Result<Arc<Vec<JobInfo>>, SourceError> {
        Ok(Arc::new(jobs()))
    }

    async fn rows(&self, _generation: u64, table: &str, query: RowQuery) -> Result<Rows, SourceError> {
        let batch = self.select(table, &query)?;
        let half = batch.num_rows() / 2;
        let parts = [batch.slice(0, half), batch.slice(half, batch.num_rows() - half)];
        Ok(Rows { schema: batch.schema(), batches: stream::iter(parts.map(Ok)).boxed() })
    }

    async fn count(&self, _generation: u64, table: &str, filters: &[Filter]) -> Result<u64, SourceError> {
        let query = RowQuery { filters: filters.to_vec(), ..RowQuery::default() };
        Ok(u64::try_from(self.select(table, &query)?.num_rows()).unwrap())
    }

    async fn groups(&self, _generation: u64, job: &str, filters: &[Filter]) -> Result<Vec<Group>, SourceError> {
        let query = RowQuery { filters: filters.to_vec(), ..RowQuery::default() };
        let batch = self.select(job, &query)?;
        let amount = jobs().into_iter().find(|known| known.name == job).and_then(|job| job.amount);
        let group = |index: usize| {
            let row = schemas::json::row(&batch, index);
            let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
            let amount = amount.as_deref().and_then(text);
            Group {
                department: text("department"),
                due_at: text("due_at").map(|at| at.parse::<DateTime<Utc>>().unwrap()),
                count: 1,
                currency: text("currency"),
                sum: amount.and_then(|amount| schemas::money::parse_decimal(&amount, 2)),
            }
        };
        Ok((0..batch.num_rows()).map(group).collect())
    }

    async fn calendar(&self, _generation: u64) -> Result<Arc<Calendar>, SourceError> {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let easter = [day("2026-04-03"), day("2026-04-06")];
        Ok(Arc::new(Calendar::new(day("2026-01-01"), day("2026-12-31"), easter)))
    }

    async fn decisions(&self, _generation: u64, exception_id: &str) -> Result<Vec<Decision>, SourceError> {
        let decision = Decision {
            decision_id: "d1".to_owned(),
            kind: Kind::Claim,
            decided_by: "anna.ek".to_owned(),
            decided_at: "2026-03-30T10:00:00Z".parse().unwrap(),
            comment: Some("Ringer <betalaren>".to_owned()),
        };
        Ok(if exception_id == AWKWARD { vec![decision] } else { Vec::new() })
    }

    async fn explain(&self, _generation: u64, table: &str, exception_id: &str) -> Result<Explanation, SourceError> {
        let row = |value: Value| value.as_object().cloned().unwrap();
        let step = |table: &str, kind: StepKind, rows: Vec<Value>| ExplainedStep {
            table: table.to_owned(),
            kind,
            title: format!("Titel <{table}>"),
            description: "Rule".to_owned(),
            catalogue: vec!["AR23".to_owned()],
            version: Some("0123456789abcdef".to_owned()),
            changed_since: kind == StepKind::Job,
            key: vec!["payment_id".to_owned()],
            personal: BTreeSet::from(["payer_name".to_owned()]),
            found: rows.len() + 2,
            rows: rows.into_iter().map(row).collect(),
            complete: false,
            used_by: BTreeSet::from(["ar23_unmatched_payment".to_owned()]),
            missing: vec![Missing {
                tables: BTreeSet::from(["customer_item".to_owned()]),
                condition: "ocr = \"<1>\" and item_id = 2".to_owned(),
            }],
            recomputed: Some(kind == StepKind::Job),
        };
        let steps = vec![
            step(
                table,
                StepKind::Job,
                vec![json!({"payment_id": exception_id, "payer_name": "Hemlig Person", "residual": "100.00"})],
            ),
            step(
                "payment_in",
                StepKind::Contract,
                vec![json!({"payment_id": "p&1", "payer_name": "Hemlig Person", "ordinal": 3, "references": [1]})],
            ),
            step(
                "param",
                StepKind::Parameter,
                vec![json!({"name": "dup_days", "value": "30", "source": "SFS <x>", "approved_by": "Anna"})],
            ),
        ];
        let file = ExplainedFile {
            file_id: PAYMENT_FILE.to_owned(),
            name: "bg&max.txt".to_owned(),
            landing: "bank".to_owned(),
            received_at: "2026-03-31T04:00:00Z".to_owned(),
        };
        Ok(Explanation { steps, files: vec![file] })
    }

    async fn raw(&self, reference: &RecordRef) -> Result<Bytes, SourceError> {
        if reference.contract == "customer_item" {
            return Err(SourceError::Unavailable("archive".to_owned()));
        }
        Ok(Bytes::from_static(ORIGINAL))
    }
}

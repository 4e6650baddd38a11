//! Spans as the OpenTelemetry protocol writes them, and the thread that sends them (OTLP over HTTP, protobuf).
//!
//! By hand, because the SDK of OpenTelemetry asks for other features of what the whole tree stands on, and what is sent
//! is this small: docs/decisions/0010-traces-without-an-sdk.md. The numbers of the fields are those of
//! `opentelemetry/proto/trace/v1/trace.proto`.
#![allow(missing_docs, reason = "the protocol says what its fields are")]

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use prost::Message;

use crate::metrics::SPANS_LOST;
use crate::wait::Wait;

/// Spans that wait to be sent; more are lost and counted.
const WAITING: usize = 8192;
/// Spans of a request.
const BATCH: usize = 512;
/// How long spans wait for others.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the collector may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is sent.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    #[prost(message, repeated, tag = "1")]
    pub resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub version: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Span {
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub name: String,
    #[prost(int32, tag = "6")]
    pub kind: i32,
    #[prost(fixed64, tag = "7")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    pub end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = "13")]
    pub links: Vec<Link>,
    #[prost(message, optional, tag = "15")]
    pub status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Link {
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Status {
    #[prost(int32, tag = "3")]
    pub code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3")]
    pub value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Number(i64),
}

impl KeyValue {
    pub fn new(key: &str, value: Value) -> Self {
        Self { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
    }
}

/// What the thread is told.
enum Told {
    Span(Box<Span>),
    /// Send what there is, and answer.
    Flush(SyncSender<()>),
}

/// Where ended spans go. Nothing waits for it.
#[derive(Clone)]
pub(crate) struct Exporter(SyncSender<Told>);

impl Exporter {
    /// Starts the thread that sends to a collector's address, such as `http://127.0.0.1:4318`.
    pub fn start(address: &str, service: &str, version: &str) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let url = format!("{}/v1/traces", address.trim_end_matches('/').trim_end_matches("/v1/traces"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let text = |text: &str| Value::Text(text.to_owned());
        let attributes =
            vec![KeyValue::new("service.name", text(service)), KeyValue::new("service.version", text(version))];
        let worker = Worker { url, client: reqwest::Client::new(), runtime, resource: Resource { attributes } };
        std::thread::Builder::new().name("traces".to_owned()).spawn(move || worker.work(&receiver))?;
        Ok(Self(sender))
    }

    pub fn send(&self, span: Span) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.0.try_send(Told::Span(Box::new(span)))
        {
            SPANS_LOST.add(&[], 1);
        }
    }

    /// Waits until what has ended is sent, or the collector has had its time.
    pub fn flush(&self) {
        let (answer, answered) = sync_channel(1);
        if self.0.send(Told::Flush(answer)).is_ok() {
            // Without an answer the collector was too slow: what is lost is counted by the thread, if it still lives.
            let _ = answered.recv_timeout(DEADLINE);
        }
    }
}

struct Worker {
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    resource: Resource,
}

impl Worker {
    fn work(&self, told: &Receiver<Told>) {
        let mut spans = Vec::new();
        let mut due = Instant::now() + PAUSE;
        loop {
            match told.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Told::Span(span)) => {
                    spans.push(*span);
                    if spans.len() < BATCH {
                        continue;
                    }
                    self.send(std::mem::take(&mut spans));
                }
                Ok(Told::Flush(answer)) => {
                    self.send(std::mem::take(&mut spans));
                    // Who asked may have gone on.
                    let _ = answer.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.send(std::mem::take(&mut spans)),
                Err(RecvTimeoutError::Disconnected) => return self.send(spans),
            }
            due = Instant::now() + PAUSE;
        }
    }

    fn send(&self, spans: Vec<Span>) {
        if spans.is_empty() {
            return;
        }
        let count = spans.len() as u64;
        let scope = Scope { name: "reskontra".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let scopes = vec![ScopeSpans { scope: Some(scope), spans }];
        let resource = Some(self.resource.clone());
        let body = Request { resources: vec![ResourceSpans { resource, scopes }] }.encode_to_vec();
        let request = self.client.post(&self.url).header("content-type", "application/x-protobuf").timeout(DEADLINE);
        let _wait = Wait::TraceCollector.begin();
        match self.runtime.block_on(async { request.body(body).send().await?.error_for_status() }) {
            Ok(_) => {}
            Err(error) => {
                SPANS_LOST.add(&[], count);
                if error.is_timeout() {
                    Wait::TraceCollector.missed();
                }
            }
        }
    }
}

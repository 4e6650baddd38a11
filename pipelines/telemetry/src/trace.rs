//! Traces: a file is followed from its landing place to the generation that shows it.
//!
//! A span's context travels as text (`traceparent` of W3C Trace Context): in a header of the first message that a file
//! has on each topic-partition, in the journal's entry, and in the information that a Delta commit carries. What
//! [continues](continue_from) a single trace joins it; what joins many links to them. No row depends on any of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::otlp::{self, Exporter, KeyValue, Link, Value};

/// Name of the header, and of the field in journals and commits.
pub const HEADER: &str = "traceparent";
/// Links of a span, at most: as many as OpenTelemetry lets a span have.
pub const LINKS: usize = 128;
/// How long a text that is a context.
const LENGTH: usize = 55;

/// A span of a trace, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span))
    }
}

impl FromStr for TraceParent {
    type Err = ();

    /// Reads version 0; what is none is no error for anybody: the trace begins anew.
    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split('-').collect();
        let ["00", trace, span, _] = parts[..] else { return Err(()) };
        if (text.len(), trace.len(), span.len()) != (LENGTH, 32, 16) {
            return Err(());
        }
        let trace = u128::from_str_radix(trace, 16).map_err(drop)?;
        let span = u64::from_str_radix(span, 16).map_err(drop)?;
        if trace == 0 || span == 0 {
            return Err(());
        }
        Ok(Self { trace: trace.to_be_bytes(), span: span.to_be_bytes() })
    }
}

/// Spans under way, by the number that `tracing` gives them.
static OPEN: Mutex<BTreeMap<u64, Open>> = Mutex::new(BTreeMap::new());
static EXPORTER: OnceLock<Exporter> = OnceLock::new();

struct Open {
    context: TraceParent,
    parent: Option<[u8; 8]>,
    began: Duration,
    attributes: Vec<KeyValue>,
    links: Vec<TraceParent>,
}

fn with<T>(id: Option<Id>, work: impl FnOnce(&mut Open) -> T) -> Option<T> {
    EXPORTER.get()?;
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&id?.into_u64()).map(work)
}

/// The context of the span under way; none without traces.
#[must_use]
pub fn current() -> Option<TraceParent> {
    of(&Span::current())
}

/// The context of a span; none without traces.
#[must_use]
pub fn of(span: &Span) -> Option<TraceParent> {
    with(span.id(), |open| open.context)
}

/// Lets a span that has just begun continue what other spans did: it joins their trace when it is one, and links to
/// them when they are many.
pub fn continue_from(span: &Span, others: &[TraceParent]) {
    let Some(last) = others.last() else { return };
    with(span.id(), |open| {
        if open.parent.is_none() && others.iter().all(|other| other.trace == last.trace) {
            open.context.trace = last.trace;
            open.parent = Some(last.span);
        }
        let linked = others.iter().filter(|other| Some(other.span) != open.parent);
        open.links.extend(linked.take(LINKS));
    });
}

/// Waits until ended spans are sent.
pub(crate) fn flush() {
    if let Some(exporter) = EXPORTER.get() {
        exporter.flush();
    }
}

/// Gives the spans of this process to an exporter.
pub(crate) struct Traces {
    clock: fn() -> Duration,
}

impl Traces {
    pub fn new(exporter: Exporter, clock: fn() -> Duration) -> Self {
        // The first exporter of a process stays.
        let _ = EXPORTER.set(exporter);
        Self { clock }
    }

    fn nanos(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Traces {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = match attributes.parent() {
            Some(parent) => Some(parent.clone()),
            None if attributes.is_contextual() => context.lookup_current().map(|span| span.id()),
            None => None,
        };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = parent.and_then(|parent| open.get(&parent.into_u64())).map(|parent| parent.context);
        let mut span = [0; 8];
        span.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..8]);
        let trace = parent.map_or_else(|| uuid::Uuid::new_v4().into_bytes(), |parent| parent.trace);
        let mut begun = Open {
            context: TraceParent { trace, span },
            parent: parent.map(|parent| parent.span),
            began: (self.clock)(),
            attributes: Vec::new(),
            links: Vec::new(),
        };
        attributes.record(&mut Fields(&mut begun.attributes));
        open.insert(id.into_u64(), begun);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        with(Some(id.clone()), |open| values.record(&mut Fields(&mut open.attributes)));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let ended = OPEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.into_u64());
        let (Some(ended), Some(exporter)) = (ended, EXPORTER.get()) else { return };
        let name = context.span(&id).map(|span| span.name().to_owned()).unwrap_or_default();
        let link = |link: &TraceParent| Link { trace_id: link.trace.to_vec(), span_id: link.span.to_vec() };
        let failed = ended.attributes.iter().any(|attribute| attribute.key == "error");
        exporter.send(otlp::Span {
            trace_id: ended.context.trace.to_vec(),
            span_id: ended.context.span.to_vec(),
            parent_span_id: ended.parent.map(|span| span.to_vec()).unwrap_or_default(),
            // SPAN_KIND_PRODUCER, _CONSUMER, _INTERNAL.
            kind: match name.as_str() {
                "deliver" => 4,
                "land" => 5,
                _ => 1,
            },
            name,
            start_time_unix_nano: Self::nanos(ended.began),
            end_time_unix_nano: Self::nanos((self.clock)()),
            attributes: ended.attributes,
            links: ended.links.iter().map(link).collect(),
            // STATUS_CODE_ERROR.
            status: failed.then_some(otlp::Status { code: 2 }),
        });
    }
}

struct Fields<'a>(&'a mut Vec<KeyValue>);

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push(KeyValue::new(field.name(), Value::Number(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push(KeyValue::new(field.name(), Value::Bool(value)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push(KeyValue::new(field.name(), Value::Text(value.to_owned())));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push(KeyValue::new(field.name(), Value::Text(format!("{value:?}"))));
    }
}

#[cfg(test)]
mod tests;

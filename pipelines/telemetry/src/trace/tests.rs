use prost::Message as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::otlp::Request;

#[test]
fn a_context_is_read_as_it_is_written_and_what_is_none_is_refused() {
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(text.parse::<TraceParent>().unwrap().to_string(), text);
    for none in ["", "00-0-0-01", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &text.replace('4', "x")] {
        assert!(none.parse::<TraceParent>().is_err(), "{none}");
    }
    assert!(format!("00-{}-{}-01", "0".repeat(32), "1".repeat(16)).parse::<TraceParent>().is_err());
}

#[test]
fn spans_are_sent_with_parents_within_the_process_and_beyond() {
    let collector = harness::Collector::start().unwrap();
    let exporter = Exporter::start(collector.address(), "reskontra", "1").unwrap();
    let layer = Traces::new(exporter, || Duration::from_secs(7));
    let [one, other]: [TraceParent; 2] =
        ["a", "b"].map(|digit| format!("00-{}-{}-01", digit.repeat(32), digit.repeat(16)).parse().unwrap());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let alone = tracing::info_span!("land", contract = "payment", rows = 3u64);
        continue_from(&alone, &[one]);
        assert_eq!(of(&alone).unwrap().trace, one.trace);
        alone.in_scope(|| drop(tracing::info_span!("commit")));
        drop(alone);
        continue_from(&tracing::info_span!("run"), &[one, other]);
    });
    flush();
    let request = Request::decode(&collector.bodies().pop().unwrap()[..]).unwrap();
    let spans = &request.resources[0].scopes[0].spans;
    let span = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (land, commit, run) = (span("land"), span("commit"), span("run"));
    assert_eq!((&land.trace_id[..], &land.parent_span_id[..]), (&one.trace[..], &one.span[..]));
    assert!(land.links.is_empty());
    assert_eq!(land.attributes[1], KeyValue::new("rows", Value::Number(3)));
    assert_eq!((&commit.trace_id, &commit.parent_span_id), (&land.trace_id, &land.span_id));
    assert!(run.parent_span_id.is_empty() && run.trace_id != one.trace && run.links.len() == 2);
    assert_eq!(run.start_time_unix_nano, 7_000_000_000);
}

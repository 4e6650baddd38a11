//! What operators see: metrics, readiness, logs, and the way of a payment from its file to a generation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::Collector;
use prost::Message as _;
use serde_json::Value;
use telemetry::metrics::METRICS;
use telemetry::otlp::{self, Request, Span};

use crate::folder::{Folder, each_file};
use crate::program::run;

const DEADLINE: Duration = Duration::from_secs(900);

/// A city of which only the files arrived that `keeps` chooses.
fn small(keeps: impl Fn(&str) -> bool) -> Folder {
    let folder = Folder::city(1);
    each_file(&folder.path().join("landing"), &mut |file| {
        if !keeps(file.strip_prefix(folder.path().join("landing")).unwrap().to_str().unwrap()) {
            fs::remove_file(file).unwrap();
        }
    });
    folder
}

fn text<'a>(span: &'a Span, key: &str) -> &'a str {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key);
    match attribute.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(otlp::Value::Text(text)) => text,
        other => panic!("{} has no {key}: {other:?}", span.name),
    }
}

#[test]
fn a_payment_is_followed_from_its_file_to_the_generation_and_no_row_knows_of_it() {
    let folder = small(|name| name == "bank/BGMAX_20260803_OCR.txt");
    let untold = folder.copy();
    let collector = Collector::start().unwrap();
    let metrics = folder.path().join("ingest.prom");
    for verb in ["ingest", "land", "run"] {
        let mut step = folder.reskontra(&[verb, "--metrics", metrics.to_str().unwrap()]);
        run(step.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address())).succeeded();
        if verb == "ingest" {
            let told = fs::read_to_string(&metrics).unwrap();
            assert!(told.contains("reskontra_files_total{place=\"bank\",status=\"accepted\"} 1"), "{told}");
        }
    }
    let requests = collector.bodies().into_iter().map(|body| Request::decode(&body[..]).unwrap());
    let spans: Vec<Span> = requests
        .flat_map(|request| request.resources)
        .flat_map(|resource| resource.scopes)
        .flat_map(|scope| scope.spans)
        .collect();
    let named = |name: &'static str| spans.iter().filter(move |span| span.name == name);
    let receive = named("receive").next().unwrap();
    for span in &spans {
        assert_eq!(span.trace_id, receive.trace_id, "{} is in the file's trace", span.name);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.status.is_none(), "{span:?}");
    }
    assert!(receive.parent_span_id.is_empty());
    assert_eq!((text(receive, "format"), text(receive, "file").len()), ("bgmax", 64));
    let parents = |name| named(name).map(|span| &span.parent_span_id).collect::<BTreeSet<_>>();
    for step in ["archive", "parse", "deliver"] {
        assert_eq!(parents(step), BTreeSet::from([&receive.span_id]), "{step}");
    }
    let deliver = named("deliver").next().unwrap();
    assert_eq!(parents("land"), BTreeSet::from([&deliver.span_id]));
    let landed: BTreeSet<&str> = named("land").map(|span| text(span, "contract")).collect();
    assert!(landed.contains("payment_in") && landed.contains("file"), "{landed:?}");
    let run_span = named("run").next().unwrap();
    assert!(named("land").any(|land| land.span_id == run_span.parent_span_id));
    assert_eq!(run_span.links.len() + 1, named("land").count(), "it names each commit that it shows");
    let generation = run_span.attributes.iter().find(|attribute| attribute.key == "generation").unwrap();
    assert_eq!(*generation, otlp::KeyValue::new("generation", otlp::Value::Number(1)));

    untold.up().succeeded();
    assert_eq!(folder.content(), untold.content(), "tables do not depend on traces");
}

/// A process that goes on, with its lines.
struct Running {
    process: Child,
    lines: mpsc::Receiver<String>,
    address: String,
    pages: String,
}

impl Running {
    fn start(folder: &Folder, verb: &str) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (address, pages) = (free(), free());
        folder.configure(|text| {
            let text = text.split("\n[telemetry]").next().unwrap().to_owned();
            format!("{text}\n[telemetry]\naddress = {address:?}\nlogs = \"json\"\n[serve]\naddress = {pages:?}\n")
        });
        let mut command = folder.reskontra(&[verb]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines, address, pages }
    }

    fn get(address: &str, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Asks until the answer has this status.
    #[track_caller]
    fn wait(&mut self, path: &str, status: u16) -> Value {
        let started = Instant::now();
        loop {
            let answer = Self::get(&self.address, path);
            if let Some((_, body)) = answer.as_ref().filter(|(code, _)| *code == status) {
                return serde_json::from_str(body).unwrap();
            }
            assert!(
                self.process.try_wait().unwrap().is_none(),
                "it ended: {:?}",
                self.lines.iter().collect::<Vec<_>>()
            );
            assert!(started.elapsed() < DEADLINE, "{path} answers {answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn stop(mut self) -> Vec<String> {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.arg(self.process.id().to_string()).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        self.lines.iter().collect()
    }
}

#[test]
fn a_process_tells_every_metric_of_the_list_and_no_other_whether_it_is_ready_and_what_it_does() {
    let folder = small(|name| name.starts_with("bank/") || name.starts_with("erp/"));
    fs::write(folder.landing("bank").join("BGMAX_19850713-2399.txt"), "nonsense").unwrap();

    let mut serve = Running::start(&folder, "serve");
    let answer = serve.wait("/readyz", 503);
    let checks = [&answer["checks"][0], &answer["checks"][1]];
    assert_eq!((&checks[0]["name"], &checks[0]["ok"]), (&"store".into(), &true.into()), "{answer}");
    assert_eq!((&checks[1]["name"], &checks[1]["ok"]), (&"generation".into(), &false.into()), "{answer}");
    assert_eq!(checks[1]["reason"], "nothing has been published");
    assert_eq!(Running::get(&serve.address, "/healthz").unwrap().0, 200, "it is alive all the same");
    serve.stop();

    let mut up = Running::start(&folder, "up");
    let answer = up.wait("/readyz", 200);
    assert_eq!((&answer["ready"], &answer["checks"][1]["generation"]), (&true.into(), &1.into()), "{answer}");
    let started = Instant::now();
    while Running::get(&up.pages, "/readyz").is_none_or(|(status, _)| status != 200) {
        assert!(started.elapsed() < DEADLINE, "pages are served once there is a generation");
    }
    let (status, told) = Running::get(&up.address, "/metrics").unwrap();
    let lines = up.stop();
    assert_eq!(status, 200);
    let families = |prefix: &str| -> BTreeMap<String, String> {
        let lines = told.lines().filter_map(|line| line.strip_prefix(prefix)?.split_once(' '));
        lines.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    };
    let listed = METRICS.iter().map(|metric| (metric.name.to_owned(), metric.help.trim().to_owned()));
    assert_eq!(families("# HELP "), listed.collect(), "the list says what is told, and all of it");
    for sure in [
        "reskontra_files_total{place=\"bank\",status=\"refused\"} 3",
        "reskontra_generation 1",
        "reskontra_runs_total{outcome=\"published\"} 1",
        "reskontra_audit_violations{invariant=\"INV-LANDED-ONCE\"} 0",
        "reskontra_lag_records{contract=\"payment_in\",partition=\"0\"} 0",
        "reskontra_lag_seconds{contract=\"payment_in\",partition=\"0\"} 0",
    ] {
        assert!(told.lines().any(|line| line == sure), "{sure} is missing in\n{told}");
    }
    assert!(!told.contains("19850713"), "no name of a file is in a label");

    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let event = |message: &str| events.iter().find(|event| event["message"] == message).unwrap();
    let landed = event("landed");
    assert!(landed["contract"].is_string() && landed["from"].is_u64() && landed["to"].is_u64(), "{landed}");
    assert_eq!((&landed["partition"], &landed["span"]["name"]), (&0.into(), &"land".into()), "{landed}");
    assert_eq!(event("file received")["file"].as_str().map(str::len), Some(64));
    assert_eq!(event("run ended")["generation"], 1);
    assert!(!lines.iter().any(|line| line.contains("19850713")), "no name of a file is in a log");
}

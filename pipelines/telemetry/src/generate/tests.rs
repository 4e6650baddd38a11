use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

/// The table stands between these lines of the documentation.
const MARKS: [&str; 2] = ["<!-- metrics: made of pipelines/telemetry -->\n", "<!-- end of metrics -->"];

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares a generated file; writes it when UPDATE_EXPECT=1.
fn current(path: &str, text: &str) {
    let path = root(path);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "{} is not what the list of metrics says: run `UPDATE_EXPECT=1 cargo test -p telemetry generated`",
        path.display()
    );
}

#[test]
fn generated_files_are_current() {
    current("infra/observe/alerts.yaml", &alerts());
    current("infra/observe/dashboard.json", &dashboard());
    // A chart can read only what lies in it.
    current("infra/helm/reskontra/files/alerts.yaml", &alerts());
    current("infra/helm/reskontra/files/dashboard.json", &dashboard());
    let written = fs::read_to_string(root("docs/operations.md")).unwrap();
    let (before, rest) = written.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    current("docs/operations.md", &format!("{before}{}{}{}{after}", MARKS[0], table(), MARKS[1]));
}

#[test]
fn names_are_the_ones_prometheus_expects_and_every_expression_names_a_metric_of_the_list() {
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
    for metric in METRICS {
        assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        assert!(metric.kind != Kind::Histogram || metric.name.ends_with("_seconds"), "{}", metric.name);
        let alert = metric.alert.map(|alert| alert.when).unwrap_or_default();
        let used = format!("{} {alert}", metric.panel.0);
        assert!(used.contains(metric.name), "{} is shown by {used}", metric.name);
        let words = used.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("reskontra_") || word.starts_with("process_")) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            assert!(names.contains(family), "{}: there is no {word}", metric.name);
        }
    }
}

#[test]
fn every_metric_can_be_told_and_is_described() {
    use crate::metrics as m;
    m::begin("0", 0);
    m::FILES.add(&["bank", "accepted"], 1);
    m::HTTP_SECONDS.observe(&["/", "200"], Duration::from_millis(3));
    crate::lag::ends("payment", 0, 7);
    let _wait = crate::wait::Wait::Store.begin();
    let text = crate::render(0);
    assert!(text.contains("# HELP reskontra_files_total Files at landing places"), "{text}");
    assert!(text.contains("reskontra_files_total{place=\"bank\",status=\"accepted\"} 1"), "{text}");
    assert!(text.contains("reskontra_lag_records{contract=\"payment\",partition=\"0\"} 7"), "{text}");
    assert!(
        !text.contains("reskontra_stalled_seconds_total{what=\"store\"} 0\n"),
        "a wait counts while it lasts: {text}"
    );
}

//! What is made of the list of metrics: alert rules, dashboard, documentation.

use serde_json::{Value, json};

use crate::family::{Kind, Metric};
use crate::metrics::METRICS;

/// Rules of Prometheus.
#[must_use]
pub fn alerts() -> String {
    let mut text = String::from(
        "# Made of the list of metrics (pipelines/telemetry); edit it there.\ngroups:\n  - name: reskontra\n    rules:\n",
    );
    for metric in METRICS {
        let Some(alert) = metric.alert else { continue };
        // A text in JSON is one in YAML too.
        let quoted = |text: &str| Value::from(text).to_string();
        text += &format!(
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n        annotations:\n          summary: {}\n          description: {}\n",
            alert.name,
            quoted(alert.when),
            alert.lasting,
            alert.severity,
            quoted(alert.summary),
            quoted(metric.when_bad),
        );
    }
    text
}

/// A dashboard of Grafana: one panel a metric.
#[must_use]
pub fn dashboard() -> String {
    let panels: Vec<Value> = METRICS.iter().enumerate().map(|(index, metric)| panel(index, metric)).collect();
    let dashboard = json!({
        "title": "Reskontra",
        "uid": "reskontra",
        "description": "Made of the list of metrics (pipelines/telemetry); edit it there.",
        "tags": ["reskontra"],
        "schemaVersion": 39,
        "version": 1,
        "editable": false,
        "timezone": "Europe/Stockholm",
        "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [{
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"
        }] },
        "panels": panels,
    });
    format!("{dashboard:#}\n")
}

fn panel(index: usize, metric: &Metric) -> Value {
    let (expression, legend) = metric.panel;
    let unit = match metric.unit {
        _ if expression.contains("rate(") && metric.unit == "rows" => "rowsps",
        "seconds" => "s",
        "seconds since 1970" => "s",
        "bytes" => "bytes",
        _ => "short",
    };
    let name = metric.name.trim_start_matches("reskontra_").trim_start_matches("process_");
    json!({
        "id": index + 1,
        "type": "timeseries",
        "title": name.replace('_', " "),
        "description": format!("{}\n\nWhen it is bad: {}", metric.help.trim(), metric.when_bad),
        "datasource": { "type": "prometheus", "uid": "${datasource}" },
        "gridPos": { "h": 7, "w": 8, "x": index % 3 * 8, "y": index / 3 * 7 },
        "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
        "options": { "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true } },
        "targets": [{ "refId": "A", "expr": expression, "legendFormat": legend }],
    })
}

/// The table of metrics for people.
#[must_use]
pub fn table() -> String {
    let mut text =
        String::from("| metric | kind | unit | labels | what it says | when it is bad |\n|---|---|---|---|---|---|\n");
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let bad = metric.when_bad.replace('|', "\\|");
        let (help, labels) = (metric.help.trim(), labels.join(", "));
        text += &format!("| `{}` | {kind} | {} | {labels} | {help} | {bad} |\n", metric.name, metric.unit);
    }
    text
}

#[cfg(test)]
mod tests;

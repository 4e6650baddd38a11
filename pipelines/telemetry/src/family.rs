//! A metric and the numbers that it has in this process.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry};

/// All numbers of this process.
pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

/// Upper bounds in seconds: from a local commit to a step that is given up.
const BUCKETS: [f64; 10] = [0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0];

/// How numbers of a metric are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows while the process lives.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

/// What there is to know of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it is told.
    pub kind: Kind,
    /// What is counted.
    pub unit: &'static str,
    /// What it is told apart by.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
    /// What to do when it is bad.
    pub when_bad: &'static str,
    /// What the dashboard shows: an expression and the name of a line.
    pub panel: (&'static str, &'static str),
    /// When somebody must look.
    pub alert: Option<Alert>,
}

/// When somebody must look.
#[derive(Debug, Clone, Copy)]
pub struct Alert {
    /// Its name.
    pub name: &'static str,
    /// An expression that has a value when it is time.
    pub when: &'static str,
    /// For how long it must have one.
    pub lasting: &'static str,
    /// `critical` wakes somebody, `warning` waits for the morning.
    pub severity: &'static str,
    /// One line, in which `{{ $labels.… }}` and `{{ $value }}` are filled in.
    pub summary: &'static str,
}

/// Counts what happens.
#[derive(Debug)]
pub struct Counter {
    /// What there is to know of it.
    pub about: Metric,
    family: OnceLock<Option<CounterVec>>,
}

/// Tells how something stands.
#[derive(Debug)]
pub struct Gauge {
    /// What there is to know of it.
    pub about: Metric,
    family: OnceLock<Option<GaugeVec>>,
}

/// Tells how long something takes.
#[derive(Debug)]
pub struct Histogram {
    /// What there is to know of it.
    pub about: Metric,
    family: OnceLock<Option<HistogramVec>>,
}

/// Only a list with two metrics of one name, or a name that none can have, is refused; a test makes them all.
fn registered<C: Collector + Clone + 'static>(made: prometheus::Result<C>) -> Option<C> {
    let family = made.ok()?;
    REGISTRY.register(Box::new(family.clone())).ok()?;
    Some(family)
}

impl Metric {
    fn opts(&self) -> Opts {
        Opts::new(self.name, self.help.trim())
    }
}

impl Counter {
    pub(crate) const fn new(about: Metric) -> Self {
        Self { about: Metric { kind: Kind::Counter, ..about }, family: OnceLock::new() }
    }

    fn with(&self, labels: &[&str]) -> Option<prometheus::Counter> {
        let make = || registered(CounterVec::new(self.about.opts(), self.about.labels));
        self.family.get_or_init(make).as_ref()?.get_metric_with_label_values(labels).ok()
    }

    /// Counts so many.
    pub fn add(&self, labels: &[&str], count: u64) {
        if let Some(counter) = self.with(labels) {
            counter.inc_by(count as f64);
        }
    }

    /// Counts time, in seconds.
    pub fn spent(&self, labels: &[&str], time: Duration) {
        if let Some(counter) = self.with(labels) {
            counter.inc_by(time.as_secs_f64());
        }
    }
}

impl Gauge {
    pub(crate) const fn new(about: Metric) -> Self {
        Self { about: Metric { kind: Kind::Gauge, ..about }, family: OnceLock::new() }
    }

    fn with(&self, labels: &[&str]) -> Option<prometheus::Gauge> {
        let make = || registered(GaugeVec::new(self.about.opts(), self.about.labels));
        self.family.get_or_init(make).as_ref()?.get_metric_with_label_values(labels).ok()
    }

    /// Tells how it stands.
    pub fn set(&self, labels: &[&str], value: i64) {
        if let Some(gauge) = self.with(labels) {
            gauge.set(value as f64);
        }
    }

    /// Tells a time, in seconds.
    pub fn set_seconds(&self, labels: &[&str], time: Duration) {
        if let Some(gauge) = self.with(labels) {
            gauge.set(time.as_secs_f64());
        }
    }
}

impl Histogram {
    pub(crate) const fn new(about: Metric) -> Self {
        Self { about: Metric { kind: Kind::Histogram, ..about }, family: OnceLock::new() }
    }

    /// Tells how long something took.
    pub fn observe(&self, labels: &[&str], time: Duration) {
        let make = || {
            let opts = HistogramOpts::from(self.about.opts()).buckets(BUCKETS.to_vec());
            registered(HistogramVec::new(opts, self.about.labels))
        };
        let family = self.family.get_or_init(make).as_ref();
        if let Some(histogram) = family.and_then(|family| family.get_metric_with_label_values(labels).ok()) {
            histogram.observe(time.as_secs_f64());
        }
    }
}

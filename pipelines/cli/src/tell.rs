//! What rounds and runs tell to those who operate the process, as metrics, events and spans.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use commit::generation::{Audit, Generation};
use engine::run::{Progress, Refreshed, Report};
use lake::Lake;
use telemetry::metrics::{
    AUDIT_VIOLATIONS, GENERATION, JOB_REFRESHES, JOB_ROWS, JOB_SECONDS, PUBLISHED_AT, RUN_SECONDS, RUNS,
};
use telemetry::trace::{self, LINKS};
use tracing::Span;

/// The generation in service.
pub fn generation(generation: &Generation) {
    GENERATION.set(&[], i64::try_from(generation.number).unwrap_or(i64::MAX));
    PUBLISHED_AT.set(&[], generation.published_at.timestamp());
    audit(&generation.audit);
}

fn audit(audit: &Audit) {
    for (name, violations) in &audit.invariants {
        AUDIT_VIOLATIONS.set(&[name], i64::try_from(*violations).unwrap_or(i64::MAX));
    }
}

/// A run under way.
pub struct Run {
    started: Instant,
    jobs: Mutex<BTreeMap<String, Instant>>,
}

impl Run {
    pub fn begins() -> Self {
        Self { started: Instant::now(), jobs: Mutex::default() }
    }

    /// How far it is.
    pub fn progress(&self, progress: &Progress<'_>) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Job { name, .. } => drop(jobs.insert((*name).to_owned(), Instant::now())),
            Progress::Done { name, rows, refreshed, .. } => {
                if let Some(started) = jobs.remove(*name) {
                    JOB_SECONDS.observe(&[name], started.elapsed());
                }
                JOB_ROWS.set(&[name], i64::try_from(*rows).unwrap_or(i64::MAX));
                let how = match refreshed {
                    Refreshed::Kept => "kept",
                    Refreshed::Keys { .. } => "keys",
                    Refreshed::Full(_) => "full",
                };
                JOB_REFRESHES.add(&[name, how], 1);
            }
            Progress::Audit => {}
        }
    }

    /// How it ended.
    pub fn ends(self, report: Option<&Report>) {
        let outcome = match report {
            None => "failed",
            Some(Report { generation: None, .. }) => "held",
            Some(Report { published: true, .. }) => "published",
            Some(_) => "unchanged",
        };
        RUNS.add(&[outcome], 1);
        RUN_SECONDS.observe(&[], self.started.elapsed());
        let Some(report) = report else { return };
        audit(&report.audit);
        for (invariant, violations) in report.audit.broken() {
            tracing::info!(invariant, violations, "an invariant is broken");
        }
        if let Some(shown) = &report.generation {
            generation(shown);
        }
        let number = report.generation.as_ref().map(|generation| generation.number);
        tracing::info!(outcome, generation = number, "run ended");
    }
}

/// Lets the span of a run continue the landing commits that its generation shows and the one before did not.
pub async fn follow(span: &Span, lake: &Lake, last: Option<&Generation>, report: &Report) -> Result<()> {
    let (Some(generation), true, Some(_)) = (&report.generation, report.published, trace::of(span)) else {
        return Ok(());
    };
    span.record("generation", generation.number);
    let mut traces = Vec::new();
    for (contract, cut) in &generation.landing {
        let since = last.and_then(|last| last.landing.get(contract)).map_or(0, |cut| cut.version);
        traces.extend(lake.landing_traces(contract, since, cut.version).await?);
    }
    traces.truncate(LINKS);
    trace::continue_from(span, &traces);
    Ok(())
}

//! The list of metrics.

pub use crate::family::{Alert, Counter, Gauge, Histogram, Kind, Metric};

/// The doc comment of a metric is what it says everywhere.
macro_rules! metrics {
    ($(
        #[doc = $help:literal]
        $family:ident $name:ident = $text:literal ($unit:literal, [$($label:literal),*])
            panel $panel:literal by $legend:literal
            bad $bad:literal
            $(alert $alert:literal $severity:literal when $when:literal for $lasting:literal says $summary:literal)?;
    )*) => {
        $(
            #[doc = $help]
            pub static $name: $family = $family::new(Metric {
                name: $text,
                kind: Kind::Gauge,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
                when_bad: $bad,
                panel: ($panel, $legend),
                alert: metrics!(@alert $($alert, $severity, $when, $lasting, $summary)?),
            });
        )*

        /// Every metric.
        pub static METRICS: &[&Metric] = &[$(&$name.about),*];
    };
    (@alert) => { None };
    (@alert $name:literal, $severity:literal, $when:literal, $lasting:literal, $summary:literal) => {
        Some(Alert { name: $name, when: $when, lasting: $lasting, severity: $severity, summary: $summary })
    };
}

metrics! {
    /// Files at landing places by what became of them: accepted, refused, test, known, no_rule or failed.
    Counter FILES = "reskontra_files_total" ("files", ["place", "status"])
        panel "sum by (place, status) (increase(reskontra_files_total[$__rate_interval]))" by "{{place}} {{status}}"
        bad "failed: the file or the place cannot be read; it is tried again. no_rule: add a rule to the landing place, or have the sender stop."
        alert "ReskontraFilesNotReceived" "warning" when "sum by (place, status) (increase(reskontra_files_total{status=~\"failed|no_rule\"}[30m])) > 0" for "15m" says "files at {{ $labels.place }} are not received ({{ $labels.status }})";

    /// Refused files by the code of the reason.
    Counter FILES_REFUSED = "reskontra_files_refused_total" ("files", ["place", "code"])
        panel "sum by (place, code) (increase(reskontra_files_refused_total[$__rate_interval]))" by "{{place}} {{code}}"
        bad "The page of the file says why and where. Ask the sender for a correct file; nothing of a refused one counts."
        alert "ReskontraFileRefused" "warning" when "sum by (place, code) (increase(reskontra_files_refused_total[1h])) > 0" for "0m" says "a file at {{ $labels.place }} was refused: {{ $labels.code }}";

    /// How long a file takes from download to delivery, by format.
    Histogram FILE_SECONDS = "reskontra_file_seconds" ("seconds", ["format"])
        panel "histogram_quantile(0.99, sum by (format, le) (rate(reskontra_file_seconds_bucket[$__rate_interval])))" by "p99 {{format}}"
        bad "Compare with reskontra_stalled_seconds_total: a slow store or broker shows there; otherwise the files have grown.";

    /// Rows delivered to the log, accepted or rejected.
    Counter DELIVERED_ROWS = "reskontra_delivered_rows_total" ("rows", ["contract", "outcome"])
        panel "sum by (contract) (rate(reskontra_delivered_rows_total[$__rate_interval]))" by "{{contract}}"
        bad "No rows on a business day: look at the landing places.";

    /// Where the log of a partition ends.
    Gauge LOG_END = "reskontra_log_end" ("position", ["contract", "partition"])
        panel "reskontra_log_end" by "{{contract}}/{{partition}}"
        bad "It stands still while files arrive: nothing is delivered; see reskontra_files_total.";

    /// Position through which a partition is committed to its landing table.
    Gauge COMMITTED_THROUGH = "reskontra_committed_through" ("position", ["contract", "partition"])
        panel "reskontra_committed_through" by "{{contract}}/{{partition}}"
        bad "It stands still below reskontra_log_end: landing has stopped; its log says why.";

    /// Messages of a partition that are delivered and not landed.
    Gauge LAG_RECORDS = "reskontra_lag_records" ("messages", ["contract", "partition"])
        panel "sum by (contract) (reskontra_lag_records)" by "{{contract}}"
        bad "It grows: landing is slower than delivery. Spread the partitions over more processes, or find what they wait for.";

    /// At least so long ago the oldest message was delivered that is not landed.
    Gauge LAG_SECONDS = "reskontra_lag_seconds" ("seconds", ["contract", "partition"])
        panel "max by (contract) (reskontra_lag_seconds)" by "{{contract}}"
        bad "Handlers see old data. See whether landing runs, what it waits for, and whether a partition was stopped."
        alert "ReskontraLandingBehind" "critical" when "max by (contract) (reskontra_lag_seconds) > 300" for "5m" says "{{ $labels.contract }} is {{ $value }} s behind";

    /// Rows committed to landing tables, accepted or rejected.
    Counter LANDED_ROWS = "reskontra_landed_rows_total" ("rows", ["contract", "outcome"])
        panel "sum by (contract) (rate(reskontra_landed_rows_total[$__rate_interval]))" by "{{contract}}"
        bad "Compare with reskontra_delivered_rows_total: in the long run they are equal.";

    /// Rejected rows committed to landing tables, by code.
    Counter REJECTS = "reskontra_rejects_total" ("rows", ["contract", "code"])
        panel "sum by (contract, code) (increase(reskontra_rejects_total[$__rate_interval]))" by "{{contract}} {{code}}"
        bad "The page of rejects shows the bytes and the reason. Many of one code: the sender has changed something."
        alert "ReskontraManyRejects" "warning" when "sum by (contract, code) (increase(reskontra_rejects_total[1h])) > 100" for "0m" says "{{ $value }} rows of {{ $labels.contract }} were rejected: {{ $labels.code }}";

    /// How long a commit to a landing table takes, files and log.
    Histogram COMMIT_SECONDS = "reskontra_landing_commit_seconds" ("seconds", ["contract"])
        panel "histogram_quantile(0.99, sum by (le) (rate(reskontra_landing_commit_seconds_bucket[$__rate_interval])))" by "p99"
        bad "The store is slow (reskontra_store_seconds), or another process commits to the same table."
        alert "ReskontraCommitsSlow" "warning" when "histogram_quantile(0.99, sum by (le) (rate(reskontra_landing_commit_seconds_bucket[10m]))) > 10" for "10m" says "landing commits take {{ $value }} s";

    /// Offers that a landing table refused: stale, gap, contended or malformed.
    Counter OFFERS_REFUSED = "reskontra_offers_refused_total" ("offers", ["contract", "reason"])
        panel "sum by (contract, reason) (increase(reskontra_offers_refused_total[$__rate_interval]))" by "{{contract}} {{reason}}"
        bad "stale: two processes land one partition; stop one."
        alert "ReskontraLandingRefused" "critical" when "sum by (contract, reason) (increase(reskontra_offers_refused_total[10m])) > 0" for "0m" says "{{ $labels.contract }}: a commit was refused ({{ $labels.reason }})";

    /// 1 where the log no longer has what follows a table's position: nothing of this partition is landed.
    Gauge GAPS = "reskontra_partition_gap" ("0 or 1", ["contract", "partition"])
        panel "reskontra_partition_gap" by "{{contract}}/{{partition}}"
        bad "The log has lost messages. `reskontra gaps` says which; restore them, or decide to go on behind the gap with `reskontra gaps jump`."
        alert "ReskontraPartitionGap" "critical" when "reskontra_partition_gap > 0" for "0m" says "{{ $labels.contract }}/{{ $labels.partition }} stands still: messages are missing";

    /// Runs by how they ended: published, unchanged, held or failed.
    Counter RUNS = "reskontra_runs_total" ("runs", ["outcome"])
        panel "sum by (outcome) (increase(reskontra_runs_total[$__rate_interval]))" by "{{outcome}}"
        bad "failed: the log of the run says why; the last generation stays in service. held: an invariant is broken, see reskontra_audit_violations."
        alert "ReskontraRunFailed" "critical" when "sum(increase(reskontra_runs_total{outcome=\"failed\"}[15m])) > 0" for "0m" says "a run failed; the last generation stays in service";

    /// How long a run takes, from the cut to the publication.
    Histogram RUN_SECONDS = "reskontra_run_seconds" ("seconds", [])
        panel "histogram_quantile(0.99, sum by (le) (rate(reskontra_run_seconds_bucket[$__rate_interval])))" by "p99"
        bad "Which jobs take the time shows in reskontra_job_seconds; why they are computed in full, in the log of the run.";

    /// How long a job takes, with the time that it waits for its share of the processors.
    Histogram JOB_SECONDS = "reskontra_job_seconds" ("seconds", ["job"])
        panel "topk(10, sum by (job) (rate(reskontra_job_seconds_sum[$__rate_interval])))" by "{{job}}"
        bad "A job that is computed in full on every tick: see `reskontra plan` and the header's key.";

    /// Rows in a job's table.
    Gauge JOB_ROWS = "reskontra_job_rows" ("rows", ["job"])
        panel "topk(20, reskontra_job_rows)" by "{{job}}"
        bad "A sudden jump: `reskontra diff` shows which rows.";

    /// Jobs by how they were brought up to date: kept, keys or full.
    Counter JOB_REFRESHES = "reskontra_job_refreshes_total" ("jobs", ["job", "how"])
        panel "sum by (how) (increase(reskontra_job_refreshes_total[$__rate_interval]))" by "{{how}}"
        bad "Mostly full after the first run of a day: the limits under [refresh] are too low, or a change reaches everything.";

    /// Rows that break an invariant, as the last audit found; 0 when it holds.
    Gauge AUDIT_VIOLATIONS = "reskontra_audit_violations" ("rows", ["invariant"])
        panel "reskontra_audit_violations" by "{{invariant}}"
        bad "Nothing is published until it holds again. `reskontra run` shows the first rows that break it; the docs site says what it means."
        alert "ReskontraInvariantBroken" "critical" when "reskontra_audit_violations > 0" for "0m" says "{{ $labels.invariant }} is broken by {{ $value }} rows; nothing is published";

    /// Number of the last generation that this process published or read.
    Gauge GENERATION = "reskontra_generation" ("number", [])
        panel "max(reskontra_generation)" by "generation"
        bad "Processes show different numbers for long: one cannot read the store.";

    /// When that generation was published.
    Gauge PUBLISHED_AT = "reskontra_generation_published_timestamp_seconds" ("seconds since 1970", [])
        panel "time() - max(reskontra_generation_published_timestamp_seconds)" by "age"
        bad "Nothing was published for more than a day, though a new business date publishes every day: see reskontra_runs_total."
        alert "ReskontraGenerationOld" "critical" when "time() - max(reskontra_generation_published_timestamp_seconds) > 93600" for "10m" says "nothing was published for {{ $value }} s";

    /// Answers to requests for pages and API, by route.
    Histogram HTTP_SECONDS = "reskontra_http_seconds" ("seconds", ["route", "status"])
        panel "histogram_quantile(0.99, sum by (route, le) (rate(reskontra_http_seconds_bucket[$__rate_interval])))" by "p99 {{route}}"
        bad "5xx: the log says why. Slow: compare with reskontra_store_seconds."
        alert "ReskontraPagesFail" "critical" when "sum(rate(reskontra_http_seconds_count{status=~\"5..\"}[5m])) > 0.1" for "5m" says "pages or API answer with errors";

    /// Time spent waiting for an outside system to do what was asked; it grows while a wait lasts.
    Counter STALLED = "reskontra_stalled_seconds_total" ("seconds", ["what"])
        panel "sum by (what) (rate(reskontra_stalled_seconds_total[$__rate_interval]))" by "{{what}}"
        bad "Near 1 a process does nothing but wait: look at the broker or the store that it names."
        alert "ReskontraStalled" "warning" when "sum by (what, instance) (rate(reskontra_stalled_seconds_total[5m])) > 0.9" for "5m" says "{{ $labels.instance }} waits for {{ $labels.what }}";

    /// Waits that were given up at their deadline.
    Counter DEADLINES_MISSED = "reskontra_deadlines_missed_total" ("waits", ["what"])
        panel "sum by (what) (increase(reskontra_deadlines_missed_total[$__rate_interval]))" by "{{what}}"
        bad "The broker or the store did not answer in time. What was asked is tried again; find out what ails it."
        alert "ReskontraDeadlineMissed" "warning" when "sum by (what) (increase(reskontra_deadlines_missed_total[15m])) > 0" for "0m" says "no answer in time: {{ $labels.what }}";

    /// How long requests to the object store take, with their repetitions.
    Histogram STORE_SECONDS = "reskontra_store_seconds" ("seconds", ["operation"])
        panel "histogram_quantile(0.99, sum by (operation, le) (rate(reskontra_store_seconds_bucket[$__rate_interval])))" by "p99 {{operation}}"
        bad "The store or the way to it is slow.";

    /// Requests to the object store that failed after their repetitions; an object that is not there is no failure.
    Counter STORE_ERRORS = "reskontra_store_errors_total" ("requests", ["operation"])
        panel "sum by (operation) (increase(reskontra_store_errors_total[$__rate_interval]))" by "{{operation}}"
        bad "Credentials, quota, or the store itself; the log names the object."
        alert "ReskontraStoreFails" "critical" when "sum by (operation) (increase(reskontra_store_errors_total[10m])) > 3" for "0m" says "the object store fails: {{ $labels.operation }}";

    /// Spans of traces that could not be exported.
    Counter SPANS_LOST = "reskontra_spans_lost_total" ("spans", [])
        panel "sum(increase(reskontra_spans_lost_total[$__rate_interval]))" by "lost"
        bad "The collector of traces is away or slow. Nothing else depends on it.";

    /// Memory of the process that is in use.
    Gauge MEMORY = "process_resident_memory_bytes" ("bytes", [])
        panel "process_resident_memory_bytes{job=~\".*reskontra.*\"}" by "{{instance}}"
        bad "Above the limit of the machine the process is killed, and goes on from its last commit: lower `[memory] limit`.";

    /// The memory limit of the configuration; 0 without one.
    Gauge MEMORY_LIMIT = "reskontra_memory_limit_bytes" ("bytes", [])
        panel "reskontra_memory_limit_bytes" by "{{instance}}"
        bad "0 in production: set `[memory] limit`."
        alert "ReskontraMemoryShort" "warning" when "process_resident_memory_bytes > 0.95 * (reskontra_memory_limit_bytes > 0)" for "10m" says "{{ $labels.instance }} has used up its memory limit";

    /// The version of the program; always 1.
    Gauge BUILD = "reskontra_build_info" ("1", ["version"])
        panel "count by (version) (reskontra_build_info)" by "{{version}}"
        bad "Several versions for long: an upgrade was not finished."
        alert "ReskontraAway" "critical" when "absent(reskontra_build_info)" for "5m" says "no process of reskontra answers";
}

/// What is known from the start is told from the start, so that the first of a kind is seen as one.
pub fn begin(version: &str, memory_limit: u64) {
    BUILD.set(&[version], 1);
    MEMORY_LIMIT.set(&[], i64::try_from(memory_limit).unwrap_or(i64::MAX));
    SPANS_LOST.add(&[], 0);
    for outcome in ["published", "unchanged", "held", "failed"] {
        RUNS.add(&[outcome], 0);
    }
    for what in crate::wait::Wait::ALL {
        STALLED.add(&[what.name()], 0);
        DEADLINES_MISSED.add(&[what.name()], 0);
    }
    for operation in ["get", "put", "list", "delete", "copy"] {
        STORE_ERRORS.add(&[operation], 0);
    }
}

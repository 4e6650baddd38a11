use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Parser, Subcommand, ValueEnum};
use ingest::kafka::Shard;

/// The streaming ledger control of a city: every record in, every öre accounted for, every exception on a list.
///
/// Files that appear at the landing places are archived, read and delivered to the log; the log is landed in
/// tables; SQL jobs match, reconcile and compute fees; what passes the audit is published and served.
#[derive(Debug, Parser)]
#[command(name = "reskontra", version, propagate_version = true)]
pub struct Args {
    /// Configuration file. Without it `reskontra.toml` in the working directory is read when it exists.
    #[arg(long, short, global = true, env = "RESKONTRA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write the metrics of this process to a file when it ends, for the textfile collector of the node exporter.
    #[arg(long, global = true, env = "RESKONTRA_METRICS", value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process: receive, land, run, publish and serve.
    ///
    /// Without `--once` it goes on until Ctrl-C: new files are received as they appear.
    Up {
        /// Stop after one round, when its generation is published; nothing is served.
        #[arg(long)]
        once: bool,
        #[command(flatten)]
        date: AsOf,
        #[command(flatten)]
        engine: Engine,
    },
    /// Receive the files at the landing places: archive, read, deliver to the log.
    ///
    /// Without a broker (`[kafka]` in the configuration) deliveries are kept in a journal in the archive.
    Ingest {
        /// Go on until Ctrl-C or SIGTERM: look again every `poll_seconds` of the configuration.
        #[arg(long)]
        follow: bool,
    },
    /// Land what has been delivered in the landing tables, rows and log positions in one commit.
    #[command(after_help = "Examples:
  reskontra land                          what there is
  reskontra land --follow                 until Ctrl-C or SIGTERM
  reskontra land --follow --shard 0/2     one of two processes that share the partitions of a broker's log

Exit code: 0 landed, 1 the log has lost messages that were never landed (see `reskontra gaps`), or something failed.")]
    Land {
        /// Go on until Ctrl-C or SIGTERM.
        #[arg(long)]
        follow: bool,
        /// The part of the partitions to land: I of N, I from 0 to N-1.
        #[arg(long, value_name = "I/N", default_value = "0/1")]
        shard: Shard,
    },
    /// Where the log has lost messages before they were landed, and what to do about it.
    ///
    /// Such a gap stops its partition, for nothing may be missing from the tables unnoticed. `gaps jump` goes on behind
    /// it, the reason is kept in the table's log; `gaps fill` brings the lost rows back from the archive.
    #[command(after_help = "Examples:
  reskontra gaps
  reskontra gaps jump payment_in/3 --reason \"retention was set to one day by mistake, change 4711\"
  reskontra land && reskontra gaps fill

Exit code: 0 no gaps, or jumped; 1 there are gaps, or something failed.")]
    Gaps {
        #[command(subcommand)]
        command: Option<GapsCommand>,
    },
    /// The broker's topics, the schemas in its registry, and what each process may do there.
    #[command(subcommand)]
    Topics(Topics),
    /// Run the jobs on what has landed, audit the result and publish a generation.
    ///
    /// A job is computed again only for the keys that a change of its inputs reaches, where its statement allows
    /// that, and in full where not; `RUST_LOG=info` says which and why. The rows are the same.
    #[command(after_help = "Exit code: 0 published, 1 the audit held the generation back or something failed.")]
    Run {
        /// Go on until Ctrl-C or SIGTERM: run whenever something has landed, and when a day begins.
        #[arg(long)]
        follow: bool,
        /// Compute every job and check every invariant in full.
        #[arg(long)]
        full: bool,
        /// Leave no deleted row in the files of the tables, as readers of plain files and clusters need it.
        #[arg(long)]
        compact: bool,
        #[command(flatten)]
        date: AsOf,
        #[command(flatten)]
        engine: Engine,
    },
    /// Serve work-lists, results and API from the last generation.
    ///
    /// The address is that of the configuration: `[serve]`, `address = "127.0.0.1:8080"`.
    Serve,
    /// Read one file and print its rows as JSON lines.
    ///
    /// One `{"kind":"file",…}` line with the declared and the read counts and sums and the remarks, and for each row
    /// a `{"kind":"record"|"reject",…}` line.
    #[command(after_help = "Examples:
  reskontra parse bgmax payments.txt
  zcat old.gz | reskontra parse bgmax -
  reskontra parse erp_customer_item --name kundposter_2026-03-31.csv -

Exit code: 0 accepted, 1 refused (the file line says why), 2 wrong usage.")]
    Parse {
        /// A bank or ledger format (autogiro, bgmax, lb, totalin, camt, pain002, sie, swish, abw, ubl) or the name of
        /// a register mapping (connectors/registers).
        format: String,
        /// The file, or - for standard input.
        file: PathBuf,
        /// Name of the file at its landing place, when it matters and differs (an extract's date stands in it).
        #[arg(long)]
        name: Option<String>,
    },
    /// Watch jobs, examples and parameters; on each save, say what is wrong or what differs.
    ///
    /// A saved job is parsed and planned at once; errors say file, line and column. Then its worked examples run, and
    /// those of the jobs that read it. Contracts (`schemas/`) are compiled into the program: after a change there,
    /// build it again.
    #[command(after_help = "Examples:
  reskontra dev                                      until Ctrl-C
  reskontra dev --once sql/ar/ar_match.sql           one answer, for an editor or a hook
  reskontra dev --once tests/examples/ar/ar_match.md

Exit code of --once: 0 all good, 1 something is wrong.")]
    Dev {
        /// Answer once for the given files and end.
        #[arg(long, requires = "files")]
        once: bool,
        /// Files to answer for.
        #[arg(requires = "once", value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Make a worked example from a row of a generation, and print it.
    ///
    /// The rows that the row came from are found, and as many of them and of their columns left out as can be without
    /// changing it. Persons are replaced by test persons: personal numbers by those of Skatteverket's test series,
    /// names and texts by invented words. The example is run, and printed only when it passes.
    #[command(after_help = "Examples:
  reskontra example ar_match p1 i1                        values in the order of the key
  reskontra example fee_month --key placement_id=P1 --key starts_on=2026-01-01 --key month=2026-03-01
  reskontra example ar_match p1 i1 >> tests/examples/ar/ar_match.md")]
    Example(Draw),
    /// Remark on the style of jobs and invariants, and on what a plan does not show: ties, forgotten parameters.
    ///
    /// The rules and their reasons stand in docs/sql-style.md. `-- allow RULE: why` in the SQL leaves one for a reason.
    #[command(after_help = "Examples:
  reskontra lint                         all jobs and invariants
  reskontra lint sql/ar/ar_match.sql     one file

Exit code: 0 nothing to remark, 1 something.")]
    Lint {
        /// Only these files.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run the worked examples of the jobs and show what differs.
    ///
    /// An example gives rows and says what must come out: of the job (`## expect`) or of one of its `with` steps
    /// (`## expect step NAME`). Rows that differ are paired by the job's key and show the cells that differ.
    #[command(after_help = "Examples:
  reskontra test                      all jobs
  reskontra test ar_match             one job
  reskontra test ar_match --update    take what came as what is expected; look at the difference before you commit

Exit code: 0 all pass, 1 one fails or a job has no example.")]
    Test {
        /// Only the examples of this job.
        job: Option<String>,
        /// Name only what fails.
        #[arg(long, short)]
        quiet: bool,
        /// Write the expectations of failing examples anew from what came. All other text stays.
        #[arg(long)]
        update: bool,
    },
    /// Ask the tables of a generation a question in SQL.
    ///
    /// With --as-of, the tables that the statement reads are computed for that business date, aside and on what the
    /// generation shows as landed; nothing is published. Three times can be told apart: the business date (--as-of), what
    /// was known of the parameters (--parameters), and what had come in (--generation).
    #[command(after_help = "Examples:
  reskontra query \"show tables\"
  reskontra query \"select status, count(*), sum(amount) from ar_payment_outcome group by status\"
  reskontra query --format parquet --output matches.parquet \"select * from ar_match\"
  reskontra query --as-of 2026-01-31 --parameters then \"select * from fee_month\"")]
    Query(Query),
    /// Say why a row is there: the jobs, rows, records, files, parameters and decisions behind it.
    ///
    /// From the row upstream, every job's rows that took part are found by asking its plan, and the job is computed
    /// again on them alone as a proof. A row that is there because something was not found says what was looked for.
    #[command(after_help = "Examples:
  reskontra explain ar_match p1 i1                    values in the order of the key
  reskontra explain ar_unmatched_payment payment_id=p1
  reskontra explain ar_unmatched_payment exception_id=3f2a… --format json
  reskontra explain rent_notice lease_id=L1 month=2026-09-01 --generation 12 --rows 50")]
    Explain(Explain),
    /// Write a static site about the tables: columns, where they come from, requirements, parameters, invariants.
    #[command(after_help = "Examples:
  reskontra docs                   into target/docs
  reskontra docs --out /srv/docs   where a web server finds it

The pages load nothing from elsewhere and can be opened from the disk.")]
    Docs {
        /// Folder to write to.
        #[arg(long, default_value = "target/docs", value_name = "DIR")]
        out: PathBuf,
    },
    /// What the library in sql/ would change: what differs from the one in service, and what is computed again for it.
    ///
    /// No job is run. Statements are compared in one normal form, so that white space, comments and the case of names
    /// do not count; parameters are compared row by row.
    #[command(after_help = "Examples:
  reskontra plan              what `deploy` would do
  reskontra plan --json       the same for a program

Exit code: 0 nothing to deploy, 1 a job is wrong or something failed, 2 there is something to deploy.")]
    Plan {
        /// One JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        date: AsOf,
    },
    /// Which rows a changed job changes: the job in sql/ beside the one in service, on the same data.
    #[command(after_help = "Examples:
  reskontra diff ar_match
  reskontra diff ar_match --downstream           and all jobs that read it
  reskontra diff fee_month --as-of 2026-06-30    for another business date
  reskontra diff ar_match --html report.html

Jobs that it reads and that differ too are computed as well. What is computed is thrown away afterwards.

Exit code: 0 the rows are the same, 1 they differ, 2 wrong usage or something failed.")]
    Diff(Diff),
    /// Put the library in sql/ into service: compute what differs aside, audit, and publish a generation with it.
    ///
    /// Until then, `run` and `up` go on with the library in service, whatever is edited in sql/.
    #[command(
        after_help = "Exit code: 0 deployed or nothing to deploy, 1 the audit held it back, you said no, or something failed."
    )]
    Deploy {
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        date: AsOf,
        #[command(flatten)]
        engine: Engine,
    },
    /// Show an earlier generation again, and go on with the library that computed it.
    ///
    /// A new generation is published that shows the rows of the earlier one. The next run brings in what has landed
    /// since, with the earlier library; it stays in service until the next `deploy`.
    #[command(after_help = "Examples:
  reskontra rollback --reason \"wrong tariff\"           to the generation before the last
  reskontra rollback --to 41 --reason \"wrong tariff\"")]
    Rollback {
        /// The generation to show again; the one before the last when left out.
        #[arg(long, value_name = "N")]
        to: Option<u64>,
        /// Why; it is kept in the generation.
        #[arg(long)]
        reason: String,
    },
    /// Compute a generation again from its own library and data, and compare every table bit for bit.
    #[command(
        after_help = "Exit code: 0 every table came out the same, 1 one did not, 2 wrong usage or something failed."
    )]
    Replay {
        /// The generation.
        generation: u64,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List the published generations.
    Generations,
    /// Delete what nothing needs any more: generations beyond the retention, and files that no kept one refers to.
    ///
    /// Which generations stay says `[retention]` in the configuration. Files go that no version of a table needs which
    /// a kept generation shows: replaced rows, what killed runs and landings have left, indexes of what is gone. Whoever
    /// is reading or about to commit is given the grace, so the files of a generation that goes today go with the first
    /// vacuum after it. See docs/retention.md.
    #[command(after_help = "Examples:
  reskontra vacuum --dry-run     what would go, and how many bytes
  reskontra vacuum               every night
  reskontra vacuum --archive     raw files, too: those past the retention of sql/parameters/ref_retention.csv

Exit code: 0 done, 1 something failed; doing it again does the rest.")]
    Vacuum {
        /// Delete nothing, only say what would go.
        #[arg(long)]
        dry_run: bool,
        /// Raw files, too, that are past their retention at the business date. Their rows stay, and say why the bytes
        /// behind them are gone.
        #[arg(long)]
        archive: bool,
        #[command(flatten)]
        date: AsOf,
    },
    /// How far the requirement catalogue (`sql/catalogue.csv`) is implemented, by which jobs.
    ///
    /// A job says in its header which requirements it implements (`catalogue = ["AR35"]`); every other requirement is
    /// open, but for those in which there is nothing to compute.
    #[command(after_help = "Examples:
  reskontra catalogue              everything
  reskontra catalogue AR           one area
  reskontra catalogue AR --open    what is left of it
  reskontra catalogue AR35         one requirement")]
    Catalogue {
        /// Only requirements whose id begins with this.
        prefix: Option<String>,
        /// Only those that no job implements.
        #[arg(long)]
        open: bool,
    },
}

/// What to do about a gap.
#[derive(Debug, Clone, Subcommand)]
pub enum GapsCommand {
    /// Go on at the first message that the log still has.
    Jump {
        /// Contract and partition, as `reskontra gaps` names them.
        #[arg(value_name = "CONTRACT/PARTITION")]
        gap: String,
        /// Why; it is kept in the table's log.
        #[arg(long)]
        reason: String,
    },
    /// Land the rows that are missing of landed files, read again from the archive.
    ///
    /// After a jump, rows of files are missing whose `file` record came through, and the audit holds every generation
    /// back. Every file is in the archive, and the same bytes give the same rows.
    Fill,
}

/// The row to make an example of.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("row").required(true))]
pub struct Draw {
    /// The job.
    pub job: String,
    /// Values of its key in order.
    #[arg(value_name = "VALUE", group = "row", conflicts_with = "key")]
    pub values: Vec<String>,
    /// A column that identifies the row, and its value.
    #[arg(long, value_name = "COLUMN=VALUE", group = "row")]
    pub key: Vec<String>,
    /// The generation to look in; the last one when left out.
    #[arg(long, short)]
    pub generation: Option<u64>,
    /// How often the job may be computed to find what can be left out.
    #[arg(long, default_value_t = 1000)]
    pub tries: usize,
}

/// The row to explain.
#[derive(Debug, Clone, clap::Args)]
pub struct Explain {
    /// Table of a job or a contract.
    pub table: String,
    /// `column=value` for columns that identify the row, or the values of its key in order.
    #[arg(required = true)]
    pub key: Vec<String>,
    /// The generation to look in; the last one when left out.
    #[arg(long, short)]
    pub generation: Option<u64>,
    /// How to print it.
    #[arg(long, short, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
    /// Rows of a table that are shown.
    #[arg(long, default_value_t = 5)]
    pub rows: usize,
    /// Show fields and bytes that can tell who a person is.
    #[arg(long)]
    pub raw: bool,
}

/// What to compare.
#[derive(Debug, Clone, clap::Args)]
pub struct Diff {
    /// The job.
    pub job: String,
    /// All jobs that read it, too.
    #[arg(long)]
    pub downstream: bool,
    /// The generation whose data is read and whose library is compared with; the last one when left out.
    #[arg(long, short)]
    pub generation: Option<u64>,
    /// The business date; the generation's when left out.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<NaiveDate>,
    /// Rows to show of each kind of difference; 0 shows none, for logs that others read.
    #[arg(long, default_value_t = 5)]
    pub samples: usize,
    /// One JSON document.
    #[arg(long)]
    pub json: bool,
    /// Write a report for a browser to this file, too.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// What to do about topics.
#[derive(Debug, Clone, Subcommand)]
pub enum Topics {
    /// What `topics apply` would create and change, and what differs that it would leave alone.
    #[command(
        after_help = "Exit code: 0 nothing differs, 1 something needs a person or failed, 2 there is something to apply."
    )]
    Plan {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Create the topics of the contracts, change their settings, register their schemas; nothing is ever deleted.
    #[command(after_help = "Exit code: 0 done, 1 something needs a person, you said no, or something failed.")]
    Apply {
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Print the commands that give each process the rights it needs at the broker, and no others.
    ///
    /// `run` and `serve` read tables only and need none.
    Acls {
        /// The user of `ingest`.
        #[arg(long, default_value = "User:ingest")]
        ingest: String,
        /// The user of `land`.
        #[arg(long, default_value = "User:land")]
        land: String,
        /// The user of `topics plan` and `topics apply`.
        #[arg(long, default_value = "User:topics")]
        topics: String,
    },
}

/// Form of a printed report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// Text to read.
    Text,
    /// One JSON document.
    Json,
}

/// A question in SQL.
#[derive(Debug, clap::Args)]
pub struct Query {
    /// The statement.
    pub sql: String,
    /// How to print rows.
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write to this file; Parquet needs one.
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// The generation to ask; the last one when left out.
    #[arg(long, short)]
    pub generation: Option<u64>,
    /// Compute what is read for this business date, rather than show it as published.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<NaiveDate>,
    /// Compute with the parameters of the generation, or with those that were in service at the end of the business date.
    #[arg(long, value_enum, default_value_t = Known::Now, requires = "as_of")]
    pub parameters: Known,
}

/// What is known of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// What the generation knows.
    Now,
    /// What was in service at the end of the business date.
    Then,
}

/// The business date.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct AsOf {
    /// Business date to compute for; otherwise `as_of` of the configuration, otherwise today in Stockholm.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<NaiveDate>,
}

/// Where jobs are computed.
#[derive(Debug, Clone, clap::Args)]
pub struct Engine {
    /// Compute what is computed in full on a cluster, `ballista://HOST:PORT` (docs/cluster.md); otherwise `engine` of
    /// the configuration, otherwise this process. The rows are the same.
    #[arg(long, env = "RESKONTRA_ENGINE", value_name = "ADDRESS")]
    pub engine: Option<String>,
}

/// Form of printed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table to read.
    Table,
    /// Comma-separated values.
    Csv,
    /// One JSON object a line, amounts and dates as text.
    Json,
    /// A Parquet file.
    Parquet,
}

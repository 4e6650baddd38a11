//! `reskontra dev`: what a saved file means, as fast as an author can read.
//!
//! The library stays planned between two saves. A saved job is parsed and planned at once; that is the first answer.
//! Then its worked examples run, and those of the jobs that read it. A save in the middle begins anew.

mod changes;
mod watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use engine::{EngineError, Job, Library, Workbench};

use self::changes::{Change, Changes};
use self::watch::Watch;
use crate::config::Config;
use crate::examples::{self, OfJob};
use crate::print;

/// Watches until Ctrl-C.
pub async fn watch(config: &Config) -> Result<ExitCode> {
    let folders = [&config.sql, &config.examples, Path::new("schemas")];
    let mut watch = Watch::start(config, folders.into_iter().filter(|folder| folder.exists()))?;
    let mut session = Session::begin(config).await;
    print::out("watching; save a job, an example or a parameter table (Ctrl-C ends)");
    let mut changes = watch.next().await?;
    loop {
        print::clear();
        session.plan(&changes).await;
        // A save while examples run makes their answer old: what was left to say is said with the next one.
        tokio::select! {
            result = session.examples() => {
                result?;
                changes = watch.next().await?;
            }
            more = watch.next() => changes = more?,
        }
    }
}

/// Answers once for these files.
pub async fn once(config: &Config, files: &[PathBuf]) -> Result<ExitCode> {
    if files.is_empty() {
        bail!("--once needs the files to answer for");
    }
    let mut changes = Changes::default();
    for file in files {
        if !file.exists() {
            bail!("{}: there is no such file", file.display());
        }
        changes.add(config, file);
    }
    if changes.is_empty() {
        bail!("none of the files is a job, an example, a parameter table or an invariant");
    }
    let mut session = Session { config, bench: None, waiting: BTreeSet::new(), wrong: false };
    session.plan(&changes).await;
    session.examples().await?;
    Ok(if session.wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The library as it was last good, and what there is left to say about it.
struct Session<'a> {
    config: &'a Config,
    /// Nothing until the library has been good once.
    bench: Option<Arc<Workbench>>,
    /// Jobs whose examples have to run.
    waiting: BTreeSet<String>,
    /// Whether something was wrong.
    wrong: bool,
}

impl<'a> Session<'a> {
    async fn begin(config: &'a Config) -> Self {
        let mut session = Self { config, bench: None, waiting: BTreeSet::new(), wrong: false };
        session.reload(None).await;
        session
    }

    /// The first answer: what is changed, parsed and planned.
    async fn plan(&mut self, changes: &Changes) {
        self.wrong = false;
        if changes.contracts {
            print::out("contracts are compiled into the program: build it again, then start dev again");
        }
        let only_jobs = !changes.library && self.bench.is_some();
        if only_jobs {
            for change in &changes.jobs {
                self.job(change).await;
            }
        } else if changes.library || !changes.jobs.is_empty() || self.bench.is_none() {
            self.reload(Some(changes)).await;
        }
        self.waiting.extend(changes.examples.iter().cloned());
    }

    /// Plans one changed job, and those that read it when its columns are others than before.
    async fn job(&mut self, change: &Change) {
        let Some(bench) = &mut self.bench else { return };
        let begun = Instant::now();
        let mut planned = bench.as_ref().clone();
        let result = match Job::load(&change.file, &change.area) {
            Ok(job) => planned.replace(job).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(_) => print::out(&format!("{}: plans ({} ms)", change.name, begun.elapsed().as_millis())),
            Err(error) => return self.say(&error, begun),
        }
        let others = matches!(result, Ok(true));
        let changed = BTreeSet::from([change.name.clone()]);
        let readers: Vec<String> = planned.library().readers_of(&changed).iter().map(|job| job.name.clone()).collect();
        let mut errors = Vec::new();
        if others {
            for reader in &readers {
                errors.extend(planned.check(reader).await.err());
            }
            let touched = changed.iter().chain(&readers).cloned().collect();
            errors.extend(planned.check_invariants(&touched).await.err());
        }
        *bench = Arc::new(planned);
        self.waiting.extend(changed.into_iter().chain(readers));
        for error in errors {
            self.say(&error, begun);
        }
    }

    /// Reads and plans the library anew: all of it to watch, what is asked for to answer once.
    async fn reload(&mut self, asked: Option<&Changes>) {
        let begun = Instant::now();
        let narrow = asked.filter(|changes| !changes.library);
        let library = match Library::load(&self.config.sql) {
            Ok(library) => library,
            Err(error) => return self.say(&error, begun),
        };
        let mut names = BTreeSet::new();
        if let Some(changes) = narrow {
            names.extend(changes.jobs.iter().map(|change| change.name.clone()));
            let readers: Vec<String> = library.readers_of(&names).iter().map(|job| job.name.clone()).collect();
            names.extend(readers);
            names.extend(changes.examples.iter().cloned());
        }
        let jobs = library.jobs.len();
        let opened = match narrow {
            Some(_) => Workbench::open_for(library, &names).await,
            None => Workbench::open(library).await,
        };
        match opened {
            Ok(bench) => {
                let planned = if narrow.is_some() { names.len() } else { jobs };
                let plan = if planned == 1 { "job plans" } else { "jobs plan" };
                print::out(&format!("{planned} {plan} ({} ms)", begun.elapsed().as_millis()));
                if asked.is_some() {
                    let all = bench.library().jobs.iter().map(|job| job.name.clone());
                    self.waiting.extend(if narrow.is_some() { names } else { all.collect() });
                }
                self.bench = Some(Arc::new(bench));
            }
            Err(error) => self.say(&error, begun),
        }
    }

    /// The second answer: the examples of what is changed and of what hangs on it, in the order the jobs run.
    async fn examples(&mut self) -> Result<()> {
        let Some(bench) = self.bench.clone() else { return Ok(()) };
        let begun = Instant::now();
        for name in &self.waiting {
            if bench.library().job(name).is_none() {
                print::out(&format!("{name}: there is no job of this name"));
                self.wrong = true;
            }
        }
        let jobs: Vec<String> = bench.library().jobs.iter().map(|job| job.name.clone()).collect();
        let (mut passed, mut failed) = (0, 0);
        for name in jobs.iter().filter(|name| self.waiting.contains(*name)).cloned().collect::<Vec<_>>() {
            let of_job: Vec<OfJob> = match examples::of_job(self.config, bench.library(), &name) {
                Ok(of_job) => of_job,
                Err(error) => {
                    print::out(&format!("{error:#}"));
                    self.wrong = true;
                    continue;
                }
            };
            let report = examples::run_all(&bench, &of_job).await?;
            for line in report.lines(&of_job, true) {
                print::out(&line);
            }
            failed += report.failed();
            passed += of_job.len() - report.failed();
            if of_job.is_empty()
                && let Some(job) = bench.library().job(&name)
            {
                let file = examples::file_of(self.config, job);
                print::out(&format!("{name}: no worked example; write {}", file.display()));
                self.wrong = true;
            }
            self.waiting.remove(&name);
        }
        self.waiting.clear();
        self.wrong |= failed > 0;
        if passed + failed > 0 {
            let took = begun.elapsed().as_millis();
            print::out(&format!("{passed} examples pass, {failed} fail ({took} ms)"));
        }
        Ok(())
    }

    fn say(&mut self, error: &EngineError, begun: Instant) {
        self.wrong = true;
        print::out(&format!("{error} ({} ms)", begun.elapsed().as_millis()));
    }
}

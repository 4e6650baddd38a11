//! Any history of generations, rollbacks, readers and killed writers: a vacuum takes nothing from those that are kept,
//! nor from whoever is still reading or about to commit, and in the end leaves nothing that nobody needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use commit::generation::{Audit, Generation, LandingCut, TableCut};
use commit::retention::Keep;
use lake::{Lake, LandingTable, Vacuum};
use proptest::prelude::*;
use schemas::contract;

use crate::model::{JOB, Model, key, key_of, lake, read, replace, stage, table};
use crate::offer;

const GRACE: TimeDelta = TimeDelta::hours(24);
const KEYS: i64 = 400;

#[derive(Debug, Clone)]
enum Step {
    /// Rows change, and a generation shows it.
    Publish(Vec<(i64, i32)>),
    /// The same, killed before it published; it may have committed.
    Killed(Vec<(i64, i32)>, bool),
    /// A change is staged, a vacuum runs, the change is committed and published.
    Slow(Vec<(i64, i32)>),
    /// Rows land, or were only staged.
    Land(bool),
    Compact,
    Rollback(usize),
    /// Somebody begins to read a generation.
    Open(usize),
    Hours(i64),
    Vacuum {
        newest: usize,
        hours: i64,
    },
}

fn rows() -> impl Strategy<Value = Vec<(i64, i32)>> {
    prop::collection::vec((0..KEYS, any::<i32>()), 1..60)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => rows().prop_map(Step::Publish),
        2 => (rows(), any::<bool>()).prop_map(|(rows, committed)| Step::Killed(rows, committed)),
        2 => rows().prop_map(Step::Slow),
        2 => any::<bool>().prop_map(Step::Land),
        1 => Just(Step::Compact),
        2 => (0_usize..9).prop_map(Step::Rollback),
        3 => (0_usize..9).prop_map(Step::Open),
        4 => (1_i64..40).prop_map(Step::Hours),
        4 => (0_usize..4, 0_i64..80).prop_map(|(newest, hours)| Step::Vacuum { newest, hours }),
    ]
}

/// What a generation shows: rows of the job's table, and how many have landed.
type Shown = (Model, u64);

struct World {
    folder: tempfile::TempDir,
    lake: Lake,
    now: DateTime<Utc>,
    /// What the job's table held when a generation last showed it, and its digest.
    rows: Model,
    digest: String,
    landed: i64,
    /// All generations that were ever published.
    published: BTreeMap<u64, (Generation, Shown)>,
    offered: BTreeSet<u64>,
    readers: Vec<(DateTime<Utc>, u64)>,
}

impl World {
    async fn new() -> Self {
        let (folder, lake) = lake();
        let now = DateTime::from_timestamp(1_600_000_000, 0).unwrap();
        let (published, offered) = (BTreeMap::new(), BTreeSet::new());
        let mut world = Self {
            folder,
            lake,
            now,
            rows: Model::new(),
            digest: String::new(),
            landed: 0,
            published,
            offered,
            readers: vec![],
        };
        world.rows = (0..KEYS / 2).map(|number| (key_of(number), (0, None))).collect();
        world.digest = replace(&world.lake, &world.rows).await.1;
        world.land(true).await;
        world.publish().await;
        world
    }

    /// Files that were written by this step get its time.
    fn date_files(&self) {
        let written = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let today: std::time::SystemTime = DateTime::from_timestamp(1_700_000_000, 0).unwrap().into();
        for path in self.files().into_iter().filter(|path| written(path) > today) {
            File::options().append(true).open(path).unwrap().set_modified(self.now.into()).unwrap();
        }
    }

    /// All files below the root.
    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }

    async fn land(&mut self, committed: bool) {
        if committed {
            let landing = LandingTable::new(&self.lake, contract("payment_in").unwrap());
            landing.land(&offer(self.landed, self.landed + 2)).await.unwrap();
            self.landed += 2;
        } else {
            let name = format!("landing/payment_in/killed-{}.parquet", self.files().len());
            fs::write(self.folder.path().join(name), "staged").unwrap();
        }
    }

    fn changed(&self, rows: &[(i64, i32)]) -> Model {
        let mut after = self.rows.clone();
        for (number, amount) in rows {
            match amount % 5 {
                0 => drop(after.remove(&key_of(*number))),
                _ => drop(after.insert(key_of(*number), (i128::from(*amount), None))),
            }
        }
        after
    }

    /// Commits rows, in full when the table is not as the last generation shows it, as a run does.
    async fn commit(&mut self, after: Model, vacuum: bool) {
        let at = table(&self.lake).await;
        let is_shown = self.published.values().next_back().unwrap().0.tables[JOB].version == at.version();
        if is_shown && after != self.rows {
            let change = stage(&self.lake, &at, &self.rows, &after, &self.digest).await;
            self.date_files();
            if vacuum {
                self.vacuum(0, 0).await;
            }
            self.lake.commit_change(at, &change).await.unwrap();
            self.digest = change.digest().to_owned();
        } else {
            self.digest = replace(&self.lake, &after).await.1;
        }
        self.rows = after;
    }

    async fn publish(&mut self) {
        let at = table(&self.lake).await;
        let rows = self.rows.len() as u64;
        let cut =
            TableCut { version: at.version(), rows, digest: self.digest.clone(), fingerprint: "f".into(), parts: None };
        let landing = self.lake.landing("payment_in").await.unwrap().unwrap();
        let landed = LandingCut { version: landing.version(), positions: BTreeMap::new() };
        let generation = Generation {
            format: commit::generation::FORMAT,
            number: self.published.len() as u64 + 1,
            writer: "w".into(),
            published_at: self.now,
            as_of: NaiveDate::default(),
            landing: BTreeMap::from([("payment_in".to_owned(), landed)]),
            tables: BTreeMap::from([(JOB.to_owned(), cut)]),
            audit: Audit::default(),
            library: None,
            rolled_back: None,
        };
        self.lake.publish(&generation).await.unwrap();
        self.offered.insert(generation.number);
        self.published.insert(generation.number, (generation, (self.rows.clone(), landing.rows().unwrap())));
    }

    async fn vacuum(&mut self, newest: usize, hours: i64) {
        self.date_files();
        let keep = Keep { newest, since: self.now - TimeDelta::hours(hours) };
        let asked = Vacuum { now: self.now, keep, grace: GRACE, at_once: false, dry_run: true };
        let told = self.lake.vacuum(&asked).await.unwrap();
        let before = self.files().len();
        let done = self.lake.vacuum(&Vacuum { dry_run: false, ..asked }).await.unwrap();
        assert_eq!(told, done, "a dry run tells what is done");
        assert!(self.files().len() as u64 <= before as u64 - done.total().files + 2 * done.retired.len() as u64);
        for number in done.retired {
            assert!(self.offered.remove(&number));
        }
        self.date_files();
    }

    /// All that is offered, and all that is being read, reads as it was published; another process reads it, too.
    async fn check(&self) {
        assert_eq!(self.lake.generation_numbers().await.unwrap(), self.offered.iter().copied().collect::<Vec<_>>());
        let fresh = Lake::open(&url::Url::from_directory_path(self.folder.path()).unwrap()).unwrap();
        let reading = self.readers.iter().filter(|(opened, _)| self.now - *opened < GRACE).map(|(_, number)| number);
        for number in self.offered.iter().chain(reading).collect::<BTreeSet<_>>() {
            let (generation, (rows, landed)) = &self.published[number];
            let at = fresh.job_table_version(JOB, generation.tables[JOB].version).await.unwrap();
            assert_eq!(&read(&fresh, at.provider().unwrap()).await, rows, "generation {number}");
            let landing = fresh.landing_version("payment_in", generation.landing["payment_in"].version).await.unwrap();
            let context = datafusion::execution::context::SessionContext::new();
            fresh.register(&context);
            let read = context.read_table(landing.provider().unwrap()).unwrap().count().await.unwrap();
            assert_eq!(read as u64, *landed, "generation {number}");
        }
    }

    async fn happen(&mut self, step: Step) {
        match step {
            Step::Publish(rows) => {
                self.commit(self.changed(&rows), false).await;
                self.publish().await;
            }
            Step::Slow(rows) => {
                self.commit(self.changed(&rows), true).await;
                self.publish().await;
            }
            Step::Killed(rows, true) => drop(replace(&self.lake, &self.changed(&rows)).await),
            Step::Killed(rows, false) => {
                let at = table(&self.lake).await;
                drop(self.lake.stage(JOB, at.schema().unwrap()).unwrap());
                let mut writer = self.lake.stage(JOB, at.schema().unwrap()).unwrap();
                writer.write(&crate::model::batch(&self.changed(&rows))).await.unwrap();
                writer.finish().await.unwrap();
            }
            Step::Land(committed) => self.land(committed).await,
            Step::Compact => drop(self.lake.compact_keyed(JOB, &key()).await.unwrap()),
            Step::Rollback(back) => {
                let offered: Vec<u64> = self.offered.iter().copied().collect();
                let (generation, (rows, _)) = self.published[&offered[back % offered.len()]].clone();
                self.lake.restore(JOB, generation.tables[JOB].version).await.unwrap();
                (self.rows, self.digest) = (rows, generation.tables[JOB].digest.clone());
                self.publish().await;
            }
            Step::Open(back) => {
                let offered: Vec<u64> = self.offered.iter().copied().collect();
                self.readers.push((self.now, offered[back % offered.len()]));
            }
            Step::Hours(hours) => self.now += TimeDelta::hours(hours),
            Step::Vacuum { newest, hours } => {
                self.vacuum(newest, hours).await;
                self.check().await;
            }
        }
        self.date_files();
    }
}

async fn hold(steps: Vec<Step>) {
    let mut world = World::new().await;
    for step in steps {
        world.happen(step).await;
    }
    // In the end: two vacuums, a grace apart, leave what the last generation and the last versions need.
    for _ in 0..2 {
        world.now += TimeDelta::days(400);
        world.vacuum(1, 0).await;
        world.check().await;
    }
    let mut needed = BTreeSet::new();
    let (last, _) = world.published.values().next_back().unwrap();
    let shown = world.lake.job_table_version(JOB, last.tables[JOB].version).await.unwrap();
    for files in [table(&world.lake).await.files().unwrap(), shown.files().unwrap()] {
        needed.extend(files.into_iter().map(|file| format!("tables/{JOB}/{}", file.path)));
    }
    let landing = world.lake.landing("payment_in").await.unwrap().unwrap();
    needed.extend(landing.files().unwrap().into_iter().map(|file| format!("landing/payment_in/{}", file.path)));
    let left = world.files().into_iter().filter_map(|path| {
        let path = path.strip_prefix(world.folder.path()).unwrap().to_str().unwrap().to_owned();
        path.ends_with(".parquet").then_some(path).filter(|path| !path.contains("_delta_log"))
    });
    assert_eq!(left.collect::<BTreeSet<_>>(), needed);
    assert!(!world.files().iter().any(|path| path.to_str().unwrap().contains("/retired/")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_vacuum_takes_nothing_that_is_kept_and_leaves_nothing_that_is_not(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(hold(steps));
    }
}

#[tokio::test]
async fn the_table_of_a_job_that_is_gone_is_emptied_once_no_generation_shows_it() {
    let mut world = World::new().await;
    let (mut generation, _) = world.published[&1].clone();
    (generation.number, generation.tables) = (2, BTreeMap::new());
    world.lake.publish(&generation).await.unwrap();
    world.date_files();
    let vacuum = |now, at_once| Vacuum { now, keep: Keep::LAST, grace: GRACE, at_once, dry_run: false };
    let early = world.lake.vacuum(&vacuum(world.now, false)).await.unwrap();
    assert_eq!((early.retired, early.waiting, early.tables.len()), (vec![1], 1, 0), "somebody may be reading it");
    world.now += GRACE * 2;
    let done = world.lake.vacuum(&vacuum(world.now, false)).await.unwrap();
    assert_eq!((done.retired, done.forgotten), (vec![], vec![1]));
    assert_eq!(done.tables.keys().collect::<Vec<_>>(), [&format!("tables/{JOB}")]);
    assert_eq!(table(&world.lake).await.rows().unwrap(), 0, "for every reader of the format");
    assert_eq!(world.lake.vacuum(&vacuum(world.now, true)).await.unwrap(), lake::Vacuumed::default());
}

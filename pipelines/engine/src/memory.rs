//! How much memory the statements of this process may take together, and where they put what does not fit.
//!
//! A limit is the process's, like its memory: sessions come and go, and several run side by side.

mod pool;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use datafusion::common::DataFusionError;
use datafusion::config::ConfigOptions;
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManager, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnv;

use crate::EngineError;
use pool::ScarcePool;

/// What the process has beside what its statements hold: footers and page indexes that are kept, code, threads.
const STANDING: u64 = 256 << 20;
/// Of the rest, what statements may reserve, in hundredths. What remains is for what nobody reserves: pages that are
/// read, batches between operators, what is written, and what the allocator keeps.
const RESERVABLE: u64 = 60;
/// Sorts that may go on at the same time, in each partition.
const SORTS: usize = 8;
/// How many of those that hold memory are named when it is not enough.
const NAMED: usize = 5;

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that the process may take.
    pub limit: u64,
    /// The folder for sorted runs and groups that do not fit; what is put there is gone with the statement.
    pub spill: PathBuf,
}

/// What the sessions of this process share.
struct Shared {
    pool: Arc<dyn MemoryPool>,
    disk: Arc<DiskManager>,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

impl Memory {
    /// Holds every session that is opened from now on to this limit. The first limit of a process stands.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn set(self) -> Result<(), EngineError> {
        let shared = self.shared().map_err(EngineError::query("the memory limit"))?;
        // A second limit would count anew what the first one's sessions already hold.
        let _ = SHARED.set(shared);
        Ok(())
    }

    fn shared(self) -> Result<Shared, DataFusionError> {
        let rest = self.limit - STANDING.min(self.limit / 2);
        let reservable = usize::try_from(rest / 100 * RESERVABLE).unwrap_or(usize::MAX);
        let named = std::num::NonZeroUsize::new(NAMED).unwrap_or(std::num::NonZeroUsize::MIN);
        std::fs::create_dir_all(&self.spill)?;
        let disk = DiskManager::builder().with_mode(DiskManagerMode::Directories(vec![self.spill]));
        Ok(Shared {
            pool: Arc::new(TrackConsumersPool::new(ScarcePool::new(reservable), named)),
            disk: Arc::new(disk.with_max_temp_directory_size(u64::MAX).build()?),
        })
    }
}

/// Lets each sort of a session keep back only its share of a small limit for merging what it put on disk.
pub(crate) fn share(options: &mut ConfigOptions) {
    let Some(MemoryLimit::Finite(reservable)) = SHARED.get().map(|shared| shared.pool.memory_limit()) else { return };
    let share = reservable / SORTS / options.execution.target_partitions.max(1);
    let merging = &mut options.execution.sort_spill_reservation_bytes;
    *merging = share.min(*merging);
}

/// What a session runs in: an object-store registry of its own, and memory and disk that it shares with the others.
pub(crate) fn runtime() -> Arc<RuntimeEnv> {
    let own = RuntimeEnv::default();
    Arc::new(match SHARED.get() {
        Some(shared) => RuntimeEnv { memory_pool: shared.pool.clone(), disk_manager: shared.disk.clone(), ..own },
        None => own,
    })
}

/// Runs work in a session's state and, when its statements' hash joins do not fit into memory, once more in a state that
/// joins by sorting, which can go to disk.
///
/// # Errors
/// When the work fails for another reason, or still does not fit.
pub async fn within_limit<T, Doing>(state: SessionState, work: impl Fn(SessionState) -> Doing) -> Result<T, EngineError>
where
    Doing: Future<Output = Result<T, EngineError>>,
{
    let mut sorting = state.clone();
    sorting.config_mut().options_mut().optimizer.prefer_hash_join = false;
    match work(state).await {
        Err(error) if did_not_fit(&error) => work(sorting).await,
        done => done,
    }
}

fn did_not_fit(error: &EngineError) -> bool {
    let EngineError::Query { error, .. } = error else { return false };
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Reads a size: `512MiB`, `4GiB`, or bytes without a unit.
///
/// # Errors
/// What is wrong with it.
pub fn bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.trim() {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(format!("{text} is no size: a number of KiB, MiB or GiB was expected, such as 4GiB")),
    };
    let number: Option<u64> = number.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(1 << shift)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("{text} is no size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("512 MiB"), Ok(512 << 20));
        assert_eq!(bytes("1000"), Ok(1000));
        for wrong in ["", "0", "GiB", "4GB", "-1GiB", "99999999999GiB", "1.5GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}

//! Whole jobs on a cluster: the client of Apache DataFusion Ballista, and the two programs of the cluster,
//! `reskontra-scheduler` and `reskontra-executor`.
//!
//! A job is planned in the process that runs it, on its pinned snapshot of the tables, and the physical plan is sent:
//! which files to read, the rows of parameter tables, and the engine's functions with the business date and calendar
//! that they depend on. So a cluster knows nothing of jobs, tables or dates, and serves runs of any version of `sql/`.
//!
//! All of it is behind the feature `ballista`, which is off in default builds; without it [`open`] says so. Start
//! reading at `client`.

#[cfg(feature = "ballista")]
mod client;
#[cfg(feature = "ballista")]
mod codec;
#[cfg(feature = "ballista")]
mod executors;
#[cfg(feature = "ballista")]
mod stages;
#[cfg(feature = "ballista")]
mod stores;

use std::sync::Arc;

use engine::executor::Executor;
use url::Url;

#[cfg(feature = "ballista")]
pub use codec::Codec;
#[cfg(feature = "ballista")]
pub use executors::{Executors, Scheduler};
#[cfg(feature = "ballista")]
pub use stages::Unmeasured;
#[cfg(feature = "ballista")]
pub use stores::Stores;

/// The port of a scheduler.
pub const PORT: u16 = 50050;
/// Executors ask for tasks and say how many they have room for. A scheduler that hands them out keeps count itself, and
/// counts wrong when an executor dies: the room of tasks that it takes back from the others is never free again, and
/// jobs wait for ever.
#[cfg(feature = "ballista")]
pub const SCHEDULING: ballista_core::config::TaskSchedulingPolicy =
    ballista_core::config::TaskSchedulingPolicy::PullStaged;
/// The largest message between client, scheduler and executors, in bytes. A plan names each file that it reads.
pub const MESSAGE_BYTES: u32 = 64 << 20;

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The address is wrong.
    #[error("{0} is no engine: say ballista://HOST:PORT, or leave it out to compute in this process")]
    Address(String),
    /// The program has no client.
    #[error(
        "this program was built without a client for {0}: build it with `cargo build --workspace --features ballista`, \
         or leave the engine out to compute in this process"
    )]
    NotBuilt(Url),
    /// A table cannot be read as plain files.
    #[error(
        "the table {0} has deleted rows that are still in its files, and no cluster could tell them from the others: \
         compact the tables with `reskontra run --compact`, then run on the cluster; or leave the engine out to compute \
         in this process"
    )]
    DeletedRows(String),
    /// No answer came.
    #[error("the cluster has not answered within {} hours; look at the logs of its programs", .0.as_secs() / 3600)]
    NoAnswer(std::time::Duration),
}

/// The executor at an address such as `ballista://scheduler:50050`. Nothing is sent yet.
///
/// # Errors
/// When the address is no cluster's, or the program was built without a client.
pub fn open(address: &str) -> Result<Arc<dyn Executor>, ClusterError> {
    let wrong = || ClusterError::Address(address.to_owned());
    let url = Url::parse(address).map_err(|_| wrong())?;
    let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
    match url.host_str() {
        Some(host) if url.scheme() == "ballista" && is_plain => connect(host, &url),
        _ => Err(wrong()),
    }
}

#[cfg(feature = "ballista")]
fn connect(host: &str, url: &Url) -> Result<Arc<dyn Executor>, ClusterError> {
    Ok(Arc::new(client::Cluster::at(host, url.port().unwrap_or(PORT))))
}

#[cfg(not(feature = "ballista"))]
fn connect(_: &str, url: &Url) -> Result<Arc<dyn Executor>, ClusterError> {
    Err(ClusterError::NotBuilt(url.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clusters_address_opens_one() {
        for wrong in ["", "cluster", "http://cluster:50050", "ballista://", "ballista://host/path", "ballista://a@host"]
        {
            assert!(matches!(open(wrong), Err(ClusterError::Address(_))), "{wrong}");
        }
        let right = open("ballista://host:50050");
        if cfg!(feature = "ballista") {
            assert!(right.unwrap().reads_plain_files());
        } else {
            let refused = right.unwrap_err().to_string();
            assert!(refused.contains("cargo build --workspace --features ballista"), "{refused}");
        }
    }
}

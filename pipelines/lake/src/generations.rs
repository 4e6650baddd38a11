use commit::generation::{FORMAT, Generation};
use futures::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, PutMode, PutOptions};
use telemetry::trace::{LINKS, TraceParent};

use crate::{Lake, LakeError, paths};

/// What every form has in common.
#[derive(serde::Deserialize)]
struct Tagged {
    format: u32,
}

impl Lake {
    /// The last generation that was published, if any.
    ///
    /// # Errors
    /// When the store fails or the generation cannot be read.
    pub async fn latest_generation(&self) -> Result<Option<Generation>, LakeError> {
        match self.generation_numbers().await?.last() {
            Some(number) => self.generation(*number).await.map(Some),
            None => Ok(None),
        }
    }

    /// Numbers of all generations, ascending.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn generation_numbers(&self) -> Result<Vec<u64>, LakeError> {
        let store = self.store();
        let objects: Vec<_> = store.list(Some(&paths::generations())).try_collect().await?;
        let mut numbers: Vec<u64> =
            objects.iter().filter_map(|object| paths::generation_number(&object.location)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A generation by number.
    ///
    /// # Errors
    /// When there is none, the store fails, or it cannot be read.
    pub async fn generation(&self, number: u64) -> Result<Generation, LakeError> {
        let path = paths::generation(number);
        let bytes = match self.store().get(&path).await {
            Ok(object) => object.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Err(LakeError::NoGeneration(number)),
            Err(error) => return Err(error.into()),
        };
        let fail = |error: serde_json::Error| LakeError::Format { path: path.to_string(), reason: error.to_string() };
        let Tagged { format } = serde_json::from_slice(&bytes).map_err(fail)?;
        if format > FORMAT {
            let reason = commit::generation::Refusal::NewerFormat(format).to_string();
            return Err(LakeError::Format { path: path.to_string(), reason });
        }
        serde_json::from_slice(&bytes).map_err(fail)
    }

    /// Publishes a generation: from this put on, readers see it.
    ///
    /// # Errors
    /// When another run took its number, or the store fails.
    pub async fn publish(&self, generation: &Generation) -> Result<(), LakeError> {
        let path = paths::generation(generation.number);
        let json = serde_json::to_vec_pretty(generation)
            .map_err(|error| LakeError::Format { path: path.to_string(), reason: error.to_string() })?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        faults::PUBLISH.before();
        let put = self.store().put_opts(&path, json.into(), options).await;
        faults::PUBLISH.after();
        match put {
            Ok(_) => {
                tracing::info!(generation = generation.number, as_of = %generation.as_of, "published");
                Ok(())
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Err(LakeError::GenerationTaken(generation.number))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Lake {
    /// The spans that committed the versions of a landing table after `since` and up to `until`; of so many that a span
    /// can link to, the last ones. Versions whose writers had no traces say nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn landing_traces(&self, contract: &str, since: u64, until: u64) -> Result<Vec<TraceParent>, LakeError> {
        let mut traces = Vec::new();
        for version in (since + 1..=until).rev().take(LINKS) {
            let bytes = match self.store().get(&paths::log_entry(&paths::landing(contract), version)).await {
                Ok(entry) => entry.bytes().await?,
                // Old entries go away with their checkpoint.
                Err(object_store::Error::NotFound { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            let actions = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
            let trace = actions.filter_map(|action: serde_json::Value| {
                action.get("commitInfo")?.get(telemetry::trace::HEADER)?.as_str()?.parse::<TraceParent>().ok()
            });
            traces.extend(trace);
        }
        Ok(traces)
    }
}

impl Lake {
    /// Keeps a library of jobs under the digest of its bytes; one that is there already stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_library(&self, digest: &str, bytes: Vec<u8>) -> Result<(), LakeError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        faults::LIBRARY.before();
        let put = self.store().put_opts(&paths::library(digest), bytes.into(), options).await;
        faults::LIBRARY.after();
        match put {
            // Its name is its content.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A library of jobs by its digest.
    ///
    /// # Errors
    /// When it is not there or the store fails.
    pub async fn library(&self, digest: &str) -> Result<bytes::Bytes, LakeError> {
        Ok(self.store().get(&paths::library(digest)).await?.bytes().await?)
    }
}

impl Lake {
    /// Keeps what the last run came to, published or not, for the people who watch it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_last_run(&self, report: Vec<u8>) -> Result<(), LakeError> {
        faults::REPORT.before();
        self.store().put(&paths::last_run(), report.into()).await?;
        faults::REPORT.after();
        Ok(())
    }

    /// What the last run came to, if there was one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_run(&self) -> Result<Option<bytes::Bytes>, LakeError> {
        match self.store().get(&paths::last_run()).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

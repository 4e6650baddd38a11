//! Signing in: whether the broker knows this user, and this process the broker.
//!
//! A client that is not let in tries again and again, and whoever waits for it learns only that time ran out. So
//! before anything else a client is asked for its errors.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext};

use super::KafkaConfig;
use crate::error::{Refusal, refusal};
use crate::{Error, Result};

/// How long to wait for an answer before looking for an error.
const LOOK: Duration = Duration::from_millis(250);

/// Keeps the error by which a client was not let in.
#[derive(Debug, Default)]
struct Witness(Mutex<Option<KafkaError>>);

impl ClientContext for Witness {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "signing in");
        if refusal(&error) == Some(Refusal::Identity) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl ProducerContext for Witness {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// Signs in once, where signing in is asked for. Blocks.
///
/// # Errors
/// When the user is not let in, the broker's certificate is not to be trusted, or the broker does not answer.
pub(super) fn sign_in(config: &KafkaConfig) -> Result<()> {
    if !config.settings.contains_key("security.protocol") {
        return Ok(());
    }
    let what = "signing in at the broker";
    let client = config.client(&[])?.create_with_context(Witness::default());
    let client: BaseProducer<Witness> = client.map_err(|source| Error::broker(what, source))?;
    let started = Instant::now();
    loop {
        let answer = client.client().fetch_metadata(None, LOOK);
        client.poll(Duration::ZERO);
        let refused = client.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (answer, refused) {
            (Ok(_), _) => return Ok(()),
            (Err(_), Some(source)) => return Err(Error::broker(what, source)),
            (Err(source), None) if started.elapsed() > config.deadline() => return Err(Error::broker(what, source)),
            (Err(_), None) => {}
        }
    }
}

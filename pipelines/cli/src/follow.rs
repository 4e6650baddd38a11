//! Doing a step again and again until told to stop.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use ingest::Retry;
use lake::LakeError;

use crate::print;
use crate::stop::Stop;

/// The longest wait before a step that failed is tried again.
const LONGEST: Duration = Duration::from_secs(30);

/// What a step has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something: there may be more to do at once.
    Worked,
    /// Nothing was there to do.
    Idle,
}

/// Does a step again and again, with a pause after one that found nothing to do, until asked to stop. What fails and
/// may pass (a broker, a store, a disk) is told and tried again, ever more slowly.
///
/// # Errors
/// When a step fails and will fail again: a wrong configuration, another process in its place.
pub async fn follow(stop: &Stop, pause: Duration, mut step: impl AsyncFnMut() -> Result<Step>) -> Result<ExitCode> {
    let mut failures = 0_u32;
    let mut wait = Duration::ZERO;
    while stop.pause(wait).await {
        wait = match step().await {
            Ok(step) => {
                failures = 0;
                if step == Step::Worked { Duration::ZERO } else { pause }
            }
            Err(error) if is_lasting(&error) => return Err(error),
            Err(error) => {
                let wait = backoff(pause, failures);
                failures += 1;
                print::error(&format!("{error:#}; trying again in {:.1} s", wait.as_secs_f32()));
                wait
            }
        };
    }
    Ok(ExitCode::SUCCESS)
}

fn backoff(pause: Duration, failures: u32) -> Duration {
    pause.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(LONGEST)
}

/// Whether an error stays until somebody changes something.
fn is_lasting(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let ingest = cause.downcast_ref::<ingest::Error>().is_some_and(|error| error.retry() == Retry::Never);
        ingest || cause.downcast_ref::<LakeError>().is_some_and(|error| !error.passes())
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, bail};

    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit() {
        let waits = [0, 1, 2, 60].map(|failures| backoff(Duration::from_millis(250), failures).as_millis());
        assert_eq!(waits, [250, 500, 1_000, 30_000]);
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again_and_what_stays_ends_it() {
        let (stop, mut steps) = (Stop::never(), 0);
        let ended = follow(&stop, Duration::from_millis(1), async || {
            steps += 1;
            match steps {
                1 => Ok(Step::Worked),
                2 => bail!("for now"),
                3 => Ok(Step::Idle),
                _ => Err(ingest::Error::Fenced { what: "the log".to_owned() }).context("delivering"),
            }
        });
        let error = ended.await.unwrap_err();
        assert!(format!("{error:#}").contains("another writer"), "{error:#}");
        assert_eq!(steps, 4);
    }
}

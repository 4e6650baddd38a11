//! Stopping: a process that goes on for ever ends cleanly when it is asked to.
//!
//! SIGTERM or SIGINT is a wish: the work hears of it through its [`Stop`], finishes the step that it is at and
//! begins no other. A step that takes longer than the process has is abandoned where it stands, as if the process had
//! been killed, and every step is made for that: the next start goes on from what was committed. Either way the
//! process was asked to end and did, so it exits with 0. A second signal abandons at once.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::print;

/// Whether the process was asked to stop. Clones hear the same.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// For work that ends by itself: nobody asks.
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// True once the process was asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the process is asked.
    pub async fn asked(mut self) {
        // The sender lives as long as the work; without one nobody can ask any more.
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for so long; false when the process was asked to stop in the meantime.
    pub async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.clone().asked() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}

/// Does work that goes on until it is asked to stop, and gives it `grace` to end once it was asked.
pub async fn gracefully<W, F>(grace: Duration, work: W) -> Result<ExitCode>
where
    W: FnOnce(Stop) -> F,
    F: Future<Output = Result<ExitCode>>,
{
    let mut signals = Signals::listen().context("listening for signals")?;
    let (ask, asked) = watch::channel(false);
    let mut work = std::pin::pin!(work(Stop(asked)));
    tokio::select! {
        ended = &mut work => return ended,
        () = signals.next() => {}
    }
    print::note(&format!("stopping; the step under way has {} s to end", grace.as_secs()));
    ask.send_replace(true);
    tokio::select! {
        ended = work => return ended,
        () = tokio::time::sleep(grace) => {}
        () = signals.next() => {}
    }
    print::note("the step under way was abandoned; the next start goes on from what was committed");
    Ok(ExitCode::SUCCESS)
}

/// What asks a process to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

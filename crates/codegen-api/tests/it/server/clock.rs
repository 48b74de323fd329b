//! Time in tests.

use std::{sync::mpsc, time::Duration};

/// Timers end at whole milliseconds, so one that is due ends within this.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Stops the clock until it is dropped: time passes in `advance` alone.
///
/// A paused clock by itself skips to the next timer whenever the test waits for a thread of the
/// database. It does not while a blocking task runs, so one does.
pub(crate) struct StoppedClock {
    _running: mpsc::Sender<()>,
}

impl StoppedClock {
    pub(crate) fn new() -> Self {
        tokio::time::pause();
        let (running, dropped) = mpsc::channel();
        tokio::task::spawn_blocking(move || dropped.recv());
        Self { _running: running }
    }

    pub(crate) async fn advance(&self, time: Duration) {
        tokio::time::advance(time).await;
        settle().await;
    }
}

/// Lets every task do what it can without waiting.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

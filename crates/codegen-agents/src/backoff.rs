use std::time::Duration;

/// Growing pauses between questions to a store that fails: 100 ms, doubled up to 5 s.
///
/// No jitter: a store has few runners, and they wait on their own schedules already.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    pub(crate) const LONGEST: Duration = Duration::from_secs(5);

    pub(crate) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(Self::LONGEST);
        pause
    }
}

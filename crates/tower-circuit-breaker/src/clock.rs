use std::time::Duration;

use tokio::time::Instant;

/// Time since it was made.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
        }
    }

    pub(crate) fn millis(&self) -> u64 {
        let age = self.age();
        age.as_secs()
            .saturating_mul(1_000)
            .saturating_add(age.subsec_millis().into())
    }

    /// Comes round after half a million years.
    pub(crate) fn micros(&self) -> u64 {
        let age = self.age();
        age.as_secs()
            .wrapping_mul(1_000_000)
            .wrapping_add(age.subsec_micros().into())
    }

    fn age(&self) -> Duration {
        Instant::now().saturating_duration_since(self.epoch)
    }
}

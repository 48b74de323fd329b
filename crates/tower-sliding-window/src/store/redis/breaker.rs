use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long the server is left alone after it failed, and then between one attempt and the next.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Keeps requests from waiting, each in turn, for a server that is away. One failure suffices:
/// what fails to answer in time is away, and it is asked again soon.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Nobody asks before, then one does.
    ask_again: Mutex<Option<Instant>>,
}

impl Breaker {
    /// Whether the server is to be asked. Who is told so must report what came of it, or the next
    /// attempt comes after [`RETRY`].
    pub(super) fn allows(&self) -> bool {
        let mut ask_again = self.lock();
        let now = Instant::now();
        match *ask_again {
            None => true,
            Some(at) if now < at => false,
            Some(_) => {
                *ask_again = now.checked_add(RETRY);
                true
            }
        }
    }

    pub(super) fn succeeded(&self) {
        *self.lock() = None;
    }

    pub(super) fn failed(&self) {
        *self.lock() = Instant::now().checked_add(RETRY);
    }

    /// Poison is ignored: nothing under this lock can leave it half changed.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.ask_again
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_one_request_a_second_asks() {
        let breaker = Breaker::default();
        assert!(breaker.allows() && breaker.allows());
        breaker.failed();
        assert!(!breaker.allows());
        advance(RETRY).await;
        assert!(breaker.allows());
        assert!(!breaker.allows());
        advance(RETRY).await;
        assert!(breaker.allows());
        breaker.succeeded();
        assert!(breaker.allows() && breaker.allows());
    }
}

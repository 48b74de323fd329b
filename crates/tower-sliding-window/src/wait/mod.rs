mod future;
mod queue;

use std::{fmt, sync::Arc, time::Duration};

pub use self::future::WaitFuture;
use self::queue::Queues;

/// How calls wait for their quota: in order of arrival, per key.
///
/// A call arrives when its future is first polled. It is then charged or gets in line; only the
/// head of a line has a timer. Dropping the future takes it out of the line and wakes the next;
/// what waits has not been charged.
///
/// A call that is known not to be admitted within `max_wait` is denied at once rather than when
/// the time is over. The inner service is readied only after admission, so that a waiting call
/// holds nothing of it; the limit therefore counts admissions, and an inner service that is
/// itself not ready for long may afterwards be called by several at once.
///
/// A clone shares the lines.
pub struct Wait<K> {
    max_wait: Duration,
    max_waiters: usize,
    queues: Arc<Queues<K>>,
}

impl<K> Wait<K> {
    /// Lets a call wait up to `max_wait`, with up to 1024 waiting for the same key.
    ///
    /// The number bounds memory (a few hundred bytes a call, besides the request), and a line of
    /// a thousand is minutes long under the limits public interfaces have.
    #[must_use]
    pub fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            max_waiters: 1024,
            queues: Arc::default(),
        }
    }

    /// How many calls may wait for the same key; one more fails with
    /// [`Error::QueueFull`](crate::Error::QueueFull). With 0 none waits.
    #[must_use]
    pub const fn max_waiters(mut self, max_waiters: usize) -> Self {
        self.max_waiters = max_waiters;
        self
    }

    /// How many calls are in line now, for all keys together.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queues.waiting()
    }
}

/// By hand, since sharing needs no `K: Clone`.
impl<K> Clone for Wait<K> {
    fn clone(&self) -> Self {
        Self {
            max_wait: self.max_wait,
            max_waiters: self.max_waiters,
            queues: Arc::clone(&self.queues),
        }
    }
}

/// Without the keys: they name people.
impl<K> fmt::Debug for Wait<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("max_wait", &self.max_wait)
            .field("max_waiters", &self.max_waiters)
            .finish_non_exhaustive()
    }
}

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Request extension: the number of the attempt this request is. Absent where the request must not
/// be repeated, and at the first attempt of an
/// [`HttpPolicy`](super::HttpPolicy::number_retries_only) that numbers retries only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt(pub(super) u32);

impl Attempt {
    /// Counted from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// Request extension: sending this request twice means the same as once, whatever its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeatable;

/// Request extension: when the caller stops waiting for this request. No attempt starts at this
/// time or later; the deadline of the layer applies as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// At this time.
    #[must_use]
    pub const fn at(deadline: Instant) -> Self {
        Self(Some(deadline))
    }

    /// This long from now; what a clock cannot show is no deadline.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    pub(super) fn instant(&self) -> Option<Instant> {
        self.0
    }
}

/// Request extension: a counter that the caller puts in and keeps a clone of.
///
/// It is right at any moment, also when the call ended with an error of another layer or was
/// dropped. Make a new one for every call.
///
/// ```
/// # fn main() -> Result<(), http::Error> {
/// use tower_retry_backoff::http::RetryCount;
///
/// let retries = RetryCount::default();
/// let request = http::Request::get("/").extension(retries.clone()).body(())?;
/// // Send the request.
/// let attempts = 1 + retries.get();
/// # assert_eq!((attempts, request.extensions().len()), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RetryCount(Arc<AtomicU32>);

impl RetryCount {
    /// Attempts started beyond the first.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub(super) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

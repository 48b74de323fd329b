use std::time::Duration;

use super::{
    atomic::{AtomicU64, Ordering::Relaxed},
    bucket::{Bucket, Refill},
};

/// A [`Bucket`] for many threads, without a lock.
///
/// Paying in is one addition. What came in is brought into the bucket by whoever wants to take out;
/// each unit by exactly one of them, who takes it away from `successes`. Until he has put it down in
/// `bucket`, others may find less than there is, never more.
///
/// The tests compile this file against atomics that try all interleavings; that is why they come
/// from `super`.
#[derive(Debug)]
pub(crate) struct Account {
    refill: Refill,
    bucket: AtomicU64,
    // Not yet in the bucket.
    successes: AtomicU64,
    // When they were brought in last, in nanoseconds since the account was opened.
    refilled: AtomicU64,
}

impl Account {
    pub(crate) fn new(refill: Refill) -> Self {
        Self {
            refill,
            bucket: AtomicU64::new(Bucket::full(refill).to_bits()),
            successes: AtomicU64::new(0),
            refilled: AtomicU64::new(0),
        }
    }

    pub(crate) fn refill(&self) -> Refill {
        self.refill
    }

    pub(crate) fn success(&self) {
        self.successes.fetch_add(1, Relaxed);
    }

    /// Takes out `retries`, `now` after the account was opened. `false`: there are not as many.
    pub(crate) fn withdraw(&self, retries: u32, now: Duration) -> bool {
        let bucket = self.brought_in(now);
        let mut seen = bucket.to_bits();
        while let Some(left) = Bucket::from_bits(seen).withdrawn(retries) {
            let swapped = self
                .bucket
                .compare_exchange_weak(seen, left.to_bits(), Relaxed, Relaxed);
            match swapped {
                Ok(_) => return true,
                Err(other) => seen = other,
            }
        }
        false
    }

    /// How many retries there are, `now` after the account was opened.
    pub(crate) fn retries(&self, now: Duration) -> u32 {
        self.brought_in(now).retries()
    }

    fn brought_in(&self, now: Duration) -> Bucket {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let elapsed = now.saturating_sub(self.refilled.fetch_max(now, Relaxed));
        let elapsed = Duration::from_nanos(elapsed);
        let successes = self.successes.swap(0, Relaxed);
        let mut seen = self.bucket.load(Relaxed);
        loop {
            let bucket = Bucket::from_bits(seen).refilled(self.refill, successes, elapsed);
            let swapped =
                self.bucket
                    .compare_exchange_weak(seen, bucket.to_bits(), Relaxed, Relaxed);
            match swapped {
                Ok(_) => return bucket,
                Err(other) => seen = other,
            }
        }
    }
}

//! Log-linear buckets: 32 in each doubling, so the middle of a bucket is off by at most 1/64.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

/// Buckets in each doubling, as a power of two.
const SUB_BITS: u32 = 5;
const SUBS: usize = 1 << SUB_BITS;
/// The finest bucket is 64 ns wide, so 1/64 holds from 2 us on.
const UNIT_BITS: u32 = 6;
/// Up to 2^42 ns, over an hour. What is longer is in the last bucket; the maximum is kept beside.
const BUCKETS: usize = (42 - UNIT_BITS as usize - SUB_BITS as usize + 1) * SUBS;

/// Latencies as many threads count them.
pub(super) struct Histogram {
    buckets: Box<[AtomicU32]>,
    errors: AtomicU32,
    max_nanos: AtomicU64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            errors: AtomicU32::new(0),
            max_nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn record(&self, latency: Duration, is_error: bool) {
        let nanos = nanos(latency);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        if is_error {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        // Mostly it is no new maximum, and a read does not take the line from other threads.
        if nanos > self.max_nanos.load(Ordering::Relaxed) {
            self.max_nanos.fetch_max(nanos, Ordering::Relaxed);
        }
    }

    pub(super) fn clear(&self) {
        for bucket in &self.buckets {
            bucket.store(0, Ordering::Relaxed);
        }
        self.errors.store(0, Ordering::Relaxed);
        self.max_nanos.store(0, Ordering::Relaxed);
    }
}

/// Histograms added up, for reading.
pub(super) struct Merged {
    buckets: Box<[u64]>,
    pub(super) requests: u64,
    pub(super) errors: u64,
    max_nanos: u64,
}

impl Default for Merged {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS].into(),
            requests: 0,
            errors: 0,
            max_nanos: 0,
        }
    }
}

impl Merged {
    pub(super) fn add_live(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            let count = u64::from(bucket.load(Ordering::Relaxed));
            *sum += count;
            self.requests += count;
        }
        self.errors += u64::from(histogram.errors.load(Ordering::Relaxed));
        let max_nanos = histogram.max_nanos.load(Ordering::Relaxed);
        self.max_nanos = self.max_nanos.max(max_nanos);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += count;
        }
        self.requests += other.requests;
        self.errors += other.errors;
        self.max_nanos = self.max_nanos.max(other.max_nanos);
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_nanos(self.max_nanos)
    }

    /// The latency that `percent` of the requests did not exceed; zero when there are none.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let rank = (u128::from(self.requests) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (index, &count) in self.buckets.iter().enumerate() {
            seen += u128::from(count);
            if count > 0 && seen >= rank {
                return Duration::from_nanos(middle(index).min(self.max_nanos));
            }
        }
        self.max()
    }
}

fn nanos(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)
}

fn bucket(nanos: u64) -> usize {
    let units = nanos >> UNIT_BITS;
    // The first two doublings have the finest buckets.
    let Some(octave) = (units >> SUB_BITS).checked_ilog2() else {
        return units as usize;
    };
    let index = octave as usize * SUBS + (units >> octave) as usize;
    index.min(BUCKETS - 1)
}

/// The middle of a bucket, in nanoseconds.
fn middle(index: usize) -> u64 {
    let octave = (index / SUBS).saturating_sub(1);
    let units = (index - octave * SUBS) as u64;
    let width = 1 << (octave as u32 + UNIT_BITS);
    units * width + width / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_knows_its_middle() {
        for index in 0..BUCKETS {
            assert_eq!(bucket(middle(index)), index);
        }
    }

    #[test]
    fn what_is_too_long_is_in_the_last_bucket_and_keeps_its_maximum() {
        assert_eq!(bucket((1 << 42) - 1), BUCKETS - 1);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        let histogram = Histogram::new();
        histogram.record(Duration::MAX, false);
        let mut merged = Merged::default();
        merged.add_live(&histogram);
        assert_eq!(merged.max(), Duration::from_nanos(u64::MAX));
    }

    proptest! {
        #[test]
        fn the_middle_is_off_by_a_64th(nanos in 2_048_u64..1 << 42) {
            let middle = middle(bucket(nanos));
            prop_assert!(middle.abs_diff(nanos) <= nanos / 64 + 1);
        }

        #[test]
        fn buckets_are_in_order(low in 0_u64..1 << 42, more in 0_u64..1 << 42) {
            prop_assert!(bucket(low) <= bucket(low + more));
        }
    }
}

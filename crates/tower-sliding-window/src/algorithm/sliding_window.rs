use super::{Algorithm, log::Log};
use crate::{Admission, Denied, Quota, Usage};

/// Into how many parts a window is cut: admissions within one part may share an entry. 64 keeps
/// a log near 1 KiB and gives away at most 1/64 of the limit.
const QUANTA: u32 = 64;

/// A sliding window: never more than the limit in any span of the window's length.
///
/// The state is a log of the admissions still counted. Where the limit is above 64, admissions
/// that follow each other within 1/64 of the window share one entry, which counts in full until
/// a whole window after its *last* admission. Merging so can only delay an admission, by at most
/// 1/64 of the window, never allow one early: under saturation at least 98 % of what an exact log
/// admits. Limits up to 64 are not merged and are exact.
///
/// Time that goes backwards is taken as the latest admission's. What is in the log when the quota
/// changes is judged by the new one.
///
/// Memory: 16 bytes an entry, at most 66 entries; nothing on the heap for a single one.
///
/// ```
/// use std::time::Duration;
/// use tower_sliding_window::{Algorithm, Quota, SlidingWindow};
///
/// let quota = Quota::new(2, Duration::from_nanos(10))?;
/// let mut window = SlidingWindow::default();
/// assert!(window.admit(0, 1, quota).is_ok());
/// assert!(window.admit(3, 1, quota).is_ok());
///
/// let denied = window.admit(4, 1, quota).unwrap_err();
/// assert_eq!(denied.retry_after, Duration::from_nanos(6));
/// assert!(window.admit(10, 1, quota).is_ok());
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SlidingWindow(Log);

/// Charges nearer than this to the opening of an entry join it.
pub(crate) fn quantum(quota: Quota) -> u64 {
    if quota.limit() > QUANTA {
        quota.window_nanos().div_ceil(u64::from(QUANTA))
    } else {
        0
    }
}

impl Algorithm for SlidingWindow {
    fn check(&self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied> {
        self.0.check(now, cost, quota)
    }

    fn charge(&mut self, now: u64, cost: u32, quota: Quota) {
        self.0.charge(now, cost, quota, quantum(quota));
    }

    fn refund(&mut self, now: u64, at: Option<u64>, cost: u32, quota: Quota) {
        self.0.refund(now, at, cost, quota, quantum(quota));
    }

    fn usage(&self, now: u64, quota: Quota) -> Usage {
        self.0.usage(now, quota)
    }

    fn is_spent(&self, now: u64, quota: Quota) -> bool {
        self.0.is_spent(now, quota)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_log_stays_within_its_bound_however_many_requests_come() {
        for window in [1, 63, 64, 65, 127, 1000, 6400] {
            for limit in [1, 64, 65, 100, 10_000] {
                let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
                let mut log = SlidingWindow::default();
                for now in 0..3 * window {
                    let _ = log.admit(now, 1, quota);
                    let _ = log.admit(now, 1, quota);
                    assert!(log.0.entries() <= QUANTA as usize + 2);
                }
            }
        }
    }
}

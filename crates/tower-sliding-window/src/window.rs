//! The rule: a log of admissions, coalesced so that it stays short.

use std::{collections::VecDeque, time::Duration};

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
/// A pure rule: it takes the time as an argument, in nanoseconds since any fixed origin. Time
/// that goes backwards is taken as the latest admission's. It is told the quota at each call, so
/// the quota may change: what is still in the log is judged by the new one.
///
/// Memory: 16 bytes an entry, at most 66 entries; nothing on the heap before the first admission.
///
/// ```
/// use std::time::Duration;
/// use tower_sliding_window::{Quota, SlidingWindow};
///
/// let quota = Quota::new(2, Duration::from_nanos(10))?;
/// let mut window = SlidingWindow::default();
/// assert!(window.admit(0, quota).is_ok());
/// assert!(window.admit(3, quota).is_ok());
///
/// let denied = window.admit(4, quota).unwrap_err();
/// assert_eq!(denied.retry_after, Duration::from_nanos(6));
/// assert!(window.admit(10, quota).is_ok());
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SlidingWindow {
    /// Oldest first. The newest entry's `last` is the latest time this window admitted anything,
    /// so that nothing has to be written when a request is denied.
    log: VecDeque<Entry>,
    /// Sum of the counts in `log`.
    charged: u32,
    /// When the newest entry was opened.
    opened: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When its last admission happened.
    last: u64,
    count: u32,
}

impl SlidingWindow {
    /// Decides a request at `now` and, if it passes, charges it.
    ///
    /// # Errors
    ///
    /// When the window holds the limit; nothing is charged then.
    pub fn admit(&mut self, now: u64, quota: Quota) -> Result<Admission, Denied> {
        let admission = self.check(now, quota)?;
        self.charge(now, quota);
        Ok(admission)
    }

    /// Like [`admit`](Self::admit), charging nothing: what it answers holds after the charge.
    pub(crate) fn check(&self, now: u64, quota: Quota) -> Result<Admission, Denied> {
        let usage = self.usage(now, quota);
        if usage.current < usage.maximum {
            Ok(Admission::new(quota, usage.maximum - usage.current - 1))
        } else {
            Err(Denied::new(quota, usage.next_admission))
        }
    }

    /// Charges one request that [`check`](Self::check) let pass at the same `now`.
    pub(crate) fn charge(&mut self, now: u64, quota: Quota) {
        let now = self.forward(now);
        let window = quota.window_nanos();
        while let Some(oldest) = self.log.front() {
            if now - oldest.last < window {
                break;
            }
            self.charged -= oldest.count;
            self.log.pop_front();
        }
        self.charged += 1;
        let quantum = window.div_ceil(u64::from(QUANTA));
        match self.log.back_mut() {
            Some(newest)
                if newest.last == now
                    || (quota.limit() > QUANTA && now - self.opened < quantum) =>
            {
                newest.last = now;
                newest.count += 1;
            }
            _ => {
                self.opened = now;
                self.log.push_back(Entry {
                    last: now,
                    count: 1,
                });
            }
        }
    }

    /// How full the window is at `now`.
    #[must_use]
    pub fn usage(&self, now: u64, quota: Quota) -> Usage {
        let window = quota.window_nanos();
        let forward = self.forward(now);
        let expired = self
            .log
            .iter()
            .take_while(|entry| forward - entry.last >= window)
            .map(|entry| entry.count)
            .sum::<u32>();
        let current = self.charged - expired;
        let next_admission = if current < quota.limit() {
            Duration::ZERO
        } else {
            self.until_room(now, quota)
        };
        Usage {
            current,
            maximum: quota.limit(),
            next_admission,
        }
    }

    /// How long until the entries still counted leave room for one more. Not merely the oldest
    /// one's expiry: after the limit was lowered, several must go.
    fn until_room(&self, now: u64, quota: Quota) -> Duration {
        let mut left = self.charged;
        let mut free_at = now;
        for entry in &self.log {
            if left < quota.limit() {
                break;
            }
            left -= entry.count;
            free_at = entry.last.saturating_add(quota.window_nanos());
        }
        Duration::from_nanos(free_at.saturating_sub(now))
    }

    /// Whether nothing counts any more at `now`: forgetting this window changes no decision.
    pub(crate) fn is_spent(&self, now: u64, quota: Quota) -> bool {
        self.log
            .back()
            .is_none_or(|newest| now.saturating_sub(newest.last) >= quota.window_nanos())
    }

    fn forward(&self, now: u64) -> u64 {
        self.log.back().map_or(now, |newest| now.max(newest.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_stays_within_its_bound_however_many_requests_come() {
        for window in [1, 63, 64, 65, 127, 1000, 6400] {
            for limit in [1, 64, 65, 100, 10_000] {
                let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
                let mut log = SlidingWindow::default();
                for now in 0..3 * window {
                    let _ = log.admit(now, quota);
                    let _ = log.admit(now, quota);
                    assert!(log.log.len() <= QUANTA as usize + 2);
                }
            }
        }
    }
}

use std::time::Duration;

use super::Algorithm;
use crate::{Admission, Denied, Quota, Usage};

/// The generic cell rate algorithm, in one word: as many as the limit at once, then one more each
/// `window / limit`.
///
/// So the limit is how large a burst may be, and any span of length `t` holds at most
/// `limit + t * limit / window`: nearly twice the limit in a span as long as the window. For an
/// even flow give it a small quota that is the same rate: 100 a second in bursts of up to 10 is
/// `Quota::new(10, 100 ms)`.
///
/// `window / limit` is rounded up to whole nanoseconds. Time that goes backwards only delays.
/// When the quota changes, what is used keeps its number. Of what is refunded, the part that has
/// drained since is not given back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gcra {
    /// When all that was charged will have drained.
    drained_at: u64,
}

impl Gcra {
    fn used(self, now: u64, quota: Quota) -> u64 {
        self.drained_at
            .saturating_sub(now)
            .div_ceil(interval(quota))
    }
}

fn interval(quota: Quota) -> u64 {
    quota.window_nanos().div_ceil(u64::from(quota.limit()))
}

impl Algorithm for Gcra {
    fn check(&self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied> {
        let wanted = cost.max(1);
        let Some(spare) = quota.limit().checked_sub(wanted) else {
            return Err(Denied::new(quota, Duration::MAX));
        };
        let interval = interval(quota);
        let backlog = self.drained_at.saturating_sub(now);
        let most = interval.saturating_mul(u64::from(spare));
        match most.checked_sub(backlog) {
            Some(left) => {
                let remaining = u32::try_from(left / interval).unwrap_or(u32::MAX);
                Ok(Admission::new(quota, remaining + (wanted - cost)).stamped(now))
            }
            None => Err(Denied::new(quota, Duration::from_nanos(backlog - most))),
        }
    }

    fn charge(&mut self, now: u64, cost: u32, quota: Quota) {
        let takes = interval(quota).saturating_mul(u64::from(cost));
        self.drained_at = self.drained_at.max(now).saturating_add(takes);
    }

    fn refund(&mut self, now: u64, at: Option<u64>, cost: u32, quota: Quota) {
        let took = interval(quota).saturating_mul(u64::from(cost));
        let drained = at.map_or(0, |at| now.saturating_sub(at));
        let back = took.saturating_sub(drained);
        self.drained_at = self
            .drained_at
            .saturating_sub(back)
            .max(now.min(self.drained_at));
    }

    fn usage(&self, now: u64, quota: Quota) -> Usage {
        let current = u32::try_from(self.used(now, quota)).unwrap_or(u32::MAX);
        let next_admission = match self.check(now, 1, quota) {
            Ok(_) => Duration::ZERO,
            Err(denied) => denied.retry_after,
        };
        Usage {
            current,
            maximum: quota.limit(),
            next_admission,
        }
    }

    fn is_spent(&self, now: u64, _: Quota) -> bool {
        self.drained_at <= now
    }

    fn change_quota(&mut self, now: u64, from: Quota, to: Quota) {
        let takes = self.used(now, from).saturating_mul(interval(to));
        self.drained_at = now.saturating_add(takes);
    }
}

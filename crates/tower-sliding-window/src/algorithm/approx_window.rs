use std::time::Duration;

use super::Algorithm;
use crate::{Admission, Denied, Quota, Usage};

/// Two counters in one word: this window's of the clock, and the one before weighted by how much
/// of it a sliding window would still see.
///
/// The weight assumes that the earlier window was used evenly. When it was not, a span of the
/// window's length holds up to, but never as many as, twice the limit: a full limit just before an
/// edge is soon thought to lie further back. No number of smaller counters changes that bound.
/// Choose it for very many keys, in a [`FixedStore`](crate::FixedStore).
///
/// Limits above 16 777 215 are held as that. Time may go back by up to a window; further is
/// taken as a new start; and so, of 65 536 idle windows, two are taken for the ones next to it,
/// which may delay a key by up to three windows. When the window's length changes, what is used counts as used now.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApproxWindow {
    /// The number of the window last charged in the upper 16 bits, then 24 bits each of the
    /// counts before and in it.
    word: u64,
}

const COUNT_BITS: u32 = 24;
const MAX_COUNT: u32 = (1 << COUNT_BITS) - 1;

/// The two counters as they stand at one time.
struct View {
    /// Number of the window; its lower 16 bits are kept.
    index: u64,
    /// How far into it, and that time itself, which is `now` unless it went back.
    elapsed: u64,
    now: u64,
    before: u32,
    within: u32,
}

impl ApproxWindow {
    fn view(self, now: u64, quota: Quota) -> View {
        let window = quota.window_nanos();
        let [within, before] = [self.word, self.word >> COUNT_BITS]
            .map(|bits| u32::try_from(bits & u64::from(MAX_COUNT)).unwrap_or(MAX_COUNT));
        let mut index = now / window;
        let view = |before, within| View {
            index,
            elapsed: now % window,
            now,
            before,
            within,
        };
        match truncated(index).wrapping_sub(truncated(self.word >> (2 * COUNT_BITS))) {
            0 => view(before, within),
            1 => view(within, 0),
            // One window back: as at the start of the one last charged.
            u16::MAX => {
                index = index.saturating_add(1);
                View {
                    index,
                    elapsed: 0,
                    now: index.saturating_mul(window),
                    before,
                    within,
                }
            }
            _ => view(0, 0),
        }
    }

    fn keep(&mut self, index: u64, before: u32, within: u32) {
        let [before, within] = [before, within].map(|count| u64::from(count.min(MAX_COUNT)));
        self.word =
            (u64::from(truncated(index)) << (2 * COUNT_BITS)) | (before << COUNT_BITS) | within;
    }
}

fn truncated(index: u64) -> u16 {
    u16::try_from(index & u64::from(u16::MAX)).unwrap_or_default()
}

impl View {
    /// What counts, rounded up.
    fn current(&self, quota: Quota) -> u32 {
        let window = u128::from(quota.window_nanos());
        let unseen = u128::from(self.elapsed);
        let seen = (u128::from(self.before) * (window - unseen)).div_ceil(window);
        self.within
            .saturating_add(u32::try_from(seen).unwrap_or(u32::MAX))
    }

    /// How long until at most `most` count.
    fn until(&self, now: u64, most: u32, quota: Quota) -> Duration {
        let window = quota.window_nanos();
        let (edge, shrinking, left) = match most.checked_sub(self.within) {
            Some(left) => (self.now - self.elapsed, self.before, left),
            // Not before the next window, where what is counted in this one begins to fade.
            None => (
                (self.now - self.elapsed).saturating_add(window),
                self.within,
                most,
            ),
        };
        let seen = u128::from(left) * u128::from(window) / u128::from(shrinking.max(1));
        let unseen = window.saturating_sub(u64::try_from(seen).unwrap_or(u64::MAX));
        Duration::from_nanos(edge.saturating_add(unseen).saturating_sub(now))
    }
}

impl Algorithm for ApproxWindow {
    fn check(&self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied> {
        let wanted = cost.max(1);
        let limit = quota.limit().min(MAX_COUNT);
        let Some(most) = limit.checked_sub(wanted) else {
            return Err(Denied::new(quota, Duration::MAX));
        };
        let view = self.view(now, quota);
        match most.checked_sub(view.current(quota)) {
            Some(left) => Ok(Admission::new(quota, left + (wanted - cost)).stamped(view.now)),
            None => Err(Denied::new(quota, view.until(now, most, quota))),
        }
    }

    fn charge(&mut self, now: u64, cost: u32, quota: Quota) {
        let view = self.view(now, quota);
        self.keep(view.index, view.before, view.within.saturating_add(cost));
    }

    fn refund(&mut self, now: u64, at: Option<u64>, cost: u32, quota: Quota) {
        let view = self.view(now, quota);
        let window = quota.window_nanos();
        let (mut before, mut within) = (view.before, view.within);
        match at.map(|at| view.index.saturating_sub(at / window)) {
            Some(0) => within = within.saturating_sub(cost),
            Some(1) => before = before.saturating_sub(cost),
            Some(_) => {}
            None => {
                let left = cost.saturating_sub(before);
                before = before.saturating_sub(cost);
                within = within.saturating_sub(left);
            }
        }
        self.keep(view.index, before, within);
    }

    fn usage(&self, now: u64, quota: Quota) -> Usage {
        let next_admission = match self.check(now, 1, quota) {
            Ok(_) => Duration::ZERO,
            Err(denied) => denied.retry_after,
        };
        Usage {
            current: self.view(now, quota).current(quota),
            maximum: quota.limit().min(MAX_COUNT),
            next_admission,
        }
    }

    fn is_spent(&self, now: u64, quota: Quota) -> bool {
        let view = self.view(now, quota);
        view.before == 0 && view.within == 0
    }

    fn change_quota(&mut self, now: u64, from: Quota, to: Quota) {
        if from.window_nanos() != to.window_nanos() {
            let used = self.view(now, from).current(from);
            self.keep(now / to.window_nanos(), 0, used);
        }
    }
}

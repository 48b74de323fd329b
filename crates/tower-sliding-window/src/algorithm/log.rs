use std::{collections::VecDeque, time::Duration};

use crate::{Admission, Denied, Quota, Usage};

/// A log of charges, oldest first. The newest entry is kept in place, so that a key with one
/// request needs nothing on the heap.
///
/// Its time never runs back: the newest entry's is the latest this log has charged anything at.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    /// The newest entry; `count` is zero only when the log is empty.
    last: u64,
    count: u32,
    /// Sum of the counts in `older`.
    older_charged: u32,
    /// When the newest entry was opened.
    opened: u64,
    #[allow(clippy::box_collection, reason = "one word where most keys need none")]
    older: Option<Box<VecDeque<Entry>>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When its last charge happened.
    last: u64,
    count: u32,
}

impl Log {
    pub(super) fn check(&self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied> {
        let wanted = cost.max(1);
        let room = quota.limit().saturating_sub(self.current(now, quota));
        if wanted <= room {
            Ok(Admission::new(quota, room - cost).stamped(self.forward(now)))
        } else {
            Err(Denied::new(quota, self.until_room(now, wanted, quota)))
        }
    }

    /// Charges `cost`; within `quantum` of the newest entry's opening it joins that one.
    pub(super) fn charge(&mut self, now: u64, cost: u32, quota: Quota, quantum: u64) {
        let now = self.forward(now);
        self.expire(now, quota);
        let cost = cost.min(u32::MAX - self.charged());
        if cost == 0 {
            return;
        }
        if self.count > 0 {
            if self.last == now || now - self.opened < quantum {
                self.last = now;
                self.count += cost;
                return;
            }
            let newest = Entry {
                last: self.last,
                count: self.count,
            };
            self.older_charged += newest.count;
            self.older.get_or_insert_default().push_back(newest);
        }
        self.opened = now;
        self.last = now;
        self.count = cost;
    }

    /// Takes back from the entry that `at` fell into: the oldest that ended no earlier. Without
    /// `at`, from the oldest ones. What stays in the log is never older than what it stands for.
    pub(super) fn refund(
        &mut self,
        now: u64,
        at: Option<u64>,
        cost: u32,
        quota: Quota,
        quantum: u64,
    ) {
        let now = self.forward(now);
        self.expire(now, quota);
        if at.is_some_and(|at| now.saturating_sub(at) >= quota.window_nanos()) {
            return;
        }
        let mut left = cost;
        if let Some(older) = &mut self.older {
            let first = older.partition_point(|entry| at.is_some_and(|at| entry.last < at));
            for entry in older.iter_mut().skip(first) {
                let taken = entry.count.min(left);
                entry.count -= taken;
                self.older_charged -= taken;
                left -= taken;
                if at.is_some() || left == 0 {
                    left = 0;
                    break;
                }
            }
            older.retain(|entry| entry.count > 0);
        }
        if at.is_none_or(|at| at >= self.opened) {
            self.count = self.count.saturating_sub(left);
        }
        if self.count == 0
            && let Some(newest) = self.older.as_mut().and_then(|older| older.pop_back())
        {
            self.older_charged -= newest.count;
            self.last = newest.last;
            self.count = newest.count;
            // When it was opened is not known any more; nothing joins it from here on.
            self.opened = newest.last.saturating_sub(quantum);
        }
    }

    pub(super) fn usage(&self, now: u64, quota: Quota) -> Usage {
        let current = self.current(now, quota);
        let next_admission = if current < quota.limit() {
            Duration::ZERO
        } else {
            self.until_room(now, 1, quota)
        };
        Usage {
            current,
            maximum: quota.limit(),
            next_admission,
        }
    }

    pub(super) fn is_spent(&self, now: u64, quota: Quota) -> bool {
        self.count == 0 || now.saturating_sub(self.last) >= quota.window_nanos()
    }

    fn current(&self, now: u64, quota: Quota) -> u32 {
        let now = self.forward(now);
        let window = quota.window_nanos();
        if now - self.last >= window {
            return 0;
        }
        let expired = self
            .older()
            .take_while(|entry| now - entry.last >= window)
            .map(|entry| entry.count)
            .sum::<u32>();
        self.charged() - expired
    }

    /// How long until the entries still counted leave room for `wanted`. Not merely the oldest
    /// one's expiry: for a cost above 1, or after the limit was lowered, several must go.
    fn until_room(&self, now: u64, wanted: u32, quota: Quota) -> Duration {
        let Some(most) = quota.limit().checked_sub(wanted) else {
            return Duration::MAX;
        };
        let newest = Entry {
            last: self.last,
            count: self.count,
        };
        let mut left = self.charged();
        let mut free_at = now;
        for entry in self.older().copied().chain([newest]) {
            if left <= most {
                break;
            }
            left -= entry.count;
            free_at = entry.last.saturating_add(quota.window_nanos());
        }
        Duration::from_nanos(free_at.saturating_sub(now))
    }

    fn expire(&mut self, now: u64, quota: Quota) {
        let window = quota.window_nanos();
        if let Some(older) = &mut self.older {
            while let Some(oldest) = older.front()
                && now - oldest.last >= window
            {
                self.older_charged -= oldest.count;
                older.pop_front();
            }
        }
        if now - self.last >= window {
            self.count = 0;
        }
    }

    fn older(&self) -> impl Iterator<Item = &Entry> {
        self.older.iter().flat_map(|older| older.iter())
    }

    const fn charged(&self) -> u32 {
        self.older_charged + self.count
    }

    fn forward(&self, now: u64) -> u64 {
        now.max(self.last)
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.older().count() + usize::from(self.count > 0)
    }
}

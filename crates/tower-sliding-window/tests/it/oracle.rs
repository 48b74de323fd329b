use std::time::Duration;

use tower_sliding_window::Quota;

/// An exact log: slow and obvious.
#[derive(Clone, Default)]
pub(crate) struct ExactLog {
    /// One time for each unit of cost.
    pub(crate) admitted: Vec<u64>,
}

impl ExactLog {
    pub(crate) fn admit(&mut self, now: u64, quota: Quota) -> bool {
        self.admit_cost(now, 1, quota)
    }

    pub(crate) fn admit_cost(&mut self, now: u64, cost: u32, quota: Quota) -> bool {
        let window = nanos(quota.window());
        let counted = self.admitted.iter().filter(|&&at| now - at < window);
        let room = counted.count() + cost.max(1) as usize <= quota.limit() as usize;
        if room {
            self.charge(now, cost);
        }
        room
    }

    pub(crate) fn charge(&mut self, now: u64, cost: u32) {
        self.admitted.extend((0..cost).map(|_| now));
    }

    pub(crate) fn refund(&mut self, at: u64, cost: u32) {
        for _ in 0..cost {
            if let Some(position) = self.admitted.iter().position(|&time| time == at) {
                self.admitted.remove(position);
            }
        }
    }
}

/// The most admissions any window holds, by trying the window that starts at each of them.
pub(crate) fn most_in_any_window(admitted: &[u64], window: Duration) -> usize {
    let window = nanos(window);
    admitted
        .iter()
        .enumerate()
        .map(|(i, &start)| {
            admitted[i..]
                .iter()
                .take_while(|&&at| at - start < window)
                .count()
        })
        .max()
        .unwrap_or(0)
}

pub(crate) fn quota(limit: u32, window: Duration) -> Quota {
    Quota::new(limit, window).unwrap()
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}

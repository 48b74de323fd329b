use std::time::Duration;

use tower_sliding_window::Quota;

/// An exact log: slow and obvious.
#[derive(Clone, Default)]
pub(crate) struct ExactLog {
    admitted: Vec<u64>,
}

impl ExactLog {
    pub(crate) fn admit(&mut self, now: u64, quota: Quota) -> bool {
        let window = nanos(quota.window());
        let current = self
            .admitted
            .iter()
            .filter(|&&at| now - at < window)
            .count();
        let room = current < quota.limit() as usize;
        if room {
            self.admitted.push(now);
        }
        room
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

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}

use super::{Algorithm, log::Log};
use crate::{Admission, Denied, Quota, Usage};

/// An exact log: never more than the limit in any span of the window's length, and never less
/// than that allows.
///
/// Every admission has an entry of its own (those of the same nanosecond share one), so memory
/// grows with the limit: 16 bytes for each admission still counted. For small limits, and for
/// agreements in which each call counts; otherwise [`SlidingWindow`](crate::SlidingWindow) gives
/// the same guarantee in bounded memory.
#[derive(Debug, Clone, Default)]
pub struct SlidingLog(Log);

/// No charge joins the entry of another time.
const EXACT: u64 = 0;

impl Algorithm for SlidingLog {
    fn check(&self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied> {
        self.0.check(now, cost, quota)
    }

    fn charge(&mut self, now: u64, cost: u32, quota: Quota) {
        self.0.charge(now, cost, quota, EXACT);
    }

    fn refund(&mut self, now: u64, at: Option<u64>, cost: u32, quota: Quota) {
        self.0.refund(now, at, cost, quota, EXACT);
    }

    fn usage(&self, now: u64, quota: Quota) -> Usage {
        self.0.usage(now, quota)
    }

    fn is_spent(&self, now: u64, quota: Quota) -> bool {
        self.0.is_spent(now, quota)
    }
}

use std::time::Duration;

/// One retry, in the unit the bucket counts in.
const RETRY: u64 = 1000;

/// How long deposits are kept for bad times.
const MEMORY: Duration = Duration::from_secs(10);

/// What a bucket is refilled by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refill {
    // Thousandths of a retry for each success.
    share: u32,
    // Retries.
    reserve: u32,
}

impl Refill {
    pub(crate) fn new(share: f64, reserve: u32) -> Self {
        Self {
            // The cast takes what is not a number for zero.
            share: (share.clamp(0.0, 1.0) * RETRY as f64).round() as u32,
            reserve,
        }
    }

    pub(crate) fn share(self) -> f64 {
        f64::from(self.share) / RETRY as f64
    }

    fn reserve(self) -> u32 {
        thousandths(u64::from(self.reserve) * RETRY)
    }

    fn earned(self, successes: u64) -> u32 {
        thousandths(successes.saturating_mul(u64::from(self.share)))
    }
}

/// Retries that may be made. What is taken out was put in before, the reserve at the very start and
/// a share for each success: no cap and no passing of time ever adds to it.
///
/// It holds no more than the reserve and what came in lately, so that it neither saves up for a
/// storm over days of health nor, with much traffic, runs dry in a moment's trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    // Both in thousandths of a retry.
    balance: u32,
    // What came in, the older the less of it.
    recent: u32,
}

impl Bucket {
    pub(crate) fn full(refill: Refill) -> Self {
        Self {
            balance: refill.reserve(),
            recent: 0,
        }
    }

    /// Pays in for `successes`, spread over the `elapsed` time since it was done last.
    pub(crate) fn refilled(self, refill: Refill, successes: u64, elapsed: Duration) -> Self {
        let earned = refill.earned(successes);
        let age = elapsed.as_secs_f64() / MEMORY.as_secs_f64();
        let kept = (-age).exp();
        // The mean of `kept` over the time in which the successes came.
        let kept_of_earned = if age > 0.0 { (1.0 - kept) / age } else { 1.0 };
        let recent = f64::from(self.recent) * kept + f64::from(earned) * kept_of_earned;
        // The cast saturates.
        let recent = recent as u32;
        let balance = self.balance.saturating_add(earned);
        Self {
            balance: balance.min(refill.reserve().saturating_add(recent)),
            recent,
        }
    }

    /// Takes out `retries`; `None` if there are not as many.
    pub(crate) fn withdrawn(self, retries: u32) -> Option<Self> {
        let cost = u32::try_from(u64::from(retries) * RETRY).ok()?;
        let balance = self.balance.checked_sub(cost)?;
        Some(Self { balance, ..self })
    }

    pub(crate) fn retries(self) -> u32 {
        self.balance / RETRY as u32
    }

    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.balance) << 32 | u64::from(self.recent)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self {
            balance: (bits >> 32) as u32,
            recent: bits as u32,
        }
    }
}

/// Saturates at some four million retries.
fn thousandths(amount: u64) -> u32 {
    u32::try_from(amount).unwrap_or(u32::MAX)
}

use std::{fmt, sync::Arc};

use tokio::time::Instant;

mod account;
mod bucket;

/// Where the account's atomics come from.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

use self::{account::Account, bucket::Refill};

/// How many retries there may be for a number of calls, so that an upstream in trouble gets little
/// more traffic than a healthy one.
///
/// A call that succeeds at its *first* attempt earns a share of a retry; a retry that succeeds earns
/// nothing. Each retry is paid for when it is decided on, before its delay, and not paid back when
/// the call is dropped. When there is not enough, the call ends with the result it has.
///
/// The budget starts with a reserve. From then on it holds at most the reserve and what was earned
/// in about the last 10 s, so that what it permits in a moment's trouble grows and shrinks with the
/// traffic. Of `c` calls at most `share * c + reserve` are retried, whatever share of them fails:
/// the attempts for a call are at most `1 + share + reserve / c`.
///
/// Clones share the account. Layers to the same upstream may share a budget; those to different
/// ones should not, lest the trouble of one is paid for by the other.
///
/// There is no lock; 64 bytes or so, whatever the traffic.
///
/// ```
/// use tower_retry_backoff::{Budget, RetryLayer, Verdict};
///
/// let budget = Budget::new(0.1).reserve(3);
/// let layer = RetryLayer::new(|_: Result<&(), &std::fmt::Error>| Verdict::retry())
///     .budget(budget.clone());
/// assert_eq!(budget.retries(), 3);
/// # let _ = layer;
/// ```
#[derive(Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

struct Shared {
    account: Account,
    opened: Instant,
}

impl Budget {
    /// `share` of a retry for each call that succeeds at once, rounded to a thousandth. It is between
    /// 0 and 1: what is outside counts as the nearer of the two, and what is not a number as 0.
    ///
    /// The reserve is 10 retries: enough for a program that makes a few calls and ends, and nothing
    /// to a busy upstream.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self::open(share, 10)
    }

    /// The retries it starts with. Makes a new account: clones made before are not changed.
    #[must_use]
    pub fn reserve(self, retries: u32) -> Self {
        Self::open(self.shared.account.refill().share(), retries)
    }

    /// The retries that could be made now.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.shared.account.retries(self.shared.opened.elapsed())
    }

    fn open(share: f64, reserve: u32) -> Self {
        let shared = Shared {
            account: Account::new(Refill::new(share, reserve)),
            opened: Instant::now(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn success(&self) {
        self.shared.account.success();
    }

    pub(crate) fn withdraw(&self, retries: u32, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.shared.opened);
        self.shared.account.withdraw(retries, now)
    }
}

impl Default for Budget {
    /// A fifth of a retry for each call that succeeds at once: what a healthy service can take on
    /// top of its traffic.
    fn default() -> Self {
        Self::new(0.2)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("share", &self.shared.account.refill().share())
            .field("retries", &self.retries())
            .finish_non_exhaustive()
    }
}

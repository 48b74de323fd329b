//! Where the windows of the keys live.

mod clock;
mod fixed;
mod line;
mod memory;
#[cfg(feature = "redis")]
pub mod redis;
mod shard;

pub(crate) use self::clock::Now;
pub use self::{
    fixed::FixedStore,
    memory::{DEFAULT_MAX_KEYS, MemoryStore},
};

use crate::{Admission, Denied, Quota};

/// Where the windows of the keys live, and where requests are decided.
///
/// A store always decides: what a store of another process answers when it cannot be reached
/// (let pass, refuse, share out locally) is a choice of that store, not an error of the request.
///
/// A clone shares the windows.
pub trait Store<K> {
    /// The decision. A store in memory answers with [`std::future::Ready`].
    ///
    /// It is polled once where it was made, with a waker that does nothing, and moved into the
    /// response future only if that was not enough; hence `Unpin`. So a store that answers at
    /// once costs neither a box nor a clone of the inner service. Dropped before it is ready, it
    /// may or may not have charged the request.
    type Admit: Future<Output = Result<Admission, Denied>> + Unpin;

    /// Decides one request and, if it passes, charges it to all of its quotas; a refused one is
    /// charged to none.
    fn admit(&self, charge: Charge<'_, K>) -> Self::Admit;
}

/// A store that can correct what a request was charged, once that is known; see
/// [`RateLimitLayer::cost_on_response`](crate::RateLimitLayer::cost_on_response).
///
/// Neither waits: a store in memory does it at once, one across a network sends it on its way.
pub trait Adjust<K>: Store<K> {
    /// Charges `charge.cost` to all of its quotas, whether there is room or not.
    fn charge(&self, charge: Charge<'_, K>);

    /// Takes `charge.cost` back from all of its quotas. `stamp` is the [`Admission::stamp`] of
    /// when it was charged; what no longer counts is not given back.
    fn refund(&self, charge: Charge<'_, K>, stamp: u64);
}

/// One request as a [`Store`] sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Charge<'a, K> {
    /// Whom it is counted for.
    pub key: &'a K,
    /// The first of the quotas to hold; a request without any never reaches the store.
    pub quota: Quota,
    /// The other tiers, mostly none.
    pub further: &'a [Quota],
    /// How much of each quota it takes. A cost above a limit never passes.
    pub cost: u32,
}

/// By hand, since a reference to a key copies whatever the key is.
impl<K> Clone for Charge<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Charge<'_, K> {}

impl<'a, K> Charge<'a, K> {
    /// One request of `key`, held to one quota.
    #[must_use]
    pub const fn new(key: &'a K, quota: Quota) -> Self {
        Self {
            key,
            quota,
            further: &[],
            cost: 1,
        }
    }

    /// How much of each quota it takes. Default: 1.
    #[must_use]
    pub const fn cost(mut self, cost: u32) -> Self {
        self.cost = cost;
        self
    }

    /// Holds it to these quotas too.
    #[must_use]
    pub const fn further(mut self, quotas: &'a [Quota]) -> Self {
        self.further = quotas;
        self
    }
}

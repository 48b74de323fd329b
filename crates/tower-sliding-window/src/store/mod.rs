//! Where the windows of the keys live.

mod memory;
mod shard;

pub use self::memory::{DEFAULT_MAX_KEYS, MemoryStore};

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
}

impl<'a, K> Charge<'a, K> {
    /// One request of `key`, held to one quota.
    #[must_use]
    pub const fn new(key: &'a K, quota: Quota) -> Self {
        Self {
            key,
            quota,
            further: &[],
        }
    }

    /// Holds it to these quotas too.
    #[must_use]
    pub const fn further(mut self, quotas: &'a [Quota]) -> Self {
        self.further = quotas;
        self
    }
}

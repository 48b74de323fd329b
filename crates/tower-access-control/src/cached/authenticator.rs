use std::{
    fmt,
    future::Future,
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use pin_project_lite::pin_project;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::entries::{Digest, Entries, Now};
use crate::{Authenticator, Challenge, Credential, Presented, Rejection, Verified, metrics};

/// Remembers for a while which credentials were good, and whose they are.
///
/// An entry ends with the time to live, or with its credential if that is sooner. Only what was
/// good is remembered, by its SHA-256; the credential itself isn't kept.
///
/// For one authenticator; inside [`any_of`](crate::any_of), wrap those that are worth it.
///
/// # Cost
///
/// One lock, held for a look at a hash table. About 100 bytes for each entry besides the
/// principal, of which there are never more than the capacity (rounded up to an even number). When
/// that is reached, those not used lately go.
pub struct Cached<A: Authenticator> {
    authenticator: A,
    time_to_live: Duration,
    handle: CacheHandle<A::Principal>,
}

impl<A: Authenticator> Cached<A> {
    /// Remembers at most `capacity` credentials of `authenticator`, each for `time_to_live`: that
    /// is how late a revocation can be noticed when [`CacheHandle`] isn't told of it.
    pub fn new(authenticator: A, capacity: NonZeroUsize, time_to_live: Duration) -> Self {
        Self {
            authenticator,
            time_to_live,
            handle: CacheHandle {
                entries: Arc::new(Mutex::new(Entries::new(capacity.get()))),
            },
        }
    }

    /// To forget entries with.
    #[must_use]
    pub fn handle(&self) -> CacheHandle<A::Principal> {
        self.handle.clone()
    }
}

/// Makes a [`Cached`] forget, so that the authenticator is asked again. Clones act on the same.
///
/// A verification that is under way meanwhile isn't remembered either.
pub struct CacheHandle<P> {
    entries: Arc<Mutex<Entries<P>>>,
}

impl<P> CacheHandle<P> {
    /// Forgets this credential, given as it is sent, without `Bearer`.
    pub fn forget(&self, credential: &str) {
        self.lock().forget(&digest(credential.as_bytes()));
    }

    /// Forgets those whose principal this is true of: all that a user has, say. Looks at every
    /// entry, under the lock.
    pub fn forget_where(&self, whose: impl FnMut(&P) -> bool) {
        self.lock().forget_where(whose);
    }

    // Poisoned or not, both tables are whole: what can panic in between is the product's `Clone`
    // or predicate, which loses an entry at worst.
    fn lock(&self) -> MutexGuard<'_, Entries<P>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(credential: &[u8]) -> Digest {
    Sha256::digest(credential).into()
}

impl<A> Authenticator for Cached<A>
where
    A: Authenticator<Credential = Credential>,
    A::Principal: Clone,
{
    type Credential = Credential;
    type Principal = A::Principal;
    type Future = CachedFuture<A::Future, A::Principal>;

    fn present(&self, headers: &HeaderMap) -> Result<Presented<Credential>, Rejection> {
        self.authenticator.present(headers)
    }

    fn verify(&self, credential: Credential, wall: SystemTime) -> Self::Future {
        let digest = digest(credential.as_bytes());
        let steady = Instant::now();
        let mut entries = self.handle.lock();
        let known = entries.get(&digest, Now { wall, steady });
        let epoch = entries.epoch();
        drop(entries);
        metrics::cache(known.is_some());
        CachedFuture {
            state: match known {
                Some(verified) => State::Known {
                    verified: Some(verified),
                },
                None => State::Verifying {
                    decision: self.authenticator.verify(credential, wall),
                    handle: self.handle.clone(),
                    digest,
                    time_to_live: self.time_to_live,
                    epoch,
                },
            },
        }
    }

    fn challenges(&self, list: &mut Vec<Challenge>) {
        self.authenticator.challenges(list);
    }
}

pin_project! {
    /// The decision of a [`Cached`].
    ///
    /// # Panics
    ///
    /// When polled after it has completed.
    pub struct CachedFuture<F, P> {
        #[pin]
        state: State<F, P>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, P> {
        // Empty once it was told.
        Known { verified: Option<Verified<P>> },
        // Polls the authenticator's decision.
        Verifying {
            #[pin]
            decision: F,
            handle: CacheHandle<P>,
            digest: Digest,
            time_to_live: Duration,
            epoch: u64,
        },
    }
}

impl<F, P> Future for CachedFuture<F, P>
where
    F: Future<Output = Result<Verified<P>, Rejection>>,
    P: Clone,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProj::Known { verified } => match verified.take() {
                Some(verified) => Poll::Ready(Ok(verified)),
                None => panic!("`CachedFuture` polled after completion"),
            },
            StateProj::Verifying {
                decision,
                handle,
                digest,
                time_to_live,
                epoch,
            } => {
                let decided = ready!(decision.poll(cx));
                // A time to live beyond the clock is none worth keeping.
                let fresh_until = Instant::now().checked_add(*time_to_live);
                if let (Ok(verified), Some(fresh_until)) = (&decided, fresh_until) {
                    let verified = verified.clone();
                    handle.lock().insert(*digest, verified, fresh_until, *epoch);
                }
                Poll::Ready(decided)
            }
        }
    }
}

/// By hand, since sharing needs no `Clone` of principals.
impl<P> Clone for CacheHandle<P> {
    fn clone(&self) -> Self {
        Self {
            entries: Arc::clone(&self.entries),
        }
    }
}

impl<P> fmt::Debug for CacheHandle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheHandle").finish_non_exhaustive()
    }
}

impl<A: Authenticator + fmt::Debug> fmt::Debug for Cached<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("authenticator", &self.authenticator)
            .field("time_to_live", &self.time_to_live)
            .finish_non_exhaustive()
    }
}

impl<F, P> fmt::Debug for CachedFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedFuture").finish_non_exhaustive()
    }
}

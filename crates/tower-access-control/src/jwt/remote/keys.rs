use std::{
    error, fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tower_service::Service;

use super::{
    future::RemoteKeysFuture,
    state::{Look, State, Times},
};
use crate::{
    Unavailable,
    jwt::{KeyError, KeySet, VerifyingKey, VerifyingKeys},
};

const FRESH_FOR: Duration = Duration::from_secs(10 * 60);
const STALE_FOR: Duration = Duration::from_secs(24 * 60 * 60);
const COOLDOWN: Duration = Duration::from_secs(30);
const ABSENT_FOR: Duration = Duration::from_secs(5 * 60);

/// The keys of a JWKS document, fetched when they are needed. Clones share them.
///
/// How to fetch is yours to say: `S` is a service from `()` to the document's bytes. Give it a
/// timeout and a limit of size; a fetch that never ends keeps those waiting who need a key that
/// isn't known.
///
/// - A document is fresh for 10 minutes. Then the next request fetches it anew, and others use the
///   old one meanwhile.
/// - When that fails, the old document is used for another day. Then tokens can't be checked:
///   [`Rejection::Unavailable`](crate::Rejection::Unavailable).
/// - A token that names an unknown key has the document fetched at once, since keys change; but not
///   within 30 s of the last fetch, and for the same name not within 5 minutes. So invented names
///   make two fetches a minute, at most.
/// - There is never more than one fetch at a time. When the request that does it is given up, the
///   next one begins anew.
///
/// # Cost
///
/// One lock for a look at the keys; nothing is allocated unless there is a fetch.
pub struct RemoteKeys<S> {
    fetch: S,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Held by the one that fetches.
    flight: tokio::sync::Mutex<()>,
}

impl<S> RemoteKeys<S> {
    /// Fetches with `fetch`, and not before a key is needed.
    pub fn new(fetch: S) -> Self {
        Self {
            fetch,
            shared: Arc::new(Shared {
                state: Mutex::new(State::new(Times {
                    fresh_for: FRESH_FOR,
                    stale_for: STALE_FOR,
                    cooldown: COOLDOWN,
                    absent_for: ABSENT_FOR,
                })),
                flight: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// How long a document is used before it is fetched anew. Default: 10 minutes; issuers publish
    /// a new key long before they use it.
    #[must_use]
    pub fn fresh_for(self, time: Duration) -> Self {
        self.shared.lock().times.fresh_for = time;
        self
    }

    /// How long it is used beyond that while it can't be fetched. Default: 24 h. A key withdrawn
    /// by the issuer is believed for as long.
    #[must_use]
    pub fn stale_for(self, time: Duration) -> Self {
        self.shared.lock().times.stale_for = time;
        self
    }

    /// How long there is no fetch after another. Default: 30 s.
    #[must_use]
    pub fn cooldown(self, time: Duration) -> Self {
        self.shared.lock().times.cooldown = time;
        self
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Poisoned or not, it is whole: nothing in it runs foreign code.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> VerifyingKeys for RemoteKeys<S>
where
    S: Service<()> + Clone + Send + 'static,
    S::Response: AsRef<[u8]>,
    S::Error: Into<Box<dyn error::Error + Send + Sync>>,
    S::Future: Send,
{
    type Future = RemoteKeysFuture;

    fn find(&self, id: Option<&str>) -> RemoteKeysFuture {
        let look = self.shared.lock().look(id, Instant::now());
        match look {
            Look::Known(key) => RemoteKeysFuture::known(Ok(key)),
            Look::Unavailable => RemoteKeysFuture::known(Err(Unavailable::new(TooEarly))),
            Look::Fetch(Some(key)) if self.shared.flight.try_lock().is_err() => {
                RemoteKeysFuture::known(Ok(Some(key)))
            }
            Look::Fetch(_) => RemoteKeysFuture::fetching(fetch(
                Arc::clone(&self.shared),
                self.fetch.clone(),
                id.map(Box::from),
            )),
        }
    }
}

async fn fetch<S>(
    shared: Arc<Shared>,
    service: S,
    id: Option<Box<str>>,
) -> Result<Option<Arc<VerifyingKey>>, Unavailable>
where
    S: Service<()>,
    S::Response: AsRef<[u8]>,
    S::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    let id = id.as_deref();
    let _flight = shared.flight.lock().await;
    // Somebody else may have fetched while we waited.
    let look = shared.lock().look(id, Instant::now());
    match look {
        Look::Known(key) => return Ok(key),
        Look::Unavailable => return Err(Unavailable::new(TooEarly)),
        Look::Fetch(_) => {}
    }
    let fetched = document(service).await;
    let now = Instant::now();
    let mut state = shared.lock();
    match fetched {
        Ok(set) => {
            let key = set.get(id).map(Arc::clone);
            state.fetched(Some(set), id, now);
            Ok(key)
        }
        Err(unavailable) => {
            state.fetched(None, id, now);
            match state.look(id, now) {
                Look::Known(key) | Look::Fetch(key @ Some(_)) => Ok(key),
                _ => Err(unavailable),
            }
        }
    }
}

async fn document<S>(mut service: S) -> Result<KeySet, Unavailable>
where
    S: Service<()>,
    S::Response: AsRef<[u8]>,
    S::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(Unavailable::new)?;
    let document = service.call(()).await.map_err(Unavailable::new)?;
    KeySet::from_jwks(document.as_ref()).map_err(|error: KeyError| Unavailable::new(error))
}

/// The last fetch has failed, and the next one isn't due.
#[derive(Debug)]
struct TooEarly;

impl fmt::Display for TooEarly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keys could not be fetched, and it is too early to try again")
    }
}

impl error::Error for TooEarly {}

impl<S: Clone> Clone for RemoteKeys<S> {
    fn clone(&self) -> Self {
        Self {
            fetch: self.fetch.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S> fmt::Debug for RemoteKeys<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").finish_non_exhaustive()
    }
}

use std::{
    error, fmt,
    future::{Future, Ready, ready},
    sync::{Arc, PoisonError, RwLock},
};

use http::request;

use crate::Secrets;

/// Finds the secrets that a request has to be signed with, by its headers and its URI.
///
/// Asked once the signature's headers have been judged, and before a byte of the body is read.
/// [`Secrets`] are their own answer; [`SharedSecrets`] are those of the moment; a function from
/// [`request::Parts`] to a future looks a tenant up.
pub trait KeyProvider {
    /// Of the answer.
    type Future: Future<Output = Result<Secrets, KeyError>>;

    /// The secrets of whoever the request says it is from. Nothing in `head` is verified yet.
    fn keys(&self, head: &request::Parts) -> Self::Future;
}

/// Why there are no secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Nobody goes by that name. Answered 401.
    Unknown,
    /// It can't be said now. Answered 503.
    Unavailable,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there are no secrets for this sender",
            Self::Unavailable => "the secrets can't be looked up",
        })
    }
}

impl error::Error for KeyError {}

impl KeyProvider for Secrets {
    type Future = Ready<Result<Self, KeyError>>;

    fn keys(&self, _: &request::Parts) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl<F, Fut> KeyProvider for F
where
    F: Fn(&request::Parts) -> Fut,
    Fut: Future<Output = Result<Secrets, KeyError>>,
{
    type Future = Fut;

    fn keys(&self, head: &request::Parts) -> Fut {
        self(head)
    }
}

/// Secrets that can be replaced while requests are served. A clone shares them.
///
/// A request under way keeps the secrets it has begun with.
#[derive(Debug, Clone)]
pub struct SharedSecrets {
    current: Arc<RwLock<Secrets>>,
}

impl SharedSecrets {
    /// Begins with these.
    #[must_use]
    pub fn new(secrets: impl Into<Secrets>) -> Self {
        Self {
            current: Arc::new(RwLock::new(secrets.into())),
        }
    }

    /// From the next request on these count.
    pub fn replace(&self, secrets: impl Into<Secrets>) {
        let secrets = secrets.into();
        // A whole value is put in place of another: it is never half written.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }
}

impl KeyProvider for SharedSecrets {
    type Future = Ready<Result<Secrets, KeyError>>;

    fn keys(&self, _: &request::Parts) -> Self::Future {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        ready(Ok(current.clone()))
    }
}

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use http::{HeaderMap, HeaderName};
use pin_project_lite::pin_project;

use super::{
    digest::KeyDigest,
    key,
    prefix::Prefix,
    store::{KeyStore, StoredKey},
};
use crate::{Authenticator, Challenge, Credential, Flaw, Place, Presented, Rejection, Verified};

/// Authenticates by API keys.
#[derive(Debug, Clone)]
pub struct ApiKeys<K> {
    prefix: Prefix,
    place: Place,
    store: K,
}

impl<K> ApiKeys<K> {
    /// Keys with this prefix, sent as `Authorization: Bearer …`, kept in `store`.
    #[must_use]
    pub const fn new(prefix: Prefix, store: K) -> Self {
        Self {
            prefix,
            place: Place::Bearer,
            store,
        }
    }

    /// Looks for keys in a header of their own, and there alone. Default: `Authorization`.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.place = Place::Header(name);
        self
    }
}

impl<K: KeyStore> Authenticator for ApiKeys<K> {
    type Credential = Credential;
    type Principal = K::Principal;
    type Future = ApiKeyFuture<K::Future>;

    fn present(&self, headers: &HeaderMap) -> Result<Presented<Credential>, Rejection> {
        Ok(match self.place.read(headers)? {
            None => Presented::Nothing,
            Some(text) if self.prefix.strip(text.as_bytes()).is_some() => {
                Presented::Credential(text)
            }
            Some(_) => Presented::Foreign,
        })
    }

    fn verify(&self, credential: Credential, now: SystemTime) -> Self::Future {
        let text = credential.as_bytes();
        match key::parse(&self.prefix, text) {
            Some(id) => ApiKeyFuture {
                // Hashed before the store is asked: what it answers doesn't show in the time.
                state: State::Finding {
                    found: self.store.find(id),
                    digest: KeyDigest::of(text),
                    now,
                },
            },
            None => ApiKeyFuture {
                state: State::Malformed,
            },
        }
    }

    fn challenges(&self, list: &mut Vec<Challenge>) {
        list.push(Challenge::from(&self.place));
    }
}

pin_project! {
    /// The decision of [`ApiKeys`].
    pub struct ApiKeyFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // Polls the store.
        Finding { #[pin] found: F, digest: KeyDigest, now: SystemTime },
        // No key; the store wasn't asked.
        Malformed,
    }
}

impl<F, P, E> Future for ApiKeyFuture<F>
where
    F: Future<Output = Result<Option<StoredKey<P>>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = Result<Verified<P>, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Finding { found, digest, now } => {
                Poll::Ready(match ready!(found.poll(cx)) {
                    Ok(stored) => {
                        judge(stored, *digest, *now).map_err(Rejection::InvalidCredential)
                    }
                    Err(error) => Err(Rejection::unavailable(error)),
                })
            }
            StateProj::Malformed => Poll::Ready(Err(Rejection::InvalidCredential(Flaw::Malformed))),
        }
    }
}

/// A key that doesn't exist costs a comparison like any other. That a key has expired learns only
/// who has it.
fn judge<P>(
    stored: Option<StoredKey<P>>,
    digest: KeyDigest,
    now: SystemTime,
) -> Result<Verified<P>, Flaw> {
    let expected = stored
        .as_ref()
        .map_or(KeyDigest::from_bytes([0; 32]), |stored| stored.digest);
    let right = expected == digest;
    match stored {
        Some(stored) if right => match stored.expires_at {
            Some(end) if end <= now => Err(Flaw::Expired),
            expires_at => Ok(Verified {
                principal: stored.principal,
                expires_at,
            }),
        },
        _ => Err(Flaw::Unknown),
    }
}

impl<F> fmt::Debug for ApiKeyFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyFuture").finish_non_exhaustive()
    }
}

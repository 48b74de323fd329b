use std::{error, future::Future, time::SystemTime};

use super::{digest::KeyDigest, key::KeyId};

/// Where keys are kept, by their ids.
///
/// A closure `Fn(KeyId) -> impl Future<Output = Result<Option<StoredKey<P>>, E>>` is a store.
pub trait KeyStore {
    /// Who holds a key.
    type Principal;
    /// Why a store can't tell. The request is then answered 503: that a key is wrong isn't known.
    type Error: Into<Box<dyn error::Error + Send + Sync>>;
    /// The answer.
    type Future: Future<Output = Result<Option<StoredKey<Self::Principal>>, Self::Error>>;

    /// The key of this id, or `None` when there is none (any more). Those that have expired may
    /// be left out.
    fn find(&self, id: KeyId) -> Self::Future;
}

impl<F, T, P, E> KeyStore for F
where
    F: Fn(KeyId) -> T,
    T: Future<Output = Result<Option<StoredKey<P>>, E>>,
    E: Into<Box<dyn error::Error + Send + Sync>>,
{
    type Principal = P;
    type Error = E;
    type Future = T;

    fn find(&self, id: KeyId) -> T {
        self(id)
    }
}

/// What is kept of a key.
#[derive(Debug, Clone)]
pub struct StoredKey<P> {
    /// Of the whole key.
    pub digest: KeyDigest,
    /// Who holds it; with the key's scopes, if it has any.
    pub principal: P,
    /// The first moment at which it isn't good any more. While one key replaces another, that is
    /// when the overlap of the two ends.
    pub expires_at: Option<SystemTime>,
}

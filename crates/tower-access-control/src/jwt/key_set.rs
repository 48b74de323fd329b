use std::{
    future::{Future, Ready, ready},
    sync::Arc,
};

use super::{
    jwk::{JwkSet, verifying_key},
    key::{KeyError, VerifyingKey},
};
use crate::Unavailable;

/// Where the keys of tokens come from: a [`KeySet`], [`RemoteKeys`](super::RemoteKeys), or a
/// source of your own.
pub trait VerifyingKeys {
    /// The key, or `None` when there is none of that id; an error when that can't be told.
    type Future: Future<Output = Result<Option<Arc<VerifyingKey>>, Unavailable>>;

    /// The key that a token names, or, when it names none, the one that needs no name.
    fn find(&self, id: Option<&str>) -> Self::Future;
}

/// Keys that are known. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Arc<[Arc<VerifyingKey>]>,
}

impl KeySet {
    /// The keys of a JWKS document (RFC 7517 section 5) that can verify the signature of a token
    /// here. Others are left out, as the standard asks: of unknown kinds, for encryption, too
    /// weak, and shared secrets, which have no place in such a document.
    ///
    /// A key without `alg` is for the algorithm of its curve, or for RS256.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] when the document isn't one.
    pub fn from_jwks(document: &[u8]) -> Result<Self, KeyError> {
        let set: JwkSet = serde_json::from_slice(document).map_err(|_| KeyError::Malformed)?;
        Ok(set.keys.iter().flat_map(verifying_key).collect())
    }

    /// The key of this id; the only key, if it has no id or the token names none.
    pub(super) fn get(&self, id: Option<&str>) -> Option<&Arc<VerifyingKey>> {
        let named = id.and_then(|id| self.keys.iter().find(|key| key.has_id(id)));
        named.or(match &*self.keys {
            [only] if id.is_none() || only.is_nameless() => Some(only),
            _ => None,
        })
    }
}

impl FromIterator<VerifyingKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().map(Arc::new).collect(),
        }
    }
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        [key].into_iter().collect()
    }
}

impl VerifyingKeys for KeySet {
    type Future = Ready<Result<Option<Arc<VerifyingKey>>, Unavailable>>;

    fn find(&self, id: Option<&str>) -> Self::Future {
        ready(Ok(self.get(id).map(Arc::clone)))
    }
}

use std::fmt;

use ::http::{HeaderName, Request, header::AUTHORIZATION};
use sha2::{Digest, Sha256};

use crate::KeyExtractor;

/// A header field that says who is asking, as a key: its digest, 16 bytes however long the value.
///
/// The credential itself is not kept. The digest is the same in every process, so it can be a key
/// in a store they share. Several lines of the field are one value; a request without it has no
/// key. Nothing is verified: put it behind what does, or each made-up value has a fresh quota.
///
/// ```
/// use http::Request;
/// use tower_sliding_window::{Credential, KeyExtractor};
///
/// let by_credential = Credential::authorization();
/// let request = |token: &str| Request::get("/").header("authorization", token).body(());
/// let (ada, ben) = (request("Bearer ada")?, request("Bearer ben")?);
/// assert!(by_credential.key(&ada).is_some());
/// assert_ne!(by_credential.key(&ada), by_credential.key(&ben));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Credential {
    field: HeaderName,
}

impl Credential {
    /// The `Authorization` field.
    #[must_use]
    pub const fn authorization() -> Self {
        Self {
            field: AUTHORIZATION,
        }
    }

    /// Another field, such as `x-api-key`.
    #[must_use]
    pub const fn in_field(field: HeaderName) -> Self {
        Self { field }
    }
}

/// The digest of a credential: the first half of its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialDigest([u8; 16]);

impl CredentialDigest {
    /// For the name of a key in a store that processes share.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Without the digest: a weak credential can be found from it.
impl fmt::Debug for CredentialDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialDigest(..)")
    }
}

impl<B> KeyExtractor<Request<B>> for Credential {
    type Key = CredentialDigest;

    fn key(&self, request: &Request<B>) -> Option<CredentialDigest> {
        let mut digest = Sha256::new();
        let mut present = false;
        for line in request.headers().get_all(&self.field) {
            if present {
                digest.update(b",");
            }
            digest.update(line.as_bytes());
            present = true;
        }
        if !present {
            return None;
        }
        let whole: [u8; 32] = digest.finalize().into();
        whole.first_chunk().copied().map(CredentialDigest)
    }
}

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::SecretError;

/// A secret shared with the provider of a webhook.
///
/// Kept as a keyed HMAC state rather than as its bytes; clones share it, and it is wiped when the
/// last one goes. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret {
    keyed: Arc<Hmac<Sha256>>,
}

impl Secret {
    /// Takes the secret as bytes, exactly as the provider uses it: text is taken as UTF-8, and
    /// neither trimmed nor decoded.
    ///
    /// The buffer handed over is wiped. Bytes that had to be copied out of a borrowed value stay
    /// where the caller has them.
    ///
    /// # Errors
    ///
    /// [`SecretError::Empty`] for zero bytes, most often an environment variable that is set to
    /// nothing.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.is_empty() {
            return Err(SecretError::Empty);
        }
        // HMAC takes a key of any length; only the signature of the constructor says otherwise.
        let keyed = Hmac::new_from_slice(&bytes).map_err(|_| SecretError::Empty)?;
        Ok(Self {
            keyed: Arc::new(keyed),
        })
    }

    /// A hash that starts from this key.
    pub(crate) fn start(&self) -> Hmac<Sha256> {
        Hmac::clone(&self.keyed)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The secrets a signature may be made with: one, or several while one replaces another.
///
/// Never empty. A request passes when any of them made its signature; each costs one more hash of
/// the body.
#[derive(Debug, Clone)]
pub struct Secrets {
    newest: Secret,
    older: Vec<Secret>,
}

impl Secrets {
    /// The secret in use, number 0 of [`Verified::key_index`](crate::Verified::key_index).
    #[must_use]
    pub fn new(newest: Secret) -> Self {
        Self {
            newest,
            older: Vec::new(),
        }
    }

    /// Also accepts a secret older than those given so far. It gets the next number.
    #[must_use]
    pub fn previous(mut self, older: Secret) -> Self {
        self.older.push(older);
        self
    }

    pub(crate) fn newest(&self) -> &Secret {
        &self.newest
    }

    pub(crate) fn older(&self) -> &[Secret] {
        &self.older
    }
}

impl From<Secret> for Secrets {
    fn from(secret: Secret) -> Self {
        Self::new(secret)
    }
}

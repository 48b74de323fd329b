use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Encoding, SecretError};

/// A secret shared with the provider of a webhook.
///
/// Clones share it, and it is wiped when the last one goes. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret {
    kept: Arc<Kept>,
}

struct Kept {
    bytes: Zeroizing<Vec<u8>>,
    /// The state of the commonest algorithm, keyed once.
    hmac_sha256: Hmac<Sha256>,
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
        let hmac_sha256 = Hmac::new_from_slice(&bytes).map_err(|_| SecretError::Empty)?;
        Ok(Self {
            kept: Arc::new(Kept { bytes, hmac_sha256 }),
        })
    }

    /// Takes a secret that the provider shows as text and uses as the bytes it stands for.
    ///
    /// # Errors
    ///
    /// [`SecretError::Malformed`] when `text` isn't written in `encoding`, and those of
    /// [`new`](Self::new).
    pub fn decode(text: &str, encoding: Encoding) -> Result<Self, SecretError> {
        Self::new(
            encoding
                .decode(text.as_bytes())
                .ok_or(SecretError::Malformed)?,
        )
    }

    /// Takes a secret of Standard Webhooks: base 64, with or without `whsec_` before it. A private
    /// key of version `v1a` stands after `whsk_`.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn standard_webhooks(text: &str) -> Result<Self, SecretError> {
        let text = text
            .strip_prefix("whsec_")
            .or_else(|| text.strip_prefix("whsk_"))
            .unwrap_or(text);
        Self::decode(text, Encoding::Base64)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.kept.bytes
    }

    /// A hash that starts from this key.
    pub(crate) fn hmac_sha256(&self) -> Hmac<Sha256> {
        self.kept.hmac_sha256.clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{Encoding, SecretError, tag::Tag};

/// A provider's public Ed25519 key (feature `ed25519`).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
}

impl PublicKey {
    /// Takes the 32 bytes of the key.
    ///
    /// # Errors
    ///
    /// [`SecretError::Malformed`] for what is no point of the curve, or one of small order, under
    /// which signatures can be made without a private key.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretError> {
        let bytes = bytes.try_into().map_err(|_| SecretError::Malformed)?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| SecretError::Malformed)?;
        if key.is_weak() {
            return Err(SecretError::Malformed);
        }
        Ok(Self { key })
    }

    /// Takes a key written as text; Discord shows its own in [`Encoding::Hex`].
    ///
    /// # Errors
    ///
    /// [`SecretError::Malformed`] also when `text` isn't written in `encoding`.
    pub fn decode(text: &str, encoding: Encoding) -> Result<Self, SecretError> {
        Self::new(
            &encoding
                .decode(text.as_bytes())
                .ok_or(SecretError::Malformed)?,
        )
    }

    /// Takes a key of Standard Webhooks `v1a`: base 64, with or without `whpk_` before it.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn standard_webhooks(text: &str) -> Result<Self, SecretError> {
        Self::decode(text.strip_prefix("whpk_").unwrap_or(text), Encoding::Base64)
    }

    /// Strict (RFC 8032 section 5.1.7 and no points of small order): each message has one
    /// signature.
    pub(crate) fn verifies(&self, message: &[u8], tag: &Tag) -> bool {
        Signature::from_slice(tag.as_bytes())
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(..)")
    }
}

/// Signs with the private key whose seed the bytes start with. `None` for fewer than 32.
pub(crate) fn sign(seed: &[u8], message: &[u8]) -> Option<Tag> {
    use ed25519_dalek::{Signer, SigningKey};

    let key = SigningKey::from_bytes(seed.first_chunk()?);
    Some(Tag::new(&key.sign(message).to_bytes()))
}

use std::fmt;

use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

use crate::{Secret, SignError, hex};

/// A signature in the making, fed with the bytes of a body. Made by [`Scheme::signer`].
///
/// [`Scheme::signer`]: crate::Scheme::signer
pub struct Signer {
    mac: Hmac<Sha256>,
    header: HeaderName,
    prefix: &'static str,
}

impl Signer {
    pub(crate) fn new(header: HeaderName, prefix: &'static str, secret: &Secret) -> Self {
        Self {
            mac: secret.start(),
            header,
            prefix,
        }
    }

    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.mac.update(bytes);
    }

    /// The headers to add to the request, after the last byte. The signature is marked
    /// [sensitive](HeaderValue::is_sensitive), which keeps it out of `Debug` output.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the scheme's text around the signature isn't legal in a header; not
    /// with [`Scheme::github`](crate::Scheme::github).
    pub fn finish(self) -> Result<HeaderMap, SignError> {
        let tag = hex::encode(&self.mac.finalize().into_bytes().into());
        let mut value = HeaderValue::try_from(format!("{}{tag}", self.prefix))
            .map_err(SignError::HeaderValue)?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(self.header, value)]))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

use std::fmt;

use hmac::{Hmac, Mac};
use http::HeaderValue;
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::{Rejection, Secrets};

/// An HMAC-SHA256.
pub(crate) type Tag = [u8; 32];

/// The check of one body, fed with its bytes as they come. Made by [`Scheme::verifier`].
///
/// How the bytes are split makes no difference. There is no limit here: bound what you feed.
///
/// [`Scheme::verifier`]: crate::Scheme::verifier
pub struct Verifier {
    claimed: Tag,
    newest: Hmac<Sha256>,
    older: Vec<Hmac<Sha256>>,
    verified: Verified,
}

impl Verifier {
    /// `verified` is what will be said of the request if the tag is right.
    pub(crate) fn new(claimed: Tag, secrets: &Secrets, verified: Verified) -> Self {
        Self {
            claimed,
            newest: secrets.newest().start(),
            older: secrets
                .older()
                .iter()
                .map(|secret| secret.start())
                .collect(),
            verified,
        }
    }

    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.newest.update(bytes);
        for mac in &mut self.older {
            mac.update(bytes);
        }
    }

    /// Compares, after the last byte. Takes the same time whichever secret matches, or none.
    ///
    /// # Errors
    ///
    /// [`Rejection::WrongSignature`] when no secret gives the signature in the header.
    pub fn finish(self) -> Result<Verified, Rejection> {
        let mut matched = Choice::from(0);
        let mut key_index = 0;
        for (index, mac) in (0_u64..).zip(std::iter::once(self.newest).chain(self.older)) {
            let equal = mac.finalize().into_bytes()[..].ct_eq(&self.claimed[..]);
            // The first that matches wins, should a secret be given twice.
            key_index.conditional_assign(&index, equal & !matched);
            matched |= equal;
        }
        if bool::from(matched) {
            // No more than there are secrets.
            let key_index = key_index as usize;
            Ok(Verified {
                key_index,
                ..self.verified
            })
        } else {
            Err(Rejection::WrongSignature)
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("scheme", &self.verified.scheme)
            .finish_non_exhaustive()
    }
}

/// What is known of a request whose signature is right. The layer puts it among the extensions of
/// the request the inner service gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    scheme: &'static str,
    key_index: usize,
    event: Option<HeaderValue>,
    delivery: Option<HeaderValue>,
}

impl Verified {
    pub(crate) fn new(
        scheme: &'static str,
        event: Option<HeaderValue>,
        delivery: Option<HeaderValue>,
    ) -> Self {
        Self {
            scheme,
            key_index: 0,
            event,
            delivery,
        }
    }

    /// The [name](crate::Scheme::name) of the scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.scheme
    }

    /// Which of the [`Secrets`] made the signature: 0 for the newest. Once it stays 0, the older
    /// ones can go.
    #[must_use]
    pub fn key_index(&self) -> usize {
        self.key_index
    }

    /// What happened, as the provider's header names it (`X-GitHub-Event`). `None` when the
    /// header is absent, repeated, or not visible ASCII.
    ///
    /// GitHub doesn't sign this header: whoever captured a request can send it with another.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        self.event.as_ref()?.to_str().ok()
    }

    /// The provider's number for this delivery (`X-GitHub-Delivery`). `None` when the header is
    /// absent, repeated, or not visible ASCII.
    ///
    /// GitHub doesn't sign this header: good for finding a delivery in a log, not for refusing
    /// one that was seen before.
    #[must_use]
    pub fn delivery(&self) -> Option<&str> {
        self.delivery.as_ref()?.to_str().ok()
    }
}

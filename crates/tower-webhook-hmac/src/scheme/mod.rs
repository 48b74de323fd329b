mod builder;
mod judge;
mod message;
mod part;
mod place;
mod presets;
mod signature;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue};

pub use self::{
    builder::SchemeBuilder,
    part::{Head, Part, PublicUrl, Source},
    signature::Signature,
};
pub(crate) use self::{
    judge::{read, read_timestamp},
    message::{Known, Message, Piece, digest, sign_message},
    place::Place,
};
use crate::{
    Encoding, Hash, Rejection, Secret, Secrets, SignError, Signer, Unit, Verified, Verifier,
    claim::Claim, tag::Tag,
};

/// How a provider signs: which header carries the signature, how it is written, what it covers.
///
/// Made by one of the providers' names, or from a description with [`hmac`](Self::hmac) and its
/// siblings. The algorithm is fixed by the scheme; nothing in a request can choose another. A
/// clone shares the description.
#[derive(Debug, Clone)]
pub struct Scheme {
    spec: Arc<Spec>,
}

/// A checked description.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) name: Cow<'static, str>,
    pub(crate) algorithm: Algorithm,
    pub(crate) signature: Signature,
    pub(crate) parts: Vec<Part>,
    pub(crate) timestamp: Option<Unit>,
    pub(crate) tolerance: Duration,
    pub(crate) url: Option<PublicUrl>,
    pub(crate) digest: Option<BodyDigest>,
    /// At least one.
    pub(crate) brands: Vec<Brand>,
    /// The message can be hashed while the body comes.
    pub(crate) streams: bool,
    pub(crate) id_is_signed: bool,
    /// In bytes.
    pub(crate) tag_len: usize,
    /// What a 401 says in `WWW-Authenticate` (RFC 9110 section 11.6.1).
    pub(crate) challenge: HeaderValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hmac(Hash),
    Digest(Hash),
    #[cfg(feature = "ed25519")]
    Ed25519,
}

impl Algorithm {
    /// Of a signature, in bytes.
    fn len(self) -> usize {
        match self {
            Self::Hmac(hash) | Self::Digest(hash) => hash.len(),
            #[cfg(feature = "ed25519")]
            Self::Ed25519 => 64,
        }
    }

    fn wants_whole_message(self) -> bool {
        !matches!(self, Self::Hmac(_))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct BodyDigest {
    pub(crate) source: Source,
    /// `{}` stands for the digest.
    pub(crate) pattern: String,
    pub(crate) hash: Hash,
    pub(crate) encoding: Encoding,
}

/// The places under one of the names they go by.
#[derive(Debug, Clone)]
pub(crate) struct Brand {
    pub(crate) signatures: Vec<Place>,
    pub(crate) id: Option<Place>,
    pub(crate) event: Option<Place>,
    pub(crate) timestamp: Option<Place>,
}

impl Scheme {
    /// Describes a scheme with an HMAC (RFC 2104). `name` is for logs, metrics and challenges.
    ///
    /// ```
    /// use tower_webhook_hmac::{Hash, Part, Scheme, Signature, Source, Unit};
    ///
    /// # fn main() -> Result<(), tower_webhook_hmac::SchemeError> {
    /// // X-Sig: ts=1614265330;h1=<hexadecimal>, over "<ts>:<body>"
    /// let scheme = Scheme::hmac("billing", Hash::Sha256)
    ///     .signature(Signature::header("x-sig").pairs(';', '=', "h1"))
    ///     .timestamp(Source::pair("ts"), Unit::Seconds)
    ///     .signed([Part::Timestamp, Part::literal(":"), Part::Body])
    ///     .build()?;
    /// # let _ = scheme;
    /// # Ok(())
    /// # }
    /// ```
    pub fn hmac(name: impl Into<Cow<'static, str>>, hash: Hash) -> SchemeBuilder {
        SchemeBuilder::new(name.into(), Algorithm::Hmac(hash))
    }

    /// Describes a scheme that hashes without a key and signs the secret among the rest
    /// ([`Part::Secret`]). With the secret first and one of these hashes, whoever saw a signature
    /// can lengthen what it covers; use it only where a provider has nothing else.
    pub fn digest(name: impl Into<Cow<'static, str>>, hash: Hash) -> SchemeBuilder {
        SchemeBuilder::new(name.into(), Algorithm::Digest(hash))
    }

    /// Describes a scheme with Ed25519 (RFC 8032; feature `ed25519`). Its keys are
    /// [`PublicKey`](crate::PublicKey)s.
    #[cfg(feature = "ed25519")]
    pub fn ed25519(name: impl Into<Cow<'static, str>>) -> SchemeBuilder {
        SchemeBuilder::new(name.into(), Algorithm::Ed25519)
    }

    /// Another tolerance for the timestamp: see [`SchemeBuilder::tolerance`].
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        Arc::make_mut(&mut self.spec).tolerance = tolerance;
        self
    }

    /// A short stable name, for logs and metrics: `github`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Judges the headers at the time `now` and starts the check of a body.
    ///
    /// # Errors
    ///
    /// The [`Rejection`]s that need no body: a missing or malformed signature, a timestamp outside
    /// the tolerance.
    pub fn verifier<'a>(
        &self,
        head: impl Into<Head<'a>>,
        secrets: &Secrets,
        now: SystemTime,
    ) -> Result<Verifier, Rejection> {
        Ok(Verifier::new(
            self.claim(head.into(), now)?,
            secrets.clone(),
        ))
    }

    /// Checks a body that is there in one piece.
    ///
    /// # Errors
    ///
    /// Those of [`verifier`](Self::verifier) and of [`Verifier::finish`].
    pub fn verify<'a>(
        &self,
        head: impl Into<Head<'a>>,
        secrets: &Secrets,
        now: SystemTime,
        body: impl AsRef<[u8]>,
    ) -> Result<Verified, Rejection> {
        let mut verifier = self.verifier(head, secrets, now)?;
        verifier.update(body.as_ref());
        verifier.finish()
    }

    /// Starts a signature over a body. For Ed25519 the secret is the private key: the 32 bytes of
    /// its seed.
    #[must_use]
    pub fn signer(&self, secret: &Secret) -> Signer {
        Signer::new(Arc::clone(&self.spec), secret.clone())
    }

    /// Signs a body that is there in one piece; the result belongs among the request's headers.
    ///
    /// For schemes that sign nothing but the body. With others use [`signer`](Self::signer).
    ///
    /// # Errors
    ///
    /// See [`Signer::finish`].
    pub fn sign(&self, secret: &Secret, body: impl AsRef<[u8]>) -> Result<HeaderMap, SignError> {
        let mut signer = self.signer(secret);
        signer.update(body.as_ref());
        signer.finish()
    }

    pub(crate) fn claim(&self, head: Head<'_>, now: SystemTime) -> Result<Box<Claim>, Rejection> {
        judge::judge(&self.spec, head, now)
    }

    /// Whether a verdict depends on what time it is.
    pub(crate) fn is_timed(&self) -> bool {
        self.spec.timestamp.is_some()
    }

    /// Whether a body has to be held until its end.
    pub(crate) fn keeps_body(&self) -> bool {
        self.spec.keeps_body()
    }

    pub(crate) fn challenge(&self) -> &HeaderValue {
        &self.spec.challenge
    }
}

impl Spec {
    /// A signature as it is written, without what stands around it.
    pub(crate) fn encode(&self, tag: &Tag) -> String {
        let len = self.tag_len.min(tag.as_bytes().len());
        self.signature.encode(&tag.as_bytes()[..len])
    }

    /// Whether something is in the body that is needed at its end.
    pub(crate) fn keeps_body(&self) -> bool {
        let in_body = |place: &Place| place.is_in_body();
        !self.streams
            || self.digest.is_some()
            || self.brands.iter().any(|brand| {
                brand.signatures.iter().any(in_body)
                    || [&brand.id, &brand.event, &brand.timestamp]
                        .into_iter()
                        .flatten()
                        .any(in_body)
            })
    }
}

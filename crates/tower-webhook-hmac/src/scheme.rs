use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    Rejection, Secret, Secrets, SignError, Signer, Verified, Verifier, hex, verifier::Tag,
};

/// How a provider signs: which header carries the signature, how it is written, what it covers.
///
/// The hash is fixed by the scheme; nothing in a request can choose another.
#[derive(Debug, Clone)]
pub struct Scheme {
    name: &'static str,
    /// Carries `prefix` and the tag in hexadecimal, and occurs once.
    signature: HeaderName,
    prefix: &'static str,
    /// What a 401 says in `WWW-Authenticate` (RFC 9110 section 11.6.1).
    challenge: HeaderValue,
    event: HeaderName,
    delivery: HeaderName,
}

impl Scheme {
    /// GitHub: `X-Hub-Signature-256: sha256=` and the HMAC-SHA256 of the body as 64 lowercase
    /// hexadecimal digits.
    ///
    /// The older `X-Hub-Signature` with SHA-1 is never looked at, so that a request can't choose
    /// the weaker one.
    #[must_use]
    pub fn github() -> Self {
        Self {
            name: "github",
            signature: HeaderName::from_static("x-hub-signature-256"),
            prefix: "sha256=",
            challenge: HeaderValue::from_static(
                r#"Webhook-Signature realm="github", header="X-Hub-Signature-256""#,
            ),
            event: HeaderName::from_static("x-github-event"),
            delivery: HeaderName::from_static("x-github-delivery"),
        }
    }

    /// A short stable name, for logs and metrics: `github`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Judges the headers and starts the check of a body.
    ///
    /// # Errors
    ///
    /// [`Rejection::MissingSignature`], [`Rejection::RepeatedSignature`] or
    /// [`Rejection::MalformedSignature`].
    pub fn verifier(&self, headers: &HeaderMap, secrets: &Secrets) -> Result<Verifier, Rejection> {
        let claimed = self.claimed(headers)?;
        let verified = Verified::new(
            self.name,
            only(headers, &self.event),
            only(headers, &self.delivery),
        );
        Ok(Verifier::new(claimed, secrets, verified))
    }

    /// Checks a body that is there in one piece.
    ///
    /// # Errors
    ///
    /// Those of [`verifier`](Self::verifier), and [`Rejection::WrongSignature`].
    pub fn verify(
        &self,
        headers: &HeaderMap,
        secrets: &Secrets,
        body: impl AsRef<[u8]>,
    ) -> Result<Verified, Rejection> {
        let mut verifier = self.verifier(headers, secrets)?;
        verifier.update(body.as_ref());
        verifier.finish()
    }

    /// Starts a signature over a body.
    #[must_use]
    pub fn signer(&self, secret: &Secret) -> Signer {
        Signer::new(self.signature.clone(), self.prefix, secret)
    }

    /// Signs a body that is there in one piece; the result belongs among the request's headers.
    ///
    /// # Errors
    ///
    /// See [`Signer::finish`].
    pub fn sign(&self, secret: &Secret, body: impl AsRef<[u8]>) -> Result<HeaderMap, SignError> {
        let mut signer = self.signer(secret);
        signer.update(body.as_ref());
        signer.finish()
    }

    pub(crate) fn challenge(&self) -> &HeaderValue {
        &self.challenge
    }

    /// The tag the request claims to be right.
    fn claimed(&self, headers: &HeaderMap) -> Result<Tag, Rejection> {
        let mut values = headers.get_all(&self.signature).iter();
        let value = values.next().ok_or(Rejection::MissingSignature)?;
        // Even two equal ones: which of them another hop read is not known here.
        if values.next().is_some() {
            return Err(Rejection::RepeatedSignature);
        }
        value
            .as_bytes()
            .strip_prefix(self.prefix.as_bytes())
            .and_then(hex::decode)
            .ok_or(Rejection::MalformedSignature)
    }
}

/// The value of a header that occurs once.
fn only(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.clone()),
        _ => None,
    }
}

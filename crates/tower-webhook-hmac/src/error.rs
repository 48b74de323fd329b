use std::{error, fmt};

use http::header::InvalidHeaderValue;

/// Why bytes were refused as a [`Secret`](crate::Secret) or as a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// Zero bytes: anyone can compute a signature under the empty key.
    Empty,
    /// Not written in the encoding, or no key.
    Malformed,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the webhook secret is empty"),
            Self::Malformed => f.write_str("the webhook secret isn't written as it should be"),
        }
    }
}

impl error::Error for SecretError {}

/// Why a [`SchemeBuilder`](crate::SchemeBuilder) describes no scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemeError {
    /// No [`signature`](crate::SchemeBuilder::signature) was given.
    NoSignature,
    /// Nothing is signed that a request could change.
    NothingSigned,
    /// Not the name of a header.
    HeaderName(String),
    /// The timestamp is signed, but it wasn't said where it stands.
    NoTimestamp,
    /// The id is signed, but it wasn't said where it stands.
    NoId,
    /// The public URL is signed, but it wasn't given.
    NoUrl,
    /// A [`Source::Pair`](crate::Source::Pair), but the signature doesn't stand among pairs.
    NoPairs,
    /// A shorter signature than 10 bytes (RFC 2104 section 5), or longer than the hash.
    Truncated(usize),
    /// The plain hash of what anyone knows: the secret is no part of it.
    NoSecret,
    /// The scheme's name isn't plain text of 1 to 64 letters, digits, `-`, `_` and `.`.
    Name,
}

impl fmt::Display for SchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => f.write_str("the scheme doesn't say where its signature stands"),
            Self::NothingSigned => f.write_str("the scheme signs nothing of a request"),
            Self::HeaderName(name) => write!(f, "{name:?} is not the name of a header"),
            Self::NoTimestamp => f.write_str("the scheme signs a timestamp that stands nowhere"),
            Self::NoId => f.write_str("the scheme signs an id that stands nowhere"),
            Self::NoUrl => f.write_str("the scheme signs a URL that wasn't given"),
            Self::NoPairs => f.write_str("the scheme's signature doesn't stand among pairs"),
            Self::Truncated(bytes) => write!(f, "a signature can't be cut to {bytes} bytes"),
            Self::NoSecret => f.write_str("a plain hash must cover the secret"),
            Self::Name => f.write_str("the scheme's name isn't short and plain"),
        }
    }
}

impl error::Error for SchemeError {}

/// Why a signature couldn't be made or written into headers.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignError {
    /// Something the signer writes isn't a legal header value.
    HeaderValue(InvalidHeaderValue),
    /// The scheme has a timestamp; say which with [`Signer::at`](crate::Signer::at).
    NoTimestamp,
    /// The scheme has an id; say which with [`Signer::id`](crate::Signer::id).
    NoId,
    /// What is signed isn't among what the signer was given: a header, the method, a field.
    NoField,
    /// The signature, the id or the timestamp belongs into the body or the query, which the
    /// signer doesn't write.
    NotInHeaders,
    /// The secret can't be the key of this algorithm: an Ed25519 seed has 32 bytes.
    Key,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeaderValue(_) => "the signature doesn't fit into its header",
            Self::NoTimestamp => "the scheme signs a timestamp and none was given",
            Self::NoId => "the scheme signs an id and none was given",
            Self::NoField => "the scheme signs something that wasn't given",
            Self::NotInHeaders => "the scheme doesn't keep its signature in headers",
            Self::Key => "the secret is no key of the scheme's algorithm",
        })
    }
}

impl error::Error for SignError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::HeaderValue(error) => Some(error),
            _ => None,
        }
    }
}
